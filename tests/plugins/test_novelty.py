"""Copies of training clips are found, and a model that says one thing only is seen."""

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from curate.labels import signal
from curate.stages import dedupe
from plugins.musicgen.evaluation import METRICS
from plugins.musicgen.evaluation.features.sounds import Sound
from plugins.musicgen.evaluation.metrics import novelty, statistics
from plugins.musicgen.evaluation.metrics.novelty import Recordings, Space
from plugins.musicgen.evaluation.metrics.statistics import Estimate

Array = npt.NDArray[np.float32]


def cloud(n: int, seed: int, name: str = "", spread: float = 1.0) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    middles = spread * random.normal(size=(n, 1, 12)) + 5.0  # far from 0, as embeddings are
    rows = (middles + 0.1 * random.normal(size=(n, 6, 12))).astype(np.float32)
    return {f"{name}{k}": one for k, one in enumerate(rows)}


def test_copies_of_training_clips_show() -> None:
    training, held_out, own = cloud(200, 0, "t"), cloud(150, 1, "h"), cloud(60, 2)
    copies = {k: training[f"t{k}"] + np.float32(0.02) for k in own}
    found = novelty.evaluate(copies, training, held_out, own)
    honest = novelty.evaluate(own, training, held_out)
    assert honest["near_share"].estimate.value < 0.2
    assert found["near_share"].estimate.value == 1.0
    assert found["near_share"].estimate.low is not None
    assert found["near_share"].estimate.low > 0.9
    assert found["nearest"].estimate.value < 0.1 * honest["nearest"].estimate.value
    for name in ("nearest", "near_share"):
        assert found[name].difference is not None
        assert found[name].difference.n == 60  # type: ignore[union-attr]


def test_the_share_that_is_called_near_is_that_of_real_clips() -> None:
    training, held_out = cloud(300, 3, "t"), cloud(200, 4, "h")
    found = novelty.evaluate(held_out, training, held_out)
    assert found["near_share"].estimate.value == pytest.approx(novelty.NEAR, abs=0.006)
    shares = [
        novelty.evaluate(cloud(100, seed), training, cloud(200, 100 + seed))["near_share"]
        for seed in range(10, 30)
    ]
    mean = np.mean([one.estimate.value for one in shares])
    assert mean == pytest.approx(novelty.NEAR, abs=0.02)


