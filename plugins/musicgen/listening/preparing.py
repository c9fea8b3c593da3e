"""Clips made alike in everything but their music, and the folder a test lives in.

Both clips of a pair become wav files of the same length, sample rate, channels and size, and
equally loud: at -14 LUFS, or both lower by the same where the peaks of one allow no more, for the
louder of two is liked better whatever it plays. Nothing is compressed or limited.

    DIR/test.json      what is compared, how loud, and the secret that orders and names come from
    DIR/clips/         <pair>-a.wav, <pair>-b.wav
    DIR/votes.jsonl    a line a vote
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from curate import audio, jsonio, loudness
from curate.audio import Samples
from curate.errors import AudioError
from curate.records import Decibels, Hertz, Lufs, Seconds
from curate.treatments.level import CEILING_DBTP, TARGET, true_peak

from .pairs import SHOWN, ListeningError, Pair

Side = Literal["a", "b"]

SIDES: tuple[Side, Side] = ("a", "b")

VERSION = 1
"""Raised when the same clips would be prepared otherwise."""

TEST, CLIPS, VOTES = "test.json", "clips", "votes.jsonl"

SECONDS: Seconds = 15.0
"""Length of a clip in the published test."""

COUNT = 10
"""Prompts of the published test."""

FADE_S: Seconds = 0.05
"""At the end of every clip, so that none ends with a click where it was cut."""

SHORT_S: Seconds = 0.04
"""So much less than asked for a clip may hold: two frames of the codec."""

HIGHEST_RATE: Hertz = 48000
"""Every browser plays it."""

NEAR: Decibels = 0.1
"""A pair is called quieter where it is below -14 LUFS by more than this."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pair as it is heard.

    Attributes:
        id: Of the prompt.
        prompt: Its text.
        loudness_lufs: Of both clips.
        gains_db: What the clips of `a` and `b` were changed by.
    """

    id: str
    prompt: str
    loudness_lufs: Lufs
    gains_db: tuple[Decibels, Decibels]


@dataclass(frozen=True, slots=True)
class Trial:
    """A listening test, as `test.json` has it.

    Attributes:
        fingerprint: Of the clips, the prompts and how they were prepared: 16 hex digits.
        secret: 64 hex digits that nobody who listens may know.
        a: Name of the first set.
        b: Name of the second set.
        seconds: Length of every clip.
        sample_rate: Of every clip.
        channels: Of every clip, 1 or 2.
        genre: What the question about genre names; empty for "its genre".
        pairs: What is compared.
    """

    fingerprint: str
    secret: str
    a: str
    b: str
    seconds: Seconds
    sample_rate: Hertz
    channels: int
    genre: str
    pairs: tuple[Prepared, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """How all clips of a test are written.

    Attributes:
        seconds: Their length.
        sample_rate: The highest among the sources, at most 48 kHz.
        channels: 2 if any source has two.
    """

    seconds: Seconds
    sample_rate: Hertz
    channels: int

    @property
    def frames(self) -> int:
        """Their length in samples a channel."""
        return round(self.seconds * self.sample_rate)


def clip_path(folder: Path, place: int, side: Side) -> Path:
    """Where a prepared clip is.

    Args:
        folder: The test's.
        place: Of the pair in `Trial.pairs`.
        side: Which set.
    """
    return folder / CLIPS / f"{place:03d}-{side}.wav"


def load(folder: Path) -> Trial:
    """The test in a folder.

    Raises:
        ListeningError: There is none, or its `test.json` is broken.
    """
    path = folder / TEST
    try:
        return jsonio.decode(path.read_bytes(), Trial)
    except FileNotFoundError:
        raise ListeningError(
            f"{folder}: no listening test here; make one by "
            f"python -m plugins.musicgen.listen A B --data DIR --out {folder}"
        ) from None
    except msgspec.DecodeError as error:
        raise ListeningError(f"{path}: not a test's description ({error})") from None


def prepare(
    pairs: Sequence[Pair], names: tuple[str, str], folder: Path, seconds: Seconds, genre: str = ""
) -> Trial:
    """Makes the test's folder, or takes it as it is where nothing has changed.

    Args:
        pairs: What to compare.
        names: Of the two sets, for the results.
        folder: Where the test lives.
        seconds: How much of every clip is heard, from its start.
        genre: See `Trial`.

    Raises:
        ListeningError: Clips are too short, silent, broken; or the folder holds votes on others.
    """
    sound = _sound(pairs, seconds)
    fingerprint = _fingerprint(pairs, sound, genre)
    old = load(folder) if (folder / TEST).exists() else None
    if old is not None and old.fingerprint == fingerprint and old.pairs and _whole(folder, old):
        return old
    if old is not None and old.fingerprint != fingerprint and (folder / VOTES).exists():
        raise ListeningError(
            f"{folder}: there are votes on other clips, prompts or lengths; give this test a "
            "folder of its own by --out, or remove that one"
        )
    if old is not None and old.fingerprint != fingerprint:
        (folder / TEST).unlink()  # killed from here on, it must not vouch for other clips
    secret = old.secret if old is not None else secrets.token_hex(32)
    made = _write_all(pairs, sound, folder)
    trial = Trial(fingerprint, secret, *names, seconds, sound.sample_rate, sound.channels, genre,
                  made)  # fmt: skip
    jsonio.write_atomically(folder / TEST, jsonio.pretty(trial))
    return trial


def notes(trial: Trial, pairs: Sequence[Pair]) -> list[str]:
    """What whoever holds the test should know of its clips: formats that differ, quiet pairs."""
    found = []
    formats = [sorted({_format(getattr(pair, side)) for pair in pairs}) for side in SIDES]
    if formats[0] != formats[1]:
        told = [", ".join(f"{r} Hz x {c}" for r, c in one) for one in formats]
        found.append(
            f"{trial.a} has {told[0]}, {trial.b} {told[1]}: all are heard at {trial.sample_rate} "
            f"Hz x {trial.channels}, but a set may be known by its narrower sound"
        )
    quiet = [one for one in trial.pairs if one.loudness_lufs < TARGET - NEAR]
    if quiet:
        least = min(quiet, key=lambda one: one.loudness_lufs)
        found.append(
            f"{len(quiet)} of {len(trial.pairs)} pairs are quieter than {TARGET:g} LUFS "
            f"({least.id!r}: {least.loudness_lufs:.1f}), for the peaks of one clip allow no more; "
            "both clips of a pair are equally loud"
        )
    return found


def _format(path: Path) -> tuple[Hertz, int]:
    with audio.Reader(path) as reader:
        return reader.header.sample_rate, reader.header.channels


def _sound(pairs: Sequence[Pair], seconds: Seconds) -> Sound:
    """One format for all; says of every file that cannot be used why."""
    faults: list[str] = []
    lengths: list[Seconds] = []
    formats: list[tuple[Hertz, int]] = []
    for path in [path for pair in pairs for path in (pair.a, pair.b)]:
        try:
            with audio.Reader(path) as reader:
                header = reader.header
        except (AudioError, OSError) as error:
            faults.append(f"{path}: {error}")
            continue
        formats.append((header.sample_rate, header.channels))
        length = header.duration_s or 0.0
        if header.channels > 2:
            faults.append(f"{path}: {header.channels} channels; expected one or two: mix it down")
        elif length < seconds - SHORT_S:
            faults.append(f"{path}: {length:.2f} s of audio, the test needs {seconds:g} s")
            lengths.append(length)
    if lengths:
        shortest = int(min(lengths) * 10) / 10
        faults.append(f"generate longer clips, or give --seconds {shortest:g}")
    _raise(faults)
    return Sound(
        seconds, min(max(rate for rate, _ in formats), HIGHEST_RATE), max(c for _, c in formats)
    )


def _raise(faults: list[str]) -> None:
    if len(faults) > SHOWN:
        faults = [*faults[: SHOWN - 1], f"and {len(faults) - SHOWN} more like these", faults[-1]]
    if faults:
        raise ListeningError("\n".join(faults))


def _fingerprint(pairs: Sequence[Pair], sound: Sound, genre: str) -> str:
    digest = hashlib.sha256(jsonio.encode((VERSION, sound, genre)))
    for pair in pairs:
        digest.update(jsonio.encode(pair.prompt))
        for path in (pair.a, pair.b):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _whole(folder: Path, trial: Trial) -> bool:
    """Whether all clips are there, and as long as they should be."""
    paths = [clip_path(folder, place, side) for place in range(len(trial.pairs)) for side in SIDES]
    sizes = {path.stat().st_size if path.is_file() else 0 for path in paths}
    return len(sizes) == 1 and 0 not in sizes


def _write_all(pairs: Sequence[Pair], sound: Sound, folder: Path) -> tuple[Prepared, ...]:
    faults: list[str] = []
    made: list[Prepared] = []
    (folder / CLIPS).mkdir(parents=True, exist_ok=True)
    for place, pair in enumerate(pairs):
        try:
            made.append(_write_pair(pair, sound, folder, place))
        except ListeningError as error:
            faults.append(str(error))
    _raise(faults)
    return tuple(made)


def _write_pair(pair: Pair, sound: Sound, folder: Path, place: int) -> Prepared:
    clips = [excerpt(path, sound) for path in (pair.a, pair.b)]
    heard = [_loudness(pair.a, clips[0], sound), _loudness(pair.b, clips[1], sound)]
    allowed = [heard[n] + CEILING_DBTP - true_peak(clips[n]) for n in (0, 1)]
    common = min(TARGET, *allowed)
    gains = (common - heard[0], common - heard[1])
    for side, clip, gain in zip(SIDES, clips, gains, strict=True):
        with jsonio.replacing(clip_path(folder, place, side)) as partial:
            loud = clip * np.float32(10.0 ** (gain / 20.0))
            audio.write(partial, loud, sound.sample_rate, "wav")
    return Prepared(pair.prompt.id, pair.prompt.prompt, round(common, 2), gains)


def _loudness(path: Path, clip: Samples, sound: Sound) -> Lufs:
    if not np.isfinite(clip).all():
        raise ListeningError(f"{path}: holds samples that are no numbers; generate it again")
    heard = loudness.integrated(loudness.block_energy(clip, sound.sample_rate))
    if heard <= loudness.SILENCE:
        raise ListeningError(
            f"{path}: silent for its first {sound.seconds:g} s, so it cannot be made as loud as "
            "the other; generate it again, or take its prompt out of both sets"
        )
    return heard


def excerpt(path: Path, sound: Sound) -> Samples:
    """The start of a clip in the test's format, with its end faded: float32 [T, C].

    Mono is doubled where others are stereo; it is measured so too, since that is how it is heard.

    Raises:
        ListeningError: It cannot be read, or is shorter than its header says.
    """
    parts: list[Samples] = []
    frames = 0
    try:
        with audio.Reader(path) as reader:
            rate = reader.header.sample_rate
            for block in reader.blocks():
                parts.append(block)
                frames += len(block)
                if frames >= sound.seconds * rate:
                    break
    except (AudioError, OSError) as error:
        raise ListeningError(f"{path}: {error}") from None
    if frames < (sound.seconds - SHORT_S) * rate:
        raise ListeningError(
            f"{path}: {frames / rate:.2f} s of audio, the test needs {sound.seconds:g} s"
        )
    start = np.concatenate(parts)[: round(sound.seconds * rate)]
    clip = audio.with_channels(audio.resample(start, rate, sound.sample_rate), sound.channels)
    fade = min(round(FADE_S * sound.sample_rate), len(clip))
    exact = np.zeros((sound.frames, sound.channels), np.float32)
    exact[: len(clip)] = clip[: sound.frames]
    exact[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return exact
