"""Clips tile a track to the sample, hold what was decoded, and say what they hold."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sounds
from hypothesis import given
from hypothesis import strategies as st

from curate import audio
from curate.config import Artist, ChunkLimits, ChunkOptions, Config, Limits
from curate.labels import rhythm, signal
from curate.records import Chunked, Fetched, Tags, Track
from curate.stages import chunk
from curate.stages.chunk import Window, windows

RATE = 8000
OPTIONS = ChunkOptions(seconds=2.0, sample_rate=RATE, format="wav")
TRACK = Track("46ed4a29f62f", "files", "a.flac", "YOASOBI", "夜に駆ける")


def config(**chunk_options: object) -> Config:
    return Config("x", "r", (Artist("A", ("a",)),), chunk=replace(OPTIONS, **chunk_options))


def cut(
    out: Path, samples: sounds.Samples, config: Config, *, rate: int = RATE, track: Track = TRACK
) -> Chunked:
    """Cuts without analysing: clips below 3 s get no key, and beats are given."""
    none = np.zeros(0)
    beats = rhythm.Rhythm(None, 0.0, none, np.arange(0.25, 100, 0.5))
    single = audio.resample(audio.mono(samples), rate, signal.RATE)
    analysis = signal.Analysis(single, beats, ())
    return chunk.cut(track, audio.Decoded(samples, rate), analysis, config, out)


# --- windows ------------------------------------------------------------------------------------

FRAMES = st.integers(0, 40 * RATE)
LENGTHS = st.sampled_from([1.0, 2.0, 2.5, 7.25, 30.0])


def sizes(frames: int, seconds: float, tail: str) -> tuple[list[Window], int, int]:
    options = replace(OPTIONS, seconds=seconds, tail=tail)
    size = round(seconds * RATE)
    return windows(frames, options), size, frames % size


@given(FRAMES, LENGTHS, st.sampled_from(["drop", "align", "pad"]))
def test_clips_join_without_a_gap_and_have_one_length(
    frames: int, seconds: float, tail: str
) -> None:
    found, size, _ = sizes(frames, seconds, tail)
    assert all(window.end - window.start + window.pad == size for window in found)
    whole = [window for window in found if not window.pad][: frames // size]
    assert whole == [Window(k * size, (k + 1) * size) for k in range(frames // size)]
    assert all(0 <= window.start < window.end <= frames for window in found)


@given(FRAMES, LENGTHS)
def test_drop_leaves_the_rest(frames: int, seconds: float) -> None:
    found, size, rest = sizes(frames, seconds, "drop")
    assert len(found) == frames // size
    assert sum(window.end - window.start for window in found) == frames - rest


@given(FRAMES, LENGTHS)
def test_align_ends_where_the_track_ends(frames: int, seconds: float) -> None:
    found, size, rest = sizes(frames, seconds, "align")
    if rest >= RATE and frames >= size:
        assert found[-1] == Window(frames - size, frames)
        assert len(found) == frames // size + 1
    else:
        assert len(found) == frames // size


@given(FRAMES, LENGTHS)
def test_pad_covers_every_sample_once(frames: int, seconds: float) -> None:
    found, size, rest = sizes(frames, seconds, "pad")
    covered = sum(window.end - window.start for window in found)
    assert covered == (frames if rest >= RATE else frames - rest)
    if rest >= RATE:
        assert found[-1] == Window(frames - rest, frames, size - rest)


@pytest.mark.parametrize("tail", ["align", "pad"])
@pytest.mark.parametrize(("rest", "clips"), [(RATE - 1, 1), (RATE, 2)])
def test_less_than_a_second_is_no_clip(tail: str, rest: int, clips: int) -> None:
    assert len(windows(2 * RATE + rest, replace(OPTIONS, tail=tail))) == clips


# --- cutting ------------------------------------------------------------------------------------


def test_clips_hold_the_track_sample_by_sample(tmp_path: Path) -> None:
    samples = np.round(sounds.noise(7, rate=RATE) * 32768).astype(np.float32) / 32768
    found = cut(tmp_path, samples, config(tail="drop"))
    assert [clip.index for clip in found.chunks] == [0, 1, 2]
    written = [audio.read(tmp_path / clip.path) for clip in found.chunks]
    assert np.array_equal(np.concatenate([w.samples for w in written]), samples[: 6 * RATE])
    assert {w.sample_rate for w in written} == {RATE}


def test_clips_of_a_resampled_track_join_too(tmp_path: Path) -> None:
    samples = sounds.sine(440, 6.5, rate=44100, channels=2)
    found = cut(tmp_path, samples, config(), rate=44100)
    joined = np.concatenate([audio.read(tmp_path / clip.path).samples for clip in found.chunks])
    assert joined.shape == (6 * RATE, 1)
    wanted = sounds.sine(440, 6, rate=RATE)
    assert np.abs(joined - wanted)[800:].max() < 2e-3


@pytest.mark.parametrize(("channels", "to"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_clips_have_the_channels_asked_for(tmp_path: Path, channels: int, to: int) -> None:
    samples = sounds.noise(2, rate=RATE, channels=channels)
    found = cut(tmp_path, samples, config(channels=to, format="flac"))
    (clip,) = found.chunks
    assert clip.path.endswith(".flac")
    assert audio.read(tmp_path / clip.path).channels == to


def test_padding_is_silence_and_told(tmp_path: Path) -> None:
    found = cut(tmp_path, sounds.noise(3.5, rate=RATE), config(tail="pad"))
    last = found.chunks[-1]
    assert (last.start_s, last.duration_s, last.padded_s) == (2.0, 2.0, 0.5)
    samples = audio.read(tmp_path / last.path).samples
    assert not samples[-RATE // 2 :].any()
    assert samples[: -RATE // 2].any()
    assert found.chunks[0].padded_s == 0.0


def test_an_aligned_clip_overlaps_its_neighbour(tmp_path: Path) -> None:
    samples = sounds.noise(5.25, rate=RATE)
    found = cut(tmp_path, samples, config(tail="align"))
    assert [clip.start_s for clip in found.chunks] == [0.0, 2.0, 3.25]
    last = audio.read(tmp_path / found.chunks[-1].path).samples
    assert np.abs(last - samples[-2 * RATE :]).max() <= 1 / 32768


def test_a_clip_says_what_it_holds(tmp_path: Path) -> None:
    samples = sounds.sine(1000, 4, peak=0.25, rate=RATE)
    samples[2 * RATE : 2 * RATE + RATE // 2] = 0.0
    first, second = cut(tmp_path, samples, config()).chunks
    assert (first.id, second.id) == ("46ed4a29f62f_000", "46ed4a29f62f_001")
    assert (second.index, second.start_s, second.duration_s) == (1, 2.0, 2.0)
    assert first.amplitude == pytest.approx(0.25, abs=1e-4)
    assert first.loudness_lufs == pytest.approx(20 * np.log10(0.25) - 3.01, abs=0.3)
    assert (first.silence_share, second.silence_share) == (0.0, 0.25)
    assert first.clipping_share == 0.0
    data = (tmp_path / second.path).read_bytes()
    assert second.size_bytes == len(data)
    assert second.sha256 == hashlib.sha256(data).hexdigest()


def test_a_clip_takes_its_onsets_from_the_tracks(tmp_path: Path) -> None:
    for clip in cut(tmp_path, sounds.noise(4, rate=RATE), config()).chunks:
        values = {label.kind: label.value for label in clip.labels}
        assert values == {"onset_rate": 2.0, "loudness": round(clip.loudness_lufs, 2)}


def test_overshoot_is_held_at_full_scale(tmp_path: Path) -> None:
    samples = sounds.noise(2, rate=RATE)
    samples[100] = 1.5
    (clip,) = cut(tmp_path, samples, config()).chunks
    assert clip.amplitude == 1.0
    assert audio.read(tmp_path / clip.path).samples[100, 0] == 32767 / 32768


def test_a_clip_beyond_the_limits_is_listed_and_not_written(tmp_path: Path) -> None:
    samples = sounds.noise(6, rate=RATE)
    samples[2 * RATE : 4 * RATE] = 0.0
    found = cut(tmp_path, samples, config())
    assert [clip.index for clip in found.chunks] == [0, 2]
    (rejected,) = found.rejections
    assert (rejected.id, rejected.stage, rejected.code) == (
        "46ed4a29f62f_001",
        "chunk",
        "chunk_silent",
    )
    assert (rejected.value, rejected.limit) == (1.0, 0.5)
    assert rejected.reason.startswith("clip at 2 s: 100% of the clip is silence")
    assert (rejected.artist, rejected.title, rejected.uri) == ("YOASOBI", "夜に駆ける", "a.flac")
    assert sorted(path.stem[-3:] for path in tmp_path.rglob("*.wav")) == ["000", "002"]


def test_nothing_but_the_clips_is_written(tmp_path: Path) -> None:
    found = cut(tmp_path, sounds.noise(4, rate=RATE), config())
    files = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert files == {clip.path for clip in found.chunks}


@pytest.mark.parametrize(
    "name", ["../../etc", "/root", "..", "a\0b", "CON", "x" * 300, "音" * 200, ""]
)
def test_no_name_leads_out_of_the_dataset(tmp_path: Path, name: str) -> None:
    track = Track("46ed4a29f62f", "files", "a", name, name)
    (clip,) = cut(tmp_path, sounds.noise(2, rate=RATE), config(), track=track).chunks
    audio_, artist, folder, file = clip.path.split("/")
    assert audio_ == "audio"
    assert file == f"{folder}_chunk000.wav"
    assert folder.endswith("-46ed4a29f62f")
    assert {artist, folder}.isdisjoint({"", ".", ".."})
    assert (tmp_path / clip.path).is_file()


def test_the_path_tells_artist_and_title(tmp_path: Path) -> None:
    assert chunk.folder(TRACK) == "audio/yoasobi/夜に駆ける-46ed4a29f62f"


# --- fingerprint --------------------------------------------------------------------------------


def test_clips_are_named_after_everything_that_shapes_them() -> None:
    one = Fetched("aa", 1, 1, "wav", Tags())
    base = config()
    names = [
        chunk.fingerprint(TRACK, one, base),
        chunk.fingerprint(TRACK, replace(one, sha256="ab"), base),
        chunk.fingerprint(replace(TRACK, artist="B"), one, base),
        chunk.fingerprint(replace(TRACK, title="B"), one, base),
        chunk.fingerprint(TRACK, one, replace(base, limits=Limits(chunk=ChunkLimits(-40.0)))),
        *(
            chunk.fingerprint(TRACK, one, config(**option))
            for option in (
                {"seconds": 3.0},
                {"tail": "pad"},
                {"sample_rate": 16000},
                {"channels": 2},
                {"format": "flac"},
            )
        ),
    ]
    assert len(set(names)) == len(names)


def test_what_does_not_shape_the_clips_does_not_name_them() -> None:
    one, base = Fetched("aa", 1, 1, "wav", Tags()), config()
    name = chunk.fingerprint(TRACK, one, base)
    assert chunk.fingerprint(TRACK, replace(one, mtime_ns=5, tags=Tags("x")), base) == name
    assert chunk.fingerprint(TRACK, one, replace(base, name="y", dedupe="keep")) == name
