"""Distances and faults of sound, on sounds with known answers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from curate import audio
from plugins.musicgen.evaluation import METRICS
from plugins.musicgen.evaluation.features.sounds import Sound
from plugins.musicgen.evaluation.metrics import spectral

Array = npt.NDArray[np.float32]
RATE = spectral.RATE


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> Array:
    random = np.random.default_rng(seed)
    return (level * random.standard_normal(round(seconds * RATE))).astype(np.float32)


def tone(hertz: float, seconds: float = 6.0, peak: float = 0.5) -> Array:
    return (peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def song(songs: dict[str, np.ndarray]) -> Array:
    return np.ascontiguousarray(
        audio.resample(audio.mono(songs["song"][: 30 * 44100]), 44100, RATE)
    )


@pytest.fixture(scope="module")
def higher(songs: dict[str, np.ndarray]) -> Array:
    return np.ascontiguousarray(
        audio.resample(audio.mono(songs["higher"][: 30 * 44100]), 44100, RATE)
    )


def test_a_full_scale_sine_is_zero_decibels_in_its_band() -> None:
    for frame, bands in spectral.SCALES:
        levels = spectral.log_mel(tone(1000.0, peak=1.0), frame, frame // 4, bands)
        middle = levels[len(levels) // 2]
        assert middle.max() == pytest.approx(0.0, abs=3.5)  # bands overlap, bins too
        assert levels.min() >= spectral.FLOOR_DB


def test_no_band_is_empty() -> None:
    for frame, bands in (*spectral.SCALES, (2048, 64)):
        levels = spectral.log_mel(noise(4.0), frame, frame // 4, bands)
        assert (levels.mean(0) > -70.0).all()


def test_half_the_amplitude_is_36_square_decibels_away() -> None:
    loud = noise(5.0, 0.3)
    assert spectral.mel_mse(loud, loud) == 0.0
    assert spectral.mel_mse(loud, 0.5 * loud) == pytest.approx((20 * np.log10(2)) ** 2, rel=1e-3)


def test_the_further_the_sound_the_larger_the_distance(song: Array, higher: Array) -> None:
    random = np.random.default_rng(0)
    hiss = song + (0.003 * random.standard_normal(len(song))).astype(np.float32)
    found = [
        spectral.mel_mse(song, other)
        for other in (song, hiss, higher, noise(30.0), np.zeros_like(song))
    ]
    assert found == sorted(found)
    assert found[0] == 0.0
    assert found[1] < 0.5 * found[2]


def test_another_key_is_far_in_chroma_and_another_level_is_not(song: Array, higher: Array) -> None:
    def chroma(other: Array) -> float:
        found = spectral.chroma_distance(song, other)
        assert found is not None
        return found

    assert chroma(song) == pytest.approx(0.0, abs=1e-9)
    assert chroma(0.3 * song) < 0.01
    assert chroma(higher) > 0.1  # a whole tone up
    assert spectral.chroma_distance(song, np.zeros_like(song)) is None


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("loop", 0.99, 1.0), ("noisy loop", 0.95, 1.0), ("half a loop", 0.35, 0.65),
     ("tone", 0.99, 1.0), ("song", 0.0, 0.02), ("noise", 0.0, 0.0), ("silence", 0.0, 0.0)],
)  # fmt: skip
def test_repetition(song: Array, name: str, low: float, high: float) -> None:
    piece = song[5 * RATE : 5 * RATE + round(3.137 * RATE)]
    loop = np.tile(piece, 8)[: 20 * RATE]
    made = {
        "loop": loop,
        "noisy loop": loop + noise(20.0, 0.02 * float(piece.std())),
        "half a loop": np.concatenate([song[10 * RATE : 20 * RATE], loop[: 10 * RATE]]),
        "tone": tone(440.0, 10.0),
        "song": song,
        "noise": noise(20.0),
        "silence": np.zeros(10 * RATE, np.float32),
    }
    assert low <= spectral.repetition(made[name]) <= high


def test_a_clip_shorter_than_two_segments_repeats_nothing() -> None:
    assert spectral.repetition(tone(440.0, 1.5)) == 0.0


def write(folder: Path, name: str, single: Array, rate: int = RATE) -> Sound:
    path = folder / f"{name}.wav"
    soundfile.write(path, single, rate, subtype="PCM_16")
    return Sound(name, path)


def test_a_clips_measures_and_their_figures(tmp_path: Path, song: Array) -> None:
    clean = write(tmp_path, "clean", 0.5 * song[: 8 * RATE])
    clipped = write(tmp_path, "clipped", np.clip(20 * song[: 8 * RATE], -1, 1))
    silent = write(tmp_path, "silent", np.zeros(8 * RATE, np.float32))
    found = {s.key: spectral.measure(s, clean) for s in (clean, clipped, silent)}
    assert found["clean"] == pytest.approx(
        {"silence": 0.0, "clipping": 0.0, "repetition": 0.0, "mel_mse": 0.0, "chroma": 0.0},
        abs=0.02,
    )
    assert found["clipped"]["clipping"] > 0.2
    assert found["silent"]["silence"] == 1.0
    assert "chroma" not in found["silent"]
    assert set(spectral.measure(clean)) == {"silence", "clipping", "repetition"}
    figures = spectral.evaluate(found, {"silent": found["clean"]})
    assert figures["silence"].estimate.value == pytest.approx(1 / 3, abs=0.01)
    assert figures["silence"].estimate.n == 3
    assert figures["chroma"].estimate.n == 2
    difference = figures["silence"].difference
    assert difference is not None
    assert (difference.value, difference.n) == (pytest.approx(1.0, abs=0.02), 1)
    assert set(figures) == {metric.name for metric in METRICS if metric.module == "spectral"}


def test_clipping_shows_at_any_rate(tmp_path: Path) -> None:
    time = np.arange(5 * 32000) / 32000
    square = np.clip(8 * np.sin(2 * np.pi * 100 * time), -1, 1).astype(np.float32)
    assert spectral.measure(write(tmp_path, "a", square, 32000))["clipping"] > 0.8


def test_sound_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no clips"):
        spectral.evaluate({})
    with pytest.raises(ValueError, match=r"expected mono sound \[T\]"):
        spectral.validate(np.zeros((4, 2), np.float32))
    (tmp_path / "x.wav").write_text("no")
    with pytest.raises(ValueError, match="clip x"):
        spectral.measure(Sound("x", tmp_path / "x.wav"))


def test_nothing_is_measured_twice(
    tmp_path: Path, song: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = song[: 6 * RATE], song[8 * RATE : 14 * RATE]
    made, real = write(tmp_path, "made", one), write(tmp_path, "real", other)
    cache = tmp_path / "cache"
    alone = spectral.measure(made, cache=cache)
    assert set(alone) == {"silence", "clipping", "repetition"}
    both = spectral.measure(made, real, cache)
    assert both == spectral.measure(made, real)  # as without a cache
    read: list[str] = []

    def counting(sound: Sound, rate: int) -> Array:
        read.append(sound.key)
        return mono(sound, rate)

    mono = spectral.mono
    monkeypatch.setattr(spectral, "mono", counting)
    assert spectral.measure(made, real, cache) == both
    assert spectral.measure(made, cache=cache) == alone
    assert read == []
    again = write(tmp_path, "real", one)  # another real clip under the same name
    assert spectral.measure(made, again, cache)["mel_mse"] == 0.0
    write(tmp_path, "made", 0.5 * one)  # and another sound
    assert spectral.measure(made, again, cache)["mel_mse"] > 30.0
    assert read == ["made", "real"] * 2
    for path in cache.rglob("*.json"):
        path.write_bytes(path.read_bytes()[:20])
    assert spectral.measure(made, again, cache)["mel_mse"] > 30.0  # what is spoiled is done again
    gone = Sound("gone", tmp_path / "gone.wav")
    for pair in ((gone, real), (made, gone)):
        with pytest.raises(ValueError, match="clip gone"):
            spectral.measure(*pair, cache)
