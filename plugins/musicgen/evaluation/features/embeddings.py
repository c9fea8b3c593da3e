"""Clips as points in space: what FAD, diversity and memorisation are measured on.

Conventions: an embedder takes mono float32 [T] at its own `rate` and gives float32 rows
[patches, width] a clip, in order of time. A clip too short for a single patch gives no rows and is
left out of every figure. Each embedder says which weights it has (`checkpoint`), and is a table
entry of `EMBEDDERS`; one whose weights are missing raises `NotRun` with the command that gets them.

| name | width | rate | a row is |
|---|--:|--:|---|
| vggish | 128 | 16 kHz | 0.96 s, without overlap, as in AudioSet |
| effnet | 1280 | 16 kHz | 2.05 s every 0.99 s, as Essentia |
| clap | 512 | 48 kHz | 10 s without overlap, of length 1 |
| muq | 512 | 24 kHz | 10 s without overlap, of length 1 |
| encodec | 128 | the base's | one latent frame of each 0.1 s, before quantisation |
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from curate.labels.models import listening, mel
from curate.labels.models.runners import Graph, Onnx, Session, Unfit
from curate.labels.models.weights import Files
from curate.records import Hertz

from ..metrics.outcome import Checkpoint, NotRun
from . import models, vggish
from .models import Places
from .sounds import Kept, Mono, Sound, mono, through, validate

_LOG = logging.getLogger(__name__)

VERSION = 1
"""Raised when the same weights would give something else for the same sound."""

Rows = npt.NDArray[np.float32]

FRAME_S = 0.1
"""EnCodec's neighbouring frames are alike: one in so much time tells the same of the whole."""


class Embedder(Protocol):
    """A model that embeds sound.

    Attributes:
        name: Key of `EMBEDDERS`.
        checkpoint: Its weights.
        rate: Of the sound it takes.
        batch: Clips a call that suit it.
    """

    name: str
    checkpoint: Checkpoint
    rate: Hertz
    batch: int

    def embed(self, clips: Sequence[Mono]) -> list[Rows]:
        """[T] of each clip to [patches, width]; no rows where it is too short."""
        ...


def load(name: str, places: Places) -> Embedder:
    """One of `EMBEDDERS`.

    Raises:
        NotRun: Its weights are missing or broken, or what runs them is not installed.
        ValueError: There is no such embedder.
    """
    if name not in EMBEDDERS:
        raise ValueError(f"no embedder {name!r}; there are {', '.join(EMBEDDERS)}")
    try:
        return EMBEDDERS[name](places)
    except Unfit as why:
        raise NotRun(f"{name}: its weights {why}") from None


def embed(
    sounds: Sequence[Sound], embedder: Embedder, cache: Path | None = None
) -> dict[str, Rows]:
    """The embeddings of clips by their keys; those too short for a patch are left out.

    Sound is read a few clips at a time; what is held is the embeddings.

    Args:
        sounds: The clips.
        embedder: See `load`.
        cache: Folder where embeddings are kept, or None.

    Raises:
        ValueError: A file is missing or broken, or an embedding is not finite; names the clip.
    """
    validate(sounds)
    kept = Kept(cache, f"{embedder.name}-{embedder.checkpoint.sha256[:16]}-{VERSION}")

    def compute(some: list[Sound]) -> list[Rows]:
        return embedder.embed([mono(sound, embedder.rate) for sound in some])

    found: dict[str, Rows] = {}
    for key, rows in through(sounds, kept, compute, embedder.batch):
        if not np.isfinite(rows).all():
            raise ValueError(f"clip {key}: {embedder.name} gives numbers that are not finite")
        found[key] = np.asarray(rows, np.float32)
    short = [key for key, rows in found.items() if not len(rows)]
    if short:
        _LOG.warning("%s: %d clips are too short for it: %s", embedder.name, len(short), short[:3])
    return {sound.key: found[sound.key] for sound in sounds if len(found[sound.key])}


