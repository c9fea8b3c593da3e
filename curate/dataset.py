"""A built dataset as Python sees it: typed clips by split, with their audio when asked for.

    dataset = curate.load("datasets/demo/build")
    for clip in dataset.train:
        samples, sample_rate = clip.audio()      # float32 [C, T], full scale 1

Nothing is kept in memory but what is asked for; a dataset is read as often as it is looped over.
"""

import dataclasses
import html
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from curate import jsonio
from curate.errors import AudioError, CurateError
from curate.fingerprint import Fingerprint
from curate.records import (
    SPLITS,
    BuildInfo,
    Hertz,
    ManifestLine,
    Rejection,
    Sidecar,
    Split,
    TrackLine,
)

if TYPE_CHECKING:
    import pandas

Record = TypeVar("Record")

MANIFESTS = {split: f"manifests/{split}/data.jsonl" for split in SPLITS}
"""Where each split's manifest is, from the dataset's folder."""


class DatasetError(CurateError):
    """A folder is no dataset, or a dataset does not hold together; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Clip(Sidecar):
    """One clip: everything its sidecar says, and where its audio is.

    Attributes:
        path: Of the audio file.
    """

    path: Path

    def audio(self) -> tuple[npt.NDArray[np.float32], Hertz]:
        """The samples, float32 [C, T], full scale 1, and their rate in Hz; read at every call.

        Raises:
            DatasetError: The file is missing or broken.
        """
        from curate import audio

        try:
            decoded = audio.read(self.path)
        except FileNotFoundError:
            raise DatasetError(f"{self.path} is missing; run `curate build` again") from None
        except (OSError, AudioError) as error:
            raise DatasetError(f"{self.path}: {error}; run `curate build` again") from None
        return np.ascontiguousarray(decoded.samples.T), decoded.sample_rate


class Part:
    """The clips of one split, or of all: loop over it, ask its `len`."""

    def __init__(self, dataset: "Dataset", splits: tuple[Split, ...]) -> None:
        self._dataset = dataset
        self._splits = splits

    def __iter__(self) -> Iterator[Clip]:
        for split in self._splits:
            for line in self._dataset.lines(split):
                yield self._dataset.clip(line)

    def __len__(self) -> int:
        return sum(1 for split in self._splits for _ in self._dataset.lines(split))

    def __repr__(self) -> str:
        return f"<{' + '.join(self._splits)} of {self._dataset.build.name}: {len(self)} clips>"


class Dataset:
    """A dataset `curate build` made.

    Attributes:
        folder: Where it is, absolute.
        build: How it was made, and its counts.
    """

    def __init__(self, folder: Path, build: BuildInfo) -> None:
        self.folder = folder
        self.build = build

    def __iter__(self) -> Iterator[Clip]:
        return iter(Part(self, SPLITS))

    def __len__(self) -> int:
        return len(Part(self, SPLITS))

    def __getitem__(self, split: str) -> Part:
        for known in SPLITS:
            if split == known:
                return Part(self, (known,))
        raise KeyError(f"no split '{split}'; there are {', '.join(SPLITS)}")

    @property
    def train(self) -> Part:
        """Clips to train on."""
        return self["train"]

    @property
    def valid(self) -> Part:
        """Clips to validate on."""
        return self["valid"]

    @property
    def test(self) -> Part:
        """Clips to evaluate on."""
        return self["test"]

    @cached_property
    def tracks(self) -> tuple[TrackLine, ...]:
        """The tracks the clips were cut from, with source, rights and labels."""
        return tuple(_records(self.folder / "tracks.jsonl", TrackLine))

    @cached_property
    def rejected(self) -> tuple[Rejection, ...]:
        """What was left out, and why."""
        return tuple(_records(self.folder / "rejected.jsonl", Rejection))

    def lines(self, split: Split) -> Iterator[ManifestLine]:
        """The manifest lines of a split."""
        return _records(self.folder / MANIFESTS[split], ManifestLine)

    def clip(self, line: ManifestLine) -> Clip:
        """The clip of a manifest line.

        Raises:
            DatasetError: It is not where the line says.
        """
        path = Path(line.path)
        beside = path.with_suffix(".json")
        try:
            sidecar = jsonio.decode(beside.read_bytes(), Sidecar)
        except FileNotFoundError:
            raise DatasetError(self._lost(beside)) from None
        except (OSError, ValueError) as error:
            raise DatasetError(f"{beside}: {error}; see `curate validate {self.folder}`") from None
        values = {field.name: getattr(sidecar, field.name) for field in dataclasses.fields(Sidecar)}
        return Clip(**values, path=path)

    def relative(self, line: ManifestLine) -> str:
        """The path of a clip from the dataset's folder, whichever link leads there.

        Raises:
            DatasetError: It lies elsewhere: the dataset was copied or moved.
        """
        if line.path.startswith(f"{self.folder}/"):
            return line.path[len(f"{self.folder}/") :]
        try:
            return Path(line.path).resolve().relative_to(self.folder.resolve()).as_posix()
        except ValueError:
            raise DatasetError(
                f"{self.folder}: its manifests name another folder; "
                f"run `curate relocate {self.folder}`"
            ) from None

    def fingerprint(self) -> str:
        """The fingerprint of the data as it is, from manifests and sidecars; no audio is read."""
        found = Fingerprint()
        for split in SPLITS:
            for line in self.lines(split):
                found.add(line, self.relative(line), self.clip(line).audio_sha256)
        return found.hexdigest()

    def to_pandas(self) -> "pandas.DataFrame":
        """One row a clip, one column a field of the sidecar (labels left out), and its path.

        Raises:
            DatasetError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise DatasetError(
                "pandas is not installed; run `pip install pandas` (or musicgen-curate[pandas])"
            ) from None
        names = [f.name for f in dataclasses.fields(Clip) if f.name != "labels"]
        rows = [{name: _cell(getattr(clip, name)) for name in names} for clip in self]
        return pandas.DataFrame(rows, columns=names)

    def __repr__(self) -> str:
        lines = [f"Dataset '{self.build.name}' in {self.folder}"]
        lines += [f"  {name:<8} {value}" for name, value in self._summary()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._summary()
        )
        title = html.escape(f"{self.build.name} ({self.folder})")
        return f"<table><caption>{title}</caption>{cells}</table>"

    def _summary(self) -> Iterator[tuple[str, str]]:
        for split, count in self.build.counts.splits.items():
            yield split, f"{count.chunks} clips, {count.tracks} tracks, {count.hours:.2f} h"
        artists = Counter(track.artist for track in self.tracks)
        yield "artists", f"{len(artists)}: {_top(artists)}"
        genres = Counter(genre for track in self.tracks for genre in _genres(track))
        yield "genres", _top(genres) or "none known"
        rejected = self.build.counts.rejected
        yield "rejected", _top(Counter(rejected)) or "nothing"

    def _lost(self, path: Path) -> str:
        inside = path.is_relative_to(self.folder)
        if not inside:
            return (
                f"{path} is missing: the dataset is in {self.folder} but its manifests name "
                f"another folder; run `curate relocate {self.folder}`"
            )
        return (
            f"{path} is missing; run `curate build` again, or see `curate validate {self.folder}`"
        )


