"""Label posteriors by the real models' stand-ins, and the divergence of known distributions."""

from pathlib import Path

import models as standins
import numpy as np
import pytest
import soundfile
import tinyrule
from scipy.stats import entropy

from curate.labels.models import weights
from plugins.musicgen.evaluation import METRICS
from plugins.musicgen.evaluation.features import hearing
from plugins.musicgen.evaluation.features.hearing import Heard
from plugins.musicgen.evaluation.features.sounds import Sound
from plugins.musicgen.evaluation.metrics import posteriors
from plugins.musicgen.evaluation.metrics.outcome import NotRun

MOODS = "mtg_jamendo_moodtheme-discogs-effnet-1"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    standins.write_models(folder)
    weights.accept(hearing.ASKED, folder)
    return folder


@pytest.fixture(scope="session")
def heard(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Heard]:
    folder, sounds = tmp_path_factory.mktemp("sounds"), []
    for kind in tinyrule.TRAITS_OF:
        path = folder / f"{kind}.wav"
        soundfile.write(path, tinyrule.sound(kind, 5.0, 44100), 44100, subtype="FLOAT")
        sounds.append(Sound(kind, path))
    cache = folder / "cache"
    found = hearing.hear(sounds, hearing.files(shelf), cache)
    assert hearing.hear(sounds, hearing.files(shelf), cache) == found  # from disk
    assert len(list(cache.rglob("*.json"))) == len(sounds)
    return found


def test_scores_are_those_of_the_models(heard: dict[str, Heard]) -> None:
    found = posteriors.of_head(heard, MOODS)
    assert set(found) == set(tinyrule.TRAITS_OF)
    for kind, scores in found.items():
        expected = tinyrule.fired("mtg_jamendo_moodtheme", tinyrule.TRAITS_OF[kind])
        answer = next(a for a in heard[kind].answers if a.model == MOODS)
        order = sorted(answer.scores)
        assert len(scores) == 56
        for name, score in expected.items():
            assert scores[order.index(name)] == pytest.approx(score, abs=0.02)


def test_sounds_of_another_kind_are_far(heard: dict[str, Heard]) -> None:
    found = posteriors.of_head(heard, MOODS)
    low, high = found["low tone"], found["high tone"]
    real = {str(k): low for k in range(6)}
    same = posteriors.evaluate(real, real)
    other = posteriors.evaluate(dict.fromkeys(real, high), real, real)
    for name in ("paired", "pooled"):
        assert same[name].estimate.value == pytest.approx(0.0, abs=1e-12)
        assert other[name].estimate.value > 0.5
        assert other[name].difference is not None
        assert other[name].difference.low is not None
        assert other[name].difference.low > 0.5
        assert other[name].estimate.n == 6


def test_divergences_are_scipys() -> None:
    random = np.random.default_rng(0)
    real, made = posteriors.distribution(random.random((2, 7, 20)))
    assert posteriors.divergence(real, made) == pytest.approx(entropy(real, made, axis=1))
    assert real.sum(1) == pytest.approx(np.ones(7))


def test_shuffled_prompts_show_in_pairs_and_not_in_the_pool() -> None:
    random = np.random.default_rng(1)
    real = {str(k): random.random(10) ** 4 for k in range(30)}
    values = list(real.values())
    shuffled = dict(zip(real, [*values[1:], values[0]], strict=True))
    found = posteriors.evaluate(shuffled, real)
    assert found["paired"].estimate.value > 0.3
    assert found["pooled"].estimate.value == pytest.approx(0.0, abs=0.1)
    assert found["pooled"].estimate.high is not None
    assert found["pooled"].estimate.high >= 0


def test_intervals_of_the_pool_hold_the_value_and_the_truth() -> None:
    random, inside = np.random.default_rng(3), []
    for _ in range(20):
        real, made = ({k: random.beta(1, 8, 40) for k in range(10)} for _ in range(2))
        keys = {f"other {k}": row for k, row in made.items()}  # of other prompts
        for some in (made, keys):
            found = posteriors.evaluate(some, real)["pooled"].estimate  # type: ignore[arg-type]
            assert found.low is not None
            assert found.high is not None
            assert found.low <= found.value <= found.high
            inside.append(found.low <= 0 <= found.high)
    assert np.mean(inside) > 0.9


def test_clips_without_real_ones_have_the_pool_only() -> None:
    random = np.random.default_rng(2)
    found = posteriors.evaluate({"a": random.random(4)}, {"b": random.random(4)})
    assert set(found) == {"pooled"}


def test_scores_that_are_none_are_refused() -> None:
    fine = {"a": np.full(4, 0.5)}
    with pytest.raises(ValueError, match="clip a: scores that are not within"):
        posteriors.evaluate({"a": np.full(4, 1.5)}, fine)
    with pytest.raises(ValueError, match="different shapes"):
        posteriors.evaluate({"a": np.full(5, 0.5)}, fine)
    with pytest.raises(ValueError, match="generated: no clips"):
        posteriors.evaluate({}, fine)


def test_missing_heads_are_not_run(tmp_path: Path) -> None:
    with pytest.raises(NotRun) as caught:
        hearing.files(tmp_path)
    assert caught.value.command.startswith("curate models fetch")


def test_the_table_of_figures_knows_them() -> None:
    one = {"a": np.full(4, 0.5), "b": np.full(4, 0.1)}
    known = {metric.name for metric in METRICS if metric.module == "posteriors"}
    assert set(posteriors.evaluate(one, one)) == known
