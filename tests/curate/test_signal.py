"""Signal labels of sounds whose key, tempo and movement are known."""

import numpy as np
import pytest
import sounds
from sounds import RATE

from curate import audio
from curate.labels import onsets, rhythm, signal
from curate.records import Fetched, Label, Tags
from curate.stages import label


def by_kind(labels: tuple[Label, ...]) -> dict[str, Label]:
    made = {found.kind: found for found in labels}
    assert len(made) == len(labels), "a kind is said twice"
    return made


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", sounds.PITCHES)
def test_the_key_of_a_triad_is_its_own(tonic: str, mode: str) -> None:
    found = signal.key(sounds.triad(tonic, mode, 4))
    assert found is not None
    assert (found.value, found.source) == (f"{tonic} {mode}", "signal.chroma")
    assert found.score is not None
    assert 0.5 < found.score <= 1


@pytest.fixture(scope="module")
def two_halves() -> signal.Analysis:
    """15 s of C major with clicks at 90, then 15 s of F# minor with clicks at 140."""
    first = sounds.triad("C", "major", 15) * 0.3 + sounds.clicks(90, 15)
    second = sounds.triad("F#", "minor", 15) * 0.3 + sounds.clicks(140, 15)
    return signal.analyse(np.concatenate([first, second]), -20.126)


def test_the_whole_is_labelled_in_every_kind(two_halves: signal.Analysis) -> None:
    found = by_kind(two_halves.labels)
    kinds = {"key", "tempo", "danceability", "dynamic_complexity", "onset_rate", "loudness"}
    assert set(found) <= kinds
    assert kinds - set(found) <= {"danceability"}  # left out where it is no measurement
    assert found["loudness"] == Label("loudness", -20.13, "signal.ebur128")


def test_tempo_names_its_half_and_double() -> None:
    found = by_kind(signal.analyse(sounds.clicks(120, 20), -20.0).labels)["tempo"]
    assert found.value == pytest.approx(120, rel=0.002)
    assert found.alternatives == pytest.approx((60, 240), rel=0.002)
    assert found.source == "signal.degara"
    assert found.score is not None
    assert 0.9 < found.score <= 1


def test_onset_rate_counts_onsets_a_second() -> None:
    found = by_kind(signal.analyse(sounds.clicks(150, 20, start=0.5), -20.0).labels)
    assert found["onset_rate"].value == pytest.approx(49 / 20, abs=1e-4)


@pytest.mark.parametrize(
    ("start", "end", "key", "bpm"), [(0, 14, "C major", 90), (16, 30, "F# minor", 140)]
)
def test_a_clip_has_its_own_key_and_tempo(
    two_halves: signal.Analysis, start: float, end: float, key: str, bpm: float
) -> None:
    found = by_kind(signal.chunk_labels(two_halves, start, end, -18.004))
    assert found["key"].value == key
    assert found["tempo"].value == pytest.approx(bpm, rel=0.01)
    assert found["onset_rate"].value == pytest.approx(bpm / 60, abs=0.25)
    assert found["loudness"].value == -18.0


def test_a_clip_with_few_beats_has_no_tempo_of_its_own(two_halves: signal.Analysis) -> None:
    assert "tempo" not in by_kind(signal.chunk_labels(two_halves, 0, 4, -20.0))


def test_danceability_beyond_reason_is_no_measurement() -> None:
    """A machine-made pulse without any drift: the exponent it is made of goes to 0."""
    found = by_kind(signal.analyse(sounds.clicks(180, 20), -20.0).labels)
    assert "danceability" not in found
    assert "dynamic_complexity" in found


