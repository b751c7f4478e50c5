"""`architecture/1` as a torch module. Only this module turns an op's name into torch code.

`build_module` returns an ordinary float32 `torch.nn.Module` for training; the worker scores with the same class.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.architecture import Architecture, compute_last_uses, parse_architecture
from zarathustra.formats.operations import Arguments, get_integer, get_shape


class GraphModule(nn.Module):
    """Runs the nodes in order and drops each value after its last use."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        # A list, not a ModuleDict: a node may be called "keys" or "forward".
        self.layers = nn.ModuleList(_BUILDERS[node.op](node.arguments) for node in architecture.nodes)
        last_use = compute_last_uses(architecture.nodes, architecture.outputs)
        self._droppable = [
            tuple(name for name in dict.fromkeys(node.sources) if last_use[name] == index)
            for index, node in enumerate(architecture.nodes)
        ]

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Compute the output for a batch, given one tensor per input. Returns a tuple if there are several outputs."""
        names = (item.id for item in self.architecture.inputs)
        values = dict(zip(names, inputs, strict=True))
        for node, layer, droppable in zip(self.architecture.nodes, self.layers, self._droppable, strict=True):
            values[node.id] = layer(*(values[source] for source in node.sources))
            for name in droppable:
                del values[name]
        outputs = tuple(values[name] for name in self.architecture.outputs)
        return outputs[0] if len(outputs) == 1 else outputs


def build_module(architecture: bytes) -> GraphModule:
    """Build a trainable float32 module with torch's own initial parameters.

    Raises Invalid if the architecture is refused. Save the trained parameters with `save_parameters`.
    """
    return GraphModule(validate_count(parse_architecture(architecture)))


def save_parameters(module: GraphModule) -> bytes:
    """Return the module's parameters as the safetensors file that an evaluation expects."""
    tensors = {
        name: tensor.detach().to("cpu", torch.float32).contiguous().clone()
        for name, tensor in name_tensors(module).items()
    }
    return save(tensors)


def name_tensors(module: GraphModule) -> dict[str, Tensor]:
    """Return the module's stored tensors by their names in the parameters file."""
    named: dict[str, Tensor] = {}
    for node, layer in zip(module.architecture.nodes, module.layers, strict=True):
        state = layer.state_dict(keep_vars=True)
        named |= {f"{node.id}.{spec.name}": state[spec.name] for spec in node.cost.tensors}
    return named


def validate_count(architecture: Architecture) -> Architecture:
    """Raise Invalid(BAD_SHAPE) unless torch builds the tensors that the closed form counts. Return the architecture.

    The module is built on the meta device, which allocates nothing. Closed form and module are written separately; if
    they differed, limits would be checked against wrong numbers.
    """
    module = _build_on_meta(architecture)
    count = sum(parameter.numel() for parameter in module.parameters())
    shapes = {name: tuple(tensor.shape) for name, tensor in name_tensors(module).items()}
    if count != architecture.parameters or shapes != {name: spec.shape for name, spec in architecture.tensors.items()}:
        raise Invalid(Reason.BAD_SHAPE, "torch builds other tensors", count=count, expected=architecture.parameters)
    return architecture


def build_with(architecture: Architecture, tensors: Mapping[str, Tensor], dtype: torch.dtype) -> GraphModule:
    """Build a module in evaluation mode with `tensors` cast to `dtype`, without random initialisation."""
    module = _build_on_meta(architecture)
    for node, layer in zip(architecture.nodes, module.layers, strict=True):
        state = {spec.name: tensors[f"{node.id}.{spec.name}"].to(dtype) for spec in node.cost.tensors}
        # Not strict: BatchNorm also has a counter of batches, which no evaluation reads.
        layer.load_state_dict(state, strict=False, assign=True)
    return module.eval()


def _build_on_meta(architecture: Architecture) -> GraphModule:
    with torch.device("meta"), _WithoutDraws():
        return GraphModule(architecture)


class _WithoutDraws(TorchFunctionMode):
    """Skips random initialisation: on the meta device it only makes torch import a compiler (6 s, 170 MB)."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if getattr(func, "__module__", "") == nn.init.__name__:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


class PositionEmbedding(nn.Module):
    """Adds a learned vector to each position."""

    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(length, dim))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight[: x.shape[1]]


class SelfAttention(nn.Module):
    """Multi-head attention from basic ops: torch's fused kernels select a backend that depends on the processor."""

    def __init__(self, embed_dim: int, num_heads: int, causal: bool) -> None:
        super().__init__()
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.projection = nn.Linear(embed_dim, embed_dim)
        self.num_heads = num_heads
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:
        batch, length, size = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.num_heads, size // self.num_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(-1, -2)) * (1 / math.sqrt(size // self.num_heads))
        if self.causal:
            future = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            weights = weights.masked_fill(future, float("-inf"))
        mixed = weights.softmax(-1) @ value
        return cast(Tensor, self.projection(mixed.transpose(1, 2).reshape(batch, length, size)))


class Stateless(nn.Module):
    """A plain function as a layer."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def _build_reshape(arguments: Arguments) -> nn.Module:
    shape = get_shape(arguments, "shape")
    return Stateless(lambda x: x.reshape(x.shape[0], *shape))


def _build_transpose(arguments: Arguments) -> nn.Module:
    first, second = get_integer(arguments, "a"), get_integer(arguments, "b")
    return Stateless(lambda x: x.transpose(first, second))


def _build_mean_pool(arguments: Arguments) -> nn.Module:
    dimension = get_integer(arguments, "dim")
    return Stateless(lambda x: x.mean(dimension))


def _build_concatenation(arguments: Arguments) -> nn.Module:
    dimension = get_integer(arguments, "dim")
    return Stateless(lambda *inputs: torch.cat(inputs, dimension))


def _add(first: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        first = first + other
    return first


def _multiply(first: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        first = first * other
    return first


def _call(layer: Callable[..., nn.Module]) -> Callable[[Arguments], nn.Module]:
    """Return a builder for a layer that takes the op's arguments under the same names."""
    return lambda arguments: layer(**arguments)


_BUILDERS: Mapping[str, Callable[[Arguments], nn.Module]] = {
    "Linear": _call(nn.Linear),
    "Conv1d": _call(nn.Conv1d),
    "Conv2d": _call(nn.Conv2d),
    "MaxPool2d": _call(nn.MaxPool2d),
    "AvgPool2d": _call(nn.AvgPool2d),
    "AdaptiveAvgPool2d": _call(nn.AdaptiveAvgPool2d),
    "BatchNorm1d": _call(nn.BatchNorm1d),
    "BatchNorm2d": _call(nn.BatchNorm2d),
    "LayerNorm": _call(nn.LayerNorm),
    "Embedding": _call(nn.Embedding),
    "PosEmbedding": _call(PositionEmbedding),
    "SelfAttention": _call(SelfAttention),
    "ReLU": _call(nn.ReLU),
    "GELU": _call(nn.GELU),
    "SiLU": _call(nn.SiLU),
    "Tanh": _call(nn.Tanh),
    "Sigmoid": _call(nn.Sigmoid),
    "LeakyReLU": _call(nn.LeakyReLU),
    "Softmax": _call(nn.Softmax),
    "LogSoftmax": _call(nn.LogSoftmax),
    "Flatten": _call(nn.Flatten),
    "Reshape": _build_reshape,
    "Transpose": _build_transpose,
    "MeanPool": _build_mean_pool,
    "Add": lambda _: Stateless(_add),
    "Mul": lambda _: Stateless(_multiply),
    "Concat": _build_concatenation,
}