class EffNet:
    """discogs-effnet, by onnxruntime where its `.onnx` is there, else by Essentia.

    The `.pb` takes 64 patches a call and no fewer, and a clip of 30 s has 29: patches of several
    clips share a call, or more than half of the work would be for nothing.
    """

    name = "effnet"
    rate: Hertz = mel.MUSICNN.rate
    batch = 8

    def __init__(self, files: Files) -> None:
        self.checkpoint = models.checkpoint(files)
        self._intake = listening.INTAKES[files.model.name]
        self._a_call = self._intake.a_call(files.backend)
        self._fixed = self._intake.fixed and files.backend == "pb"
        self._session: Session = (
            Onnx(files.weights, "melspectrogram", ("embeddings",))
            if files.backend == "onnx"
            else Graph(files.weights, files.model.input, (files.model.output,))
        )

    def embed(self, clips: Sequence[Mono]) -> list[Rows]:
        """See `Embedder`."""
        cut = [self._patches(clip) for clip in clips]
        ends = np.cumsum([len(patches) for patches in cut])
        every = np.concatenate(cut)
        rows = [np.zeros((0, self._intake.width), np.float32)]
        for first in range(0, len(every), self._a_call):
            given = every[first : first + self._a_call]
            count = len(given)
            if self._fixed:
                given = np.pad(given, ((0, self._a_call - count), (0, 0), (0, 0)))
            rows.append(self._session.run(given)[0][:count])
        return np.split(np.concatenate(rows), ends[:-1])

    def _patches(self, clip: Mono) -> Rows:
        """[n, frames, bands]."""
        bands = self._intake.spectrogram.of(clip)
        return mel.patches(bands, self._intake.starts(len(bands)), self._intake.size)


class VggIsh:
    """AudioSet's VGGish, by Essentia."""

    name = "vggish"
    rate: Hertz = vggish.RATE
    batch = 1

    def __init__(self, files: Files) -> None:
        self.checkpoint = models.checkpoint(files)
        models.probe(files, (vggish.SIZE, vggish.BANDS))
        self._session = Graph(files.weights, files.model.input, (files.model.output,))

    def embed(self, clips: Sequence[Mono]) -> list[Rows]:
        """See `Embedder`."""
        return [self._one(clip) for clip in clips]

    def _one(self, clip: Mono) -> Rows:
        cut = vggish.patches(clip)
        if not len(cut):
            return np.zeros((0, vggish.WIDTH), np.float32)
        parts = (cut[first : first + 32] for first in range(0, len(cut), 32))
        return np.concatenate([self._session.run(part)[0] for part in parts])


class EnCodec:
    """The encoder of a compression model of audiocraft's."""

    name = "encodec"
    batch = 1

    def __init__(self, compression: Any) -> None:
        inner = compression
        while hasattr(inner, "model"):  # stereo, and transformers' own, are wrapped
            inner = inner.model
        self._model = inner
        self.rate: Hertz = int(compression.sample_rate)
        self._channels = int(getattr(inner, "channels", 1))
        self._step = max(1, round(FRAME_S * float(compression.frame_rate)))
        self.checkpoint = Checkpoint("encodec", _hashed(inner.encoder))

    def embed(self, clips: Sequence[Mono]) -> list[Rows]:
        """See `Embedder`."""
        import torch

        device = next(self._model.encoder.parameters()).device
        rows = []
        with torch.inference_mode():
            for clip in clips:
                sound = torch.from_numpy(clip)[None, None].expand(1, self._channels, -1)
                latent = self._model.encoder(sound.to(device).contiguous())[0]
                rows.append(latent.T[:: self._step].float().cpu().numpy().astype(np.float32))
        return rows


def _hashed(module: Any) -> str:
    """Hash of a module's weights, which are no file of their own."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _effnet(places: Places) -> Embedder:
    return EffNet(models.essentia((models.EFFNET,), places.essentia)[0])


def _vggish(places: Places) -> Embedder:
    return VggIsh(models.essentia((models.VGGISH,), places.essentia)[0])


def _clap(places: Places) -> Embedder:
    from .textaudio import Clap

    return Clap(places.clap)


def _muq(places: Places) -> Embedder:
    from .textaudio import Muq

    return Muq(places.muq)


def _encodec(places: Places) -> Embedder:
    if places.compression is None:
        raise NotRun("encodec: no base model was given, whose encoder it is; use base=")
    return EnCodec(places.compression)


EMBEDDERS: dict[str, Callable[[Places], Embedder]] = {
    "vggish": _vggish,
    "effnet": _effnet,
    "clap": _clap,
    "encodec": _encodec,
    "muq": _muq,
}
"""Every embedder there is."""
