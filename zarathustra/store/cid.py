"""CIDs: parse the accepted texts, and write the canonical one.

Accepted: CIDv0 (`Qm…`) and CIDv1 in base32 (`b`), base58btc (`z`) or base16 (`f`), with codec raw or dag-pb and a
sha2-256 digest of 32 bytes. Every other codec, hash, length or base is refused.

```
CIDv0   12 20 ‖ digest                 always dag-pb
CIDv1   01 ‖ 55 raw | 70 dag-pb ‖ 12 20 ‖ digest
```

Why no library: py-cid (0.5.0, maintained, already installed through multiaddr) accepts too much: identity hashes,
sha1, truncated digests, `/ipfs/…` paths, white space and non-zero padding bits, so that many texts name one block. It
also needs minutes for a text of 200 KB. If all of that were checked first, nothing would be left for it to do: the
accepted binary forms are three fixed prefixes. The tests compare with py-cid on texts that both accept.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import IntEnum

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid, validate_length

DIGEST_LENGTH = 32
MAX_TEXT_LENGTH = 73  # base16 is the longest accepted form; checked first, because base58 takes quadratic time
V0_TEXT_LENGTH = 46

_BASE58_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SHA2_256_PREFIX = bytes((0x12, DIGEST_LENGTH))


class Codec(IntEnum):
    """The format of a block's bytes; the numbers are those of the multicodec table."""

    RAW = 0x55
    DAG_PB = 0x70


_V1_PREFIXES = {bytes((1, codec)) + _SHA2_256_PREFIX: codec for codec in Codec}


@dataclass(frozen=True)
class BlockId:
    """The block that a CID names. CIDv0 and CIDv1 of one dag-pb block are equal here; compare these, never texts."""

    codec: Codec
    digest: bytes

    def __post_init__(self) -> None:
        validate_length("digest", self.digest, DIGEST_LENGTH)

    @property
    def cid(self) -> Cid:
        """The canonical text: CIDv1 in base32."""
        return Cid("b" + _encode_base32(self.to_bytes(version=1)))

    @property
    def v0_text(self) -> str:
        """The text that a node answers when asked for CIDv0: `Qm…`, or `cid` for a raw block, which has no CIDv0."""
        return _encode_base58(self.to_bytes(version=0)) if self.codec is Codec.DAG_PB else self.cid

    def to_bytes(self, *, version: int) -> bytes:
        """Return the binary form, as links contain it. A version 0 DAG names a raw block by its CIDv1."""
        if version == 0 and self.codec is Codec.DAG_PB:
            return _SHA2_256_PREFIX + self.digest
        return bytes((1, self.codec)) + _SHA2_256_PREFIX + self.digest


def parse_cid(text: str) -> BlockId:
    """Return the block that a text names. Raises Invalid(BAD_CID)."""
    if len(text) > MAX_TEXT_LENGTH:
        raise Invalid(Reason.BAD_CID, "text is longer than any accepted CID", length=len(text))

    if len(text) == V0_TEXT_LENGTH and text.startswith("Qm"):
        return _parse_v0(_decode_base58(text))

    base, body = text[:1], text[1:]
    if base == "b":
        return _parse_v1(_decode_base32(body))
    if base == "z":
        return _parse_v1(_decode_base58(body))
    if base == "f":
        return _parse_v1(_decode_base16(body))
    raise Invalid(Reason.BAD_CID, "not CIDv0 and not base32, base58btc or base16", base=repr(base))


def parse_cid_bytes(raw: bytes) -> BlockId:
    """Return the block that a link names. Raises Invalid(BAD_CID)."""
    return _parse_v0(raw) if raw.startswith(_SHA2_256_PREFIX) else _parse_v1(raw)


def canonical_cid(text: str) -> Cid:
    """Return the canonical form of `text`, the only one to store, sign and compare. Raises Invalid(BAD_CID)."""
    return parse_cid(text).cid


def compute_block_id(codec: Codec, block: bytes) -> BlockId:
    """Compute the id of a block from its bytes."""
    return BlockId(codec, hashlib.sha256(block).digest())


def validate_block(block_id: BlockId, block: bytes) -> None:
    """Raise Invalid(CID_MISMATCH) unless `block` hashes to `block_id`."""
    if hashlib.sha256(block).digest() != block_id.digest:
        raise Invalid(Reason.CID_MISMATCH, "block does not hash to its CID", cid=block_id.cid, length=len(block))


def _parse_v0(raw: bytes) -> BlockId:
    if len(raw) != len(_SHA2_256_PREFIX) + DIGEST_LENGTH or not raw.startswith(_SHA2_256_PREFIX):
        raise Invalid(Reason.BAD_CID, "not a CIDv0 with sha2-256", bytes_hex=raw.hex())
    return BlockId(Codec.DAG_PB, raw[len(_SHA2_256_PREFIX) :])


def _parse_v1(raw: bytes) -> BlockId:
    prefix, digest = raw[:4], raw[4:]
    if prefix not in _V1_PREFIXES or len(digest) != DIGEST_LENGTH:
        raise Invalid(Reason.BAD_CID, "not a CIDv1 with raw or dag-pb and sha2-256", bytes_hex=raw[:48].hex())
    return BlockId(_V1_PREFIXES[prefix], digest)


# Each decoder encodes again and compares. Otherwise padding, case, white space and unused bits would give one block
# many texts.


def _decode_base32(body: str) -> bytes:
    try:
        raw = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError) as error:
        raise Invalid(Reason.BAD_CID, "not base32", text=repr(body)) from error
    if _encode_base32(raw) != body:
        raise Invalid(Reason.BAD_CID, "not the canonical base32 of its bytes", text=repr(body))
    return raw


def _encode_base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").lower().rstrip("=")


def _decode_base16(body: str) -> bytes:
    try:
        raw = bytes.fromhex(body)
    except ValueError as error:
        raise Invalid(Reason.BAD_CID, "not base16", text=repr(body)) from error
    if raw.hex() != body:
        raise Invalid(Reason.BAD_CID, "not the canonical base16 of its bytes", text=repr(body))
    return raw


def _decode_base58(body: str) -> bytes:
    number = 0
    for character in body:
        digit = _BASE58_ALPHABET.find(character)
        if digit < 0:
            raise Invalid(Reason.BAD_CID, "not base58btc", text=repr(body))
        number = number * 58 + digit
    leading_zeros = len(body) - len(body.lstrip("1"))
    return bytes(leading_zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _encode_base58(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58_ALPHABET[digit] + digits
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + digits
