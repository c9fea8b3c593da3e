"""Reading, resampling, mixing and writing audio: the only module that touches samples in files.

Samples are float32 [T, C] (frames first, as libsndfile has them), full scale 1. `decode` reads the
whole of a file once; soundfile reads what libsndfile knows (wav, flac, mp3, ogg, opus, aiff), PyAV
the rest (m4a, aac, webm, wma and whatever else ffmpeg knows).

A file that is not whole is not used: a decoder that stops early or a header that promises more than
there is raises `AudioError` with the code `truncated`.
"""

import os
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from curate.errors import AudioError
from curate.records import Hertz, Seconds

Samples = npt.NDArray[np.float32]

BLOCK_FRAMES = 1 << 19
"""Frames decoded at a time: 12 s at 44.1 kHz."""

LENGTH_TOLERANCE: Seconds = 0.25
"""How much less than its header promises a file may hold (encoder delay and padding differ)."""


_ONLY_AUDIO = {
    "format_whitelist": "aac,aiff,ape,asf,au,avi,caf,flac,flv,matroska,mov,mp3,mpegts,ogg,wav,wv"
}
"""What PyAV may take a file for (ffmpeg's names): a file of audio, and not a script that has ffmpeg
read other files or the net, such as those of its `concat` and `hls`."""

MAX_TRAILER = 1 << 16
"""So many bytes that are no chunk may follow the sound of a wav or aiff; more is sound."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its audio.

    Attributes:
        sample_rate: In Hz.
        channels: Number of channels.
        frames: Length in samples a channel; None where the header does not say.
        exact: True where `frames` is a promise (wav, flac, mp3 with an index), not an estimate.
    """

    sample_rate: Hertz
    channels: int
    frames: int | None
    exact: bool

    @property
    def duration_s(self) -> Seconds | None:
        """Length in seconds, None where the header does not say."""
        return None if self.frames is None else self.frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class Decoded:
    """A whole recording.

    Attributes:
        samples: float32 [T, C], full scale 1; lossy files may exceed it.
        sample_rate: In Hz.
    """

    samples: Samples
    sample_rate: Hertz

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.samples.shape[1]

    @property
    def duration_s(self) -> Seconds:
        """Length in seconds."""
        return self.samples.shape[0] / self.sample_rate


