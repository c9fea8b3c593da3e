"""separate: vocals taken away by Hybrid Transformer Demucs (htdemucs).

S. Rouard, F. Massa, A. Défossez: Hybrid Transformers for Music Source Separation, ICASSP 2023. What
is taken away is the vocal stem as it is estimated, from the track as it is: what no stem claims
stays, and so does what lies above the 22 kHz that Demucs hears. It runs on the processor, one
thread a worker, and takes about as long as the music lasts. Nothing is drawn by lot (`shifts` of
Demucs is 0): the same track gives the same result.
"""

import contextlib
import functools
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curate import audio
from curate.audio import Decoded, Samples
from curate.errors import CurateError
from curate.labels.models import weights, zoo
from curate.labels.models.shelf import Shelf
from curate.records import Hertz
from curate.treatments import checkpoint
from curate.treatments.checkpoint import Unreadable

if TYPE_CHECKING:
    import torch
    from demucs.htdemucs import HTDemucs

VERSION = 1
"""Raised when the same track would come out as another."""

EXTRA = "separate"
"""The extra that installs what is needed."""

PACKAGES = ("torch", "demucs")

OVERLAP = 0.25
"""Of segments, as Demucs has it."""


@dataclass(frozen=True, slots=True)
class Separator:
    """The weights of htdemucs, found and checked.

    Attributes:
        weights: The `.th` file.
        sha256: Of that file.
    """

    weights: Path
    sha256: str


def find(place: Path, model: zoo.Model = zoo.HTDEMUCS) -> Separator:
    """The separator of a models folder. Imports nothing heavy.

    Args:
        place: The folder; see `weights.folder`.
        model: htdemucs, with the hash that its file must have.

    Raises:
        CurateError: torch or demucs is not installed, or the weights are missing, cut off or
            changed; with the command that mends it.
    """
    lacking = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if lacking:
        raise CurateError(
            f"`vocals: separate` needs {' and '.join(lacking)}, not installed here; run "
            f"`pip install 'musicgen-curate[{EXTRA}]'`, or set `vocals: keep` or `drop_tracks`"
        )
    held = Shelf(place).look(model, "th")
    if held.problem:
        mend = _fetching(place)
        other = f"; `{mend.replace('fetch', 'accept', 1)}` if another version is meant"
        raise CurateError(
            f"htdemucs, which `vocals: separate` asks for, cannot be used (in {place}):\n"
            f"  {held.problem}\nrun `{mend}`, or set `vocals: keep` or `drop_tracks`"
            + (other if held.differs else "")
        )
    return Separator(held.path, held.sha256)


def separate(decoded: Decoded, separator: Separator) -> Decoded:
    """A track without its vocals: as long, with as many channels, at the same rate.

    Channels are heard two by two; a single one is heard as if it were both.

    Takes memory for four more copies of the track (at 44.1 kHz, stereo) at most, and 1.8 GB for
    PyTorch, the network and one segment of 7.8 s.

    Args:
        decoded: float32 [T, C], finite (as `inspect.measure` leaves it).
        separator: The weights; they stay loaded as long as the process lives.

    Raises:
        CurateError: The weights cannot be used.
    """
    network, samples = load(separator), decoded.samples
    left = np.empty_like(samples)
    for first in range(0, decoded.channels, 2):
        pair = samples[:, first : first + 2]
        left[:, first : first + 2] = pair - network.vocals(pair, decoded.sample_rate)
    return Decoded(left, decoded.sample_rate)


def probe(separator: Separator) -> str:
    """What is wrong with the weights, in one sentence, or "". Runs them once, on silence.

    Takes ten seconds and the memory of a separation, so this is a worker's job.
    """
    try:
        found = _open(separator).vocals(np.zeros((1000, 2), np.float32), 44100)
    except Unreadable as fault:
        return f"{separator.weights} {fault}"
    except Exception as error:  # whatever torch thinks of
        return f"{separator.weights} does not run: {type(error).__name__}: {error}"
    if not np.isfinite(found).all():
        return f"{separator.weights} gives numbers that are not finite for silence"
    return ""


@functools.lru_cache(maxsize=1)
def load(separator: Separator) -> "Network":
    """The network of these weights. The last one stays loaded as long as the process lives.

    Raises:
        CurateError: The file cannot be read, changed since it was found, or is no checkpoint of
            htdemucs.
    """
    try:
        return _open(separator)
    except Unreadable as fault:
        mend = _fetching(separator.weights.parent)
        raise CurateError(f"{separator.weights} {fault}; remove it and run `{mend}`") from None


def _fetching(place: Path) -> str:
    return weights.command(place, ["htdemucs"], onnx=weights.onnx_available())


def _open(separator: Separator) -> "Network":
    try:
        data = separator.weights.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(data).hexdigest() != separator.sha256:
        raise Unreadable("changed while it was in use")
    return Network(checkpoint.read(data))


class Network:
    """htdemucs in memory."""

    def __init__(self, network: "HTDemucs") -> None:
        self._network = network
        self._vocals = list(network.sources).index("vocals")

    def vocals(self, samples: Samples, rate: Hertz) -> Samples:
        """The vocals in one or two channels: [T, C] to [T, C]."""
        import torch

        own = self._network.samplerate
        heard = audio.with_channels(audio.resample(samples, rate, own), 2)
        if not len(heard):
            return np.zeros_like(samples)
        with _one_thread(), torch.inference_mode():
            found = self._stem(torch.from_numpy(heard.T.copy())).numpy().T
        back = audio.resample(audio.with_channels(found, samples.shape[1]), own, rate)
        lacking = len(samples) - len(back)  # there and back, a sample may be lost or won
        return np.pad(back, ((0, lacking), (0, 0))) if lacking > 0 else back[: len(samples)]

    def _stem(self, mix: "torch.Tensor") -> "torch.Tensor":
        """The vocal stem of [2, T] at the network's rate, which is overwritten.

        What `demucs.api` and `demucs.apply.apply_model` do (normalised by the mono mix; segments
        that overlap, weighted by triangles), but keeping one stem of four: that is a quarter of the
        memory, which for half an hour is 2 GB less. Nor does the stem get the constant offset that
        Demucs adds to each of the four, for taken from the mix it would be one.
        """
        import torch
        from demucs.apply import TensorChunk, apply_model

        single = mix.mean(0)
        mean, std = single.mean(), single.std(correction=min(len(single) - 1, 1)) + 1e-8
        mix = mix.sub_(mean).div_(std)[None]
        size = int(self._network.samplerate * self._network.segment)
        weight = _triangle(size)
        stem, total = torch.zeros_like(mix[0]), torch.zeros(mix.shape[-1])
        for start in range(0, mix.shape[-1], int((1 - OVERLAP) * size)):
            segment = TensorChunk(mix, start, size)
            stems = apply_model(self._network, segment, shifts=0, split=False)[0]
            some = weight[: segment.length]
            stem[:, start : start + size] += some * stems[self._vocals]
            total[start : start + size] += some
        return stem.div_(total).mul_(std)


def _triangle(size: int) -> "torch.Tensor":
    """Weights of a segment's samples: most in its middle."""
    import torch

    half = size // 2
    rising, falling = torch.arange(1, half + 1), torch.arange(size - half, 0, -1)
    return torch.cat([rising, falling]) / (size - half)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Workers are the parallelism; threads inside them only get in the way."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
