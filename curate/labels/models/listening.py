"""Running the models on a whole track, once: what they say of any stretch of it is read off later.

A track becomes one mel spectrogram for each kind of network, cut into patches of a few seconds.
discogs-effnet embeds every patch (MusiCNN, which costs ten times as much a patch, embeds only a
few), and each head gets all embeddings in one call. What is kept is a row of scores a patch: a
clip's labels are the mean of the rows of its time. The classes of a head are named in the order of
its own `.json`, which `curate.labels.models.weights` has read.

`.pb` and `.onnx` can be mixed freely: embeddings are the same numbers whichever made them. Of
genre_discogs400 there is no `.onnx`; where its `Files` name that of discogs-effnet, its scores are
the `activations` that come out beside the embeddings.
"""

import functools
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from curate import audio
from curate.errors import CurateError
from curate.labels.models import mel, shelf, zoo
from curate.labels.models.mel import Array, Starts
from curate.labels.models.runners import Graph, Onnx, Session, Unfit
from curate.labels.models.weights import Backend, Files, answered_by_embedding
from curate.records import Answer, Hertz, Seconds

_LOG = logging.getLogger(__name__)

VERSION = 1
"""Raised when the same files would say something else of the same sound."""

SPACING: Seconds = 10.0
"""MusiCNN hears one patch of 3 s in at most so much: emotion changes slowly, and at its own hop of
1.5 s it would take longer than all the rest."""


@dataclass(frozen=True, slots=True)
class Intake:
    """How a network takes sound.

    Attributes:
        spectrogram: What it sees.
        size: Frames a patch.
        hop: Frames from patch to patch; None: few and evenly spaced, at most `SPACING` apart.
        width: Numbers that it gives for a patch.
        batch: Patches a call of the `.onnx` and the `.pb`. More are slower, because they do not fit
            into the processor's cache, and take more memory.
        fixed: Whether the `.pb` takes just that many and no fewer.
    """

    spectrogram: mel.Spectrogram
    size: int
    hop: int | None
    width: int
    batch: tuple[int, int]
    fixed: bool = False

    def starts(self, frames: int) -> Starts:
        """The frames at which patches start in a spectrogram of so many frames."""
        if self.hop is None:
            return mel.spread(frames, self.size, int(SPACING / self.spectrogram.frame_s))
        return mel.starts(frames, self.size, self.hop)

    def a_call(self, backend: Backend) -> int:
        """Patches a call."""
        return self.batch[0] if backend == "onnx" else self.batch[1]


INTAKES = {
    zoo.EFFNET: Intake(mel.MUSICNN, 128, 62, 1280, (8, 64), fixed=True),
    zoo.MUSICNN: Intake(mel.MUSICNN, 187, None, 200, (1, 1)),
    zoo.TEMPOCNN: Intake(mel.TEMPOCNN, 256, 128, 256, (8, 8)),
}
"""Every network that takes sound, with Essentia's patches of it."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What one model says of each patch of a track.

    Attributes:
        files: The model.
        starts: When each patch starts in s, [n]; n is at least 1.
        length: Of a patch.
        values: [n, classes].
    """

    files: Files
    starts: npt.NDArray[np.float64]
    length: Seconds
    values: Array

    def answer(self, floor: float, start: Seconds = 0.0, end: Seconds | None = None) -> Answer:
        """The mean of a stretch of time, or of all; see `Heard`."""
        weights = np.ones(len(self.starts)) if end is None else self._weights(start, end)
        rows = np.flatnonzero(weights)
        mean = np.average(self.values[rows], axis=0, weights=weights[rows]).round(4)
        pairs = list(zip(self.files.classes, (mean + 0.0).tolist(), strict=True))  # no -0.0
        if self.files.model.purpose in ("words", "tempo"):
            pairs = sorted((p for p in pairs if p[1] >= floor), key=lambda p: p[1], reverse=True)
        return Answer(self.files.model.name, dict(pairs))

    def _weights(self, start: Seconds, end: Seconds) -> npt.NDArray[np.float64]:
        """By how many seconds each patch overlaps a stretch; where none does, the nearest alone."""
        overlap = np.minimum(self.starts + self.length, end) - np.maximum(self.starts, start)
        most = overlap.max()
        return np.maximum(overlap, 0.0) if most > 0.0 else (overlap == most).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Heard:
    """What all models say of each patch of a track.

    An answer holds every class of a pair of words and of numbers; of words and tempi only those
    that reach a floor, the largest first. A model for which the track is too short gives none.
    """

    scores: tuple[Scores, ...]

    def whole(self, floor: float) -> tuple[Answer, ...]:
        """Of the whole track: the mean over all patches."""
        return tuple(one.answer(floor) for one in self.scores)

    def between(self, start: Seconds, end: Seconds, floor: float) -> tuple[Answer, ...]:
        """Of a stretch of the track: the mean over the patches that overlap it.

        A patch counts by the seconds it overlaps the stretch. Counted fully, one that reaches in by
        a tenth of a second would colour the clip with its neighbour's sound; left out, the edges of
        a clip would count less than its middle. Where no patch overlaps at all (between two of
        MusiCNN's, in the last second of a track), the nearest speaks.
        """
        return tuple(one.answer(floor, start, end) for one in self.scores)