def load(folder: str | Path) -> Dataset:
    """Opens a built dataset.

    Raises:
        DatasetError: The folder is none.
    """
    place = Path(folder).expanduser().absolute()
    path = place / "build.json"
    if not place.is_dir():
        raise DatasetError(f"{place}: no such folder; give the folder `curate build` wrote")
    try:
        build = jsonio.decode(path.read_bytes(), BuildInfo)
    except FileNotFoundError:
        lacking = f"no dataset, there is no build.json in it; {near(place)}"
        raise DatasetError(f"{place}: {lacking}") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: {error}; run `curate build` again") from None
    return Dataset(place, build)


def near(folder: Path) -> str:
    """What somebody may have meant who names a folder that is no dataset."""
    below = sorted(folder.glob("*/build.json"))
    return f"did you mean {below[0].parent}?" if below else "give the folder of a build"


def _records(path: Path, kind: type[Record]) -> Iterator[Record]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing; run `curate build` again")
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise DatasetError(
                    f"{path}:{number}: {error}; see `curate validate {path.parent}`"
                ) from None


def _genres(track: TrackLine) -> set[str]:
    return {str(label.value).lower() for label in track.labels if label.kind == "genre"}


def _top(counter: Counter[str], most: int = 5) -> str:
    listed = ", ".join(f"{name} ({count})" for name, count in counter.most_common(most))
    return listed + (", …" if len(counter) > most else "")


def _cell(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