class Reader:
    """An open audio file: its header at once, its samples on `blocks()`.

    Raises:
        AudioError: `not_audio` or `unreadable` where no decoder can open it, on `blocks()`
            `truncated` or `decode_failed`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source: _SoundFile | _Av = _open(path)
        self.header = self._source.header

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._source.close()

    def blocks(self) -> Iterator[Samples]:
        """The recording in blocks of float32 [T, C]; raises `AudioError` as `decode` does."""
        return self._source.blocks()

    def decode(self, max_seconds: Seconds) -> Decoded:
        """The whole recording.

        Raises:
            AudioError: Also `too_long`, as soon as more than `max_seconds` have been read, whatever
                the header says.
        """
        rate, channels = self.header.sample_rate, self.header.channels
        limit = int(max_seconds * rate) + rate
        buffer = np.empty(
            (min(self.header.frames or 0, limit) or BLOCK_FRAMES, channels), np.float32
        )
        filled = 0
        for block in self._source.blocks():
            end = filled + len(block)
            if end > limit:
                raise AudioError("too_long", f"more than {max_seconds:g} s of audio")
            if end > len(buffer):
                grown = np.empty((max(end, 2 * len(buffer)), channels), np.float32)
                grown[:filled] = buffer[:filled]
                buffer = grown
            buffer[filled:end] = block
            filled = end
        self._check_length(filled)
        return Decoded(buffer[:filled], rate)

    def _check_length(self, frames: int) -> None:
        rate, promised = self.header.sample_rate, self.header.frames
        if frames == 0:
            raise AudioError("truncated", "the file holds no audio at all")
        if promised and self.header.exact and frames < promised - LENGTH_TOLERANCE * rate:
            raise AudioError(
                "truncated",
                f"{frames / rate:.1f} s of audio, but the header promises {promised / rate:.1f} s; "
                "get the file again",
            )


class _SoundFile:
    def __init__(self, path: Path) -> None:
        import soundfile

        self._error = soundfile.LibsndfileError
        self._file = soundfile.SoundFile(os.fsencode(path))  # a name need not be UTF-8
        if self._file.format == "MP3" and not _has_index(path):
            self._file.close()
            raise RuntimeError("an mp3 without an index: libsndfile reads no further than a guess")
        frames = self._file.frames
        self.header = Header(
            self._file.samplerate,
            self._file.channels,
            frames if 0 < frames < 1 << 48 else None,
            exact=True,
        )

    def blocks(self) -> Iterator[Samples]:
        try:
            while len(block := self._file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                yield block
        except self._error as error:
            reason = f"decoding stops after {self._file.tell() / self.header.sample_rate:.1f} s"
            raise AudioError("truncated", f"{reason} ({error}); get the file again") from None

    def close(self) -> None:
        self._file.close()


class _Av:
    def __init__(self, path: Path) -> None:
        import av

        self._av = av
        only = dict(_ONLY_AUDIO)
        self._container = av.open(str(path), metadata_errors="ignore", options=only)
        streams = self._container.streams.audio
        if not streams:
            self._container.close()
            raise AudioError("not_audio", "the file holds no audio stream")
        self._stream = streams[0]
        rate, channels = self._stream.rate or 0, self._stream.channels or 0
        frames = None
        if self._stream.duration is not None and self._stream.time_base is not None:
            frames = int(self._stream.duration * self._stream.time_base * rate)
        exact = self._container.format.name.startswith("mov,")
        if frames is None and _says_duration(path) and self._container.duration:
            frames, exact = int(self._container.duration * rate / av.time_base), True
        self.header = Header(rate, channels, frames, exact)

    def blocks(self) -> Iterator[Samples]:
        layout = self._stream.layout.name
        flat = self._av.AudioResampler(format="flt", layout=layout, rate=self.header.sample_rate)
        channels = self.header.channels
        try:
            for frame in self._container.decode(self._stream):
                for part in flat.resample(frame):
                    yield _floats(part, channels)
            for part in flat.resample(None):
                yield _floats(part, channels)
        except self._av.FFmpegError as error:
            raise AudioError(
                "decode_failed", f"broken audio data ({error}); get it again"
            ) from None

    def close(self) -> None:
        self._container.close()


def _floats(frame: Any, channels: int) -> Samples:
    """A packed float frame of PyAV as [T, C]."""
    return np.asarray(frame.to_ndarray(), np.float32).reshape(-1, channels)


def _open(path: Path) -> "_SoundFile | _Av":
    import soundfile

    _check_chunks(path)
    _check_pages(path)
    try:
        source: _SoundFile | _Av = _SoundFile(path)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as first:
        try:
            source = _Av(path)
        except (ValueError, OSError) as error:  # PyAV's errors are subclasses of these
            raise AudioError(
                "not_audio", f"no decoder can read it as audio ({first}; {error})"
            ) from None
    header = source.header
    if header.sample_rate < 1 or header.channels < 1:
        source.close()
        raise AudioError(
            "not_audio", f"the header says {header.sample_rate} Hz, {header.channels} channels"
        )
    return source


def _has_index(path: Path) -> bool:
    """Whether an mp3's first frame counts the frames."""
    with path.open("rb") as file:
        head = file.read(10)
        tag = sum(byte << 7 * place for place, byte in enumerate(head[:5:-1]))
        file.seek(10 + tag if head[:3] == b"ID3" else 0)
        first = file.read(4096)
    return any(name in first for name in (b"Xing", b"Info", b"VBRI"))


def _says_duration(path: Path) -> bool:
    """Whether a webm or mkv of sound alone says how long it is, so that ffmpeg need not guess."""
    with path.open("rb") as file:
        head = file.read(4096)
    sound_alone = b"\x83\x81\x02" in head and b"\x83\x81\x01" not in head  # TrackType: sound, video
    return head[:4] == b"\x1a\x45\xdf\xa3" and sound_alone and b"\x44\x89" in head  # Duration


