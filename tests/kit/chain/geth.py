"""Tests on geth run where it is installed."""

import pytest

from devnet.geth import GethError, find_geth


def skip_without_geth() -> None:
    """Skip the test that calls this, with the reason, when there is no geth."""
    try:
        find_geth()
    except GethError as error:
        pytest.skip(str(error))