class Models:
    """Models in memory, ready to listen; see `load`.

    Args:
        files: Which, heads with the embeddings they need.

    Raises:
        CurateError: One cannot be loaded; says which file, and what is wrong with it.
        ValueError: A head is without its embedding.
    """

    def __init__(self, files: Iterable[Files]) -> None:
        listed = tuple(files)
        self._names = [one.model.name for one in listed]
        for one in listed:
            if one.model.needs and one.model.needs not in self._names:
                raise ValueError(f"{one.model.name} needs {one.model.needs}, which is not given")
        self._networks = [
            _Network(one, [head for head in listed if head.model.needs == one.model.name])
            for one in listed
            if not one.model.needs
        ]

    def listen(self, single: Array, rate: Hertz) -> Heard:
        """Runs every model on mono sound [T] at this rate.

        The networks run on a few patches at a time; what grows with the track is the resampled
        sound, the spectrogram, the embeddings and the scores, together 0.1 MB a second.

        A patch of which a model says something that is no finite number is left out, and a model
        with no other patch gives no answer. The file is not to blame (`probe` has tried it), so it
        is this sound that goes beyond the model; for that, a track need not lose its place in the
        dataset nor what the other models say.

        Raises:
            CurateError: A model's file does not run.
        """
        found: dict[str, Scores] = {}
        for kind in dict.fromkeys(network.intake.spectrogram for network in self._networks):
            bands = kind.of(audio.resample(np.asarray(single, np.float32), rate, kind.rate))
            for network in self._networks:
                if network.intake.spectrogram == kind:
                    found |= {one.files.model.name: one for one in network.hear(bands)}
        return Heard(tuple(found[name] for name in self._names if name in found))


def load(files: tuple[Files, ...]) -> Models:
    """The models of these files. The last ones asked for stay loaded as long as the process lives.

    Raises:
        CurateError: As `Models`.
    """
    names = (
        (one.model.name, one.sha256, one.backend, str(one.weights), one.classes) for one in files
    )
    return _kept(_Asked(tuple(names), files))


