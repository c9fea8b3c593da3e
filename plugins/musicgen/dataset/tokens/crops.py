"""What a training step reads of the cache: crops of codes, at any frame.

How much a crop of a file's codes differs from the codes of the crop was measured on music, with
random weights: in the shape of MusicGen's EnCodec 6 to 38 % of the codes of the four outermost
frames at each end (80 ms), none within: 0.2 % of a crop of 18 s. With the tiny EnCodec half of the
codes of four frames, few of the next four, none within. EnCodec's LSTM looks back without end, and
a trained one may remember longer than these. Validation and generation are not touched by this:
crops there start where files do, unless files are longer.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import TrainingError
from .encode import Grid
from .store import DamagedError, Store

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Crop:
    """Codes of a part of a file.

    Attributes:
        codes: [K, T]; silence behind a short clip has codes too, as without the cache.
        seek_s: Where it starts, in seconds: on a frame.
        samples: Of sound, without the silence.
    """

    codes: "torch.Tensor"
    seek_s: float
    samples: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """The cache as a dataset sees it; it can be sent to other processes.

    Attributes:
        store: Where the codes are.
        grid: Of the compression model.
        keys: Of each audio file, by its path in the manifest.
    """

    store: Store
    grid: Grid
    keys: dict[str, str]

    def crop(self, path: str, seek_s: float, samples: int) -> Crop:
        """Codes of a crop.

        Args:
            path: Of the file, as in the manifest.
            seek_s: Where to start, in seconds; the frame that begins there or before.
            samples: Length of the crop.

        Raises:
            TrainingError: The entry was removed or damaged since the run began.
        """
        import torch

        key = self.keys[path]
        try:
            entry = self.store.read(key)
        except DamagedError:
            self.store.remove(key)
            entry = None
        if entry is None:
            raise TrainingError(
                f"clip {path}: its codes in {self.store.folder} were removed or damaged while the "
                "run used them; start it again: it makes them anew and goes on from its checkpoint"
            )
        grid = self.grid
        frames = grid.frames(samples)
        last = (entry.codes.shape[1] - frames) // grid.per_hop
        # A hair more: a place that is a frame's start must not fall on the frame before.
        start = max(0, min(math.floor(seek_s * grid.sample_rate / grid.hop + 1e-6), last))
        first = start * grid.per_hop
        codes = torch.from_numpy(entry.codes[:, first : first + frames])
        sound = min(samples, entry.samples - start * grid.hop)
        return Crop(codes, start * grid.hop / grid.sample_rate, sound)


def reach(duration_s: float, segment_s: float, ratio: float, sample_rate: int) -> int:
    """Samples from the start of a file to the end of the last crop there may be.

    That can be more than the file has: a short clip is followed by silence, as audiocraft pads it.

    Args:
        duration_s: Of the file, as its manifest says, in seconds.
        segment_s: Length of a crop, in seconds.
        ratio: audiocraft's `min_segment_ratio`: the part of a crop that must be sound.
        sample_rate: Of the compression model, in Hz.
    """
    latest = max(0.0, duration_s - segment_s * ratio)
    a_hair = 1e-3  # of a sample: what computing in seconds may add
    return int(segment_s * sample_rate) + math.ceil(latest * sample_rate - a_hair)
