"""Taking steady noise away: known noise under known music, and music that is to stay as it is."""

import tracemalloc

import numpy as np
import pytest
import sounds
from scipy.ndimage import maximum_filter1d

from curate import loudness
from curate.audio import Decoded, Samples
from curate.treatments import noise

RATE = 44100
NOISE_DB = -45.0


def violin(seconds: float, *, rests: float = 0.3, rate: int = RATE, seed: int = 0) -> Samples:
    """A solo line with vibrato, forty partials, and some rests: [T, 1]."""
    draw = np.random.default_rng(seed)
    out = np.zeros(round(seconds * rate))
    start = 0.5
    while start < seconds - 2.0:
        length = draw.uniform(0.25, 1.4)
        time = np.arange(round(length * rate)) / rate
        hertz = 440.0 * 2.0 ** ((draw.integers(55, 88) - 69) / 12)
        vibrato = 1.0 + 0.004 * np.sin(2 * np.pi * 5.5 * time)
        phase = 2 * np.pi * np.cumsum(hertz * vibrato) / rate
        partials = range(1, min(40, int(0.45 * rate / hertz)))
        tone = sum(np.sin(k * phase + draw.uniform(0, 6)) / k**1.2 for k in partials)
        swell = np.minimum(time / 0.06, 1) * np.minimum((length - time) / 0.08, 1)
        place = round(start * rate)
        out[place : place + len(time)] += tone * swell * draw.uniform(0.3, 1)
        start += 0.95 * length + (draw.uniform(0.3, 1.2) if draw.random() < rests else 0.0)
    return (0.45 * out / np.abs(out).max()).astype(np.float32)[:, None]


def pink(seconds: float, level: float, rate: int = RATE) -> Samples:
    """Noise that falls by 3 dB an octave: [T, 1]."""
    spectrum = np.fft.rfft(sounds.noise(seconds, rate=rate)[:, 0])
    hertz = np.fft.rfftfreq(round(seconds * rate), 1 / rate)
    single = np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 30)), round(seconds * rate))
    return (level * single / single.std()).astype(np.float32)[:, None]


def shaker(seconds: float, bpm: float) -> Samples:
    """Strokes of noise on every sixteenth: [T, 1]."""
    time = np.arange(round(seconds * RATE)) / RATE
    stroke = np.exp(-np.mod(time, 15 / bpm) / 0.04)[:, None]
    return (sounds.noise(seconds, level=0.1) * stroke).astype(np.float32)


def db(samples: Samples) -> float:
    return 10.0 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20))


def lufs(samples: Samples, rate: int = RATE) -> float:
    return loudness.integrated(loudness.block_energy(samples, rate))


def denoised(samples: Samples, rate: int = RATE) -> Samples:
    before = samples.copy()
    after = noise.denoise(Decoded(samples, rate))
    assert np.array_equal(samples, before)
    assert after.sample_rate == rate
    assert after.samples.shape == samples.shape
    assert after.samples.dtype == np.float32
    return after.samples


def pauses(clean: Samples, rate: int = RATE) -> np.ndarray:
    """Where nothing has sounded for a frame on either side: bool [T]."""
    loudest = maximum_filter1d(np.abs(clean).max(axis=1), 2 * round(0.1 * rate) + 1)
    return loudest < 1e-6


@pytest.fixture(scope="module")
def clean() -> Samples:
    return violin(40)


KINDS = {
    "white": lambda rate: sounds.noise(40, level=10 ** (NOISE_DB / 20), rate=rate),
    "pink": lambda rate: pink(40, 10 ** (NOISE_DB / 20), rate),
    "dull": lambda rate: sounds.noise(40, level=10 ** (NOISE_DB / 20), rate=rate, below=5000),
}


@pytest.mark.parametrize(("kind", "least"), [("white", 15), ("pink", 15), ("dull", 12)])
def test_hiss_goes_and_the_music_stays(clean: Samples, kind: str, least: float) -> None:
    hiss = KINDS[kind](RATE)
    after, still = denoised(clean + hiss), pauses(clean)
    assert 3 * RATE < still.sum() < 20 * RATE
    assert db((clean + hiss)[still]) == pytest.approx(NOISE_DB, abs=0.5)
    assert db(after[still]) < NOISE_DB - least
    assert db(after[~still]) == pytest.approx(db(clean[~still]), abs=0.05)
    assert lufs(after) == pytest.approx(lufs(clean), abs=0.1)
    assert db(after - clean) < db(hiss) - 6  # nearer to the music, not only quieter


