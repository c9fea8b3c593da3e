"""What validation says: findings, counts, and whether the data will do."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curate import jsonio
from curate.validate.codes import CODES, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: A key of `CODES`.
        severity: `error`: do not train on it. `warning`: know about it.
        file: Where: relative to the dataset if inside it, else absolute.
        line: Line in that file, from 1; None where it is about the whole file.
        id: Of the clip or track, where there is one.
        message: What is there and what was expected, with the names and units of both.
        remedy: What to do.
    """

    code: str
    severity: Severity
    file: str
    line: int | None
    id: str | None
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ManifestCount:
    """What one manifest holds.

    Attributes:
        file: The manifest, relative to the dataset.
        split: `train`, `valid` or `test`; None where the folder's name says none of them.
        lines: Lines that could be read.
        hours: Sum of their durations.
    """

    file: str
    split: str | None
    lines: int
    hours: float


@dataclass(frozen=True, slots=True)
class Report:
    """All that validation found.

    Attributes:
        folder: The folder that was looked at.
        ours: True if `curate build` made it; then the whole contract counts, not audiocraft's only.
        deep: True if all audio was decoded.
        manifests: What each manifest holds.
        findings: In the order of files and lines.
    """

    folder: str
    ours: bool
    deep: bool
    manifests: tuple[ManifestCount, ...]
    findings: tuple[Finding, ...]
    ok: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ok", not any(f.severity == "error" for f in self.findings))

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return len(self.findings) - self.errors

    @property
    def lines(self) -> int:
        """Lines of all manifests."""
        return sum(manifest.lines for manifest in self.manifests)

    @property
    def hours(self) -> float:
        """Hours of audio in all manifests."""
        return sum(manifest.hours for manifest in self.manifests)

    def by_code(self) -> dict[str, int]:
        """How many findings of each code, in the order of `CODES`."""
        found = Counter(finding.code for finding in self.findings)
        return {code: found[code] for code in CODES if code in found}

    def to_dict(self) -> dict[str, Any]:
        """The report as plain Python, counts included."""
        return {
            **jsonio.builtins(self),
            "errors": self.errors,
            "warnings": self.warnings,
            "lines": self.lines,
            "hours": round(self.hours, 6),
            "codes": self.by_code(),
        }

    def to_json(self) -> str:
        """The report as JSON, indented, for machines."""
        return jsonio.pretty(self.to_dict()).decode("utf-8")


class Collector:
    """Takes findings while the checks run.

    Attributes:
        ours: As in `Report`.
        findings: What was found so far.
        incomplete: True once a line was lost: counts can't be compared any more.
    """

    def __init__(self, root: Path, *, ours: bool) -> None:
        self.ours = ours
        self.findings: list[Finding] = []
        self.incomplete = False
        self._prefixes = sorted({f"{root.absolute()}/", f"{root.resolve()}/"}, key=len)

    def add(
        self,
        code: str,
        message: str,
        *,
        file: Path | str,
        line: int | None = None,
        id: str | None = None,
        remedy: str | None = None,
    ) -> bool:
        """Notes a finding. False if this kind does not count in this kind of dataset."""
        kind = CODES[code]
        severity = kind.severity.ours if self.ours else kind.severity.foreign
        if severity is None:
            return False
        where, what, how = self.relative(file), printable(message), remedy or kind.remedy
        who = None if id is None else printable(id)
        self.findings.append(Finding(code, severity, where, line, who, what, how))
        return True

    @property
    def errors(self) -> bool:
        """Whether anything so far is an error."""
        return any(finding.severity == "error" for finding in self.findings)

    def relative(self, file: Path | str) -> str:
        """The path as a finding names it, on one line."""
        text = printable(str(file))
        for prefix in self._prefixes:
            if text.startswith(prefix):
                return text[len(prefix) :]
        return text


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` on one line: controls, bidi overrides and bytes that are no text are escaped."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def shown(value: object, length: int = 80) -> str:
    """A value in a message: as JSON, so nothing in it can break out, and not too long."""
    if isinstance(value, str):
        value = value[: length * 4]
    try:
        text = jsonio.encode(value).decode("utf-8")
    except (ValueError, TypeError, OverflowError, RecursionError):
        text = ascii(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"