def probe(files: Files) -> str:
    """What is wrong with a model's files, in one sentence, or "".

    Loads the weights and runs them once, on zeros. A broken file can crash the whole process, so
    this is a worker's job.
    """
    try:
        found = _open(files).run(_zeros(files))[0]
        _check_width(files, found)
        if not np.isfinite(found).all():
            raise Unfit("gives numbers that are not finite for silence")
        if files.model.purpose == "tempo" and files.classes != shelf.TEMPI:
            raise Unfit(f"gives tempi of 30 to 285 BPM, but {_about(files)} names other classes")
    except Unfit as reason:
        return _sentence(files, reason)
    except Exception as error:  # whatever a runtime thinks of: the file cannot be used
        return _sentence(files, Unfit(f"does not run: {type(error).__name__}: {error}"))
    return ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Files by what tells them apart; they themselves cannot be hashed."""

    names: tuple[tuple[str, str, str, str, tuple[str, ...]], ...]
    files: tuple[Files, ...] = field(compare=False)


@functools.lru_cache(maxsize=1)
def _kept(asked: _Asked) -> Models:
    return Models(asked.files)


class _Network:
    """A network that takes sound, and the heads on its embeddings."""

    def __init__(self, files: Files, heads: list[Files]) -> None:
        self.intake = INTAKES[files.model.name]
        self._files = files
        self._inside = [head for head in heads if head.weights == files.weights]
        self._session = _loaded(files, [_nodes(head)[1] for head in self._inside])
        self._heads = [(head, _loaded(head)) for head in heads if head not in self._inside]

    def hear(self, bands: Array) -> list[Scores]:
        """What is said of a spectrogram [frames, bands]; nothing where it fills no patch."""
        found, starts = self._run(bands)
        if not len(starts):
            return []
        if self._files.model.purpose == "tempo":
            said = [(self._files, found[0])]
        else:
            said = list(zip(self._inside, found[1:], strict=True))
            said += [(head, _ask([head], session, found[0])[0]) for head, session in self._heads]
        scores = (self._scores(files, values, starts) for files, values in said)
        return [one for one in scores if len(one.starts)]

    def _run(self, bands: Array) -> tuple[list[Array], Starts]:
        """All that comes out, [n, width] each, and the frames at which the n patches start."""
        starts, size = self.intake.starts(len(bands)), self.intake.size
        a_call = self.intake.a_call(self._files.backend)
        sources = [self._files, *self._inside]
        parts, kept = [], [starts[:0]]
        for first in range(0, len(starts), a_call):
            some = starts[first : first + a_call]
            given = mel.patches(bands, some, size)
            if self._files.model.purpose == "tempo":
                given, sounds = mel.standardised(given)
                some = some[sounds]
            count = len(some)
            if not count:
                continue
            if self.intake.fixed and self._files.backend == "pb":
                given = np.pad(given, ((0, a_call - count), (0, 0), (0, 0)))
            parts.append([values[:count] for values in _ask(sources, self._session, given)])
            kept.append(some)
        return [np.concatenate(values) for values in zip(*parts, strict=True)], np.concatenate(kept)

    def _scores(self, files: Files, values: Array, starts: Starts) -> Scores:
        """The rows that are finite."""
        finite = np.isfinite(values).all(1)
        if not finite.all():
            lost = int(np.sum(~finite))
            _LOG.info("%s: no finite answer for %d patches", files.model.name, lost)
        frame = self.intake.spectrogram.frame_s
        times = starts[finite].astype(np.float64) * frame
        return Scores(files, times, self.intake.size * frame, values[finite])


def _open(files: Files, more: Iterable[str] = ()) -> Session:
    """A session that gives the model's output and then the others named."""
    takes, gives = _nodes(files)
    if files.backend == "onnx":
        return Onnx(files.weights, takes, (gives, *more))
    return Graph(files.weights, takes, (gives, *more), squeeze=files.model.purpose != "tempo")


def _nodes(files: Files) -> tuple[str, str]:
    """The names of the input and of the output."""
    model = files.model
    if files.backend == "pb":
        return model.input, model.output
    if model.purpose == "embedding":
        return "melspectrogram", "embeddings"
    return "melspectrogram" if answered_by_embedding(model) else "embeddings", "activations"


def _zeros(files: Files) -> Array:
    """Input of the right shape."""
    within = files.backend == "onnx" and answered_by_embedding(files.model)
    intake = INTAKES.get(files.model.needs if within else files.model.name)
    if intake is None:
        return np.zeros((2, INTAKES[files.model.needs].width), np.float32)
    patches = np.zeros(
        (intake.a_call(files.backend), intake.size, intake.spectrogram.bands), np.float32
    )
    return mel.turned(patches) if files.model.purpose == "tempo" else patches


def _loaded(files: Files, more: Iterable[str] = ()) -> Session:
    try:
        return _open(files, more)
    except Unfit as reason:
        raise CurateError(_sentence(files, reason)) from None


def _ask(sources: list[Files], session: Session, given: Array) -> tuple[Array, ...]:
    """What a session says, an output for each of `sources`; the first one's file it is."""
    try:
        found = session.run(given)
    except Unfit as reason:
        raise CurateError(_sentence(sources[0], reason)) from None
    for files, values in zip(sources, found, strict=True):
        try:
            _check_width(files, values)
        except Unfit as reason:
            raise CurateError(_sentence(files, reason)) from None
    return found


def _check_width(files: Files, found: Array) -> None:
    intake = INTAKES.get(files.model.name)
    expected = intake.width if intake else len(files.classes)
    if found.ndim != 2 or found.shape[1] != expected:
        width = " x ".join(map(str, found.shape[1:]))
        source = "are expected" if intake else f"classes are named in {_about(files)}"
        raise Unfit(f"gives {width} numbers a patch, but {expected} {source}")


def _about(files: Files) -> str:
    return files.model.file("json")


def _sentence(files: Files, reason: Unfit) -> str:
    name = files.model.name
    return (
        f"{files.weights.name} {reason}; expected the weights of {name}: remove it and run "
        f"`curate models fetch {name}`"
    )
