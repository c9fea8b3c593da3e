"""What a worker does with one track: one decode, and from it whatever is not known yet.

`process` runs in another process: it gets a `Job` and gives an `Outcome`, both plain records. It
reads the catalog's knowledge from the job and writes nothing but the track's own clips.
"""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

from curate import audio, loudness, treatments
from curate.config import Config
from curate.errors import AudioError, CurateError
from curate.labels import signal
from curate.labels.models.weights import Files
from curate.records import (
    Chunked,
    Classified,
    Fetched,
    Inspection,
    Lufs,
    Origin,
    Rejection,
    Track,
    TrackLabels,
)
from curate.stages import chunk, classify, fetch, inspect, judge, label
from curate.treatments.separation import Separator

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Complete:
    """All that workers find out of a track."""

    fetched: Fetched
    inspection: Inspection
    labels: TrackLabels
    classified: Classified
    chunked: Chunked


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a track; None where it is not."""

    fetched: Fetched | None = None
    inspection: Inspection | None = None
    labels: TrackLabels | None = None
    classified: Classified | None = None
    chunked: Chunked | None = None

    @property
    def complete(self) -> Complete | None:
        """Everything, or None while something is left for a worker to do."""
        if self.fetched is None or self.inspection is None:
            return None
        if self.labels is None or self.classified is None or self.chunked is None:
            return None
        return Complete(self.fetched, self.inspection, self.labels, self.classified, self.chunked)


@dataclass(frozen=True, slots=True)
class Job:
    """One track to work on.

    Attributes:
        index: Its place in the listing.
        track: The track.
        path: Its audio file; without a name where it has still to be fetched.
        origin: Where the file comes from.
        out: The dataset's folder.
        config: Of the build.
        models: Whose labels are wanted.
        separator: What takes vocals away, if they are to be.
        known: What need not be done again.
    """

    index: int
    track: Track
    path: Path
    origin: Origin
    out: Path
    config: Config
    models: tuple[Files, ...]
    separator: Separator | None
    known: Known


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job.

    Attributes:
        known: Everything known now, old and new.
        decoded_s: Seconds of audio decoded for it.
        rejection: Why the track is not used, or None.
    """

    known: Known
    decoded_s: float = 0.0
    rejection: Rejection | None = None


def process(job: Job) -> Outcome:
    """Fetches, decodes, inspects, labels and cuts a track, as far as that is not known.

    Whatever is wrong with the audio becomes the outcome's rejection; what was learned before that
    is kept.

    Raises:
        CurateError: The dataset cannot be written to.
    """
    known, stage = job.known, fetch.NAME
    try:
        fetched = known.fetched or fetch.fetch(job.path, _look_again(job.path))
        if known.fetched is None:
            known = Known(fetched=fetched)
        judge.licence(job.origin, fetched.tags, job.config)
        stage = inspect.NAME
        return _analyse(job, fetched)
    except _Stopped as stop:
        return Outcome(stop.known, stop.decoded_s, rejection(job.track, stop.stage, stop.error))
    except (AudioError, OSError) as error:
        return Outcome(known, rejection=rejection(job.track, stage, error))
    except MemoryError:
        raise  # the engine's to judge: once more, alone
    except CurateError:
        raise  # the dataset cannot be written: the end of the build
    except Exception as error:  # a bug of ours or of a library: one track, not the build
        _LOG.exception("track %s (%s)", job.track.id, job.path)
        odd = AudioError("unexpected", f"{type(error).__name__}: {error}; please report this")
        return Outcome(known, rejection=rejection(job.track, "worker", odd))


def _look_again(path: Path) -> os.stat_result:
    """The file's state; what it was when it was listed may have changed, to a pipe even."""
    try:
        return fetch.look(path)
    except AudioError as error:
        raise AudioError("unreadable", f"changed since it was listed: {error.reason}") from None


class _Stopped(Exception):
    def __init__(self, stage: str, error: AudioError, known: Known, decoded_s: float) -> None:
        super().__init__()
        self.stage, self.error, self.known, self.decoded_s = stage, error, known, decoded_s


def _analyse(job: Job, fetched: Fetched) -> Outcome:
    config, known = job.config, job.known
    with audio.Reader(job.path) as reader:
        judge.header(reader.header, config, part=_is_part(job.track))
        decoded = reader.decode(_most_seconds(job.track, config))
    decoded = _part(decoded, job.track)
    seconds = decoded.duration_s
    inspection = known.inspection or inspect.measure(decoded)
    now = replace(known, fetched=fetched, inspection=inspection)
    try:
        judge.track(inspection, config)
    except AudioError as error:
        raise _Stopped(inspect.NAME, error, now, seconds) from None
    decoded = treatments.treat(decoded, config, job.separator)
    lufs = _loudness(decoded) if treatments.steps(config) else inspection.loudness_lufs
    single = label.single(decoded)
    if now.labels is None or now.chunked is None:
        analysis = signal.analyse(single, lufs)
        labels = now.labels or label.label(analysis)
        chunked = now.chunked or chunk.cut(job.track, decoded, analysis, config, job.out)
        now = replace(now, labels=labels, chunked=chunked)
    if now.classified is None:
        try:
            classified = classify.classify(single, decoded, config, job.models)
        except AudioError as error:
            raise _Stopped(classify.NAME, error, now, seconds) from None
        now = replace(now, classified=classified)
    return Outcome(now, seconds)


def _loudness(decoded: audio.Decoded) -> Lufs:
    blocks = loudness.block_energy(decoded.samples, decoded.sample_rate)
    return round(loudness.integrated(blocks), 3)


def _is_part(track: Track) -> bool:
    return track.start_s > 0.0 or track.end_s is not None


def _most_seconds(track: Track, config: Config) -> float:
    """How far a file is decoded before it counts as too long: a part of it may lie far in."""
    most = config.limits.track.max_seconds
    return most if track.end_s is None else max(most, track.end_s + 1.0)


def _part(decoded: audio.Decoded, track: Track) -> audio.Decoded:
    """The part of a file that the track is; as much of it as there is."""
    if not _is_part(track):
        return decoded
    rate = decoded.sample_rate
    end = None if track.end_s is None else round(track.end_s * rate)
    if round(track.start_s * rate) >= len(decoded.samples):
        raise AudioError(
            "too_short",
            f"the part starts at {track.start_s:g} s and the file ends at "
            f"{decoded.duration_s:.1f} s; correct the row",
        )
    return replace(decoded, samples=decoded.samples[round(track.start_s * rate) : end])


def rejection(track: Track, stage: str, error: AudioError | OSError) -> Rejection:
    """A track's rejection for this error."""
    if isinstance(error, OSError):
        error = AudioError("unreadable", f"{error.strerror or error}; mend that and build again")
    value, limit = (error.value, error.limit) if isinstance(error, judge.Beyond) else (None, None)
    reason = error.reason.encode("utf-8", "replace").decode()  # a library may quote a file's name
    return Rejection(
        id=track.id,
        stage=stage,
        code=error.code,
        reason=f'track {track.id} "{track.title}": {reason}',
        artist=track.artist,
        title=track.title,
        uri=track.uri,
        value=value,
        limit=limit,
    )
