"""The example in tests/README.md runs unchanged."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.paths import ROOT
from tests.kit.simnet.stage import Stage

pytestmark = pytest.mark.simnet


def test_readme__its_example__passes(stage: Stage) -> None:
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    (example,) = [part.partition("```")[0] for part in text.split("```python\n")[1:]]
    defined: dict[str, Any] = {}
    exec(compile(example, "tests/README.md", "exec"), defined)  # noqa: S102  (the repository's own text)
    (run,) = [value for name, value in defined.items() if name.startswith("test_")]
    call: Callable[[Stage], None] = run
    call(stage)
