"""The audio: as long and as fast as line and build.json say; with `deep`, sound inside.

Decoding runs in threads: libsndfile and numpy let go of the interpreter.
"""

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curate import audio
from curate.config import ChunkLimits, Config
from curate.errors import AudioError
from curate.records import Seconds, Share
from curate.stages import inspect
from curate.validate import labels, opening, text, upstream
from curate.validate.entries import Entry
from curate.validate.report import Collector, shown

SILENT_AMPLITUDE = 1e-3
"""-60 dBFS."""

CLIPPED_SHARE = ChunkLimits().max_clipping_share
"""Where build.json says nothing else."""

AMPLITUDE_TOLERANCE = 1e-3
ESTIMATE_TOLERANCE: Seconds = 0.1
"""Headers of lossy files give their length less exactly, and decoders differ by their padding."""


LOSSLESS = (".flac", ".wav", ".aif", ".aiff")


def tolerance(path: Path, header: audio.Header) -> Seconds:
    """How far a duration may be from the header's: 1 ms or one sample, more for lossy files."""
    if path.suffix.lower() not in LOSSLESS:
        return ESTIMATE_TOLERANCE
    return max(1e-3, 1 / header.sample_rate)


def check_header(
    entry: Entry, header: audio.Header | None, fault: tuple[str, str] | None, collector: Collector
) -> None:
    """Holds the audio's header against the line; fills `entry.header`."""
    path = entry.audio
    if path is None:
        return
    if fault is not None:
        code, message = fault
        entry.add(collector, code, f"{shown(str(path), 200)}: {message}", "path")
    if header is None:
        return
    entry.header = header
    _check_duration(entry, path, header, collector)
    rate = text.number(entry.document.get("sample_rate"))
    if rate is not None and rate != header.sample_rate and "sample_rate" not in entry.flagged:
        message = f"sample_rate is {rate:g} Hz, the file has {header.sample_rate} Hz"
        entry.add(collector, "sample_rate_differs", message, "sample_rate")


def _check_duration(entry: Entry, path: Path, header: audio.Header, collector: Collector) -> None:
    duration, length = text.number(entry.document.get("duration")), header.duration_s
    if duration is None or length is None or "duration" in entry.flagged:
        return
    if abs(duration - length) > tolerance(path, header):
        message = f"duration is {duration:g} s, the file has {length:.6g} s"
        entry.add(collector, "duration_differs", message, "duration")


def check_configured(entry: Entry, config: Config, collector: Collector) -> None:
    """A clip of ours is as build.json says."""
    header, chunk = entry.header, config.chunk
    if header is None or entry.audio is None:
        return
    suffix = entry.audio.suffix.lower()
    for name, found, wanted, unit in (
        ("sample_rate", header.sample_rate, chunk.sample_rate, " Hz"),
        ("channels", header.channels, chunk.channels, ""),
        ("file_extension", suffix.lstrip("."), chunk.format, ""),
    ):
        if found != wanted and name not in entry.flagged:
            message = f"{name} is {found}{unit}, build.json says {wanted}{unit}"
            entry.add(collector, "not_as_configured", message, name)
    duration = text.number(entry.document.get("duration"))
    if duration is None or not math.isfinite(duration) or "duration" in entry.flagged:
        return
    allowed = tolerance(entry.audio, header)
    if duration < chunk.seconds - allowed:
        padding = 1 - duration / chunk.seconds
        message = (
            f"the clip has {duration:g} s, chunk.seconds is {chunk.seconds:g} s: "
            f"{padding:.0%} of what is trained on is silence"
        )
        entry.add(collector, "chunk_short", message, "duration")
    elif duration > chunk.seconds + allowed:
        message = f"the clip has {duration:g} s, build.json says {chunk.seconds:g} s"
        entry.add(collector, "not_as_configured", message, "duration")


def check_silent(entry: Entry, collector: Collector) -> None:
    """A clip is silent by what is known of it without decoding."""
    amplitude = text.number(entry.document.get("amplitude"))
    if amplitude is not None and amplitude < SILENT_AMPLITUDE:
        message = f"the largest sample is {amplitude:.2g}, expected {SILENT_AMPLITUDE} or more"
        entry.add(collector, "chunk_silent", message, "amplitude")
        return
    loudness = labels.loudness(entry)
    if loudness is not None and loudness <= labels.SILENT_LUFS:
        message = f"its loudness is {loudness:g} LUFS, expected more than {labels.SILENT_LUFS:g}"
        entry.add(collector, "chunk_silent", message, "amplitude")


