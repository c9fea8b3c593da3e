"""Clips as metrics take them, one by one, and what was computed of a clip kept on disk.

Conventions: a clip is known by its key, which is the same for the real clip, the prompt taken from
it and what any model made of that prompt. Sound is mono float32 [T], full scale 1, resampled by
libsoxr. What is kept is named by the content of the file and by the model, so another file or other
weights never meet an old result.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from curate import audio, jsonio
from curate.errors import AudioError
from curate.records import Hertz

Mono = npt.NDArray[np.float32]
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Sound:
    """One clip.

    Attributes:
        key: Pairs it with the prompt and with other clips of it.
        path: Of the audio file.
    """

    key: str
    path: Path


def validate(sounds: Sequence[Sound]) -> None:
    """Checks clips.

    Raises:
        ValueError: There are none, two have one key, or a file is not there.
    """
    if not sounds:
        raise ValueError("no clips; expected at least one")
    if len({sound.key for sound in sounds}) < len(sounds):
        raise ValueError("two clips have the same key")
    for sound in sounds:
        if not sound.path.is_file():
            raise ValueError(f"clip {sound.key}: {sound.path} is not there; make it again")


def mono(sound: Sound, rate: Hertz) -> Mono:
    """A clip's sound at this rate.

    Raises:
        ValueError: The file is broken, or holds samples that are not finite; names the clip.
    """
    try:
        decoded = audio.read(sound.path)
    except (OSError, AudioError) as error:
        raise ValueError(f"clip {sound.key}: {sound.path}: {error}; make it again") from None
    single = audio.mono(decoded.samples)
    if not np.isfinite(single).all():
        raise ValueError(f"clip {sound.key}: {sound.path}: samples that are not finite")
    return np.ascontiguousarray(audio.resample(single, decoded.sample_rate, rate))


@dataclass(frozen=True, slots=True)
class Kept:
    """Results on disk; without a folder nothing is kept.

    Attributes:
        folder: Made if it is not there; it may be removed at any time.
        model: Names what computed them: name, hash of the weights, version of the code.
    """

    folder: Path | None
    model: str

    def array(self, sound: Sound) -> npt.NDArray[np.generic] | None:
        """What is kept of a clip; None where nothing whole is."""
        path = self._path(sound, "npy")
        try:
            return None if path is None else np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None

    def keep_array(self, sound: Sound, values: npt.NDArray[np.generic]) -> None:
        """Keeps an array. A disk that is full costs the keeping only."""
        packed = io.BytesIO()
        np.save(packed, values, allow_pickle=False)
        self._write(self._path(sound, "npy"), packed.getvalue())

    def record(self, sound: Sound, kind: type[Record]) -> Record | None:
        """What is kept of a clip as JSON; None where nothing whole is."""
        path = self._path(sound, "json")
        try:
            return None if path is None else jsonio.decode(path.read_bytes(), kind)
        except (OSError, ValueError):
            return None

    def keep_record(self, sound: Sound, record: object) -> None:
        """Keeps a record; see `keep_array`."""
        self._write(self._path(sound, "json"), jsonio.encode(record))

    def _path(self, sound: Sound, suffix: str) -> Path | None:
        if self.folder is None:
            return None
        with sound.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return self.folder / self.model / f"{content}.{suffix}"

    def _write(self, path: Path | None, data: bytes) -> None:
        if path is None:
            return
        try:
            jsonio.write_atomically(path, data, sync=False)
        except OSError:
            return


def through(
    sounds: Sequence[Sound],
    kept: Kept,
    compute: Callable[[list[Sound]], Sequence[npt.NDArray[np.generic]]],
    batch: int,
) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """Each clip's array, from disk or computed `batch` clips at a time; those on disk come first.

    Args:
        sounds: The clips.
        kept: Where results are kept.
        compute: Gives the arrays of some clips.
        batch: Clips a call.
    """
    waiting: list[Sound] = []
    for sound in sounds:
        found = kept.array(sound)
        if found is None:
            waiting.append(sound)
        else:
            yield sound.key, found
    for first in range(0, len(waiting), batch):
        some = waiting[first : first + batch]
        for sound, values in zip(some, compute(some), strict=True):
            kept.keep_array(sound, values)
            yield sound.key, values
