"""The checks of one clip by itself, in order: the special before the general."""

from collections.abc import Iterator
from pathlib import Path

from curate import schema
from curate.config import Config
from curate.validate import labels, meaning, sound, text
from curate.validate.entries import Entry, Paths
from curate.validate.layout import Manifest
from curate.validate.opening import Opened
from curate.validate.report import Collector, shown


class ClipChecks:
    """Reads the lines of manifests and checks each clip.

    Attributes:
        without_sidecar: Line and id of clips without one, by manifest; noted at the end.
        with_sidecar: Manifests of which at least one clip has a sidecar.
    """

    def __init__(
        self, paths: Paths, config: Config | None, collector: Collector, parser: text.Parser
    ) -> None:
        self._paths = paths
        self._config = config
        self._collector = collector
        self._parser = parser
        self._line = schema.Checker("manifest-line")
        self._sidecar = schema.Checker("sidecar")
        self.without_sidecar: dict[Path, list[tuple[int, str | None]]] = {}
        self.with_sidecar: set[Path] = set()

    def lines(self, manifest: Manifest) -> Iterator[Entry]:
        """The clips of a manifest, as far as their lines can be read."""
        for line in text.read_lines(manifest.path, self._parser):
            for fault in line.parsed.faults:
                self._collector.add(
                    fault.code, fault.message, file=manifest.path, line=line.number or None
                )
            if line.parsed.value is None:
                self._collector.incomplete = True
                continue
            entry = Entry(manifest, line.number, line.parsed.value)
            entry.flagged.update(fault.field for fault in line.parsed.faults if fault.field)
            meaning.check_line(entry, self._collector)
            entry.audio = self._paths.locate(entry)
            yield entry

    def check(self, entry: Entry, opened: Opened) -> None:
        """All there is to say of a clip without decoding it."""
        collector = self._collector
        sound.check_header(entry, opened.header, opened.audio_fault, collector)
        self._take_sidecar(entry, opened)
        meaning.check_sidecar(entry, collector)
        labels.check(entry, collector)
        if self._config is not None:
            sound.check_configured(entry, self._config, collector)
        sound.check_silent(entry, collector)
        if collector.ours:
            self._check_split(entry)
            self._check_schema(entry)
        meaning.check_equal(entry, collector)

    def finish(self) -> None:
        """Notes missing sidecars: each by itself, or at once where a manifest has none at all."""
        for path, missing in self.without_sidecar.items():
            if path not in self.with_sidecar and len(missing) > 1:
                message = f"none of {len(missing)} clips has a sidecar"
                self._collector.add("sidecar_missing", message, file=path)
                continue
            for line, id in missing:
                message = f"there is no sidecar beside the audio of {id}"
                self._collector.add("sidecar_missing", message, file=path, line=line, id=id)

    def _take_sidecar(self, entry: Entry, opened: Opened) -> None:
        if opened.audio_fault and opened.audio_fault[0] == "audio_missing":
            return  # that says it all
        path = entry.manifest.path
        if opened.sidecar_missing:
            self.without_sidecar.setdefault(path, []).append((entry.number, entry.id))
            return
        faults: tuple[text.Fault, ...] = ()
        if opened.sidecar_fault is not None:
            faults = (opened.sidecar_fault,)
        elif opened.sidecar is not None:
            parsed = self._parser.parse(opened.sidecar)
            entry.sidecar, faults = parsed.value, parsed.faults
        self.with_sidecar.add(path)
        for fault in faults:
            fields = (fault.field,) if fault.field else ()
            entry.add(self._collector, fault.code, fault.message, *fields, sidecar=True)

    def _check_split(self, entry: Entry) -> None:
        split = entry.document.get("split")
        if split != entry.split and isinstance(split, str):
            message = f"split is {shown(split)}, the manifest is that of '{entry.split}'"
            entry.add(self._collector, "wrong_split", message, "split")

    def _check_schema(self, entry: Entry) -> None:
        flagged = set(entry.flagged)
        missing = tuple(f"'{name}' is missing" for name in flagged)
        for checker, document in ((self._line, entry.document), (self._sidecar, entry.sidecar)):
            for fault in checker.faults(document) if document is not None else ():
                name = str(fault.path[0]) if fault.path else ""
                if name in flagged or fault.message.startswith(missing):
                    continue
                beside = document is entry.sidecar
                entry.add(self._collector, "schema", worded(fault), name, sidecar=beside)


def worded(fault: schema.Fault) -> str:
    """A fault with its place, unless it names that itself."""
    named = fault.path and f"'{fault.path[-1]}'" in fault.message
    return fault.message if named else f"{fault.where}: {fault.message}"
