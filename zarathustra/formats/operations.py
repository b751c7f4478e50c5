"""The table of ops of `architecture/1`: what each one takes, yields, stores and costs, in closed form.

Shapes are those of one sample: the batch dimension is not written, and dimension 1 is the first one of a sample.
No op mixes samples, so a score cannot depend on what else is in its batch.

The docstring of each measure is its closed form, as `docs/ops.md` shows it; a test compares it with the code:
n elements of one input, m of the output, c inputs, d dimensions of space, `*kernel` is kernel_size d times.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

Shape = tuple[int, ...]
ArgumentValue = bool | int | float | Shape
Arguments = Mapping[str, ArgumentValue]

MAX_DIMENSION = 65_536  # of one dimension; products are bounded by the limits on the whole architecture
MAX_RANK = 6  # with the batch dimension
MAX_EMBEDDINGS = 262_144
UNARY_FLOPS = 8  # an elementwise transcendental costs about this many multiplications


@dataclass(frozen=True)
class TensorSpec:
    """One stored tensor of an op, always float32. Buffers (running statistics) are stored but not trained."""

    name: str
    shape: Shape
    is_buffer: bool = False


@dataclass(frozen=True)
class Cost:
    """What one op yields and needs for one sample."""

    shape: Shape
    flops: int
    tensors: tuple[TensorSpec, ...] = ()
    workspace: int = 0  # elements held only while the op runs


@dataclass(frozen=True)
class Integer:
    low: int = 1
    high: int = MAX_DIMENSION
    default: int | None = None


@dataclass(frozen=True)
class Flag:
    default: bool


@dataclass(frozen=True)
class Number:
    low: float
    high: float
    default: float


@dataclass(frozen=True)
class Dimensions:
    """A whole sample shape."""

    default: None = None


Measure = Callable[[list[Shape], Arguments], Cost]


ArgumentKind = Integer | Flag | Number | Dimensions


@dataclass(frozen=True)
class Operation:
    """`meaning` is what the op computes, for `docs/ops.md`; `scoring/model.py` builds the layer that does."""

    meaning: str
    measure: Measure
    arguments: Mapping[str, ArgumentKind] = field(default_factory=dict)
    max_inputs: int = 1  # more than one: at least two
    is_indexed: bool = False  # its input holds integers


def require(condition: bool, message: str, shapes: list[Shape]) -> None:
    """Raise Invalid(BAD_SHAPE) unless the condition holds."""
    if not condition:
        raise Invalid(Reason.BAD_SHAPE, message, shapes=shapes)


def get_integer(arguments: Arguments, name: str) -> int:
    value = arguments[name]
    if not isinstance(value, int):
        raise Invalid(Reason.BAD_ARGUMENT, f"{name} is not an integer")
    return value


def get_shape(arguments: Arguments, name: str) -> Shape:
    value = arguments[name]
    if not isinstance(value, tuple):
        raise Invalid(Reason.BAD_ARGUMENT, f"{name} is not a shape")
    return value


def _measure_linear(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*rest, in_features)
    gives: (*rest, out_features)
    stores: weight (out_features, in_features); bias (out_features) with `bias`
    flops: 2 * n * out_features
    """
    (shape,) = shapes
    features_in, features_out = get_integer(arguments, "in_features"), get_integer(arguments, "out_features")
    require(shape[-1] == features_in, "last dimension is not in_features", shapes)

    tensors = [TensorSpec("weight", (features_out, features_in))]
    if arguments["bias"]:
        tensors.append(TensorSpec("bias", (features_out,)))
    return Cost((*shape[:-1], features_out), 2 * prod(shape) * features_out, tuple(tensors))


