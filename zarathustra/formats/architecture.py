"""`architecture/1`: a flat list of typed ops. Checks and costs use closed forms, before anything is allocated.

    {"format": "architecture/1",
     "inputs":  [{"id": "x", "shape": [1], "dtype": "float32"}],
     "nodes":   [{"id": "h", "op": "Linear", "in": ["x"], "args": {"in_features": 1, "out_features": 16}}, …],
     "outputs": ["y"]}

Pure Python: costs, limits and errors need no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from re import compile as compile_pattern
from typing import TypeGuard

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.limits import MAX_ARCHITECTURE_BYTES
from zarathustra.formats.operations import (
    MAX_DIMENSION,
    MAX_RANK,
    OPERATIONS,
    ArgumentKind,
    Arguments,
    ArgumentValue,
    Cost,
    Dimensions,
    Flag,
    Integer,
    Number,
    Operation,
    Shape,
    TensorSpec,
)
from zarathustra.formats.strict_json import expect_list, expect_object, parse_object, validate_keys

FORMAT = "architecture/1"
MICRO_BATCH = 64  # samples in a batch; part of the score's definition, because kernels may depend on it

# Each bounds what a stranger's file can make an operator spend before the operator earns a fee.
MAX_NODES = 512
MAX_INPUTS = 8
MAX_OUTPUTS = 4
MAX_PARAMETERS = 50_000_000
MAX_FLOPS = 5_000_000_000  # per sample
MAX_ACTIVATIONS = 16_000_000  # elements per sample, sum of all nodes
MAX_LIVE_ELEMENTS = 1_048_576  # per sample, held at one time: × 64 samples × 8 bytes = 512 MiB

_IDENTIFIER = compile_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Input:
    id: str
    shape: Shape
    is_integer: bool


@dataclass(frozen=True)
class Node:
    id: str
    op: str
    sources: tuple[str, ...]
    arguments: Arguments
    cost: Cost


@dataclass(frozen=True)
class Architecture:
    """A checked architecture and its totals: parameters in all, the other totals per sample."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    parameters: int
    flops: int
    activations: int
    live_elements: int

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        shapes = {node.id: node.cost.shape for node in self.nodes}
        return tuple(shapes[name] for name in self.outputs)

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """All stored tensors by full name, `<node id>.<tensor>`, in the order of the nodes."""
        return {f"{node.id}.{spec.name}": spec for node in self.nodes for spec in node.cost.tensors}


def parse_architecture(raw: bytes) -> Architecture:
    """Parse and check an architecture. Raises Invalid with the reason why it is refused."""
    document = parse_object(raw, max_bytes=MAX_ARCHITECTURE_BYTES)
    if document.get("format") != FORMAT:
        raise Invalid(Reason.BAD_FORMAT, "format is not architecture/1")
    validate_keys(document, "architecture", required=("format", "inputs", "nodes", "outputs"))

    inputs = _parse_inputs(document["inputs"])
    nodes = _parse_nodes(document["nodes"], inputs)
    outputs = _parse_outputs(document["outputs"], nodes)
    _refuse_dead_nodes(inputs, nodes, outputs)

    return Architecture(
        inputs=inputs,
        nodes=nodes,
        outputs=outputs,
        parameters=sum(_count_parameters(node.cost) for node in nodes),
        flops=sum(node.cost.flops for node in nodes),
        activations=sum(_count_activations(node.cost) for node in nodes),
        live_elements=_bound("live activations", _compute_live_elements(inputs, nodes, outputs), MAX_LIVE_ELEMENTS),
    )


def _parse_inputs(value: object) -> tuple[Input, ...]:
    inputs = tuple(_parse_input(item) for item in expect_list(value, "inputs", low=1, high=MAX_INPUTS))
    if len({item.id for item in inputs}) != len(inputs):
        raise Invalid(Reason.BAD_GRAPH, "input ids repeat")
    return inputs


def _parse_input(value: object) -> Input:
    fields = expect_object(value, "an input")
    validate_keys(fields, "an input", required=("id", "shape"), optional=("dtype",))
    dtype = fields.get("dtype", "float32")
    if dtype not in ("float32", "int64"):
        raise Invalid(Reason.BAD_ARGUMENT, "input dtype is neither float32 nor int64")
    return Input(_parse_identifier(fields["id"]), _parse_shape(fields["shape"], "shape"), dtype == "int64")


def _parse_nodes(value: object, inputs: tuple[Input, ...]) -> tuple[Node, ...]:
    shapes: dict[str, Shape] = {item.id: item.shape for item in inputs}
    integers = frozenset(item.id for item in inputs if item.is_integer)
    nodes: list[Node] = []
    parameters = flops = activations = 0

    for item in expect_list(value, "nodes", low=1, high=MAX_NODES):
        node = _parse_node(item, shapes, integers)
        shapes[node.id] = node.cost.shape
        nodes.append(node)
        # Checked after every node, so that the numbers stay small even for a long list.
        parameters = _bound("parameters", parameters + _count_parameters(node.cost), MAX_PARAMETERS)
        flops = _bound("FLOPs", flops + node.cost.flops, MAX_FLOPS)
        activations = _bound("activations", activations + _count_activations(node.cost), MAX_ACTIVATIONS)
    return tuple(nodes)


