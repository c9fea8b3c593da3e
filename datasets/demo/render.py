"""Render the demo songs to audio files: ``python datasets/demo/render.py [--out DIR]``.

Writes ``DIR/<artist>/<title>.<ext>`` (default DIR: ``audio/`` beside this file) with tags, and
``DIR/answers.json`` with what is known of every file: tonic, mode, bpm, instruments, genre, moods,
sha256. Files that are there, unchanged and made by this very code are left alone, so a second run
does nothing. A file is written under another name and then renamed, so that no artist's folder
ever holds half a one.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import mutagen.flac
import mutagen.id3
import mutagen.mp3
import mutagen.oggvorbis
import mutagen.wave
import numpy as np
import soundfile
from scipy.signal import resample_poly

from arrange import Rendered, render
from pieces import SONGS, Song

HERE = Path(__file__).resolve().parent
LICENSE = "CC0-1.0"
LICENSE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"
FORMATS = {"flac": ("FLAC", "PCM_16"), "wav": ("WAV", "PCM_16"), "ogg": ("OGG", "VORBIS")}
FORMATS["mp3"] = ("MP3", "MPEG_LAYER_III")
"""Extension -> libsndfile's format and subtype."""
_PIECE = 1 << 15
_TEMPORARY = ".rendering-"