@pytest.mark.parametrize("rate", [16000, 48000])
def test_at_any_rate(rate: int) -> None:
    clean, hiss = violin(40, rate=rate), KINDS["white"](rate)
    after, still = denoised(clean + hiss, rate), pauses(clean, rate)
    assert db(after[still]) < NOISE_DB - 12
    assert db(after[~still]) == pytest.approx(db(clean[~still]), abs=0.05)


def test_each_channel_keeps_its_place(clean: Samples) -> None:
    """The music left, half as loud right; hiss in both, each its own."""
    panned = np.hstack([clean, clean / 2])
    hiss = sounds.noise(40, level=10 ** (NOISE_DB / 20), channels=2)
    after, still = denoised(panned + hiss), pauses(clean)
    assert db(after[still]) < NOISE_DB - 15
    for channel in range(2):
        assert db(after[~still, channel]) == pytest.approx(db(panned[~still, channel]), abs=0.05)


def test_loud_hiss_is_only_lowered(clean: Samples) -> None:
    hiss = sounds.noise(40, level=0.02)
    after, still = denoised(clean + hiss), pauses(clean)
    assert -noise.DEEPEST_DB - 0.1 < db(after[still]) - db(hiss) < -12


@pytest.fixture(scope="module")
def untouched(clean: Samples, songs: dict[str, Samples]) -> dict[str, Samples]:
    chord = sum(sounds.sine(hz * k, 30, peak=0.1 / k) for hz in (131, 165, 196) for k in (1, 2, 3))
    driven = np.tanh(8 * (sounds.sine(82.4, 30) + sounds.sine(123.5, 30) + sounds.sine(165.1, 30)))
    return {
        **{name: samples[: 25 * RATE] for name, samples in songs.items()},
        "violin": clean,
        "violin without rests": violin(20, rests=0.0),
        "organ": chord,
        "distorted drone": 0.3 * driven,
        "shaker": shaker(20, 120) + 0.1 * clean[: 20 * RATE],
        "fast shaker alone": shaker(20, 180),
        "digital silence": np.zeros((20 * RATE, 2), np.float32),
        "16 bits": (np.round(violin(20) * 32768 + sounds.noise(20, level=0.5)) / 32768),
    }


CLEAN = (
    "song", "rock", "hana", "violin", "violin without rests", "organ", "distorted drone", "shaker",
    "fast shaker alone", "digital silence", "16 bits",
)  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_clean_music_comes_back_as_it_is(untouched: dict[str, Samples], name: str) -> None:
    decoded = Decoded(untouched[name].astype(np.float32), RATE)
    assert noise.denoise(decoded) is decoded


def test_silence_around_a_track_is_no_floor(clean: Samples) -> None:
    """A quarter of digital silence does not hide the hiss of the rest, nor is it filled."""
    silent = np.zeros((10 * RATE, 1), np.float32)
    noisy = clean + KINDS["white"](RATE)
    after, still = denoised(np.concatenate([silent, noisy, silent])), pauses(clean)
    assert db(after[10 * RATE : -10 * RATE][still]) < NOISE_DB - 15
    assert not after[: 9 * RATE].any()
    assert not after[-9 * RATE :].any()


@pytest.mark.parametrize("frames", [0, 1, 4095, 4096, 20000])
def test_what_is_too_short_to_tell_stays(frames: int) -> None:
    decoded = Decoded(sounds.noise(1, level=0.01)[:frames], RATE)
    assert noise.denoise(decoded) is decoded


@pytest.mark.parametrize("cut", [0, 1, 1023, 1024, 1025, 2048])
def test_frames_join_without_a_seam(clean: Samples, cut: int) -> None:
    """With no noise to subtract the gate hands on what it gets, to the last sample."""
    samples = clean[: 8 * RATE - cut]
    after = noise._gated(samples, np.zeros(2049, np.float32))
    assert np.abs(after - samples).max() < 1e-6


def test_blocks_change_nothing(clean: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = (clean + KINDS["white"](RATE))[: 15 * RATE]
    whole = denoised(noisy)
    monkeypatch.setattr(noise, "BLOCK", 33)
    assert np.abs(denoised(noisy) - whole).max() < 1e-6


def test_memory_grows_by_a_copy_only(clean: Samples) -> None:
    """What a track of twice the length takes more: its copy, and little beside."""
    noisy = clean + KINDS["white"](RATE)
    peaks = []
    for times in (1, 2):
        samples = np.tile(noisy, (times, 1))
        tracemalloc.start()
        noise.denoise(Decoded(samples, RATE))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 1.3 * noisy.nbytes