def _measure_convolution(spatial_rank: int) -> Measure:
    def measure(shapes: list[Shape], arguments: Arguments) -> Cost:
        """takes: (in_channels, *space), in_channels and out_channels multiples of groups
        gives: (out_channels, *[(s + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1 for s in space])
        stores: weight (out_channels, in_channels // groups, *kernel); bias (out_channels) with `bias`
        flops: 2 * m * in_channels // groups * kernel_size ** d
        workspace: in_channels * kernel_size ** d * m // out_channels
        """
        (shape,) = shapes
        channels_in, channels_out = get_integer(arguments, "in_channels"), get_integer(arguments, "out_channels")
        kernel, groups = get_integer(arguments, "kernel_size"), get_integer(arguments, "groups")
        require(len(shape) == spatial_rank + 1 and shape[0] == channels_in, "shape is not in_channels by space", shapes)
        require(channels_in % groups == 0 == channels_out % groups, "groups do not divide the channels", shapes)

        reach = get_integer(arguments, "dilation") * (kernel - 1) + 1
        padded = [size + 2 * get_integer(arguments, "padding") for size in shape[1:]]
        require(min(padded) >= reach, "kernel is larger than the padded input", shapes)
        space = tuple((size - reach) // get_integer(arguments, "stride") + 1 for size in padded)

        weight = (channels_out, channels_in // groups, *(kernel,) * spatial_rank)
        tensors = [TensorSpec("weight", weight)]
        if arguments["bias"]:
            tensors.append(TensorSpec("bias", (channels_out,)))
        # In float64 torch unfolds the whole input first: one column per output position.
        unfolded = channels_in * kernel**spatial_rank * prod(space)
        return Cost((channels_out, *space), 2 * prod(weight) * prod(space), tuple(tensors), workspace=unfolded)

    return measure


def _measure_pool(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (channels, height, width)
    gives: (channels, (height - kernel_size) // stride + 1, (width - kernel_size) // stride + 1)
    flops: m * kernel_size ** 2
    """
    (shape,) = shapes
    kernel, stride = get_integer(arguments, "kernel_size"), get_integer(arguments, "stride")
    require(len(shape) == 3, "shape is not channels by height by width", shapes)
    require(min(shape[1:]) >= kernel, "kernel is larger than the input", shapes)
    space = tuple((size - kernel) // stride + 1 for size in shape[1:])
    return Cost((shape[0], *space), shape[0] * prod(space) * kernel * kernel)


def _measure_adaptive_pool(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (channels, height, width)
    gives: (channels, output_size, output_size)
    flops: channels * (height + output_size) * (width + output_size)
    """
    (shape,) = shapes
    size = get_integer(arguments, "output_size")
    require(len(shape) == 3, "shape is not channels by height by width", shapes)
    # Windows overlap when the output is larger than the input: each then reads at most two values a side.
    return Cost((shape[0], size, size), shape[0] * (shape[1] + size) * (shape[2] + size))


def _measure_batch_norm(ranks: tuple[int, ...]) -> Measure:
    def measure(shapes: list[Shape], arguments: Arguments) -> Cost:
        """takes: (num_features, *space)
        gives: (num_features, *space)
        stores: weight (num_features); bias (num_features); running_mean (num_features), not trained; running_var
            (num_features), not trained
        flops: 4 * n
        """
        (shape,) = shapes
        features = get_integer(arguments, "num_features")
        require(len(shape) in ranks and shape[0] == features, "first dimension is not num_features", shapes)
        tensors = (
            TensorSpec("weight", (features,)),
            TensorSpec("bias", (features,)),
            TensorSpec("running_mean", (features,), is_buffer=True),
            TensorSpec("running_var", (features,), is_buffer=True),
        )
        return Cost(shape, 4 * prod(shape), tensors)

    return measure


def _measure_layer_norm(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*rest, normalized_shape)
    gives: (*rest, normalized_shape)
    stores: weight (normalized_shape); bias (normalized_shape)
    flops: 8 * n
    """
    (shape,) = shapes
    size = get_integer(arguments, "normalized_shape")
    require(shape[-1] == size, "last dimension is not normalized_shape", shapes)
    return Cost(shape, 8 * prod(shape), (TensorSpec("weight", (size,)), TensorSpec("bias", (size,))))


def _measure_embedding(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (length) of int64
    gives: (length, embedding_dim)
    stores: weight (num_embeddings, embedding_dim)
    flops: m
    """
    (shape,) = shapes
    count, size = get_integer(arguments, "num_embeddings"), get_integer(arguments, "embedding_dim")
    require(len(shape) == 1, "shape is not a sequence of indices", shapes)
    return Cost((*shape, size), prod(shape) * size, (TensorSpec("weight", (count, size)),))


def _measure_position_embedding(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (positions, dim), positions ≤ length
    gives: (positions, dim)
    stores: weight (length, dim)
    flops: n
    """
    (shape,) = shapes
    length, size = get_integer(arguments, "length"), get_integer(arguments, "dim")
    require(len(shape) == 2 and shape[0] <= length and shape[1] == size, "shape is not sequence by dim", shapes)
    return Cost(shape, prod(shape), (TensorSpec("weight", (length, size)),))


def _measure_self_attention(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (length, embed_dim), embed_dim a multiple of num_heads
    gives: (length, embed_dim)
    stores: qkv.weight (3 * embed_dim, embed_dim); qkv.bias (3 * embed_dim); projection.weight (embed_dim, embed_dim);
        projection.bias (embed_dim)
    flops: 8 * length * embed_dim ** 2 + 4 * length ** 2 * embed_dim + 8 * num_heads * length ** 2
    workspace: 3 * num_heads * length ** 2 + 4 * length * embed_dim
    """
    (shape,) = shapes
    size, heads = get_integer(arguments, "embed_dim"), get_integer(arguments, "num_heads")
    require(len(shape) == 2 and shape[1] == size, "shape is not sequence by embed_dim", shapes)
    require(size % heads == 0, "num_heads does not divide embed_dim", shapes)

    length = shape[0]
    tensors = (
        TensorSpec("qkv.weight", (3 * size, size)),
        TensorSpec("qkv.bias", (3 * size,)),
        TensorSpec("projection.weight", (size, size)),
        TensorSpec("projection.bias", (size,)),
    )
    flops = 8 * length * size * size + 4 * length * length * size + UNARY_FLOPS * heads * length * length
    return Cost(shape, flops, tensors, workspace=3 * heads * length * length + 4 * length * size)


def _measure_elementwise(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*sizes)
    gives: (*sizes)
    flops: 8 * n
    """
    (shape,) = shapes
    return Cost(shape, UNARY_FLOPS * prod(shape))


def _measure_softmax(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*sizes), dim among its dimensions or -1, the last one
    gives: (*sizes)
    flops: 8 * n
    """
    (shape,) = shapes
    dimension = get_integer(arguments, "dim")
    # 0 is the batch: a softmax over it would let samples see each other.
    require(dimension == -1 or 1 <= dimension <= len(shape), "dim is not one of the sample's", shapes)
    return Cost(shape, UNARY_FLOPS * prod(shape))


def _measure_flatten(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*sizes)
    gives: (n)
    flops: 0
    """
    (shape,) = shapes
    return Cost((prod(shape),), 0)


def _measure_reshape(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*sizes), with as many elements as `shape`
    gives: (*shape)
    flops: 0
    """
    (shape,) = shapes
    target = get_shape(arguments, "shape")
    require(prod(target) == prod(shape), "shape holds another number of elements", shapes)
    return Cost(target, 0)


def _measure_transpose(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*sizes), a and b among its dimensions
    gives: the sizes, with those of dimensions a and b exchanged
    flops: 0
    """
    (shape,) = shapes
    first, second = get_integer(arguments, "a"), get_integer(arguments, "b")
    require(max(first, second) <= len(shape), "a or b is not a dimension", shapes)
    swapped = list(shape)
    swapped[first - 1], swapped[second - 1] = shape[second - 1], shape[first - 1]
    return Cost(tuple(swapped), 0)


def _measure_mean_pool(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*sizes) of at least two dimensions, dim among them
    gives: (*sizes[: dim - 1], *sizes[dim:])
    flops: n
    """
    (shape,) = shapes
    dimension = get_integer(arguments, "dim")
    require(len(shape) > 1 and dimension <= len(shape), "dim is not a dimension of at least two", shapes)
    return Cost(shape[: dimension - 1] + shape[dimension:], prod(shape))


def _measure_combination(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: (*sizes), the same for all inputs
    gives: (*sizes)
    flops: c * n
    """
    require(len(set(shapes)) == 1, "inputs differ in shape", shapes)
    return Cost(shapes[0], len(shapes) * prod(shapes[0]))


def _measure_concatenation(shapes: list[Shape], arguments: Arguments) -> Cost:
    """takes: shapes that differ in dimension dim at most
    gives: the sizes of the inputs, in dimension dim their sum
    flops: m
    """
    axis = get_integer(arguments, "dim") - 1
    require(all(axis < len(shape) for shape in shapes), "dim is not a dimension", shapes)
    require(len({(*shape[:axis], 0, *shape[axis + 1 :]) for shape in shapes}) == 1, "inputs differ beside dim", shapes)
    joined = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])
    return Cost(joined, prod(joined))


_CONVOLUTION: Mapping[str, ArgumentKind] = {
    "in_channels": Integer(),
    "out_channels": Integer(),
    "kernel_size": Integer(high=64),
    "stride": Integer(high=64, default=1),
    "padding": Integer(low=0, high=64, default=0),
    "dilation": Integer(high=16, default=1),
    "groups": Integer(default=1),
    "bias": Flag(default=True),
}
_POOL = {"kernel_size": Integer(high=32), "stride": Integer(high=32, default=2)}
_FEATURES = {"num_features": Integer()}
_SOFTMAX = {"dim": Integer(low=-1, high=MAX_RANK - 1, default=-1)}

# Append-only: an architecture on IPFS keeps its meaning. `make generate` writes `docs/ops.md` from this table.
OPERATIONS: Mapping[str, Operation] = {
    "Linear": Operation(
        "x · weightᵀ + bias, over the last dimension",
        _measure_linear,
        {"in_features": Integer(), "out_features": Integer(), "bias": Flag(default=True)},
    ),
    "Conv1d": Operation(
        "cross-correlation with zero padding, space of one dimension", _measure_convolution(1), _CONVOLUTION
    ),
    "Conv2d": Operation(
        "cross-correlation with zero padding, space of two dimensions",
        _measure_convolution(2),
        {**_CONVOLUTION, "kernel_size": Integer(high=32)},
    ),
    "MaxPool2d": Operation("maximum of each window, without padding", _measure_pool, _POOL),
    "AvgPool2d": Operation("mean of each window, without padding", _measure_pool, _POOL),
    "AdaptiveAvgPool2d": Operation(
        "mean of window i, from ⌊i · size / output_size⌋ to ⌈(i + 1) · size / output_size⌉ in height and width",
        _measure_adaptive_pool,
        {"output_size": Integer(high=256)},
    ),
    "BatchNorm1d": Operation(
        "(x − running_mean) / √(running_var + 10⁻⁵) · weight + bias, space of no or one dimension",
        _measure_batch_norm((1, 2)),
        _FEATURES,
    ),
    "BatchNorm2d": Operation(
        "(x − running_mean) / √(running_var + 10⁻⁵) · weight + bias, space of two dimensions",
        _measure_batch_norm((3,)),
        _FEATURES,
    ),
    "LayerNorm": Operation(
        "(x − mean) / √(variance + 10⁻⁵) · weight + bias, over the last dimension",
        _measure_layer_norm,
        {"normalized_shape": Integer()},
    ),
    "Embedding": Operation(
        "the row of weight that each integer names",
        _measure_embedding,
        {"num_embeddings": Integer(high=MAX_EMBEDDINGS), "embedding_dim": Integer()},
        is_indexed=True,
    ),
    "PosEmbedding": Operation(
        "x + the first rows of weight, one for each position",
        _measure_position_embedding,
        {"length": Integer(high=8192), "dim": Integer()},
    ),
    "SelfAttention": Operation(
        "multi-head self-attention, scaled by 1/√(embed_dim / num_heads); if causal, no position sees a later one",
        _measure_self_attention,
        {"embed_dim": Integer(), "num_heads": Integer(high=128), "causal": Flag(default=False)},
    ),
    "ReLU": Operation("max(0, x)", _measure_elementwise),
    "GELU": Operation("x · Φ(x), Φ the standard normal distribution function", _measure_elementwise),
    "SiLU": Operation("x / (1 + exp(−x))", _measure_elementwise),
    "Tanh": Operation("tanh(x)", _measure_elementwise),
    "Sigmoid": Operation("1 / (1 + exp(−x))", _measure_elementwise),
    "LeakyReLU": Operation(
        "x where x ≥ 0, else negative_slope · x",
        _measure_elementwise,
        {"negative_slope": Number(0.0, 1.0, default=0.01)},
    ),
    "Softmax": Operation("exp(x) / Σ exp(x), over dim", _measure_softmax, _SOFTMAX),
    "LogSoftmax": Operation("x − log Σ exp(x), over dim", _measure_softmax, _SOFTMAX),
    "Flatten": Operation("all dimensions as one", _measure_flatten),
    "Reshape": Operation("the same elements in another shape", _measure_reshape, {"shape": Dimensions()}),
    "Transpose": Operation(
        "two dimensions exchanged",
        _measure_transpose,
        {"a": Integer(high=MAX_RANK - 1, default=1), "b": Integer(high=MAX_RANK - 1, default=2)},
    ),
    "MeanPool": Operation("mean over dim", _measure_mean_pool, {"dim": Integer(high=MAX_RANK - 1, default=1)}),
    "Add": Operation("the sum of the inputs, from left to right", _measure_combination, max_inputs=8),
    "Mul": Operation("the product of the inputs, from left to right", _measure_combination, max_inputs=8),
    "Concat": Operation(
        "the inputs side by side along dim",
        _measure_concatenation,
        {"dim": Integer(high=MAX_RANK - 1, default=1)},
        max_inputs=16,
    ),
}
