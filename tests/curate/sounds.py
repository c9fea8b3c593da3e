"""Sounds whose measurements are known before anything is measured, and files of every format."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float32]

RATE = 44100

PITCHES = "C C# D Eb E F F# G Ab A Bb B".split()
"""Names of the pitch classes, as Essentia spells them."""

_LIBSNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}
_FFMPEG = {"m4a": "aac", "aac": "aac", "webm": "libopus"}

FORMATS = (*_LIBSNDFILE, *_FFMPEG)
LOSSLESS = ("wav", "flac", "aiff")


def sine(
    hertz: float,
    seconds: float,
    *,
    peak: float = 0.5,
    rate: int = RATE,
    channels: int = 1,
    phase: float = 0.0,
) -> Samples:
    """A sine in every channel: [T, C]."""
    time = np.arange(round(seconds * rate)) / rate
    single = peak * np.sin(2 * np.pi * hertz * time + phase)
    return np.repeat(single.astype(np.float32)[:, None], channels, axis=1)


def faded(samples: Samples, seconds: float = 0.05, rate: int = RATE) -> Samples:
    """With a fade at both ends: a hard edge has peaks of its own between the samples."""
    frames = round(seconds * rate)
    ramp = np.minimum(np.arange(len(samples)), frames) / frames
    return (samples * np.minimum(ramp, ramp[::-1])[:, None]).astype(np.float32)


def noise(
    seconds: float,
    *,
    seed: int = 0,
    level: float = 0.1,
    rate: int = RATE,
    channels: int = 1,
    below: float | None = None,
) -> Samples:
    """White noise [T, C] of this RMS; with `below`, nothing is left above that frequency."""
    draw = np.random.default_rng(seed)
    white = draw.standard_normal((round(seconds * rate), channels))
    if below is not None:
        spectrum = np.fft.rfft(white, axis=0)
        spectrum[np.fft.rfftfreq(len(white), 1 / rate) > below] = 0
        white = np.fft.irfft(spectrum, len(white), axis=0)
    return (level * white / white.std()).astype(np.float32)


def clicks(bpm: float, seconds: float, *, rate: int = RATE, start: float = 0.0) -> Samples:
    """A short decaying tone on every beat: [T]."""
    out = np.zeros(round(seconds * rate), np.float32)
    time = np.arange(2000) / rate
    click = (0.8 * np.sin(2 * np.pi * 1000 * time) * np.exp(-150 * time)).astype(np.float32)
    for beat in np.arange(start, seconds - 0.05, 60 / bpm):
        place = round(beat * rate)
        out[place : place + 2000] += click
    return out


def triad(tonic: str, mode: str, seconds: float, *, rate: int = RATE) -> Samples:
    """The tonic chord of a key, four partials a note: [T]."""
    time = np.arange(round(seconds * rate)) / rate
    out = np.zeros_like(time)
    for interval in (0, 4 if mode == "major" else 3, 7):
        hertz = 440.0 * 2 ** ((60 + PITCHES.index(tonic) + interval - 69) / 12)
        for partial in range(1, 5):
            out += np.sin(2 * np.pi * hertz * partial * time) / partial
    return (0.5 * out / np.abs(out).max()).astype(np.float32)


def save(path: Path, samples: Samples, rate: int = RATE, **options: object) -> Path:
    """Writes [T, C] in the format of the file's extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix[1:]
    if kind in _FFMPEG:
        _encode(path, samples, rate, _FFMPEG[kind])
        return path
    container, subtype = _LIBSNDFILE[kind]
    with soundfile.SoundFile(
        path, "w", rate, samples.shape[1], subtype, format=container, **options
    ) as file:
        # In pieces: libsndfile's Vorbis encoder takes its buffer from the stack and overflows it.
        for start in range(0, len(samples), 1 << 15):
            file.write(samples[start : start + (1 << 15)])
    return path


def _encode(path: Path, samples: Samples, rate: int, codec: str) -> None:
    import av

    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    kind = "adts" if path.suffix == ".aac" else None
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        packed = np.ascontiguousarray(samples.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = rate
        form = stream.codec_context.format
        resampler = av.AudioResampler(form, layout, rate, stream.codec_context.frame_size)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
