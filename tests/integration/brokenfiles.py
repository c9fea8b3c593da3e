"""Files that are broken, or only look it: each maker writes one at the path it is given."""

import os
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rig
import soundfile

Maker = Callable[[Path], object]

SECONDS = 4.0
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63"
    "6060606000000005000156a0d21b0000000049454e44ae426082"
)
PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body>gone</body></html>\n"


def number(path: Path) -> int:
    """A seed of its own for every name."""
    return int.from_bytes(os.fsencode(path.name), "big") % 1_000_003


def samples(path: Path, seconds: float = SECONDS) -> np.ndarray:
    return rig.tune(number(path), seconds)


def bytes_of(data: bytes) -> Maker:
    return lambda path: path.write_bytes(data)


def whole(path: Path) -> None:
    """A good file in the format of its name."""
    suffix = path.suffix.lower()
    if suffix in {".m4a", ".aac", ".mp4"}:
        rig.encode(path, samples(path), rig.RATE, "aac")
    elif suffix == ".webm":
        rig.encode(path, rig.tune(number(path), SECONDS, 48000), 48000, "libopus")
    elif suffix == ".opus":
        tune = rig.tune(number(path), SECONDS, 48000)
        soundfile.write(path, tune, 48000, format="OGG", subtype="OPUS")
    else:
        soundfile.write(path, samples(path), rig.RATE)