def _check_pages(path: Path) -> None:
    """An Ogg file's last page is whole and says it is the last; libsndfile takes any."""
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return
        file.seek(max(0, path.stat().st_size - (1 << 16)))  # more than a page can have
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    segments = page[27 : 27 + page[26]] if len(page) > 26 else b""
    if len(page) < 27 + len(segments) + sum(segments) or not page[5] & 4:
        raise AudioError("truncated", "the Ogg stream has no end; get the file again")


_SOUND_CHUNKS = {
    (b"RIFF", b"WAVE"): (b"data", "<I"),
    (b"FORM", b"AIFF"): (b"SSND", ">I"),
    (b"FORM", b"AIFC"): (b"SSND", ">I"),
}
"""The chunk that holds the samples and how lengths are written, by a file's first 12 bytes."""


def _check_chunks(path: Path) -> None:
    """libsndfile quietly shortens a wav or aiff whose sound is cut off; this says so instead."""
    with path.open("rb") as file:
        head = file.read(12)
        if (head[:4], head[8:]) not in _SOUND_CHUNKS:
            return
        sound, order = _SOUND_CHUNKS[head[:4], head[8:]]
        size = path.stat().st_size
        while len(chunk := file.read(8)) == 8:
            length = struct.unpack(order, chunk[4:])[0]
            if chunk[:4] == sound:
                _check_sound(file, length, size)
                return
            file.seek(length + length % 2, 1)


def _check_sound(file: IO[bytes], length: int, size: int) -> None:
    there = size - file.tell()
    if length in (0, 0x7FFFFFFF) or length >= 0xFFFFFF00:  # not known: written to a pipe
        return
    if there < length:
        raise AudioError(
            "truncated", f"{there} bytes of audio where the header promises {length}; get it again"
        )
    file.seek(length + length % 2, 1)
    name = file.read(4)  # of the next chunk
    if there - length > MAX_TRAILER and not (name.isascii() and name.decode().isprintable()):
        raise AudioError(
            "truncated",
            f"the header ends after {length} of {there} bytes of audio, as where a recorder was "
            "stopped; mend it with ffmpeg or get it again",
        )


def metadata(path: Path) -> dict[str, str]:
    """What a container of ffmpeg's says of its audio; nothing where it is none or says nothing."""
    import av

    try:
        with av.open(str(path), metadata_errors="ignore", options=dict(_ONLY_AUDIO)) as container:
            streams = container.streams.audio
            return {**container.metadata, **(streams[0].metadata if streams else {})}
    except (ValueError, OSError):
        return {}


def resample(samples: Samples, rate: Hertz, to_rate: Hertz, quality: str = "HQ") -> Samples:
    """Resamples [T, C] or [T] by libsoxr; see `resampled_length`."""
    if rate == to_rate:
        return samples
    import soxr

    return soxr.resample(samples, rate, to_rate, quality=quality)


def resampled_length(frames: int, rate: Hertz, to_rate: Hertz) -> int:
    """Number of samples that `resample` makes of so many: libsoxr rounds halves up."""
    return (2 * frames * to_rate + rate) // (2 * rate)


def mono(samples: Samples) -> Samples:
    """[T, C] to [T]: the mean of the channels."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    if samples.shape[1] == 2:  # several times faster than mean(axis=1)
        mixed = samples[:, 0] + samples[:, 1]
        mixed *= 0.5
        return mixed
    return samples.mean(axis=1, dtype=np.float32)


def with_channels(samples: Samples, channels: int) -> Samples:
    """[T, C] to [T, channels]: mixed down to one, doubled to two, or as it is."""
    if samples.shape[1] == channels:
        return samples
    single = mono(samples)[:, None]
    return single if channels == 1 else np.repeat(single, channels, axis=1)


def write(file: Path | IO[bytes], samples: Samples, sample_rate: Hertz, kind: str) -> None:
    """Writes [T, C] as 16-bit `flac` or `wav`. Above full scale it is held at full scale."""
    import soundfile

    soundfile.write(file, samples, sample_rate, format=kind.upper(), subtype="PCM_16")


def read(path: Path) -> Decoded:
    """A short file as it is, such as a chunk of a built dataset."""
    with Reader(path) as reader:
        return reader.decode(max_seconds=24 * 3600.0)


def ffmpeg() -> str | None:
    """An ffmpeg binary: the system's, else the one in the imageio-ffmpeg wheel, else None."""
    import shutil

    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None