def test_a_clip_is_not_its_own_neighbour() -> None:
    training = cloud(50, 5)
    found = novelty.neighbours(training, Space.of(training))
    assert all(one.key != key and one.distance > 0.01 for key, one in found.items())
    named = novelty.neighbours({"x": training["7"]}, Space.of(training))
    assert named["x"].key == "7"
    assert named["x"].distance == pytest.approx(0.0, abs=1e-6)


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    random = np.random.default_rng(6)
    vectors = random.normal(size=(40, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [1 - vectors[i] @ vectors[j] for i in range(40) for j in range(i)]
    found = novelty.diversity(vectors)
    assert found.estimate.value == pytest.approx(np.mean(pairs))
    assert found.estimate.low is not None
    assert found.estimate.high is not None
    assert found.estimate.low < found.estimate.value < found.estimate.high


def test_intervals_of_diversity_cover_in_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = functools.partial(statistics.bootstrap, resamples=400)
    monkeypatch.setattr(novelty, "bootstrap", draws)  # enough for the ends of an interval
    random, hits = np.random.default_rng(7), 0
    many = random.normal(0.4, 1.0, size=(200_000, 6))
    mean = (many / np.linalg.norm(many, axis=1, keepdims=True)).mean(0)
    for _ in range(200):
        vectors = random.normal(0.4, 1.0, size=(40, 6))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        found = novelty.diversity(vectors).estimate
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 1 - mean @ mean <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_one_pair_tells_nothing_of_how_sure_it_is() -> None:
    found = novelty.diversity(np.eye(2), np.ones((2, 2)) / np.sqrt(2))
    assert found.estimate == Estimate(1.0, None, None, 2)
    assert found.difference is not None
    assert found.difference.low is None


def test_one_clip_over_and_over_has_no_diversity() -> None:
    training, held_out, own = cloud(40, 8, "t"), cloud(40, 9, "h"), cloud(30, 10)
    same = dict.fromkeys(own, own["0"])
    found = novelty.evaluate(same, training, held_out, own)["diversity"]
    assert found.estimate.value == pytest.approx(0.0, abs=1e-6)
    assert found.difference is not None
    assert found.difference.high is not None
    assert found.difference.high < -0.5


def test_embeddings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected two at least"):
        Space.of(cloud(1, 0))
    with pytest.raises(ValueError, match="width 3, not 12"):
        Space.of(cloud(5, 0)).vectors({"a": np.ones((2, 3), np.float32)})


# --- Chromaprint --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recordings(songs: dict[str, np.ndarray]) -> Recordings:
    return Recordings(
        {
            f"{name}{part}": printed(songs[name][part * 15 * 44100 :][: 30 * 44100])
            for name in ("song", "hana", "rock")
            for part in (0, 1)
            if len(songs[name]) >= (part * 15 + 20) * 44100
        }
    )


def printed(samples: np.ndarray) -> dedupe.Items:
    mixed = samples if samples.ndim == 1 else samples.mean(1)
    return novelty.chromaprint(np.ascontiguousarray(mixed, np.float32))


def test_the_very_clip_and_parts_of_it_are_copies(
    songs: dict[str, np.ndarray], recordings: Recordings
) -> None:
    whole = recordings.copied(printed(songs["song"][: 30 * 44100]))
    assert whole is not None
    assert (whole[0], whole[1]) == ("song0", 0.0)
    random = np.random.default_rng(0)
    part = songs["hana"][4 * 44100 : 18 * 44100].mean(1)
    noisy = part + 0.05 * part.std() * random.standard_normal(len(part))
    found = recordings.copied(printed(noisy))
    assert found is not None
    assert found[0].startswith("hana")
    assert found[1] < novelty.MAX_BIT_ERROR


def test_seven_seconds_of_a_copy_among_other_sound_are_found(
    songs: dict[str, np.ndarray], recordings: Recordings
) -> None:
    random = np.random.default_rng(1)
    hiss = 0.1 * random.standard_normal(10 * 44100)
    mixed = np.concatenate([hiss, songs["rock"][6 * 44100 : 13 * 44100].mean(1), hiss])
    found = recordings.copied(printed(mixed))
    assert found is not None
    assert found[0].startswith("rock")


@pytest.mark.parametrize("name", ["again", "faster", "higher"])
def test_other_performances_are_no_copies(
    songs: dict[str, np.ndarray], recordings: Recordings, name: str
) -> None:
    assert recordings.copied(printed(songs[name][: 30 * 44100])) is None


@pytest.mark.parametrize("kind", ["noise", "silence", "short", "nothing"])
def test_what_is_no_music_is_no_copy(recordings: Recordings, kind: str) -> None:
    random = np.random.default_rng(2)
    sound = {
        "noise": 0.1 * random.standard_normal(20 * 44100),
        "silence": np.zeros(20 * 44100),
        "short": 0.1 * random.standard_normal(44100),
        "nothing": np.zeros(0),
    }[kind]
    assert recordings.copied(printed(sound)) is None


def test_no_recordings_have_no_copies(songs: dict[str, np.ndarray]) -> None:
    assert Recordings({}).copied(printed(songs["song"][: 20 * 44100])) is None


def test_the_copied_share_of_files(
    songs: dict[str, np.ndarray], recordings: Recordings, tmp_path: Path
) -> None:
    sounds = []
    for name, samples in (("a", songs["song"][: 20 * 44100]), ("b", songs["faster"][: 20 * 44100])):
        soundfile.write(tmp_path / f"{name}.flac", samples, 44100)
        sounds.append(Sound(name, tmp_path / f"{name}.flac"))
    items = novelty.prints(sounds, tmp_path / "cache")
    again = novelty.prints(sounds, tmp_path / "cache")
    assert all(np.array_equal(items[key], again[key]) for key in items)
    assert items["a"].dtype == np.uint32
    assert np.array_equal(items["a"], printed(audio_of(tmp_path / "a.flac")))
    found = novelty.evaluate_copies(items, recordings, {"a": items["b"], "b": items["b"]})
    assert found["copied_share"].estimate.value == 0.5
    assert found["copied_share"].difference is not None
    assert found["copied_share"].difference.value == 0.5


def audio_of(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == signal.RATE
    return np.asarray((samples[:, 0] + samples[:, 1]) * np.float32(0.5), np.float32)


def test_the_table_of_figures_knows_them() -> None:
    training, own = cloud(20, 0, "t"), cloud(10, 1)
    found = {*novelty.evaluate(own, training, own)}
    found |= {*novelty.evaluate_copies({"a": np.zeros(0, np.uint32)}, Recordings({}))}
    assert found == {metric.name for metric in METRICS if metric.module == "novelty"}
