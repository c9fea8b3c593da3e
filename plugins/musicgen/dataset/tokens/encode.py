"""How a file becomes codes, and what names the model that makes them.

Shapes: C channels, K codebooks, T frames.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import TrainingError

if TYPE_CHECKING:
    import torch

VERSION = 1
"""Of the way in which files are read and encoded; part of what names a model."""

WHOLE_S = 60.0
"""Files up to this length, in seconds, are encoded at once."""

WINDOW_S = 30.0
"""Longer ones in windows of this length, in seconds."""

LEAD_S = 5.0
"""Sound before a window that is encoded with it, in seconds: EnCodec's LSTM remembers."""

TAIL_S = 1.0
"""Sound after a window that is encoded with it, in seconds: the convolutions look ahead."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How samples become frames.

    Attributes:
        sample_rate: Of the model, in Hz.
        channels: Of the sound it takes.
        hop: Samples of a frame.
        per_hop: Frames that follow each other for one hop; 2 where stereo takes turns.
        card: Codes of a codebook.
    """

    sample_rate: int
    channels: int
    hop: int
    per_hop: int
    card: int

    def frames(self, samples: int) -> int:
        """Frames of so many samples."""
        return math.ceil(samples / self.hop) * self.per_hop


def grid_of(compression: Any) -> Grid:
    """The grid of a compression model."""
    per_hop = int(getattr(compression, "num_virtual_steps", 1))
    return Grid(
        sample_rate=int(compression.sample_rate),
        channels=int(compression.channels),
        hop=round(compression.sample_rate * per_hop / compression.frame_rate),
        per_hop=per_hop,
        card=int(compression.cardinality),
    )


def model_hash(compression: Any) -> str:
    """Names a compression model by all that decides its codes: 20 hex digits.

    That is its weights by name, and the plain settings of all its parts, which weights do not show:
    strides, padding, how many codebooks are used.
    """
    import numpy as np
    import torch

    digest = hashlib.sha256(f"{VERSION} {grid_of(compression)} ".encode())
    digest.update(f"{compression.num_codebooks}\n".encode())
    for name, part in compression.named_modules():
        plain = {
            key: value
            for key, value in sorted(vars(part).items())
            if isinstance(value, bool | int | float | str | tuple)
            and not key.startswith("_")
            and key not in {"training", "device"}
        }
        digest.update(f"{name} {type(part).__name__} {plain}\n".encode())
    for name, value in sorted(compression.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        flat = value.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(np.ascontiguousarray(flat.numpy()).data)
    return digest.hexdigest()[:20]


def read_sound(path: str | Path, grid: Grid) -> "torch.Tensor":
    """The whole sound of a file [C, samples], read as audiocraft reads a crop.

    Raises:
        TrainingError: It cannot be read.
    """
    from audiocraft.data.audio import audio_read
    from audiocraft.data.audio_utils import convert_audio

    try:
        sound, rate = audio_read(path)
    except Exception as error:  # of soundfile, PyAV, or what they call
        raise TrainingError(
            f"clip {path}: it cannot be read ({type(error).__name__}: {error}); `curate validate "
            "--deep` finds all such clips"
        ) from error
    return convert_audio(sound, rate, grid.sample_rate, grid.channels)


def encode(sound: "torch.Tensor", compression: Any, device: str) -> "torch.Tensor":
    """Codes [K, T] of a sound [C, samples] of any length, on the CPU.

    A file's codes do not depend on others: it is encoded by itself.

    Raises:
        TrainingError: The model scales sound, which the language model cannot know, or its frames
            are not what its rate says.
    """
    import torch

    grid = grid_of(compression)
    samples = sound.shape[-1]
    wanted = grid.frames(samples)
    if samples <= WHOLE_S * grid.sample_rate:
        codes = _once(sound, compression, device)
    else:
        window, lead, tail = (
            int(seconds * grid.sample_rate / grid.hop) for seconds in (WINDOW_S, LEAD_S, TAIL_S)
        )
        found = []
        for start in range(0, math.ceil(samples / grid.hop), window):
            first = max(0, start - lead)
            part = sound[:, first * grid.hop : (start + window + tail) * grid.hop]
            before = (start - first) * grid.per_hop
            codes = _once(part, compression, device)
            found.append(codes[:, before : before + window * grid.per_hop])
        codes = torch.cat(found, dim=1)
    if codes.shape[-1] != wanted:
        raise TrainingError(
            f"token cache: the compression model makes {codes.shape[-1]} frames of {samples} "
            f"samples, expected {wanted}; do without by token_cache.use=false"
        )
    return codes.to(torch.int16 if grid.card <= 2**15 else torch.int32)


def _once(sound: "torch.Tensor", compression: Any, device: str) -> "torch.Tensor":
    import torch

    with torch.no_grad():
        codes, scale = compression.encode(sound[None].to(device))
    if scale is not None:
        raise TrainingError("token cache: the compression model scales sound; take another base")
    found: torch.Tensor = codes[0].cpu()
    return found
