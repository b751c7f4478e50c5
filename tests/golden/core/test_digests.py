"""The code computes what the golden file holds, and so does an independent EIP-712 implementation."""

import json
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from tests.golden.make_digests import GOLDEN_FILE, build_vectors
from zarathustra.core import digests

pytestmark = pytest.mark.golden

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(GOLDEN_FILE.read_text())
STRUCTS = {
    "evaluation": ("Evaluation", digests.EVALUATION_TYPE),
    "vote": ("Vote", digests.VOTE_TYPE),
    "possession": ("KeyPossession", digests.POSSESSION_TYPE),
    "consent": ("SigningConsent", digests.CONSENT_TYPE),
    "envelope": ("Envelope", digests.ENVELOPE_TYPE),
}
SIGNED_VECTORS = [(name, vector) for name in STRUCTS for vector in GOLDEN[name]]


def test_golden_file__compared_with_the_code__is_current() -> None:
    assert build_vectors() == GOLDEN


@pytest.mark.parametrize("name,vector", SIGNED_VECTORS)
def test_signed_digest__eth_account_encodes_the_same_struct__digests_agree(name: str, vector: dict[str, Any]) -> None:
    struct, type_text = STRUCTS[name]
    fields = _parse_fields(type_text)
    message = {field: _parse_value(kind, vector[field]) for kind, field in fields}
    typed = encode_typed_data(
        domain_data=_parse_domain(vector),
        message_types={struct: [{"name": field, "type": kind} for kind, field in fields]},
        message_data=message,
    )

    assert "0x" + typed.header.hex() == _golden_separator(vector)
    assert "0x" + keccak(b"\x19" + typed.version + typed.header + typed.body).hex() == vector["digest"]
    if name == "evaluation":
        assert "0x" + typed.body.hex() == vector["evaluationHash"]


# name in the file, its output field, type text
IDENTIFIERS = (
    ("task", "digest", digests.TASK_TYPE),
    ("input", "inputRoot", digests.INPUT_TYPE),
    ("terms", "digest", digests.TERMS_TYPE),
    ("seed", "digest", digests.SEED_TYPE),
    ("commitment", "digest", digests.COMMITMENT_TYPE),
)
IDENTIFIER_VECTORS = [(out, text, vector) for name, out, text in IDENTIFIERS for vector in GOLDEN[name]]


@pytest.mark.parametrize("output,type_text,vector", IDENTIFIER_VECTORS)
def test_identifier__recomputed_from_its_type_text__agrees(output: str, type_text: str, vector: dict[str, Any]) -> None:
    """Only the type text comes from the code; each word is built from the file by the rules of the ABI."""
    words = [keccak(type_text.encode())]
    for kind, field in _parse_fields(type_text):
        value = _parse_value(kind, vector[field])
        is_text = kind == "string"
        words.append(keccak(value.encode()) if is_text else encode([kind], [value]))

    assert "0x" + keccak(b"".join(words)).hex() == vector[output]


@pytest.mark.parametrize("vector", GOLDEN["input"])
def test_input_hash__root_and_seed_concatenated__agrees(vector: dict[str, Any]) -> None:
    joined = bytes.fromhex(vector["inputRoot"][2:] + vector["seed"][2:])
    assert "0x" + keccak(joined).hex() == vector["inputHash"]


@pytest.mark.parametrize("vector", GOLDEN["reportHash"])
def test_report_hash__text_of_the_cid__agrees(vector: dict[str, Any]) -> None:
    assert "0x" + keccak(vector["cid"].encode("ascii")).hex() == vector["digest"]


def test_golden_file__shape__is_what_forge_can_parse() -> None:
    for vectors in GOLDEN.values():
        assert len({tuple((key, type(value)) for key, value in sorted(vector.items())) for vector in vectors}) == 1
        assert all(isinstance(value, str | bool) for vector in vectors for value in vector.values())


def _parse_fields(type_text: str) -> list[tuple[str, str]]:
    """`Vote(bytes32 taskId,…)` → [("bytes32", "taskId"), …]. A nested struct's type follows; its field is its hash."""
    inside = type_text[type_text.index("(") + 1 : type_text.index(")")]
    fields = [(kind, field) for kind, field in (part.split(" ") for part in inside.split(","))]
    return [("bytes32" if kind[0].isupper() else kind, field) for kind, field in fields]


def _parse_value(kind: str, value: str | bool) -> Any:
    if kind in {"string", "bool"}:
        return value
    raw = bytes.fromhex(str(value)[2:])
    if kind == "bytes32":
        return raw
    if kind == "address":
        return "0x" + raw.hex()
    return int.from_bytes(raw, "big", signed=kind.startswith("int"))


def _golden_separator(vector: dict[str, Any]) -> str:
    where = ("chainId", "verifyingContract")
    [separator] = [d["digest"] for d in GOLDEN["domain"] if all(d[key] == vector[key] for key in where)]
    return str(separator)


def _parse_domain(vector: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "Zarathustra",
        "version": "1",
        "chainId": int(vector["chainId"], 16),
        "verifyingContract": vector["verifyingContract"],
    }
