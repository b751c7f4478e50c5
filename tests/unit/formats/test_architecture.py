"""All reasons to refuse an architecture, and the cost of an accepted one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.kit.scoring.artefacts import SQUARE, architecture, node
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats import architecture as limits
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.limits import MAX_ARCHITECTURE_BYTES

pytestmark = pytest.mark.unit

X = ({"id": "x", "shape": [4]},)
IMAGE = ({"id": "x", "shape": [3, 8, 8]},)
TOKENS = ({"id": "x", "shape": [8], "dtype": "int64"},)
LINEAR = node("y", "Linear", "x", in_features=4, out_features=2)

Nodes = Sequence[Mapping[str, Any]]


def refused(raw: bytes) -> Reason:
    with pytest.raises(Invalid) as caught:
        parse_architecture(raw)
    return caught.value.reason


def test_parse__square__cost_has_a_closed_form() -> None:
    parsed = parse_architecture(SQUARE)
    assert parsed.parameters == 8 + 8 + 8 + 1
    assert parsed.flops == 2 * 8 + 8 * 8 + 2 * 8
    assert parsed.activations == 8 + 8 + 1
    assert parsed.live_elements == 16  # h and a together
    assert parsed.output_shapes == ((1,),)
    assert list(parsed.tensors) == ["h.weight", "h.bias", "y.weight", "y.bias"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.BAD_JSON),
        (b"[]", Reason.BAD_JSON),
        (b"\xff{}", Reason.BAD_JSON),
        (b'{"format": NaN}', Reason.BAD_JSON),
        (b'{"format": 1e999}', Reason.BAD_JSON),
        (b'{"format": -Infinity}', Reason.BAD_JSON),
        (b'{"format": ' + b"9" * 5000 + b"}", Reason.BAD_JSON),
        (b'{"format": "architecture/1", "format": "architecture/1"}', Reason.BAD_JSON),
        (b'{"a": ' + b"[" * 100_000 + b"}", Reason.BAD_JSON),
        (b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", Reason.BAD_JSON),  # one level too many
        (b" " * (MAX_ARCHITECTURE_BYTES + 1), Reason.OVERSIZE),
        (b"{}", Reason.BAD_FORMAT),
        (b'{"format": "architecture/2"}', Reason.BAD_FORMAT),
        (b'{"format": "architecture/1"}', Reason.BAD_JSON),
        (SQUARE.replace(b'"outputs"', b'"more": 1, "outputs"'), Reason.BAD_JSON),
    ],
    ids=lambda value: value.code if isinstance(value, Reason) else repr(value[:30]),
)
def test_parse__not_strict_json__is_refused(raw: bytes, reason: Reason) -> None:
    assert refused(raw) is reason


@pytest.mark.parametrize(
    ("nodes", "inputs", "reason"),
    [
        ([node("y", "Exec", "x")], X, Reason.UNKNOWN_OP),
        ([{"id": "y", "op": ["Linear"], "in": ["x"]}], X, Reason.UNKNOWN_OP),
        ([node("y", "__class__", "x")], X, Reason.UNKNOWN_OP),
        ([node("y", "Linear", "x", in_features=4)], X, Reason.BAD_ARGUMENT),
        ([node("y", "Linear", "x", in_features=4, out_features=0)], X, Reason.BAD_ARGUMENT),
        ([node("y", "Linear", "x", in_features=4, out_features=70_000)], X, Reason.BAD_ARGUMENT),
        ([node("y", "Linear", "x", in_features=4, out_features=True)], X, Reason.BAD_ARGUMENT),
        ([node("y", "Linear", "x", in_features=4, out_features=2.0)], X, Reason.BAD_ARGUMENT),
        ([node("y", "Linear", "x", in_features=4, out_features=2, bias=1)], X, Reason.BAD_ARGUMENT),
        ([node("y", "Linear", "x", in_features=4, out_features=2, device="cuda")], X, Reason.BAD_ARGUMENT),
        ([node("y", "LeakyReLU", "x", negative_slope=2)], X, Reason.BAD_ARGUMENT),
        ([node("y", "LeakyReLU", "x", negative_slope=True)], X, Reason.BAD_ARGUMENT),
        ([node("y", "Reshape", "x", shape=[2, -2])], X, Reason.BAD_ARGUMENT),
        ([node("y", "Reshape", "x", shape=[1, 1, 1, 1, 2, 2])], X, Reason.BAD_ARGUMENT),
        ([LINEAR], [{"id": "x", "shape": [4], "dtype": "float16"}], Reason.BAD_ARGUMENT),
        ([node("y", "ReLU", "z")], X, Reason.BAD_GRAPH),
        ([node("y", "ReLU", "y")], X, Reason.BAD_GRAPH),
        ([node("y", "ReLU", "z"), node("z", "ReLU", "x")], X, Reason.BAD_GRAPH),
        ([node("y", "ReLU", "x", "x")], X, Reason.BAD_GRAPH),
        ([node("y", "ReLU")], X, Reason.BAD_GRAPH),
        ([node("y", "Add", "x")], X, Reason.BAD_GRAPH),
        ([node("x", "ReLU", "x")], X, Reason.BAD_GRAPH),
        ([node("y", "ReLU", "x"), node("y", "ReLU", "x")], X, Reason.BAD_GRAPH),
        ([node("../y", "ReLU", "x")], X, Reason.BAD_GRAPH),
        ([node("y" * 65, "ReLU", "x")], X, Reason.BAD_GRAPH),
        ([node("dead", "ReLU", "x"), LINEAR], X, Reason.BAD_GRAPH),
        ([LINEAR], [*X, {"id": "unused", "shape": [1]}], Reason.BAD_GRAPH),
        ([LINEAR], [*X, *X], Reason.BAD_GRAPH),
        ([node("z", "ReLU", "x")], X, Reason.BAD_GRAPH),  # no such output
        ([node("y", "Linear", "x", in_features=5, out_features=2)], X, Reason.BAD_SHAPE),
        ([node("y", "ReLU", "x")], TOKENS, Reason.BAD_SHAPE),
        ([node("y", "Embedding", "x", num_embeddings=4, embedding_dim=2)], X, Reason.BAD_SHAPE),
        ([node("y", "Softmax", "x", dim=0)], X, Reason.BAD_SHAPE),  # the batch
        ([node("y", "Softmax", "x", dim=2)], X, Reason.BAD_SHAPE),
        ([node("y", "Reshape", "x", shape=[3])], X, Reason.BAD_SHAPE),
        ([node("y", "Transpose", "x")], X, Reason.BAD_SHAPE),
        ([node("y", "MeanPool", "x")], X, Reason.BAD_SHAPE),
        ([node("y", "BatchNorm1d", "x", num_features=3)], X, Reason.BAD_SHAPE),
        ([node("y", "LayerNorm", "x", normalized_shape=3)], X, Reason.BAD_SHAPE),
        ([node("y", "Conv2d", "x", in_channels=3, out_channels=2, kernel_size=9)], IMAGE, Reason.BAD_SHAPE),
        ([node("y", "Conv2d", "x", in_channels=3, out_channels=4, kernel_size=1, groups=2)], IMAGE, Reason.BAD_SHAPE),
        ([node("y", "MaxPool2d", "x", kernel_size=9)], IMAGE, Reason.BAD_SHAPE),
        ([node("a", "Flatten", "x"), node("y", "Add", "a", "x")], IMAGE, Reason.BAD_SHAPE),
        ([node("y", "Concat", "x", "x", dim=2)], X, Reason.BAD_SHAPE),
        ([node("y", "SelfAttention", "x", embed_dim=8, num_heads=3)], [{"id": "x", "shape": [4, 8]}], Reason.BAD_SHAPE),
    ],
    ids=lambda value: value.code if isinstance(value, Reason) else None,
)
def test_parse__bad_node__is_refused(nodes: Nodes, inputs: Nodes, reason: Reason) -> None:
    assert refused(architecture(nodes, inputs=inputs)) is reason


@pytest.mark.parametrize("outputs", [[], ["y", "y"], ["x"], ["z"], [1], ["y"] * 5])
def test_parse__bad_outputs__are_refused(outputs: list[Any]) -> None:
    assert refused(architecture([LINEAR], inputs=X, outputs=outputs)) in (Reason.BAD_GRAPH, Reason.BAD_JSON)


@pytest.mark.parametrize(
    ("nodes", "inputs", "limit"),
    [
        (
            [node("y", "Linear", "x", in_features=1000, out_features=65_536)],
            [{"id": "x", "shape": [1000]}],
            "too many parameters",
        ),
        (
            [node(f"a{i}", "Linear", f"a{i - 1}", in_features=1024, out_features=1024) for i in range(1, 9)]
            + [node("y", "Flatten", "a8")],
            [{"id": "a0", "shape": [400, 1024]}],
            "too many FLOPs",
        ),
        (
            [node(f"a{i}", "ReLU", f"a{i - 1}") for i in range(1, 60)] + [node("y", "Flatten", "a59")],
            [{"id": "a0", "shape": [300, 1000]}],
            "too many activations",
        ),
        (  # a convolution unfolds its input to many times its size
            [node("y", "Conv2d", "x", in_channels=8, out_channels=1, kernel_size=16)],
            [{"id": "x", "shape": [8, 64, 64]}],
            "too many live activations",
        ),
        ([LINEAR], [{"id": "x", "shape": [65_536, 65_536]}], "shape has too many elements"),
    ],
)
def test_parse__over_a_limit__is_too_expensive(nodes: Nodes, inputs: Nodes, limit: str) -> None:
    with pytest.raises(Invalid, match=f"too_expensive: {limit}"):
        parse_architecture(architecture(nodes, inputs=inputs))


def test_parse__too_many_nodes__is_refused() -> None:
    chain = [node(f"n{i}", "ReLU", f"n{i - 1}") for i in range(1, limits.MAX_NODES + 2)]
    raw = architecture(chain, inputs=[{"id": "n0", "shape": [1]}], outputs=[f"n{limits.MAX_NODES + 1}"])
    assert refused(raw) is Reason.BAD_JSON


def test_parse__512_nodes__are_accepted() -> None:
    chain = [node(f"n{i}", "ReLU", f"n{i - 1}") for i in range(1, limits.MAX_NODES + 1)]
    raw = architecture(chain, inputs=[{"id": "n0", "shape": [1]}], outputs=[f"n{limits.MAX_NODES}"])
    assert parse_architecture(raw).live_elements == 2


def test_parse__refusal__message_is_short() -> None:
    raw = json.dumps({"format": "architecture/1", "k" * 10_000: 1}).encode()
    with pytest.raises(Invalid) as caught:
        parse_architecture(raw)
    assert len(str(caught.value)) < 300


def test_parse__brackets_in_strings__are_not_nesting() -> None:
    assert refused(b'{"' + b"[" * 1000 + b'": 1, "format": "architecture/1"}') is Reason.BAD_JSON  # unknown key only
    assert "too deep" not in message_of(b'{"' + b"[" * 1000 + b'": 1, "format": "architecture/1"}')
    assert "too deep" in message_of(b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}")
    assert "too deep" not in message_of(b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}")


def test_parse__recursion_limit_raised_by_a_library__still_refuses() -> None:
    import py_ecc  # noqa: F401  raises the limit to 100,000; the C parser would then overrun the stack

    assert refused(b"[" * 200_000) is Reason.BAD_JSON


def message_of(raw: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        parse_architecture(raw)
    return caught.value.message
