"""chunk: a decoded track as clips of exactly `chunk.seconds`, written, measured and labelled.

A track is resampled and mixed as a whole and cut at sample counts, so neighbouring clips join
without a gap and every clip has the same number of samples.
"""

import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from curate import audio, jsonio, loudness, treatments
from curate.config import ChunkOptions, Config
from curate.errors import CurateError
from curate.labels import signal
from curate.names import chunk_id, digest, slug, track_slug
from curate.records import Chunk, Chunked, Fetched, Rejection, Track
from curate.stages import inspect, judge

NAME = "chunk"
VERSION = 1

MIN_TAIL_S = 1.0
"""A shorter rest is dropped whatever `chunk.tail` says: a clip of its own would add nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where a clip lies in the resampled track, in samples; `pad` samples of silence follow."""

    start: int
    end: int
    pad: int = 0


def fingerprint(track: Track, fetched: Fetched, config: Config) -> str:
    """Names the clips that `cut` would write and where."""
    options = jsonio.encode((config.chunk, config.limits.chunk)).decode()
    level = treatments.clip_fingerprint(config)
    done = (level,) if level else ()
    return digest(NAME, VERSION, signal.VERSION, fetched.sha256, options, folder(track), *done)


def folder(track: Track) -> str:
    """Folder of a track's clips, relative to the dataset."""
    return f"audio/{slug(track.artist)}/{track_slug(track)}"


def windows(frames: int, options: ChunkOptions) -> list[Window]:
    """The clips of a track of so many samples at the clips' rate."""
    size = round(options.seconds * options.sample_rate)
    whole = frames // size
    found = [Window(k * size, (k + 1) * size) for k in range(whole)]
    rest = frames - whole * size
    if rest >= MIN_TAIL_S * options.sample_rate:
        if options.tail == "align" and whole:
            found.append(Window(frames - size, frames))
        elif options.tail == "pad":
            found.append(Window(whole * size, frames, size - rest))
    return found


def cut(
    track: Track, decoded: audio.Decoded, analysis: signal.Analysis, config: Config, out: Path
) -> Chunked:
    """Writes the clips of a track below the dataset's folder `out`.

    Clips beyond `limits.chunk` are not written but listed with their measured value.

    Raises:
        CurateError: A clip cannot be written.
    """
    options = config.chunk
    mixed = audio.with_channels(decoded.samples, options.channels)
    samples = audio.resample(mixed, decoded.sample_rate, options.sample_rate)
    chunks, rejections = [], []
    for index, window in enumerate(windows(len(samples), options)):
        clip = samples[window.start : window.end]
        if window.pad:
            clip = np.concatenate([clip, np.zeros((window.pad, clip.shape[1]), np.float32)])
        chunk = _measure(track, index, window, clip, analysis, options)
        try:
            judge.clip(chunk, config.limits.chunk)
        except judge.Beyond as beyond:
            rejections.append(_rejection(track, chunk, beyond))
        else:
            if config.normalize:  # limits are about the sound as it came
                clip, gain_db = treatments.level(clip, options.sample_rate)
                chunk = _measure(track, index, window, clip, analysis, options)
                chunk = replace(chunk, gain_db=gain_db)
            chunks.append(_write(chunk, clip, options, out))
    return Chunked(tuple(chunks), tuple(rejections))


def _measure(
    track: Track,
    index: int,
    window: Window,
    clip: audio.Samples,
    analysis: signal.Analysis,
    options: ChunkOptions,
) -> Chunk:
    rate = options.sample_rate
    lufs = round(loudness.integrated(loudness.block_energy(clip, rate)), 3)
    name = f"{track_slug(track)}_chunk{index:03d}.{options.format}"
    start, end = window.start / rate, window.end / rate
    return Chunk(
        id=chunk_id(track.id, index),
        index=index,
        start_s=start,
        duration_s=len(clip) / rate,
        padded_s=window.pad / rate,
        path=f"{folder(track)}/{name}",
        size_bytes=0,
        sha256="",
        amplitude=round(min(float(np.abs(clip).max(initial=0.0)), 1.0), 6),
        loudness_lufs=lufs,
        silence_share=inspect.silence_share(audio.mono(clip), rate),
        clipping_share=inspect.clipping_share(clip),
        labels=signal.chunk_labels(analysis, start, end, lufs),
    )


def _rejection(track: Track, chunk: Chunk, beyond: judge.Beyond) -> Rejection:
    return Rejection(
        id=chunk.id,
        stage=NAME,
        code=beyond.code,
        reason=f"clip at {chunk.start_s:g} s: {beyond.reason}",
        artist=track.artist,
        title=track.title,
        uri=track.uri,
        value=beyond.value,
        limit=beyond.limit,
    )


def _write(chunk: Chunk, clip: audio.Samples, options: ChunkOptions, out: Path) -> Chunk:
    encoded, path = io.BytesIO(), out / chunk.path
    audio.write(encoded, clip, options.sample_rate, options.format)
    data = encoded.getvalue()
    try:
        jsonio.write_atomically(path, data)
    except OSError as error:  # no fault of the track, and the next one fares no better
        raise CurateError(
            f"{path}: cannot be written: {error.strerror}; mend that and build again"
        ) from None
    return replace(chunk, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
