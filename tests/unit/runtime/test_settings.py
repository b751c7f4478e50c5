"""Settings from an environment: every kind, every problem at once, no secret shown."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
import pytest

from services.aggregator.settings import Settings as AggregatorSettings
from services.evaluator.settings import Settings as EvaluatorSettings
from services.indexer.settings import Settings as IndexerSettings
from services.notifier.settings import Settings as NotifierSettings
from services.performer.settings import Settings as PerformerSettings
from services.store.settings import Settings as StoreSettings
from services.validator.settings import Settings as ValidatorSettings
from zarathustra.cli.main import cli
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address
from zarathustra.runtime.settings import (
    CLIENT_VARIABLES,
    NEARLY_THE_SAME,
    PREFIX,
    Secret,
    list_variables,
    load_settings,
    public_fields,
)

pytestmark = pytest.mark.unit

PASSWORD = "correct horse battery staple"
SERVICES = (
    AggregatorSettings,
    EvaluatorSettings,
    IndexerSettings,
    NotifierSettings,
    PerformerSettings,
    StoreSettings,
    ValidatorSettings,
)


@dataclass(frozen=True)
class Everything:
    """One field for every kind of setting."""

    a_text: str
    a_number: int
    a_ratio: float
    a_switch: bool
    a_path: Path
    a_list: tuple[str, ...]
    a_secret: Secret
    an_address: Address
    maybe_text: str | None = None
    maybe_number: int | None = None
    maybe_path: Path | None = None
    maybe_secret: Secret | None = None


@dataclass(frozen=True)
class Numbers:
    retries: int
    seconds: float = 2.0


@dataclass(frozen=True)
class Keys:
    api_key: Secret
    spare_key: Secret | None = None


COMPLETE = {
    "A_TEXT": "some text",
    "A_NUMBER": "-7",
    "A_RATIO": "0.25",
    "A_SWITCH": "TRUE",
    "A_PATH": "/var/lib/zarathustra",
    "A_LIST": "http://a, http://b ,",
    "A_SECRET": PASSWORD,
    "AN_ADDRESS": "0x" + "Ab" * 20,
}


def refuse(settings_class: type, environ: dict[str, str]) -> str:
    """Return the message of the error that refuses the environment."""
    with pytest.raises(Invalid) as caught:
        load_settings(settings_class, environ)
    assert caught.value.reason is Reason.BAD_SETTING
    return caught.value.message


def test_load__every_kind__is_parsed() -> None:
    settings = load_settings(Everything, COMPLETE)
    assert settings == Everything(
        a_text="some text",
        a_number=-7,
        a_ratio=0.25,
        a_switch=True,
        a_path=Path("/var/lib/zarathustra"),
        a_list=("http://a", "http://b"),
        a_secret=Secret(PASSWORD),
        an_address=Address(b"\xab" * 20),
    )


def test_load__optional_kinds_given__are_parsed() -> None:
    extra = {"MAYBE_TEXT": "x", "MAYBE_NUMBER": "3", "MAYBE_PATH": "/x", "MAYBE_SECRET": "y"}
    settings = load_settings(Everything, COMPLETE | extra)
    given = (settings.maybe_text, settings.maybe_number, settings.maybe_path, settings.maybe_secret)
    assert given == ("x", 3, Path("/x"), Secret("y"))


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("False", False), ("FALSE", False)])
def test_load__switch__accepts_true_and_false(text: str, expected: bool) -> None:
    assert load_settings(Everything, COMPLETE | {"A_SWITCH": text}).a_switch is expected


def test_load__nothing_given__names_every_required_variable_at_once() -> None:
    message = refuse(Everything, {})
    missing = {part.removesuffix(" is missing") for part in message.split("; ")}
    assert missing == set(COMPLETE)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("A_NUMBER", "seven"),
        ("A_NUMBER", "7.0"),
        ("A_RATIO", "a quarter"),
        ("A_SWITCH", "1"),
        ("A_SWITCH", "yes"),
        ("AN_ADDRESS", "0x1234"),
        ("AN_ADDRESS", "zz" * 20),
        ("MAYBE_NUMBER", "x"),
    ],
)
def test_load__malformed__names_the_variable(variable: str, text: str) -> None:
    assert refuse(Everything, COMPLETE | {variable: text}).startswith(f"{variable} cannot be read")


def test_load__one_missing_one_malformed__names_both() -> None:
    message = refuse(Numbers, {"SECONDS": "soon"})
    assert "RETRIES is missing" in message
    assert "SECONDS cannot be read" in message


def test_load__empty_variable__counts_as_missing() -> None:
    assert refuse(Numbers, {"RETRIES": ""}) == "RETRIES is missing"
    assert load_settings(Numbers, {"RETRIES": "1", "SECONDS": ""}).seconds == 2.0


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_load__number_is_not_finite__is_refused(text: str) -> None:
    assert refuse(Numbers, {"RETRIES": "1", "SECONDS": text}).startswith("SECONDS cannot be read")


# ---- secrets


def test_load__secret_file__is_read_instead_of_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    settings = load_settings(Keys, {"API_KEY_FILE": str(file), "API_KEY": "other"})
    assert settings.api_key.reveal() == PASSWORD


def test_load__optional_secret_file__is_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(PASSWORD, encoding="utf-8")
    settings = load_settings(Keys, {"API_KEY": "x", "SPARE_KEY_FILE": str(file)})
    assert settings.spare_key == Secret(PASSWORD)


def test_load__secret_file_is_missing__names_the_variable(tmp_path: Path) -> None:
    assert refuse(Keys, {"API_KEY_FILE": str(tmp_path / "nothing")}).startswith("API_KEY cannot be read")


def test_load__secret_file_is_not_text__names_the_variable_and_shows_nothing(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"hunter2 \xff\xfe")
    message = refuse(Keys, {"API_KEY_FILE": str(file)})
    assert message.startswith("API_KEY cannot be read")
    assert "hunter2" not in message


def test_load__secret_file_is_empty__counts_as_missing(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("\n", encoding="utf-8")
    assert refuse(Keys, {"API_KEY_FILE": str(file)}) == "API_KEY is missing"


def test_load__secret_file_variable_is_empty__counts_as_not_given() -> None:
    assert load_settings(Keys, {"API_KEY_FILE": "", "API_KEY": "x"}).api_key.reveal() == "x"


def test_load__plain_field__is_never_read_from_a_file(tmp_path: Path) -> None:
    assert refuse(Numbers, {"RETRIES_FILE": str(tmp_path)}) == "RETRIES is missing"


@pytest.mark.parametrize("show", [repr, str, lambda secret: f"{secret}", lambda secret: f"{secret!r}"])
def test_secret__shown_in_any_way__shows_stars(show: Any) -> None:
    assert show(Secret(PASSWORD)) == "***"
    assert PASSWORD not in show(Keys(Secret(PASSWORD)))


def test_public_fields__settings_with_secrets__show_stars_and_the_rest() -> None:
    shown = public_fields(load_settings(Everything, COMPLETE))
    assert shown["a_secret"] == "***"
    assert shown["a_number"] == "-7"
    assert PASSWORD not in str(shown)
    assert set(shown) == {field.name for field in dataclasses.fields(Everything)}


# ---- names


def test_load__prefixed_variable__is_the_same_setting() -> None:
    assert load_settings(Numbers, {"ZARATHUSTRA_RETRIES": "3"}).retries == 3


def test_load__prefixed_secret_file__is_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(PASSWORD, encoding="utf-8")
    assert load_settings(Keys, {"ZARATHUSTRA_API_KEY_FILE": str(file)}).api_key.reveal() == PASSWORD


def test_load__unknown_name_after_the_prefix__is_refused() -> None:
    message = refuse(Numbers, {"RETRIES": "3", "ZARATHUSTRA_TOPICS_PROFILE": "test"})
    assert message == "ZARATHUSTRA_TOPICS_PROFILE is no setting of this service"


@pytest.mark.parametrize("name", ["RETRIE", "RETRIESS", "SECOND", "SECCONDS"])
def test_load__misspelt_name_of_a_setting__is_refused_with_a_hint(name: str) -> None:
    message = refuse(Numbers, {"RETRIES": "3", name: "4"})
    assert message.startswith(f"{name} is no setting of this service, ")


def test_load__names_of_the_system_and_the_command_line__are_ignored() -> None:
    others = {"PATH": "/bin", "HTTP_PROXY": "x", "KAFKA_HOME": "x", "ZARATHUSTRA_NETWORK": "network.json"}
    assert load_settings(Numbers, {"RETRIES": "3"} | others).retries == 3


def test_load__given_twice_with_and_without_prefix__is_refused_unless_equal() -> None:
    assert load_settings(Numbers, {"RETRIES": "3", "ZARATHUSTRA_RETRIES": "3"}).retries == 3
    assert "RETRIES is given twice" in refuse(Numbers, {"RETRIES": "3", "ZARATHUSTRA_RETRIES": "4"})


def test_client_variables__are_all_that_the_command_line_reads() -> None:
    options = [option for command in walk_commands(cli) for option in command.params]
    names = {option.envvar for option in options if option.envvar}
    assert {name for name in names if name.startswith(PREFIX)} == CLIENT_VARIABLES


def walk_commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from walk_commands(child)


def test_services__settings_of_one__are_never_taken_for_a_misspelling_in_another() -> None:
    """Services may share one environment."""
    for settings_class in SERVICES:
        known = list_variables(settings_class)
        others = frozenset().union(*map(list_variables, SERVICES)) - known
        slips = {name: get_close_matches(name, known, n=1, cutoff=NEARLY_THE_SAME) for name in others}
        assert not any(slips.values()), slips


# ---- settings of the services


@pytest.mark.parametrize("settings_class", SERVICES, ids=lambda settings_class: settings_class.__module__)
def test_services__empty_environment__every_required_name_is_reported(settings_class: type) -> None:
    """Also checks that every kind of field has a parser: an unknown kind raises KeyError here."""
    fields = dataclasses.fields(settings_class)
    required = {field.name.upper() for field in fields if field.default is dataclasses.MISSING}
    if required:
        message = refuse(settings_class, {})
        assert {part.removesuffix(" is missing") for part in message.split("; ")} == required
    texts = {field.name.upper(): "11" * 20 if "Address" in str(field.type) else "1" for field in fields}
    load_settings(settings_class, texts)


def test_load__list_of_addresses__parsed_each() -> None:
    @dataclasses.dataclass(frozen=True)
    class Settings:
        some: tuple[Address, ...]

    one, two = "0x" + "ab" * 20, "cd" * 20
    assert load_settings(Settings, {"SOME": f"{one}, {two}"}).some == (Address(b"\xab" * 20), Address(b"\xcd" * 20))
    assert "SOME cannot be read" in refuse(Settings, {"SOME": f"{one},beef"})


@pytest.mark.parametrize("settings_class", SERVICES, ids=lambda settings_class: settings_class.__module__)
def test_services__listen__on_this_machine_only(settings_class: type) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(settings_class)}
    listening = {name: value for name, value in defaults.items() if "listen" in name}
    assert listening
    assert all(str(value).startswith(("127.0.0.1:", "unix:", "tcp:127.0.0.1:")) for value in listening.values())