def test_a_clip_is_in_its_tracks_key_unless_another_fits_better() -> None:
    """A little more of the fourth degree than of the first is no new key; a tritone away is."""
    home = [sounds.triad(tonic, "major", 4) for tonic in ("C", "F", "C", "G", "C")]
    sound = np.concatenate([*home, sounds.triad("F#", "major", 4)])
    whole = signal.analyse(sound, -20.0)
    assert by_kind(whole.labels)["key"].value == "C major"
    alone = signal.key(sound[round(5.5 * RATE) : round(9.5 * RATE)])
    assert alone is not None
    assert alone.value == "F major"
    fourth, tritone = (
        by_kind(signal.chunk_labels(whole, start, start + 4, -20.0))["key"] for start in (5.5, 20)
    )
    assert (fourth.value, tritone.value) == ("C major", "F# major")
    assert (fourth.score or 0.0) < (tritone.score or 0.0)


def test_a_clips_tempo_is_as_sure_as_the_clip_is(two_halves: signal.Analysis) -> None:
    whole = by_kind(two_halves.labels)["tempo"].score
    for start in (0, 16):
        own = by_kind(signal.chunk_labels(two_halves, start, start + 14, -20.0))["tempo"].score
        assert own is not None
        assert whole is not None
        assert own > 0.9 > whole


def test_a_moment_has_no_key(two_halves: signal.Analysis) -> None:
    assert "key" in by_kind(signal.chunk_labels(two_halves, 0, 3.0, -20.0))
    assert set(by_kind(signal.chunk_labels(two_halves, 0, 2.9, -20.0))) == {
        "onset_rate",
        "loudness",
    }


@pytest.mark.parametrize("samples", [np.zeros(10 * RATE, np.float32), np.zeros(0, np.float32)])
def test_of_silence_nothing_musical_is_said(samples: np.ndarray) -> None:
    found = by_kind(signal.analyse(samples, -70.0).labels)
    assert set(found) - {"onset_rate"} == {"loudness"}
    assert all(found[kind].value == 0.0 for kind in set(found) & {"onset_rate"})


def test_dynamic_complexity_tells_swells_from_an_even_level() -> None:
    even = sounds.noise(20)[:, 0]
    swell = (even * (0.02 + np.abs(np.sin(np.arange(len(even)) / RATE)))).astype(np.float32)
    flat, wide = (
        by_kind(signal.analyse(samples, -20.0).labels)["dynamic_complexity"].value
        for samples in (even, swell)
    )
    assert flat < 1
    assert wide > 3


def test_labels_are_the_same_every_time() -> None:
    samples = sounds.triad("A", "minor", 10) + sounds.clicks(100, 10)
    assert signal.analyse(samples, -20.0).labels == signal.analyse(samples.copy(), -20.0).labels


# --- the stage ----------------------------------------------------------------------------------


def test_a_track_is_analysed_at_its_own_rate_and_in_mono() -> None:
    both = np.stack([sounds.triad("D", "major", 10, rate=48000)] * 2, axis=1)
    analysis = signal.analyse(label.single(audio.Decoded(both, 48000)), -17.5)
    assert analysis.single.shape == (10 * signal.RATE,)
    found = by_kind(label.label(analysis).labels)
    assert found["key"].value == "D major"
    assert found["loudness"].value == -17.5


def test_a_track_has_an_acoustic_fingerprint_of_eight_items_a_second() -> None:
    analysis = signal.analyse(label.single(audio.Decoded(sounds.noise(10), RATE)), -20.0)
    made = label.label(analysis).fingerprint
    assert 40 < len(made) < 800
    assert set(made) <= set(map(chr, range(33, 127)))


def test_labels_are_named_after_the_files_bytes() -> None:
    one, same, other = (Fetched(h, n, n, "wav", Tags()) for h, n in (("a", 1), ("a", 2), ("b", 1)))
    assert label.fingerprint(one) == label.fingerprint(same) != label.fingerprint(other)


def test_rhythm_is_heard_at_its_own_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []
    real = rhythm.analyse
    monkeypatch.setattr(rhythm, "analyse", lambda s: lengths.append(len(s)) or real(s))
    signal.analyse(sounds.clicks(120, 5), -20.0)
    assert lengths == [5 * onsets.RATE]