class Formats:
    """Gathers what a manifest's clips have in common, and how much of them is missing."""

    def __init__(self) -> None:
        self._formats: dict[Path, Counter[tuple[int, int]]] = {}
        self._short: dict[Path, tuple[int, float, int]] = {}
        self._lines: Counter[Path] = Counter()

    def add(self, entry: Entry) -> None:
        """Counts one clip."""
        path = entry.manifest.path
        if entry.header is not None:
            kind = entry.header.sample_rate, entry.header.channels
            self._formats.setdefault(path, Counter())[kind] += 1
        duration = text.number(entry.document.get("duration"))
        if duration is None or not 0 < duration < math.inf:
            return
        self._lines[path] += 1
        missing = upstream.SEGMENT_DURATION - duration
        if missing > 1e-3:
            count, silence, line = self._short.get(path, (0, 0.0, entry.number))
            self._short[path] = count + 1, silence + missing, line

    def finish(self, collector: Collector) -> None:
        """Notes, once a manifest, what differs or is short of MusicGen's segment."""
        for path, kinds in self._formats.items():
            if len(kinds) > 1:
                listed = ", ".join(
                    f"{rate} Hz {channels} channel{'s' if channels != 1 else ''} ({count})"
                    for (rate, channels), count in kinds.most_common(4)
                )
                collector.add("formats_mixed", f"{len(kinds)} kinds: {listed}", file=path)
        if collector.ours:
            return
        for path, (count, silence, line) in self._short.items():
            segment, lines = upstream.SEGMENT_DURATION, self._lines[path]
            message = (
                f"{count} of {lines} clips are shorter than MusicGen's segment of {segment:g} s: "
                f"{silence / (segment * lines):.0%} of what is trained on is silence"
            )
            remedy = f"use clips of {segment:g} s, or set dataset.segment_duration to their length"
            collector.add("chunk_short", message, file=path, line=line, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Sound:
    """What decoding a clip gave.

    Attributes:
        frames: Samples a channel.
        amplitude: Largest absolute sample, full scale 1.
        clipped_share: Share of samples in runs at full scale.
        nonfinite: NaN and infinite samples.
        content: Digest of the samples: the same audio in another container has the same.
        sha256: Of the file's bytes.
        error: Why decoding stopped, else empty.
    """

    frames: int = 0
    amplitude: float = 0.0
    clipped_share: float = 0.0
    nonfinite: int = 0
    content: bytes = b""
    sha256: str = ""
    error: str = ""


def listen(path: Path) -> Sound:
    """Decodes a file in blocks. Raises nothing for what it holds."""
    digest = hashlib.blake2b(digest_size=16)
    frames = nonfinite = samples = 0
    peak = clipped = 0.0
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with audio.Reader(path) as reader:
            digest.update(f"{reader.header.sample_rate} {reader.header.channels}".encode())
            for block in reader.blocks():
                digest.update(np.ascontiguousarray(block).data)
                low, high = float(block.min()), float(block.max())
                if not (math.isfinite(low) and math.isfinite(high)):
                    nonfinite += int(block.size - np.isfinite(block).sum())
                    block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
                    low, high = float(block.min()), float(block.max())
                largest = max(-low, high)
                peak = max(peak, largest)
                if largest >= inspect.FULL_SCALE:
                    clipped += inspect.clipping_share(block) * block.size
                frames += len(block)
                samples += block.size
    except (AudioError, RuntimeError, *text.READ_ERRORS) as error:
        return Sound(frames, error=opening.why(error)[1])
    share = clipped / samples if samples else 0.0
    return Sound(frames, peak, share, nonfinite, digest.digest(), sha256)


def check_sound(
    entry: Entry, sound: Sound, collector: Collector, max_clipped: Share = CLIPPED_SHARE
) -> None:
    """Holds what was decoded against header, line and sidecar."""
    header, path = entry.header, entry.audio
    if header is None or path is None:
        return
    if sound.error:
        entry.add(collector, "audio_broken", f"decoding fails: {sound.error}", "path")
        return
    length, promised = sound.frames / header.sample_rate, header.duration_s
    if promised is not None and abs(length - promised) > tolerance(path, header):
        message = f"{length:.6g} s of audio, the header says {promised:.6g} s"
        entry.add(collector, "audio_broken", message, "path")
    if sound.nonfinite:
        message = f"samples that are NaN or infinite: {sound.nonfinite}, expected none"
        entry.add(collector, "audio_not_finite", message, "amplitude")
    elif sound.amplitude < SILENT_AMPLITUDE and "amplitude" not in entry.flagged:
        message = (
            f"the largest sample is {sound.amplitude:.2g}, expected {SILENT_AMPLITUDE} or more"
        )
        entry.add(collector, "chunk_silent", message, "amplitude")
    if sound.clipped_share > max_clipped:
        found = f"{sound.clipped_share:.1%}"
        message = f"{found} of the samples are clipped, expected up to {max_clipped:.1%}"
        entry.add(collector, "chunk_clipped", message)
    stored = entry.sidecar.get("audio_sha256") if entry.sidecar else None
    if collector.ours and isinstance(stored, str) and stored != sound.sha256:
        message = f"SHA-256 is {sound.sha256[:12]}…, the sidecar says {shown(stored[:12])[1:-1]}…"
        entry.add(collector, "audio_changed", message, "amplitude", "audio_sha256")
    amplitude = text.number(entry.document.get("amplitude"))
    if amplitude is None or "amplitude" in entry.flagged:
        return
    if abs(amplitude - sound.amplitude) > AMPLITUDE_TOLERANCE:
        message = f"amplitude is {amplitude:g}, the file has {sound.amplitude:g}"
        entry.add(collector, "amplitude_differs", message, "amplitude")
