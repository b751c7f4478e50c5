"""Whether a service is alive and ready, and what it waits for when it is not."""


class Health:
    """Named conditions that must hold before the service takes work.

    Live: the event loop answers. Ready: nothing is waited for. A service that drains is no longer ready.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}

    def wait_for(self, condition: str, reason: str) -> None:
        """State that `condition` does not hold; `reason` is a reason code or a short word."""
        self._waiting[condition] = reason

    def fulfil(self, condition: str) -> None:
        """State that `condition` holds; idempotent."""
        self._waiting.pop(condition, None)

    @property
    def is_ready(self) -> bool:
        return not self._waiting

    def get_waiting(self) -> dict[str, str]:
        """Condition to reason, of everything not ready."""
        return dict(self._waiting)
