"""Whether a service is ready, and which conditions it waits for."""


class Health:
    """Named conditions that must hold before the service takes work.

    Live: the event loop answers. Ready: every named condition holds. A service that drains is not ready.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}

    def wait_for(self, condition: str, reason: str) -> None:
        """Note that `condition` does not hold. `reason` is a reason code or a short word."""
        self._waiting[condition] = reason

    def fulfil(self, condition: str) -> None:
        """Note that `condition` holds. Idempotent."""
        self._waiting.pop(condition, None)

    @property
    def is_ready(self) -> bool:
        return not self._waiting

    def get_waiting(self) -> dict[str, str]:
        """Return the conditions that do not hold, each with its reason."""
        return dict(self._waiting)
