"""Which matrices of a language model an adapter can reach, and which of them a pattern means.

A matrix is named by its module, and a part of packed attention by the name it would have as a layer
of its own: `transformer.layers.0.self_attn.q_proj`. `porting` renames these for transformers.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .options import AdapterError, nearest

if TYPE_CHECKING:
    from audiocraft.models.lm import LMModel
    from torch import nn

_LAYER = r"^transformer\.layers\.\d+\."
_ATTENTIONS = {"attention": "self_attn", "cross_attention": "cross_attention"}

GROUPS = {
    "all": _LAYER,
    **{name: rf"{_LAYER}{module}\." for name, module in _ATTENTIONS.items()},
    **{
        f"{name}.{part}": rf"{_LAYER}{module}\.{part}_proj$"
        for name, module in _ATTENTIONS.items()
        for part in ("q", "k", "v", "out")
    },
    "feed_forward": rf"{_LAYER}linear[12]$",
    "heads": r"^linears\.\d+$",
    "conditioners": r"^condition_provider\.conditioners\..+\.output_proj$",
}
"""Names for targets, each with the regular expression it stands for. `all` is every matrix of
attention and feed-forward; heads (the output layers) and conditioners (what text and melody pass
through on their way in) are asked for by name."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """One matrix an adapter can reach.

    Attributes:
        name: Its own name.
        module: Path of the module that holds it.
        part: Its place in a packed matrix (0 queries, 1 keys, 2 values), or None.
        rows: Outputs.
        columns: Inputs.
    """

    name: str
    module: str
    part: int | None
    rows: int
    columns: int


def find_matrices(lm: "LMModel") -> tuple[Matrix, ...]:
    """Lists all that an adapter can reach, in the order of the model.

    Raises:
        AdapterError: The model's attention is torch's own, which has no place for an adapter.
    """
    from audiocraft.modules.transformer import StreamingMultiheadAttention
    from torch import nn

    found: list[Matrix] = []
    reachable = re.compile(
        "|".join(f"(?:{GROUPS[name]})" for name in ("all", "heads", "conditioners"))
    )
    for path, module in lm.named_modules():
        if isinstance(module, StreamingMultiheadAttention):
            if not module.custom:
                raise AdapterError(
                    f"{path} is torch's MultiheadAttention, which an adapter cannot reach; set "
                    "transformer_lm.memory_efficient=true (the same weights, computed faster)"
                )
            found += _packed(path, module)
        elif isinstance(module, nn.Linear) and reachable.search(path):
            found.append(Matrix(path, path, None, module.out_features, module.in_features))
    return tuple(found)


def part_sizes(attention: "nn.Module") -> tuple[int, int, int]:
    """Rows of queries, keys and values in the packed matrix of an attention."""
    rows, width = attention._parameters["in_proj_weight"].shape  # type: ignore[union-attr]
    return width, (rows - width) // 2, (rows - width) // 2


def _packed(path: str, attention: "nn.Module") -> list[Matrix]:
    sizes = part_sizes(attention)
    return [
        Matrix(f"{path}.{letter}_proj", path, part, size, sizes[0])
        for part, (letter, size) in enumerate(zip("qkv", sizes, strict=True))
    ]


def select(matrices: Iterable[Matrix], patterns: Iterable[str]) -> tuple[Matrix, ...]:
    """Returns the matrices that any of the patterns means, in the order of the model.

    Args:
        matrices: What there is.
        patterns: Names of `GROUPS`, or regular expressions searched in the matrices' names.

    Raises:
        AdapterError: A pattern is neither, or means no matrix here: what there is gets listed.
    """
    matrices = tuple(matrices)
    chosen: set[str] = set()
    for pattern in patterns:
        expression = _expression(pattern, matrices)
        names = [matrix.name for matrix in matrices if expression.search(matrix.name)]
        if not names:
            raise AdapterError(
                f'adapter target "{pattern}" is nowhere in this model{_menu(matrices)}'
            )
        chosen.update(names)
    if not chosen:
        raise AdapterError(f"adapter.targets is empty{_menu(matrices)}")
    return tuple(matrix for matrix in matrices if matrix.name in chosen)


def group_of(name: str) -> str:
    """Returns the broad group of a matrix: attention, cross_attention, feed_forward, …"""
    broad = (*_ATTENTIONS, "feed_forward", "heads", "conditioners")
    return next(group for group in broad if re.search(GROUPS[group], name))


def _expression(pattern: str, matrices: tuple[Matrix, ...]) -> re.Pattern[str]:
    if pattern in GROUPS:
        return re.compile(GROUPS[pattern])
    plain = re.fullmatch(r"[\w.]+", pattern) is not None
    if plain and not any(pattern in matrix.name for matrix in matrices):
        hint = nearest(pattern, list(GROUPS))
        raise AdapterError(f'adapter target "{pattern}" is unknown{hint}{_menu(matrices)}')
    try:
        return re.compile(pattern)
    except re.error as error:
        raise AdapterError(
            f'adapter target "{pattern}" is no regular expression ({error}){_menu(matrices)}'
        ) from None


def _menu(matrices: tuple[Matrix, ...]) -> str:
    """Says what there is: groups with their counts, and names with the layers folded together."""
    groups = [
        f"{group} ({count})"
        for group, expression in GROUPS.items()
        if (count := sum(bool(re.search(expression, matrix.name)) for matrix in matrices))
    ]
    folded = Counter(re.sub(r"\.\d+(?=\.|$)", ".N", matrix.name) for matrix in matrices)
    names = [f"{name} ({count})" for name, count in folded.items()]
    return (
        f"; groups with their numbers of matrices: {', '.join(groups)}; "
        f"names for a regular expression: {', '.join(names)}"
    )
