"""Small good datasets made by hand from the records, and tools to break them one way at a time."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from curate import jsonio
from curate.config import Artist, ChunkOptions, Config, SplitOptions
from curate.fingerprint import Fingerprint
from curate.names import chunk_id, digest
from curate.records import (
    SPLITS,
    BuildInfo,
    CaptionCounts,
    Counts,
    Facts,
    Inspection,
    Label,
    ManifestLine,
    Origin,
    Rejection,
    Sidecar,
    Split,
    SplitCount,
    Tags,
    TrackLine,
)

RATE = 16000
CAPTION = "A calm piece for piano at a walking pace."
SECONDS = 1.0
CHUNKS = 3

TRACKS: tuple[tuple[str, str, Split, str, str], ...] = (
    # artist, title, split, group, genre
    ("宇多田ヒカル", "光", "train", "a", "J-Pop"),
    ("宇多田ヒカル", "光 (別テイク)", "train", "a", "J-Pop"),
    ("椎名林檎", "丸の内サディスティック", "train", "c", "jazz, rock"),
    ("はっぴいえんど", "風をあつめて", "train", "d", "folk rock"),
    ("久石 譲", "Summer", "train", "e", "soundtrack"),
    ("椎名林檎", "歌舞伎町の女王", "valid", "f", "rock"),
    ("Nujabes", "Luv(sic)", "valid", "g", "hip hop"),
    ("久石 譲", "あの夏へ", "test", "h", "soundtrack"),
)

CONFIG = Config(
    name="kayo",
    rights="made by a test",
    artists=tuple(Artist(name, ("music/",)) for name in dict.fromkeys(t[0] for t in TRACKS)),
    chunk=ChunkOptions(seconds=SECONDS, sample_rate=RATE),
    split=SplitOptions(valid=0.25, test=0.125),
    dedupe="keep",
)

DSET = """\
# @package __global__

datasource:
  max_sample_rate: {rate}
  max_channels: 1

  train: {train}
  valid: {valid}
  evaluate: {test}
  generate: {test}

dataset:
  segment_duration: {seconds:g}
  min_segment_ratio: 1.0
"""


def noise(seed: object, seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """Noise at about -14 dBFS, another one for every seed: float32 [T]."""
    number = int(digest(seed)[:8], 16)
    samples = np.random.default_rng(number).standard_normal(int(seconds * rate))
    return (0.1 * np.clip(samples, -4, 4)).astype(np.float32)


def write_audio(path: Path, samples: np.ndarray, rate: int = RATE) -> tuple[str, float]:
    """Writes [T] or [T, C] as 16 bit. Returns its SHA-256 and the largest sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    read, _ = soundfile.read(path, dtype="float32")
    return hashlib.sha256(path.read_bytes()).hexdigest(), float(np.abs(read).max())