def code_stamp() -> str:
    """Hash of the sources that decide what the files contain."""
    digest = hashlib.sha256()
    for source in sorted(HERE.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def song_path(song: Song) -> str:
    """Path below the output folder, with forward slashes."""
    return f"{song.artist}/{song.title}.{song.extension}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def answers(song: Song, rendered: Rendered, stamp: str) -> dict[str, object]:
    """The known answers of a song as they stand in ``answers.json``, without the file's hash."""
    return {
        "artist": song.artist,
        "title": song.title,
        "composer": song.piece.melody.composer,
        "tonic": rendered.tonic,
        "mode": rendered.mode,
        "bpm": rendered.tempo_bpm,
        "tuning_hz": rendered.tuning_hz,
        "beats_per_bar": song.piece.melody.beats_per_bar,
        "instruments": list(rendered.instruments),
        "genre": rendered.genre,
        "moods": list(rendered.moods),
        "seconds": round(rendered.samples.shape[1] / rendered.sample_rate, 3),
        "note": song.note,
        "stamp": stamp,
    }


def _write_audio(path: Path, song: Song, samples: np.ndarray) -> None:
    container, subtype = FORMATS[song.extension]
    if song.sample_rate != 44100:
        samples = resample_poly(samples, song.sample_rate // 300, 147, axis=1)
        samples = np.clip(samples, -0.95, 0.95)
    frames = np.ascontiguousarray(samples.T)
    with soundfile.SoundFile(
        path, "w", song.sample_rate, 2, subtype=subtype, format=container
    ) as file:
        # In pieces: libsndfile's Vorbis encoder takes its buffer from the stack and overflows it.
        for start in range(0, len(frames), _PIECE):
            file.write(frames[start : start + _PIECE])


def _vorbis_tags(song: Song, rendered: Rendered) -> dict[str, list[str]]:
    return {
        "TITLE": [song.title],
        "ARTIST": [song.artist],
        "ALBUM": [song.album],
        "DATE": [str(song.year)],
        "COMPOSER": [song.piece.melody.composer],
        "GENRE": [rendered.genre],
        "MOOD": list(rendered.moods),
        "INSTRUMENT": list(rendered.instruments),
        "LICENSE": [LICENSE],
    }


def _id3_frames(song: Song, rendered: Rendered) -> list[mutagen.id3.Frame]:
    id3 = mutagen.id3
    players = [[instrument, song.artist] for instrument in rendered.instruments]
    return [
        id3.TIT2(encoding=3, text=[song.title]),
        id3.TPE1(encoding=3, text=[song.artist]),
        id3.TALB(encoding=3, text=[song.album]),
        id3.TDRC(encoding=3, text=[str(song.year)]),
        id3.TCOM(encoding=3, text=[song.piece.melody.composer]),
        id3.TCON(encoding=3, text=[rendered.genre]),
        id3.TMOO(encoding=3, text=list(rendered.moods)),
        id3.TMCL(encoding=3, people=players),
        id3.WCOP(url=LICENSE_URL),
        id3.TXXX(encoding=3, desc="LICENSE", text=[LICENSE]),
    ]


def _write_tags(path: Path, song: Song, rendered: Rendered) -> None:
    kinds = {
        "flac": mutagen.flac.FLAC,
        "ogg": mutagen.oggvorbis.OggVorbis,
        "mp3": mutagen.mp3.MP3,
        "wav": mutagen.wave.WAVE,
    }
    file = kinds[song.extension](path)
    if song.extension in ("flac", "ogg"):
        file.update(_vorbis_tags(song, rendered))
    else:
        file.add_tags()
        for frame in _id3_frames(song, rendered):
            file.tags.add(frame)
    file.save()


def make(song: Song, out: Path, stamp: str) -> dict[str, object]:
    """Render one song, tag it, put it in place; returns its entry for ``answers.json``."""
    target = out / song_path(song)
    target.parent.mkdir(parents=True, exist_ok=True)
    rendered = render(song.piece)
    # In the top folder, so that no artist's glob ever meets it.
    temporary = out / f"{_TEMPORARY}{os.getpid()}.{song.extension}"
    try:
        _write_audio(temporary, song, rendered.samples)
        _write_tags(temporary, song, rendered)
        entry = answers(song, rendered, stamp) | {"sha256": _sha256(temporary)}
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return entry


def read_answers(out: Path) -> dict[str, dict[str, object]]:
    """Entries of ``answers.json`` by relative path; empty when there is none, or half a one."""
    try:
        return json.loads((out / "answers.json").read_text(encoding="utf-8"))["files"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _save_answers(out: Path, files: dict[str, dict[str, object]]) -> None:
    temporary = out / f"{_TEMPORARY}{os.getpid()}.json"
    text = json.dumps({"license": LICENSE, "files": files}, ensure_ascii=False, indent=1)
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(out / "answers.json")


def _is_current(song: Song, out: Path, entry: dict[str, object] | None, stamp: str) -> bool:
    path = out / song_path(song)
    if entry is None or entry.get("stamp") != stamp or not path.is_file():
        return False
    return entry.get("sha256") == _sha256(path)


def render_all(out: Path, songs: tuple[Song, ...], jobs: int | None = None) -> int:
    """Bring all files up to date, printing a line a song.

    Args:
        out: folder of the artists' folders; created.
        songs: what to render.
        jobs: worker processes, by default one a processor.

    Returns:
        How many files were written.
    """
    out.mkdir(parents=True, exist_ok=True)
    stamp, known = code_stamp(), read_answers(out)
    files = {song_path(s): known[song_path(s)] for s in songs if song_path(s) in known}
    due = [s for s in songs if not _is_current(s, out, files.get(song_path(s)), stamp)]
    for song in songs:
        if song not in due:
            print(f"kept   {song_path(song)}", flush=True)
    if due:
        with ProcessPoolExecutor(max_workers=min(len(due), jobs or os.cpu_count() or 1)) as pool:
            slow_first = sorted(due, key=lambda song: song.extension != "mp3")
            waiting = {pool.submit(make, song, out, stamp): song for song in slow_first}
            for future in as_completed(waiting):
                path, entry = song_path(waiting[future]), future.result()
                files[path] = entry
                _save_answers(out, dict(sorted(files.items())))
                key = f"{entry['tonic']} {entry['mode']}"
                print(f"wrote  {path}  {entry['seconds']} s, {key}, {entry['bpm']} bpm", flush=True)
    return len(due)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Render the demo songs (CC0) with known answers.")
    parser.add_argument("--out", type=Path, default=HERE / "audio", help="default: audio/ here")
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    written = render_all(options.out, SONGS)
    print(f"{written} of {len(SONGS)} files written in {time.perf_counter() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
