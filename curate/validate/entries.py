"""One line of a manifest on its way through the checks, and where its files are."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curate.audio import Header
from curate.names import chunk_id
from curate.records import Split
from curate.validate.layout import Layout, Manifest
from curate.validate.report import Collector, shown

_CHUNK = re.compile(r"_chunk(\d{3,})\.[A-Za-z0-9]+$")


@dataclass(slots=True)
class Entry:
    """One manifest line.

    Attributes:
        manifest: Where it stands.
        number: Its line there, from 1.
        document: What it says.
        audio: Where its audio should be; None where the line does not say.
        sidecar: What the sidecar says; None where there is none that could be read.
        header: What the audio's header says; None where it could not be read.
        seen: What audiocraft makes of the sidecar, for the fields it could read.
        flagged: Fields that have a finding already: a more general check says nothing of them.
    """

    manifest: Manifest
    number: int
    document: dict[str, Any]
    audio: Path | None = None
    sidecar: dict[str, Any] | None = None
    header: Header | None = None
    seen: dict[str, Any] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)

    @property
    def split(self) -> Split | None:
        """The side it is on, by its manifest's folder."""
        return self.manifest.split

    @property
    def id(self) -> str | None:
        """The clip's id if it is one of ours, else the stem of its file."""
        path, track = self.document.get("path"), self.document.get("track_id")
        if not isinstance(path, str) or not path:
            return track if isinstance(track, str) else None
        found = _CHUNK.search(path)
        if found and isinstance(track, str):
            return chunk_id(track, int(found[1]))
        return shown(os.path.basename(path))[1:-1]  # noqa: PTH119

    @property
    def sidecar_path(self) -> Path | None:
        """Where audiocraft looks for the sidecar (`MusicDataset.__getitem__`)."""
        if self.audio is None or not self.audio.name:
            return None
        return self.audio.with_suffix(".json")

    def add(
        self, collector: Collector, code: str, message: str, *fields: str, sidecar: bool = False
    ) -> None:
        """Notes a finding about this line, or about its sidecar, and the fields it is about."""
        self.flagged.update(fields)
        if sidecar and self.sidecar_path is not None:
            collector.add(code, message, file=self.sidecar_path, id=self.id)
        else:
            collector.add(code, message, file=self.manifest.path, line=self.number, id=self.id)


class Paths:
    """Finds a line's audio, and judges its path.

    A dataset of ours that was moved is found where it is now, so that one finding says so and the
    other checks still mean something. A relative path of others is tried from the working folder
    (where audiocraft would look), then from the manifest's folder upwards.
    """

    def __init__(self, layout: Layout, collector: Collector) -> None:
        self._layout = layout
        self._collector = collector
        self._prefixes = tuple({f"{layout.root}/", f"{layout.root.resolve()}/"})
        self._moved: list[str] = []
        self._bases: dict[Path, Path] = {}
        self._many: dict[tuple[str, Path], tuple[int, int, str]] = {}

    def locate(self, entry: Entry) -> Path | None:
        """Where the line's audio should be; None where its path is no text."""
        text = entry.document.get("path")
        if not isinstance(text, str) or not text:
            return None
        if not os.path.isabs(text):  # noqa: PTH117
            return self._relative(entry, text)
        path = os.path.normpath(text)
        if path.startswith(self._prefixes) or self._really_inside(path):
            return Path(path)
        if self._layout.ours:
            return self._elsewhere(entry, path)
        self._note("path_outside", entry, path)
        return Path(path)

    def here(self, path: str) -> str:
        """A recorded path as it is today: below this folder if the dataset was moved."""
        for root in self._moved:
            if path == root or path.startswith(f"{root}/"):
                return f"{self._layout.root}{path[len(root) :]}"
        return path

    def inside(self, path: Path) -> str | None:
        """The path relative to the dataset, with `/`; None if it is not below it."""
        text = str(path)
        for prefix in self._prefixes:
            if text.startswith(prefix):
                return text[len(prefix) :]
        return None

    def finish(self) -> None:
        """Notes what concerns whole manifests of others, once each."""
        kinds = {"path_relative": "a relative path", "path_outside": "audio outside the folder"}
        for (code, path), (count, line, example) in self._many.items():
            lines = "1 line has" if count == 1 else f"{count} lines have"
            message, remedy = f"{lines} {kinds[code]}, first {example}", None
            base = self._bases.get(path.parent)
            if code == "path_relative" and base is not None:
                message += f", found below {base}"
                remedy = f"write absolute paths, or always start `dora run` in {base}"
            self._collector.add(code, message, file=path, line=line, remedy=remedy)

    def _note(self, code: str, entry: Entry, path: str) -> None:
        key = code, entry.manifest.path
        count, line, example = self._many.get(key, (0, entry.number, shown(path)))
        self._many[key] = count + 1, line, example

    def _relative(self, entry: Entry, text: str) -> Path:
        if self._layout.ours:
            message = f"path {shown(text)} is relative, expected an absolute one"
            entry.add(self._collector, "path_relative", message, "path")
            return Path(os.path.normpath(self._layout.root / text))
        self._note("path_relative", entry, text)
        folder = entry.manifest.path.parent
        if folder in self._bases:
            return self._bases[folder] / text
        for base in (Path.cwd(), folder, *folder.parents):
            if _exists(base / text):
                self._bases[folder] = base
                return base / text
        return folder / text

    def _elsewhere(self, entry: Entry, path: str) -> Path:
        now = self.here(path)
        if now != path:
            return Path(now)
        parts = path.split("/")
        for index in range(len(parts) - 1, 0, -1):
            if parts[index] != "audio":
                continue
            tail = "/".join(parts[index:])
            if _exists(self._layout.root / tail):
                root = "/".join(parts[:index])
                self._moved.append(root)
                message = (
                    f"paths begin with {shown(root)}, but the dataset is at {self._layout.root}"
                )
                self._collector.add(
                    "dataset_moved",
                    message,
                    file=entry.manifest.path,
                    line=entry.number,
                    remedy=f"run `curate relocate {self._layout.root}`",
                )
                return self._layout.root / tail
        message = f"path {shown(path)} is not below {self._layout.root}"
        entry.add(self._collector, "path_outside", message, "path")
        return Path(path)

    def _really_inside(self, path: str) -> bool:
        folder = f"{os.path.realpath(os.path.dirname(path))}/"  # noqa: PTH120
        return folder.startswith(self._prefixes)


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a NUL in it
        return False
