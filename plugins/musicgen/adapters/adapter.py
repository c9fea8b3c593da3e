"""Attaches an adapter to a language model, and is the handle on it afterwards."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from audiocraft.models.lm import LMModel
from audiocraft.modules.transformer import StreamingMultiheadAttention
from torch import Tensor, nn

from . import layers
from .options import AdapterError, AdapterOptions
from .targets import Matrix, find_matrices, group_of, part_sizes, select

_CHILDREN = (layers.LINEAR_CHILD, layers.PACKED_CHILD)


@dataclass(frozen=True, slots=True)
class TargetCount:
    """How much of one group an adapter reaches.

    Attributes:
        group: attention, cross_attention, feed_forward, heads or conditioners.
        matrices: Matrices with an adapter.
        available: Matrices the model has in this group.
        parameters: Trainable numbers beside them.
    """

    group: str
    matrices: int
    available: int
    parameters: int


class Adapter:
    """An adapter that is attached to a language model.

    Made by `attach`; `Adapter(copy.deepcopy(lm), options)` is the handle on a copy's own adapter.

    Args:
        lm: The model that has the adapter's layers.
        options: What was attached.

    Attributes:
        matrices: All that is adapted, in the order of the model.
    """

    def __init__(self, lm: LMModel, options: AdapterOptions) -> None:
        self.lm, self.options = lm, options
        self.matrices: tuple[Matrix, ...] = select(find_matrices(lm), options.patterns)
        self._modules = {matrix.module: lm.get_submodule(matrix.module) for matrix in self.matrices}

    def trainable_parameters(self) -> list[nn.Parameter]:
        """The parameters to optimize, float32."""
        return [p for layer in self._layers() for p in layer.parameters()]

    def state_dict(self) -> dict[str, Tensor]:
        """The adapter's tensors (views, detached), by matrix: `….q_proj.lora_A.weight`."""
        return {
            f"{matrix.name}.{key}": tensor.detach()
            for matrix in self.matrices
            for key, tensor in self._pieces(matrix).items()
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes over the tensors of a `state_dict` of an adapter of the same options.

        Raises:
            AdapterError: Names or shapes are not this adapter's.
        """
        own = self.state_dict()
        missing, strange = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or strange:
            raise AdapterError(
                f"the weights are of another adapter: {len(missing)} tensors are missing"
                f"{_example(missing)}, {len(strange)} have no place{_example(strange)}"
            )
        for name, tensor in own.items():
            if tensor.shape != state[name].shape:
                raise AdapterError(
                    f"adapter tensor {name} has shape {tuple(state[name].shape)}, expected "
                    f"{tuple(tensor.shape)}; the rank or the base model differs"
                )
        for name, tensor in own.items():
            tensor.copy_(state[name])

    def base_state_dict(self) -> dict[str, Tensor]:
        """The base model's tensors by their own names, untouched by the adapter."""
        inside = tuple(
            f"{path}.{child}."
            for path, module in self._modules.items()
            for child in _CHILDREN
            if child in module._modules
        )
        state = self.lm.state_dict()
        return {name: tensor for name, tensor in state.items() if not name.startswith(inside)}

    def merged_state_dict(self) -> dict[str, Tensor]:
        """Tensors of a plain model that does what base and adapter do, by the base's names."""
        state = self.base_state_dict()
        for path, module in self._modules.items():
            for name, tensor in _merged(module).items():
                state[f"{path}.{name}"] = tensor
        return state

    def merge_(self) -> None:
        """Writes the adapter into the base's matrices and takes it off."""
        for module in self._modules.values():
            for name, tensor in _merged(module).items():
                parameter = module._parameters[name]
                assert parameter is not None
                parameter.data.copy_(tensor)
        self.remove_()

    def remove_(self) -> None:
        """Takes the adapter off: the model is the base again, its parameters still frozen."""
        for module in self._modules.values():
            for child in _CHILDREN:
                module._modules.pop(child, None)
            packed = isinstance(module, layers.AdaptedAttention)
            if packed:
                module.__class__ = StreamingMultiheadAttention
            else:
                module.__class__ = nn.Linear
        self._modules, self.matrices = {}, ()

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Lets the model do as its base inside this context."""
        before = [(layer, layer.enabled) for layer in self._layers()]
        for layer, _ in before:
            layer.enabled = False
        try:
            yield
        finally:
            for layer, enabled in before:
                layer.enabled = enabled

    def summary(self) -> tuple[TargetCount, ...]:
        """What is reached and how much is trained, a row a group."""
        reached: dict[str, list[Matrix]] = defaultdict(list)
        for matrix in self.matrices:
            reached[group_of(matrix.name)].append(matrix)
        available: dict[str, int] = defaultdict(int)
        for matrix in find_matrices(self.lm):
            available[group_of(matrix.name)] += 1
        return tuple(
            TargetCount(
                group,
                len(reached[group]),
                count,
                sum(t.numel() for m in reached[group] for t in self._pieces(m).values()),
            )
            for group, count in available.items()
        )

    def describe(self) -> str:
        """Says in a few lines what is adapted: for the start of a run."""
        what = "output layers in full"
        if self.options.kind == "lora":
            form = "DoRA" if self.options.dora else "LoRA"
            what = f"{form} of rank {self.options.rank}, scale {self.options.scaling:g}"
        lines = [
            f"{row.group}: {row.matrices} of {row.available} matrices, {row.parameters:,} trainable"
            for row in self.summary()
        ]
        trained = sum(p.numel() for p in self.trainable_parameters())
        frozen = sum(tensor.numel() for tensor in self.base_state_dict().values())
        share = 100 * trained / frozen
        return "\n  ".join([f"{what}: {trained:,} trainable ({share:.2f} % of the base)", *lines])

    def _layers(self) -> list[layers.LowRank | layers.Replacement]:
        return [_layer(module) for module in self._modules.values()]

    def _pieces(self, matrix: Matrix) -> dict[str, Tensor]:
        layer = _layer(self._modules[matrix.module])
        if isinstance(layer, layers.LowRank):
            return layer.pieces(matrix.part or 0)
        return dict(layer.named_parameters())


def attach(lm: LMModel, options: AdapterOptions) -> Adapter:
    """Freezes a language model and puts an adapter beside some of its matrices.

    The model must have its weights already: DoRA's lengths and `head`'s copies start from them.

    Args:
        lm: The model; changed in place, the names of its parameters stay.
        options: Kind, targets, rank and so on.

    Raises:
        AdapterError: The model has an adapter already, a target is unknown or means no matrix.
    """
    matrices = find_matrices(lm)
    chosen = select(matrices, options.patterns)
    if options.kind == "head" and (other := [m for m in chosen if group_of(m.name) != "heads"]):
        raise AdapterError(
            f"adapter.kind=head trains output layers, but its targets mean {other[0].name}; "
            "leave adapter.targets empty, or use adapter.kind=lora"
        )
    if any(isinstance(m, layers.LowRank | layers.Replacement) for m in lm.modules()):
        raise AdapterError("the model has an adapter already; merge_() or remove_() it first")
    lm.requires_grad_(False)
    by_module: dict[str, list[Matrix]] = defaultdict(list)
    for matrix in chosen:
        by_module[matrix.module].append(matrix)
    for path, parts in by_module.items():
        _adapt(lm.get_submodule(path), parts, options)
    return Adapter(lm, options)


def _adapt(module: nn.Module, parts: list[Matrix], options: AdapterOptions) -> None:
    if isinstance(module, StreamingMultiheadAttention):
        packed = module._parameters["in_proj_weight"]
        assert packed is not None
        use = [any(part == matrix.part for matrix in parts) for part in range(3)]
        low_rank = layers.LowRank(packed, part_sizes(module), use, options)
        module.add_module(layers.PACKED_CHILD, low_rank.train(module.training))
        module.__class__ = layers.AdaptedAttention
        return
    if type(module) is not nn.Linear:
        raise AdapterError(f"{parts[0].name} is a {type(module).__name__}, expected a plain Linear")
    layer: nn.Module
    if options.kind == "head":
        layer = layers.Replacement(module)
    else:
        layer = layers.LowRank(module.weight, (module.out_features,), (True,), options)
    module.add_module(layers.LINEAR_CHILD, layer.train(module.training))
    module.__class__ = layers.AdaptedLinear


def _layer(module: nn.Module) -> layers.LowRank | layers.Replacement:
    found = next(module._modules[child] for child in _CHILDREN if child in module._modules)
    assert isinstance(found, layers.LowRank | layers.Replacement)
    return found


def _merged(module: nn.Module) -> dict[str, Tensor]:
    """The module's own parameters with its adapter written into them."""
    layer = _layer(module)
    if isinstance(layer, layers.Replacement):
        own = {name: tensor.detach() for name, tensor in layer.named_parameters()}
        return {name: t.to(module.get_parameter(name).dtype) for name, t in own.items()}
    name = "in_proj_weight" if isinstance(module, layers.AdaptedAttention) else "weight"
    base = module._parameters[name]
    assert base is not None
    return {name: layer.merged(base)}


def _example(names: list[str]) -> str:
    return f" ({names[0]} …)" if names else ""
