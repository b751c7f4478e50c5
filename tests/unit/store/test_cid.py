import base64
import hashlib

import pytest

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.store.cid import (
    BlockId,
    Codec,
    canonical_cid,
    compute_block_id,
    parse_cid,
    parse_cid_bytes,
    validate_block,
)

pytestmark = pytest.mark.unit

DIGEST = hashlib.sha256(b"x").digest()
RAW_V1 = b"\x01\x55\x12\x20" + DIGEST
RAW_TEXT = "bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe"  # Kubo's name for the byte "x"
EMPTY_V0 = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"  # Kubo's name for the empty file


def base32(raw: bytes) -> str:
    return "b" + base64.b32encode(raw).decode().lower().rstrip("=")


def test_parse_cid__kubo_names__round_trip() -> None:
    assert parse_cid(RAW_TEXT) == BlockId(Codec.RAW, DIGEST)
    assert parse_cid(RAW_TEXT).cid == RAW_TEXT
    assert parse_cid(EMPTY_V0).codec is Codec.DAG_PB
    assert parse_cid(EMPTY_V0).v0_text == EMPTY_V0


def test_canonical_cid__v0__is_the_v1_of_the_same_block() -> None:
    canonical = canonical_cid(EMPTY_V0)
    assert canonical.startswith("bafybei")
    assert parse_cid(canonical) == parse_cid(EMPTY_V0)


def test_v0_text__raw_block__stays_v1() -> None:
    assert compute_block_id(Codec.RAW, b"x").v0_text == RAW_TEXT


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("b", id="base only"),
        pytest.param("Qm" + "1" * 44, id="v0 of other bytes"),
        pytest.param(EMPTY_V0 + " ", id="v0 with a blank"),
        pytest.param("z" + EMPTY_V0, id="v0 with a base"),
        pytest.param(EMPTY_V0[:-1] + "0", id="not base58"),
        pytest.param("/ipfs/" + RAW_TEXT, id="path"),
        pytest.param(RAW_TEXT.upper(), id="upper case"),
        pytest.param("b" + RAW_TEXT[1:].upper(), id="upper body"),
        pytest.param(RAW_TEXT + "======", id="padded"),
        pytest.param(RAW_TEXT[:-1] + "f", id="unused bits set"),
        pytest.param(RAW_TEXT.replace("s", "\u017f"), id="letter whose upper case is S"),
        pytest.param("f" + RAW_V1.hex().upper(), id="upper base16"),
        pytest.param("f" + RAW_V1.hex(" ")[:72], id="base16 with blanks"),
        pytest.param("m" + base64.b64encode(RAW_V1).decode().rstrip("="), id="base64"),
        pytest.param(base32(RAW_V1 + b"\0"), id="trailing byte"),
        pytest.param(base32(RAW_V1[:-1]), id="short digest"),
        pytest.param(base32(b"\x01\x55\x12\x10" + DIGEST[:16]), id="truncated hash"),
        pytest.param(base32(b"\x01\x55\x00\x03abc"), id="identity hash"),
        pytest.param(base32(b"\x01\x55\x11\x14" + bytes(20)), id="sha1"),
        pytest.param(base32(b"\x01\x55\x1e\x20" + DIGEST), id="blake3"),
        pytest.param(base32(b"\x01\x71\x12\x20" + DIGEST), id="dag-cbor"),
        pytest.param(base32(b"\x02\x55\x12\x20" + DIGEST), id="version 2"),
        pytest.param(base32(b"\x01\xd5\x00\x12\x20" + DIGEST), id="padded codec"),
        pytest.param(base32(b"\x12\x20" + DIGEST), id="v0 bytes in base32"),
        pytest.param("z" + "2" * 73, id="long"),
    ],
)
def test_parse_cid__anything_else__is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_cid(text)
    assert caught.value.reason is Reason.BAD_CID
    assert len(str(caught.value)) < 300  # a stranger writes the text; it must not fill the log


def test_parse_cid__longer_than_any_cid__is_refused_by_its_length() -> None:
    with pytest.raises(Invalid) as caught:
        parse_cid("z" + "2" * 200_000)
    assert caught.value.details == {"length": 200_001}


def test_parse_cid_bytes__both_versions__name_one_block() -> None:
    block_id = compute_block_id(Codec.DAG_PB, b"node")
    assert parse_cid_bytes(block_id.to_bytes(version=0)) == block_id
    assert parse_cid_bytes(block_id.to_bytes(version=1)) == block_id


@pytest.mark.parametrize("raw", [b"", b"\x12\x20", b"\x12\x20" + DIGEST + b"\0", RAW_V1[:-1]])
def test_parse_cid_bytes__wrong_length__is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse_cid_bytes(raw)
    assert caught.value.reason is Reason.BAD_CID


def test_block_id__digest_of_wrong_length__cannot_exist() -> None:
    with pytest.raises(Invalid):
        BlockId(Codec.RAW, b"short")


def test_validate_block__one_bit_flipped__is_a_mismatch() -> None:
    block_id = compute_block_id(Codec.RAW, b"\x00block")
    validate_block(block_id, b"\x00block")
    with pytest.raises(Invalid) as caught:
        validate_block(block_id, b"\x01block")
    assert caught.value.reason is Reason.CID_MISMATCH