def cut(share: float) -> Maker:
    """The first part of a good file: a download that stopped."""

    def make(path: Path) -> None:
        whole(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return make


def of(
    make_samples: Callable[[Path], np.ndarray], rate: int = rig.RATE, subtype: str = ""
) -> Maker:
    """A well-formed file of bad samples."""
    return lambda path: soundfile.write(path, make_samples(path), rate, subtype=subtype or None)


def with_value(value: float) -> Maker:
    """A float file with one bad sample in the middle."""

    def make(path: Path) -> None:
        data = samples(path)
        data[len(data) // 2] = value
        soundfile.write(path, data, rig.RATE, subtype="FLOAT")

    return make


def square(path: Path) -> np.ndarray:
    return np.sign(samples(path)) * 1.0


def wav(rate: int = rig.RATE, channels: int = 1, length: Callable[[int], int] = int) -> Maker:
    """A 16-bit wav whose header says this; `length` turns the true byte count into the told one."""

    def make(path: Path) -> None:
        data = (samples(path) * 32767).astype("<i2").tobytes()
        told = length(len(data))
        form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
        body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", told)
        riff = struct.pack("<I", min(len(body) + told, 0xFFFFFFFF))
        path.write_bytes(b"RIFF" + riff + body + data)

    return make


def flac_saying(frames: int) -> Maker:
    """A FLAC whose STREAMINFO says it has so many frames."""

    def make(path: Path) -> None:
        whole(path)
        data = bytearray(path.read_bytes())
        fields = int.from_bytes(data[18:26], "big")
        data[18:26] = (fields >> 36 << 36 | frames).to_bytes(8, "big")
        path.write_bytes(data)

    return make


def garbage_inside(path: Path) -> None:
    """A third of the file's middle is random bytes."""
    whole(path)
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = np.random.default_rng(0).bytes(third)
    path.write_bytes(data)


def hours(path: Path) -> None:
    """Three hours of silence; two million frames at a time."""
    block = np.zeros((1 << 21, 1), np.int16)
    left = 3 * 3600 * 16000
    with soundfile.SoundFile(path, "w", 16000, 1, subtype="PCM_16", compression_level=0) as file:
        while left > 0:
            file.write(block[: min(left, len(block))])
            left -= len(block)


def mute_video(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(20):
            picture = np.zeros((32, 32, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("song.flac", b"\0" * 1000)


def unreadable(path: Path) -> None:
    whole(path)
    path.chmod(0)


def index_of_parts(path: Path) -> None:
    """An HLS playlist that names a real file: ffmpeg would follow it."""
    part = path.with_name(f".part of {path.name}.aac")
    whole(part)
    path.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n{part.name}\n#EXT-X-ENDLIST\n"
    )


def script_of_parts(path: Path) -> None:
    """A script of ffmpeg's concat demuxer that names a real file."""
    part = path.with_name("part.aac")
    whole(part)
    part.rename(path.with_name("part.bin"))
    path.write_text("ffconcat version 1.0\nfile part.bin\n")


def endless_chunks(path: Path) -> None:
    """A RIFF of empty chunks, 8 bytes each, and no audio."""
    path.write_bytes(b"RIFF" + struct.pack("<I", 8 << 20) + b"WAVE" + b"\0" * (8 << 20))


BROKEN: dict[str, tuple[Maker, set[str]]] = {
    "empty.wav": (bytes_of(b""), {"empty_file"}),
    "one byte.flac": (bytes_of(b"f"), {"not_audio"}),
    "text.wav": (bytes_of(b"this is not audio\n" * 100), {"not_audio"}),
    "page.mp3": (bytes_of(PAGE), {"not_audio"}),
    "picture.mp3": (bytes_of(PNG), {"not_audio"}),
    "random.mp3": (
        bytes_of(np.random.default_rng(1).bytes(60_000)),
        {"not_audio", "decode_failed", "too_short", "truncated"},
    ),
    "zip.flac": (archive, {"not_audio"}),
    "mute video.mp4": (mute_video, {"not_audio"}),
    "cut.wav": (cut(0.5), {"truncated"}),
    "cut.flac": (cut(0.5), {"truncated"}),
    "cut.mp3": (cut(0.5), {"truncated"}),
    "cut.ogg": (cut(0.6), {"truncated"}),
    "cut.opus": (cut(0.6), {"truncated"}),
    "cut.m4a": (cut(0.5), {"not_audio", "truncated"}),
    "cut.aiff": (cut(0.5), {"truncated"}),
    "cut.webm": (cut(0.6), {"truncated"}),
    "header only.wav": (cut(0.0001), {"truncated", "not_audio"}),
    "header only.flac": (lambda p: (whole(p), os.truncate(p, 42)), {"truncated", "not_audio"}),
    "header only.mp3": (lambda p: (whole(p), os.truncate(p, 200)), {"truncated", "not_audio"}),
    "garbage inside.mp3": (garbage_inside, {"truncated", "decode_failed"}),
    "garbage inside.flac": (garbage_inside, {"truncated", "decode_failed"}),
    "garbage inside.ogg": (garbage_inside, {"truncated", "decode_failed"}),
    "garbage inside.m4a": (garbage_inside, {"truncated", "decode_failed", "not_audio"}),
    "says too much.wav": (wav(length=lambda true: 3 * true), {"truncated"}),
    "says too little.wav": (wav(length=lambda true: true // 2), {"truncated", "header_lies"}),
    "says too much.flac": (flac_saying(5_000_000), {"truncated"}),
    "says days.flac": (flac_saying((1 << 36) - 1), {"too_long", "truncated"}),
    "zero hertz.wav": (wav(rate=0), {"not_audio"}),
    "no channels.wav": (wav(channels=0), {"not_audio"}),
    "endless chunks.wav": (endless_chunks, {"not_audio"}),
    "eight channels.wav": (of(lambda p: np.repeat(samples(p), 8, 1)), {"too_many_channels"}),
    "nan.wav": (with_value(np.nan), {"nonfinite"}),
    "infinite.wav": (with_value(-np.inf), {"nonfinite"}),
    "constant.wav": (of(lambda p: np.full_like(samples(p), 0.5)), {"dc_offset"}),
    "constant and tune.wav": (of(lambda p: samples(p) / 3 + 0.4), {"dc_offset"}),
    "silence.flac": (of(lambda p: samples(p) * 0), {"silent"}),
    "whisper.flac": (of(lambda p: samples(p) * 0.004), {"too_quiet", "silent"}),
    "clipped.wav": (of(square), {"clipped"}),
    "short.wav": (of(lambda p: samples(p, 1.0)), {"too_short"}),
    "one sample.wav": (of(lambda p: samples(p)[:1]), {"too_short"}),
    "no sample.wav": (of(lambda p: samples(p)[:0]), {"too_short", "truncated"}),
    "three hours.flac": (hours, {"too_long"}),
    "telephone.wav": (of(lambda p: rig.tune(number(p), SECONDS, 8000), 8000), {"low_sample_rate"}),
    "unreadable.flac": (unreadable, {"unreadable"}),
    "dangling.flac": (lambda p: p.symlink_to("nowhere.flac"), {"missing"}),
    "loop.flac": (lambda p: p.symlink_to(p.name), {"unreadable"}),
    "folder.mp3": (Path.mkdir, {"not_a_file"}),
    "pipe.mp3": (os.mkfifo, {"not_a_file"}),
    "zeros.wav": (lambda p: p.symlink_to("/dev/zero"), {"not_a_file"}),
    "index.mp3": (index_of_parts, {"not_audio"}),
    "script.mp3": (script_of_parts, {"not_audio"}),
    "socket.wav": (lambda p: _socket(p), {"not_a_file"}),
}
"""Name of a file to its maker and the codes that say rightly what is wrong with it."""

NAMES: tuple[str, ...] = (
    "plain.flac",
    "new\nline.flac",
    "tab\tand\x1b[31mcolour.flac",
    "smile 😀👨‍👩‍👧.flac",
    "😀.flac",
    "שיר הלל.flac",
    "\u202eoverride.flac",
    "夜に駆ける.flac",
    "   .flac",
    "- - .flac",
    "-rf.flac",
    "%s%n%d #1?.flac",
    "$(touch owned) `id`.flac",
    'quote " and \\ back.flac',
    "con.flac",
    "<script>alert(1)</script>.flac".replace("/", "\u2215"),
    "[brackets] {braces} *star*.flac",
    "concat:one|two.flac",
    "Case.flac",
    "case.flac",
    "x" * 250 + ".flac",
    "あ" * 83 + ".flac",
    "UPPER.FLAC",
)
"""File names that are unusual and right: each is a good track."""


def _socket(path: Path) -> None:
    """A Unix socket; its address may be shorter than the path, so it is bound from inside."""
    code = f"import socket; socket.socket(socket.AF_UNIX).bind({path.name!r})"
    subprocess.run(["python3", "-c", code], cwd=path.parent, check=True)
