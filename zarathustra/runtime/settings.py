"""Settings: the environment, read once into a frozen dataclass.

A field `data_dir: Path` is the variable DATA_DIR or ZARATHUSTRA_DATA_DIR; a field with a default may be missing.
`Secret` fields are read from the file that NAME_FILE names, or from NAME; their repr is `***`. All problems are
reported at once.

Every field is declared with `setting`, which keeps its meaning beside it; `make generate` writes both into documents.

A variable that is no setting of the service is refused where it can be recognised: always behind the prefix, and
without it when it is nearly the name of a setting. Other names belong to the system.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_type_hints, overload

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, validate_length

T = TypeVar("T")

MEANING = "meaning"  # the key in a field's metadata
PREFIX = "ZARATHUSTRA_"
# The command line's own; a shell that uses it may also start a service.
CLIENT_VARIABLES = frozenset(
    {"ZARATHUSTRA_NETWORK", "ZARATHUSTRA_TICKETS", "ZARATHUSTRA_KEY_FILE", "ZARATHUSTRA_KEY_PASSWORD_FILE"}
)
NEARLY_THE_SAME = 0.9  # as difflib measures it: LOGLEVEL for LOG_LEVEL is refused; no setting is that near to another


@dataclasses.dataclass(frozen=True, repr=False)
class Secret:
    """A text that does not show itself. `reveal` gives it away."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def reveal_list(self) -> tuple[str, ...]:
        """The items of a comma-separated secret: URLs with a provider's key in them."""
        return _parse_list(self._value)

    def __repr__(self) -> str:
        return "***"


@overload
def setting(meaning: str) -> Any: ...
@overload
def setting(meaning: str, *, default: T) -> T: ...
def setting(meaning: str, *, default: Any = dataclasses.MISSING) -> Any:
    """A field of a settings class. `meaning` is one phrase for operators, without a full stop."""
    return dataclasses.field(default=default, metadata={MEANING: meaning})


def load_settings(settings_class: type[T], environ: Mapping[str, str]) -> T:
    """The settings in `environ`.

    Raises Invalid(BAD_SETTING) that names every missing, malformed and unknown variable.
    """
    hints = get_type_hints(settings_class)
    variables, problems = _take_variables(list_variables(settings_class), environ)
    values: dict[str, Any] = {}
    for field in _fields_of(settings_class):
        variable = field.name.upper()
        try:
            text = _read_text(variable, hints[field.name], variables)
            if text is not None:
                values[field.name] = _PARSERS[hints[field.name]](text)
            elif _is_required(field):
                problems.append(f"{variable} is missing")
        except (ValueError, OSError, Invalid) as error:
            problems.append(f"{variable} cannot be read: {error}")
    if problems:
        raise Invalid(Reason.BAD_SETTING, "; ".join(problems))
    return settings_class(**values)


def list_variables(settings_class: type[object]) -> frozenset[str]:
    """Every variable that the settings may be read from, without the prefix."""
    hints = get_type_hints(settings_class)
    names = {field.name.upper(): hints[field.name] for field in _fields_of(settings_class)}
    return frozenset(names) | {f"{name}_FILE" for name, kind in names.items() if kind in _SECRETS}


def public_fields(settings: object) -> dict[str, str]:
    """What may be logged at start: every field, secrets as `***`."""
    return {field.name: str(getattr(settings, field.name)) for field in _fields_of(type(settings))}


def _fields_of(settings_class: type[object]) -> "tuple[dataclasses.Field[Any], ...]":
    return dataclasses.fields(settings_class)  # type: ignore[arg-type]  # callers pass dataclasses


def _take_variables(known: frozenset[str], environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The known variables, without the prefix, and what is wrong with the names of others."""
    taken: dict[str, str] = {}
    problems: list[str] = []
    for name, text in sorted(environ.items()):
        variable = name.removeprefix(PREFIX)
        if variable in known:
            if taken.setdefault(variable, text) != text:
                problems.append(f"{variable} is given twice, with and without {PREFIX}")
        elif name.startswith(PREFIX) and name not in CLIENT_VARIABLES:
            problems.append(f"{name} is no setting of this service")
        elif near := get_close_matches(name, known, n=1, cutoff=NEARLY_THE_SAME):
            problems.append(f"{name} is no setting of this service, {near[0]} is")
    return taken, problems


def _read_text(variable: str, kind: Any, variables: Mapping[str, str]) -> str | None:
    """The variable's text; None when it is missing or empty, as compose files leave what is not set."""
    file = variables.get(f"{variable}_FILE") if kind in _SECRETS else None
    if file:
        return Path(file).read_text(encoding="utf-8").strip() or None
    return variables.get(variable) or None


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _parse_bool(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def _parse_float(text: str) -> float:
    """No infinity and no NaN: a wait that never ends or compares false with everything."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("expected a finite number")
    return number


def _parse_list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _parse_address(text: str) -> Address:
    value = bytes.fromhex(text.removeprefix("0x"))
    validate_length("address", value, 20)
    return Address(value)


def _parse_addresses(text: str) -> tuple[Address, ...]:
    return tuple(_parse_address(item) for item in _parse_list(text))


_SECRETS = (Secret, Secret | None)
_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: _parse_float,
    bool: _parse_bool,
    Path: Path,
    tuple[str, ...]: _parse_list,
    Secret: Secret,
    Address: _parse_address,
    tuple[Address, ...]: _parse_addresses,
    str | None: str,
    int | None: int,
    Path | None: Path,
    Secret | None: Secret,
}
