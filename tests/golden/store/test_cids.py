"""Our builder names files as a real Kubo does; `tests/kit/store/kubo_cids.py` recorded Kubo's answers."""

import json

import pytest

from tests.kit.paths import GOLDEN as GOLDEN_DIR
from tests.kit.store.samples import CONTENT_RULE, GOLDEN_LAYOUTS, GOLDEN_SIZES, make_content
from zarathustra.store.cid import parse_cid
from zarathustra.store.unixfs import build_file

pytestmark = pytest.mark.golden

GOLDEN = json.loads((GOLDEN_DIR / "cids.json").read_text())
FILES = {entry["size"]: entry for entry in GOLDEN["files"]}


def test_golden_file__sizes_content_and_origin__are_the_stated_ones() -> None:
    assert tuple(FILES) == GOLDEN_SIZES
    assert GOLDEN["content"] == CONTENT_RULE
    assert GOLDEN["made_by"].startswith("Kubo ")


@pytest.mark.parametrize("size", GOLDEN_SIZES)
def test_build_file__content_that_kubo_added__gives_the_same_cids(size: int) -> None:
    content = make_content(size)
    for name, layout in GOLDEN_LAYOUTS.items():
        built = build_file(content, lambda _block_id, _block: None, layout=layout)
        text = built.block_id.v0_text if layout.version == 0 else built.block_id.cid
        assert text == FILES[size][name], name
        assert built.block_id == parse_cid(FILES[size][name])
        assert built.file_size == size
