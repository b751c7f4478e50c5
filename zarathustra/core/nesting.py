"""How deep the brackets of a JSON text nest.

The parser recurses in C. The depth at which Python refuses, or the process crashes, depends on the platform and on
libraries that raise the limit of recursion (py_ecc does). So the depth is checked before the parser runs.
"""

import re
from typing import Final

MAX_NESTING: Final = 32  # valid files have five levels

_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


def is_nested_too_deep(text: str) -> bool:
    """Return whether brackets outside strings nest deeper than MAX_NESTING. The parser finds all other faults."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += _STEPS.get(match.group(), 0)
        if depth > MAX_NESTING:
            return True
    return False
