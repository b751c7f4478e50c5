"""`docs/reference/settings.md`, and the table of settings in each service's README."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from services.aggregator.settings import Settings as AggregatorSettings
from services.evaluator.settings import Settings as EvaluatorSettings
from services.indexer.settings import Settings as IndexerSettings
from services.notifier.settings import Settings as NotifierSettings
from services.performer.settings import Settings as PerformerSettings
from services.store.settings import Settings as StoreSettings
from services.validator.settings import Settings as ValidatorSettings
from tools.pages.markdown import build_list, build_page, build_paragraph, build_table, fill_between, quote
from zarathustra.core.types import Address
from zarathustra.runtime.lifecycle import EXIT_BAD_SETTING, EXIT_FAILED, SETTING_REASONS
from zarathustra.runtime.settings import CLIENT_VARIABLES, MEANING, PREFIX, Secret

SERVICES: Mapping[str, Any] = {
    "indexer": IndexerSettings,
    "performer": PerformerSettings,
    "evaluator": EvaluatorSettings,
    "validator": ValidatorSettings,
    "aggregator": AggregatorSettings,
    "notifier": NotifierSettings,
    "store": StoreSettings,
}
START = "<!-- settings: generated -->"
END = "<!-- end of settings -->"
README_NOTE = "`docs/reference/settings.md` says how variables are read."
SECRETS_NOTE = " A secret is read from the file that `NAME_FILE` names, or from `NAME`."

# The kinds that `zarathustra.runtime.settings` can parse, in words.
KINDS: Mapping[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "switch",
    Path: "path",
    tuple[str, ...]: "list",
    Secret: "secret",
    Address: "address",
    tuple[Address, ...]: "addresses",
    str | None: "text",
    int | None: "integer",
    Path | None: "path",
    Secret | None: "secret",
}


def build_settings() -> str:
    """The page of all services."""
    blocks = [*_build_rules()]
    for service in SERVICES:
        blocks += [f"## {service}", build_settings_table(service)]
    return build_page("Settings", "the `Settings` classes in `services/<name>/settings.py`", *blocks)


def build_settings_table(service: str) -> str:
    """One service's settings, in the order of its fields. Raises ValueError naming a field without a meaning."""
    settings_class = SERVICES[service]
    hints = get_type_hints(settings_class)
    rows = [
        (quote(field.name.upper()), KINDS[hints[field.name]], _describe_default(field), _get_meaning(service, field))
        for field in dataclasses.fields(settings_class)
    ]
    return build_table(("variable", "type", "default", "meaning"), rows)


def fill_readme(text: str, service: str) -> str:
    """The README with its table as it should be. Raises ValueError when the markers are missing."""
    table = build_settings_table(service)
    note = build_paragraph(README_NOTE + (SECRETS_NOTE if "| secret |" in table else ""))
    return fill_between(text, START, END, f"{table}\n\n{note}", of=f"the README of {service}")


def _build_rules() -> list[str]:
    """How variables are read, in words."""
    *others, last = map(quote, sorted(CLIENT_VARIABLES))
    client = f"{', '.join(others)} and {last}"
    return [
        build_paragraph(
            "A service reads its settings from the environment, once, when it starts. All problems are reported at "
            f"once; the service then ends with status {EXIT_BAD_SETTING}. It logs its settings, secrets as `***`."
        ),
        build_table(
            ("exit status", "why", "restart it?"),
            [
                ("0", "it was stopped, and drained", "as you like"),
                (str(EXIT_FAILED), "it failed", "yes, unless the reason in its log says that a person must act first"),
                (
                    str(EXIT_BAD_SETTING),
                    f"{' or '.join(quote(code) for code in sorted(reason.code for reason in SETTING_REASONS))}",
                    "no: correct the setting or the deployment file first",
                ),
            ],
        ),
        build_list(
            [
                "A variable without a default is required. An empty variable counts as missing.",
                f"Each variable may be written with the prefix `{PREFIX}`. Both forms, if given, must be equal.",
                "A secret is read from the file that `NAME_FILE` names, or from `NAME`. The file wins.",
                f"Behind the prefix, a name that is no setting of the service is refused, except {client}, which the "
                "command line reads.",
                "Without the prefix, a name that is nearly the name of a setting is refused: `LOGLEVEL` for "
                "`LOG_LEVEL`. All other names are ignored.",
                "So services that share one environment need names without the prefix.",
            ]
        ),
        build_table(
            ("type", "text of the variable"),
            [
                ("text, path", "as it is"),
                ("integer, number", "decimal; a number may have a fraction, and must be finite"),
                ("switch", "`true` or `false`"),
                ("list", "texts, separated by commas"),
                (
                    "address, addresses",
                    "20 bytes in hexadecimal, with or without `0x`; several are separated by commas",
                ),
                ("secret", "text, in a file or in the variable"),
            ],
        ),
    ]


def _get_meaning(service: str, field: "dataclasses.Field[Any]") -> str:
    meaning = field.metadata.get(MEANING)
    if not meaning:
        raise ValueError(f"services.{service}: the setting {field.name} has no meaning; declare it with `setting`")
    return str(meaning)


def _describe_default(field: "dataclasses.Field[Any]") -> str:
    match field.default:
        case dataclasses.MISSING:
            return "required"
        case None | ():
            return "none"
        case float():
            return quote(f"{field.default:g}")
        case bool():
            return quote(str(field.default).lower())
    return quote(str(field.default))