def _parse_node(value: object, shapes: Mapping[str, Shape], integers: frozenset[str]) -> Node:
    fields = expect_object(value, "a node")
    validate_keys(fields, "a node", required=("id", "op", "in"), optional=("args",))
    identifier, op = _parse_identifier(fields["id"]), fields["op"]
    if identifier in shapes:
        raise Invalid(Reason.BAD_GRAPH, "id repeats", id=identifier)
    if not isinstance(op, str) or op not in OPERATIONS:
        raise Invalid(Reason.UNKNOWN_OP, "op is not in the table", id=identifier, op=str(op)[:64])

    operation = OPERATIONS[op]
    sources = _parse_sources(fields["in"], operation, shapes)
    if any((source in integers) != operation.is_indexed for source in sources):
        raise Invalid(Reason.BAD_SHAPE, "Embedding takes integers, and no other op does", id=identifier)

    arguments = _parse_arguments(op, operation, expect_object(fields.get("args", {}), "args"))
    cost = operation.measure([shapes[source] for source in sources], arguments)
    return Node(identifier, op, sources, arguments, cost)


def _parse_sources(value: object, operation: Operation, shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    low = 1 if operation.max_inputs == 1 else 2
    if not isinstance(value, list) or not low <= len(value) <= operation.max_inputs:
        raise Invalid(Reason.BAD_GRAPH, "op takes a different number of inputs", low=low, high=operation.max_inputs)
    for source in value:
        if not isinstance(source, str) or source not in shapes:
            raise Invalid(Reason.BAD_GRAPH, "input is not an earlier id", input=str(source)[:64])
    return tuple(value)


def _parse_arguments(op: str, operation: Operation, given: dict[str, object]) -> Arguments:
    unknown = set(given) - set(operation.arguments)
    if unknown:
        raise Invalid(Reason.BAD_ARGUMENT, f"{op} has no such argument", argument=sorted(unknown)[0][:64])

    arguments: dict[str, ArgumentValue] = {}
    for name, kind in operation.arguments.items():
        if name in given:
            arguments[name] = _parse_argument(kind, given[name], f"{op}.{name}")
        elif kind.default is not None:
            arguments[name] = kind.default
        else:
            raise Invalid(Reason.BAD_ARGUMENT, f"{op}.{name} is missing")
    return arguments


def _parse_argument(kind: ArgumentKind, value: object, name: str) -> ArgumentValue:
    match kind:
        case Dimensions():
            return _parse_shape(value, name)
        case Flag() if isinstance(value, bool):
            return value
        case Integer() if _is_integer(value) and kind.low <= value <= kind.high:
            return value
        case Number() if (_is_integer(value) or isinstance(value, float)) and kind.low <= value <= kind.high:
            return float(value)
    raise Invalid(Reason.BAD_ARGUMENT, f"{name} is out of range")


def _parse_shape(value: object, name: str) -> Shape:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_RANK - 1:
        raise Invalid(Reason.BAD_ARGUMENT, f"{name} is not a list of 1 to {MAX_RANK - 1} sizes")
    if not all(_is_integer(size) and 1 <= size <= MAX_DIMENSION for size in value):
        raise Invalid(Reason.BAD_ARGUMENT, f"{name} has a size out of range")
    if prod(value) > MAX_LIVE_ELEMENTS:
        raise Invalid(Reason.TOO_EXPENSIVE, f"{name} has too many elements", elements=prod(value))
    return tuple(value)


def _is_integer(value: object) -> TypeGuard[int]:
    """Return whether the JSON value is an integer. Python's bool is an int; JSON's is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _parse_identifier(value: object) -> str:
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise Invalid(Reason.BAD_GRAPH, "id is not 1 to 64 letters, digits and underscores")
    return value


def _parse_outputs(value: object, nodes: tuple[Node, ...]) -> tuple[str, ...]:
    outputs = expect_list(value, "outputs", low=1, high=MAX_OUTPUTS)
    names = tuple(name for name in outputs if isinstance(name, str) and name in {node.id for node in nodes})
    if len(set(names)) != len(outputs):
        raise Invalid(Reason.BAD_GRAPH, "outputs are not distinct node ids")
    return names


def _refuse_dead_nodes(inputs: tuple[Input, ...], nodes: tuple[Node, ...], outputs: tuple[str, ...]) -> None:
    """Raise Invalid on nodes and inputs without effect: they cost work and mislead a reader."""
    used = set(outputs)
    for node in reversed(nodes):
        if node.id not in used:
            raise Invalid(Reason.BAD_GRAPH, "dead node", id=node.id)
        used.update(node.sources)
    for item in inputs:
        if item.id not in used:
            raise Invalid(Reason.BAD_GRAPH, "dead input", id=item.id)


def _count_parameters(cost: Cost) -> int:
    return sum(prod(spec.shape) for spec in cost.tensors if not spec.is_buffer)


def _count_activations(cost: Cost) -> int:
    return prod(cost.shape) + cost.workspace


def _compute_live_elements(inputs: tuple[Input, ...], nodes: tuple[Node, ...], outputs: tuple[str, ...]) -> int:
    """Return the most elements held at one time, if each value is dropped after its last use."""
    last_use = compute_last_uses(nodes, outputs)
    held = {item.id: prod(item.shape) for item in inputs}
    peak = 0
    for index, node in enumerate(nodes):
        held[node.id] = prod(node.cost.shape)
        peak = max(peak, sum(held.values()) + node.cost.workspace)
        held = {name: size for name, size in held.items() if last_use[name] > index}
    return peak


def compute_last_uses(nodes: tuple[Node, ...], outputs: tuple[str, ...]) -> dict[str, int]:
    """Return, for each value, the index of the last node that reads it. Outputs are never dropped."""
    last_use = {source: index for index, node in enumerate(nodes) for source in node.sources}
    return last_use | dict.fromkeys(outputs, len(nodes))


def _bound(name: str, value: int, limit: int) -> int:
    if value > limit:
        raise Invalid(Reason.TOO_EXPENSIVE, f"too many {name}", count=value, limit=limit)
    return value