def ours(folder: Path, config: Config = CONFIG) -> Path:
    """A dataset as `curate build` would leave it: 8 tracks, 24 clips of a second."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[ManifestLine]] = {split: [] for split in SPLITS}
    tracks = []
    for number, (artist, title, split, group, genre) in enumerate(TRACKS):
        track = _track(number, artist, title, split, group, genre, config)
        tracks.append(track)
        for index in range(CHUNKS):
            lines[split].append(_clip(folder, track, index, config))
    for split in SPLITS:
        jsonio.write_lines(folder / "manifests" / split / "data.jsonl", lines[split])
    jsonio.write_lines(folder / "tracks.jsonl", tracks)
    rejected = Rejection(digest("lost")[:12], "inspect", "too_short", "4 s of audio, need 10 s")
    jsonio.write_lines(folder / "rejected.jsonl", [rejected])
    places = {split: json.dumps(str(folder / "manifests" / split)) for split in SPLITS}
    rate, seconds = config.chunk.sample_rate, config.chunk.seconds
    (folder / "dset.yaml").write_text(DSET.format(rate=rate, seconds=seconds, **places))
    (folder / "DATASHEET.md").write_text("# kayo\n")
    counts = Counts(9, 8, 24, 0.0, {"too_short": 1}, {})
    built = BuildInfo(
        config.name,
        "0" * 64,
        "2026-01-01T00:00:00+00:00",
        True,
        jsonio.builtins(config),
        {},
        {},
        counts,
        CaptionCounts({}),
    )
    (folder / "build.json").write_bytes(jsonio.pretty(built))
    reseal(folder)
    return folder


def _track(
    number: int, artist: str, title: str, split: Split, group: str, genre: str, config: Config
) -> TrackLine:
    labels = (
        Label("key", "F# minor", "signal.hpcp", 0.8),
        Label("tempo", 96.0, "signal.beats", 0.7, (48.0, 192.0)),
        *(Label("genre", word, "tag") for word in genre.split(", ")),
    )
    return TrackLine(
        id=digest("track", number)[:12],
        artist=artist,
        featured=(),
        title=title,
        album=None,
        year=2001,
        isrc=None,
        source="files",
        uri=f"music/{number}.flac",
        origin=Origin(f"music/{number}.flac"),
        sha256=digest("file", number),
        rights=config.rights,
        licence=None,
        licence_source=None,
        tags=Tags(title=title, artists=(artist,), genres=(genre,), year=2001),
        inspection=Inspection(3.5, 44100, 2, -14.0, -1.0, 0.0, 0.0, 20000.0, 0.0, 0),
        labels=labels,
        group=group,
        split=split,
        chunks=CHUNKS,
    )


def _clip(folder: Path, track: TrackLine, index: int, config: Config) -> ManifestLine:
    slug = f"track-{track.id}"
    path = folder / "audio" / track.artist / slug / f"{slug}_chunk{index:03d}.flac"
    rate, seconds = config.chunk.sample_rate, config.chunk.seconds
    sha, amplitude = write_audio(path, noise((track.id, index), seconds, rate), rate)
    sidecar = Sidecar(
        key="F# minor",
        artist=track.artist,
        file_extension="flac",
        description=CAPTION,
        descriptions=(CAPTION,),
        keywords=("city pop", "夜"),
        bpm=96.0,
        genre=", ".join(track.tags.genres),
        title=track.title,
        name=path.stem,
        instrument="piano, koto",
        moods=("calm", "late night"),
        duration=seconds,
        sample_rate=rate,
        track_id=track.id,
        start=index * seconds,
        split=track.split,
        description_source="template.1",
        facts=Facts(moods=("calm",), instruments=("piano", "koto"), bpm=96, key="F# minor"),
        audio_sha256=sha,
        labels=(Label("loudness", -14.5, "signal.ebur128"), *track.labels),
    )
    path.with_suffix(".json").write_bytes(jsonio.pretty(sidecar))
    shared = {
        name: getattr(sidecar, name) for name in Sidecar.__slots__ if name in ManifestLine.__slots__
    }
    return ManifestLine(str(path), amplitude=amplitude, weight=None, info_path=None, **shared)


def reseal(folder: Path) -> None:
    """Makes counts and fingerprint of a changed dataset fit again."""
    fingerprint, splits = Fingerprint(), {}
    chunks: dict[str, int] = {}
    for split in SPLITS:
        lines = list(jsonio.read_lines(folder / "manifests" / split / "data.jsonl", ManifestLine))
        for line in lines:
            sidecar = json.loads(Path(line.path).with_suffix(".json").read_bytes())
            relative = Path(line.path).relative_to(folder).as_posix()
            fingerprint.add(line, relative, sidecar["audio_sha256"])
            chunks[line.track_id] = chunks.get(line.track_id, 0) + 1
        hours = sum(line.duration for line in lines) / 3600
        splits[split] = SplitCount(len({line.track_id for line in lines}), len(lines), hours)
    tracks = list(jsonio.read_lines(folder / "tracks.jsonl", TrackLine))
    tracks = [replace(track, chunks=chunks.get(track.id, 1)) for track in tracks]
    jsonio.write_lines(folder / "tracks.jsonl", tracks)
    path = folder / "build.json"
    captions = CaptionCounts({"template.1": sum(chunks.values())})
    built = jsonio.decode(path.read_bytes(), BuildInfo)
    counts = replace(
        built.counts,
        tracks=len(chunks),
        chunks=sum(chunks.values()),
        hours=sum(split.hours for split in splits.values()),
        splits=splits,
    )
    sealed = replace(built, counts=counts, captions=captions, fingerprint=fingerprint.hexdigest())
    path.write_bytes(jsonio.pretty(sealed))


def foreign(folder: Path) -> Path:
    """A dataset made by others: three splits of 30 s clips, sidecars, nothing else."""
    for split in SPLITS:
        rows = []
        for number in range(2):
            path = folder / "clips" / f"{split}{number}.wav"
            write_audio(path, noise((split, number), 30.0, 8000), 8000)
            rows.append({"path": str(path), "duration": 30.0, "sample_rate": 8000})
            beside = {
                "title": "t",
                "artist": f"{split} artist",
                "key": "Am",
                "bpm": "120",
                "genre": "techno",
                "moods": "dark, cold",
                "keywords": ["four on the floor"],
                "description": "Dark techno.",
                "name": "",
                "instrument": "drum machine",
                "anything": {"else": 1},
            }
            path.with_suffix(".json").write_text(json.dumps(beside))
        write_rows(folder / split / "data.jsonl", rows)
    return folder


Row = dict[str, Any]


def rows(path: Path) -> list[Row]:
    """The lines of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write_rows(path: Path, lines: list[Row]) -> None:
    """Writes a JSON-lines file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, "utf-8")


def change(path: Path, index: int, edit: Callable[[Row], Any]) -> Row:
    """Edits one line of a JSON-lines file in place; returns it as it was."""
    lines = rows(path)
    before = json.loads(json.dumps(lines[index]))
    edit(lines[index])
    write_rows(path, lines)
    return before


def change_object(path: Path, edit: Callable[[Row], Any]) -> None:
    """Edits a JSON file in place."""
    value = json.loads(path.read_bytes())
    edit(value)
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")


def first_clip(folder: Path, split: str = "train", index: int = 0) -> Path:
    """The audio file of a manifest line."""
    name = "manifests" if (folder / "manifests").is_dir() else "."
    return Path(rows(folder / name / split / "data.jsonl")[index]["path"])


def clip_id(track: str, index: int) -> str:
    """Id of a clip, as findings name it."""
    return chunk_id(track, index)
