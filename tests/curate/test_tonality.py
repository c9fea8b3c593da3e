"""Chroma and keys of tones that are known."""

import numpy as np
import pytest
import sounds

from curate import audio
from curate.labels import tonality
from curate.labels.essentia import algorithms

RATE = tonality.RATE


def fitted(single: np.ndarray) -> tonality.Fit:
    found = tonality.fit(tonality.chroma(single.astype(np.float32)))
    assert found is not None
    return found


def cadence(tonic: str, mode: str, seconds: float = 2.0) -> np.ndarray:
    """First, fourth, fifth and first degree: the key and no other."""
    place = sounds.PITCHES.index(tonic)
    steps = ((0, mode), (5, mode), (7, "major"), (0, mode))
    chords = [(sounds.PITCHES[(place + step) % 12], kind) for step, kind in steps]
    return np.concatenate([sounds.triad(name, kind, seconds, rate=RATE) for name, kind in chords])


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", sounds.PITCHES)
def test_the_key_of_a_cadence_is_found(tonic: str, mode: str) -> None:
    found = tonality.best(fitted(cadence(tonic, mode)))
    assert found.name == f"{tonic} {mode}"
    assert 0.7 < found.score <= 1.0


def test_a_tone_is_in_its_own_pitch_class() -> None:
    frames = tonality.chroma(sounds.sine(440.0, 5, rate=RATE)[:, 0])
    assert frames.shape == (pytest.approx(5 * tonality.FRAME_RATE, abs=2), 12)
    mean = frames.mean(axis=0)
    assert mean.argmax() == 0  # from A
    assert mean[0] > 0.6 * mean.sum()


def test_each_profile_does_as_essentias_key() -> None:
    """On random chroma, the best of a profile's 24 correlations is what `Key` answers."""
    draws = np.random.default_rng(0).uniform(size=(50, 12)).astype(np.float32)
    for name, (major, minor) in tonality.PROFILES.items():
        key = algorithms().Key(
            profileType=name, usePolyphony=False, useThreeChords=False, pcpSize=12
        )
        rows = [np.roll(profile, shift) for profile in (major, minor) for shift in range(12)]
        for chroma in draws:
            correlations = [float(np.corrcoef(row, chroma)[0, 1]) for row in rows]
            tonic, mode, strength, _ = key(chroma)
            assert tonality.KEYS[int(np.argmax(correlations))] == f"{tonic} {mode}"
            assert max(correlations) == pytest.approx(strength, abs=1e-4)


def test_the_chroma_is_that_of_essentias_key_extractor() -> None:
    """Its strength for one profile follows from ours, at half the sample rate."""
    music = sum(
        sounds.triad(tonic, "minor", 12) * np.float32(weight)
        for tonic, weight in (("A", 1.0), ("E", 0.6), ("D", 0.5))
    )
    tonic, mode, strength = algorithms().KeyExtractor(profileType="bgate")(music)
    half = audio.resample(music, 44100, RATE, quality="LQ")
    mean = tonality.chroma(half).mean(axis=0)
    mean = np.where(mean < tonality.FLOOR * mean.max(), 0.0, mean)
    place = tonality.KEYS.index(f"{tonic} {mode}")
    profile = np.roll(tonality.PROFILES["bgate"][place // 12], place % 12)
    assert np.corrcoef(profile, mean)[0, 1] == pytest.approx(strength, abs=0.02)


def test_a_window_is_a_stretch_of_the_whole() -> None:
    whole = tonality.chroma(np.concatenate([cadence("C", "major", 3), cadence("F#", "minor", 3)]))
    for start, key in ((0.0, "C major"), (12.0, "F# minor")):
        found = tonality.fit(tonality.within(whole, start, start + 12))
        assert found is not None
        assert tonality.best(found).name == key
    assert len(tonality.within(whole, 50.0, 60.0)) == 0


def test_a_clip_keeps_its_tracks_key_where_that_is_as_good() -> None:
    track = fitted(cadence("C", "major"))
    clip = track.copy()
    other = int(np.argsort(track)[-2])
    clip[other] = clip.max() + 0.9 * tonality.NEAR
    assert tonality.best(clip).name == tonality.KEYS[other]
    assert tonality.best(clip, track).name == "C major"
    clip[other] += 0.2 * tonality.NEAR
    assert tonality.best(clip, track).name == tonality.KEYS[other]


def test_a_key_with_rivals_or_without_tones_is_less_sure() -> None:
    clear = np.full(24, 0.2)
    clear[3] = 0.9
    rival, weak = clear.copy(), clear.copy()
    rival[10] = 0.88
    weak[3] = 0.55
    clear, rival, weak = (tonality.best(found).score for found in (clear, rival, weak))
    assert clear == 1.0
    assert 0.6 < rival < 0.75
    assert weak < 0.3


def test_noise_is_hardly_in_a_key() -> None:
    scores = [
        tonality.best(fitted(sounds.noise(20, seed=seed, rate=RATE)[:, 0])).score
        for seed in range(5)
    ]
    assert np.mean(scores) < 0.5


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(1), np.zeros(5 * RATE)])
def test_silence_has_no_key(samples: np.ndarray) -> None:
    assert tonality.fit(tonality.chroma(samples.astype(np.float32))) is None


def test_chroma_is_the_same_in_one_piece_and_in_slices() -> None:
    """A recording of more than one slice of frames has the chroma of its parts."""
    frames = 1024 + 300
    long = np.tile(cadence("D", "minor", 1.0), 40)[: frames * tonality.FRAME]
    end = tonality.chroma(long[900 * tonality.FRAME :])
    assert np.allclose(tonality.chroma(long)[901:-1], end[1:-1], atol=1e-3)
