"""The models on whole tracks: the right patches, classes and names, in both formats, of any length.

What the tiny stand-ins must say is computed by `tests/standins/tinyrule.py`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import models as standins
import numpy as np
import numpy.typing as npt
import pytest
import sounds
import soxr
import tinyrule

from curate.engine.local import SINGLE_THREADED
from curate.errors import CurateError
from curate.labels.essentia import algorithms
from curate.labels.models import listening as models
from curate.labels.models import mel, shelf, weights, zoo
from curate.labels.models.weights import Files
from curate.records import Answer

Array = npt.NDArray[np.float32]

RATE = 16000
MOOD = "mtg_jamendo_moodtheme-discogs-effnet-1"
DEAM = "deam-msd-musicnn-2"
TASKS = {name: head.task for name, head in standins.HEADS.items() if name in zoo.BY_NAME}
"""The stand-in's task of every head."""

BACKENDS = ("pb", "onnx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("音 models")
    standins.write_models(path)
    return path


def found(folder: Path, backend: str, *names: str) -> tuple[Files, ...]:
    """The files of these models, of all without names."""
    asked = [zoo.BY_NAME[name] for name in names] or zoo.MODELS
    unpinned = [replace(model, pinned={}) for model in asked]
    return weights.find(unpinned, folder, onnx=backend == "onnx")


def one(folder: Path, backend: str, name: str) -> Files:
    return found(folder, backend, name)[0]


def by_model(answers: tuple[Answer, ...]) -> dict[str, dict[str, float]]:
    return {answer.model: answer.scores for answer in answers}


def samples_of(patches: int) -> int:
    """The fewest samples at 16 kHz that make so many patches of EffNet."""
    frames = 128 + 62 * (patches - 1)
    return (frames - 2) * 256 + 1


def assert_says(answers: tuple[Answer, ...], kind: str, within: float = 0.02) -> None:
    """Every head says what it must say of this sound."""
    said = by_model(answers)
    for name, task in TASKS.items():
        for label, score in tinyrule.fired(task, tinyrule.TRAITS_OF[kind]).items():
            assert said[name].pop(label) == pytest.approx(score, abs=within), (name, label)
        if zoo.BY_NAME[name].purpose == "words":
            assert all(score < 0.02 for score in said[name].values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_section_of_a_track_is_labelled_by_its_own_sound(folder: Path, backend: str) -> None:
    parts = [tinyrule.sound(kind, 20, sounds.RATE) for kind in ("low tone", "high tone")]
    heard = models.load(found(folder, backend)).listen(np.concatenate(parts), sounds.RATE)
    assert_says(heard.between(0, 20, 0.001), "low tone", within=0.05)
    assert_says(heard.between(20, 40, 0.001), "high tone", within=0.05)
    assert_says(heard.between(1, 17, 0.001), "low tone")
    assert_says(heard.between(23, 39, 0.001), "high tone")
    halves = by_model(heard.whole(0.0))[MOOD]
    assert (halves["dark"], halves["happy"]) == pytest.approx((0.455, 0.455), abs=0.02)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", tinyrule.TRAITS_OF)
def test_every_sound_has_its_labels(folder: Path, backend: str, kind: str) -> None:
    heard = models.load(found(folder, backend)).listen(tinyrule.sound(kind, 13), RATE)
    assert_says(heard.whole(0.001), kind)
    assert_says(heard.between(5, 8, 0.001), kind)


def test_a_floor_leaves_out_words_and_the_rest_is_sorted(folder: Path) -> None:
    heard = models.load(found(folder, "pb")).listen(tinyrule.sound("high tone", 13), RATE)
    said = by_model(heard.whole(0.25))
    assert list(said[MOOD].items()) == [
        ("energetic", 0.9), ("happy", 0.9), ("powerful", 0.6), ("upbeat", 0.6), ("summer", 0.3),
    ]  # fmt: skip
    assert by_model(heard.whole(0.95))[MOOD] == {}
    assert said["danceability-discogs-effnet-1"] == {"danceable": 0.9, "not_danceable": 0.1}
    assert list(said["voice_instrumental-discogs-effnet-1"]) == ["instrumental", "voice"]
    assert list(said[DEAM]) == ["valence", "arousal"]
    assert said["engagement_regression-discogs-effnet-1"] == {"engagement": 0.8}
    assert [answer.model for answer in heard.whole(0.25)] == [
        model.name for model in zoo.MODELS if model.kind
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_classes_are_named_in_the_order_of_each_json(
    folder: Path, tmp_path: Path, backend: str
) -> None:
    turned = {name: standins.HEADS[name].classes[::-1] for name in TASKS}
    turned[zoo.EFFNET] = (*turned[standins.STYLES][200:], *turned[standins.STYLES][:200])
    standins.write_models(tmp_path, classes=turned)
    sound = tinyrule.sound("noise", 13)
    usual, other = (
        by_model(models.load(found(place, backend)).listen(sound, RATE).whole(0.0))
        for place in (folder, tmp_path)
    )
    assert other == usual
    assert list(other[DEAM]) == ["arousal", "valence"]


def test_both_formats_say_the_same_and_can_be_mixed(folder: Path) -> None:
    graphs, networks = found(folder, "pb"), found(folder, "onnx")
    sound = np.concatenate([tinyrule.sound(kind, 7) for kind in tinyrule.TRAITS_OF])
    expected = by_model(models.load(graphs).listen(sound, RATE).whole(0.0))
    heads_only = tuple(
        graph if graph.model.purpose == "embedding" or not graph.model.onnx else network
        for graph, network in zip(graphs, networks, strict=True)
    )
    embeddings_only = tuple(
        network if graph.model.purpose == "embedding" else graph
        for graph, network in zip(graphs, networks, strict=True)
    )
    for files in (networks, heads_only, embeddings_only):
        said = by_model(models.load(files).listen(sound, RATE).whole(0.0))
        assert said.keys() == expected.keys()
        for name, scores in said.items():
            assert scores == pytest.approx(expected[name], abs=1e-3), name


def test_full_size_ones_say_the_same_in_both_formats(tmp_path: Path) -> None:
    standins.write_models(tmp_path, "full")
    sound = np.concatenate([tinyrule.sound(kind, 3) for kind in tinyrule.TRAITS_OF])
    graphs, networks = (
        models.load(found(tmp_path, backend)).listen(sound, RATE) for backend in BACKENDS
    )
    for graph, network in zip(graphs.scores, networks.scores, strict=True):
        np.testing.assert_allclose(network.values, graph.values, atol=1e-3)
    assert len({scores.files.model.name for scores in graphs.scores}) == len(zoo.KINDS)


def test_genres_need_no_file_of_their_own_beside_the_onnx_embedding(
    folder: Path, tmp_path: Path
) -> None:
    standins.write_models(tmp_path, names=[standins.EFFNET_ONNX, zoo.EFFNET, standins.STYLES])
    (tmp_path / f"{standins.STYLES}.pb").unlink()
    (tmp_path / f"{zoo.EFFNET}.pb").unlink()
    files = found(tmp_path, "onnx", zoo.EFFNET, standins.STYLES)
    assert files[1].weights == files[0].weights
    (answer,) = models.load(files).listen(tinyrule.sound("noise", 3), RATE).whole(0.2)
    assert answer.scores == {
        "Non-Music---Field Recording": 0.9,
        "Rock---Hard Rock": 0.9,
        "Electronic---Noise": 0.6,
    }


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("patches", [1, 2, 7, 8, 9, 63, 64, 65, 128])
def test_every_patch_is_heard_at_the_edges_of_batches(
    folder: Path, backend: str, patches: int
) -> None:
    sound = sounds.noise(samples_of(patches) / RATE, rate=RATE)[:, 0]
    sound[len(sound) // 2 :] *= 0.001
    files = found(folder, backend, zoo.EFFNET, MOOD)
    (scores,) = models.load(files).listen(sound, RATE).scores
    head = standins.HEADS[MOOD]
    embeddings = tinyrule.embed(tinyrule.patches(tinyrule.mel(sound)))
    rule = tinyrule.rule(head.task, head.activation, head.classes)
    np.testing.assert_allclose(scores.values, tinyrule.scores(embeddings, rule), atol=1e-3)
    assert len(scores.values) == patches
    assert scores.starts == pytest.approx(np.arange(patches) * 0.992)
    one_less = models.load(files).listen(sound[:-1], RATE).scores
    assert sum(len(less.values) for less in one_less) == patches - 1


def test_effnet_is_as_essentia_runs_it(folder: Path) -> None:
    sound = np.concatenate([tinyrule.sound(kind, 2.3) for kind in tinyrule.TRAITS_OF])
    predict = algorithms().TensorflowPredictEffnetDiscogs(
        graphFilename=str(folder / f"{zoo.EFFNET}.pb"), output="PartitionedCall:1"
    )
    head = algorithms().TensorflowPredict2D(
        graphFilename=str(folder / f"{MOOD}.pb"), output="model/Sigmoid"
    )
    (scores,) = models.load(found(folder, "pb", zoo.EFFNET, MOOD)).listen(sound, RATE).scores
    np.testing.assert_allclose(scores.values, head(predict(sound)), atol=1e-3)


def test_tempocnn_is_as_essentia_runs_it(folder: Path) -> None:
    sound = soxr.resample(sounds.clicks(97, 70), sounds.RATE, 11025)
    sound += 0.01 * sounds.noise(len(sound) / 11025, rate=11025)[: len(sound), 0]
    expected = algorithms().TensorflowPredictTempoCNN(
        graphFilename=str(folder / f"{zoo.TEMPOCNN}.pb")
    )(sound)
    (scores,) = models.load(found(folder, "pb", zoo.TEMPOCNN)).listen(sound, 11025).scores
    np.testing.assert_allclose(scores.values, expected, atol=1e-4)
    assert len(expected) == 10


@pytest.mark.parametrize("bpm", [45, 90, 128, 174])
def test_the_tempo_of_clicks(folder: Path, bpm: int) -> None:
    heard = models.load(found(folder, "pb", zoo.TEMPOCNN)).listen(
        sounds.clicks(bpm, 40), sounds.RATE
    )
    for (answer,) in (heard.whole(0.0), heard.between(10, 20, 0.0)):
        assert next(iter(answer.scores)) == str(bpm)
        assert list(answer.scores.values()) == sorted(answer.scores.values(), reverse=True)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("seconds", "models_heard"),
    [(0, 0), (1 / RATE, 0), (0.01, 0), (2.01, 0), (2.02, 7), (2.9, 7), (3.0, 8), (12, 9)],
)
def test_short_audio_is_heard_by_fewer_models(
    folder: Path, backend: str, seconds: float, models_heard: int
) -> None:
    sound = tinyrule.sound("noise", seconds)
    heard = models.load(found(folder, backend)).listen(sound, RATE)
    assert len(heard.whole(0.0)) == models_heard
    assert len(heard.between(0.0, 30.0, 0.0)) == models_heard


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
def test_any_rate_is_resampled(folder: Path, rate: int) -> None:
    sound = tinyrule.sound("low tone", 13, rate)
    assert_says(models.load(found(folder, "pb")).listen(sound, rate).whole(0.001), "low tone", 0.05)


def test_silence_has_labels_but_no_tempo(folder: Path) -> None:
    silence = np.zeros(30 * RATE, np.float32)
    heard = models.load(found(folder, "pb")).listen(silence, RATE)
    assert_says(heard.whole(0.001), "silence")
    assert zoo.TEMPOCNN not in by_model(heard.whole(0.0))
    clicks = soxr.resample(sounds.clicks(120, 30), sounds.RATE, RATE)
    half = models.load(found(folder, "pb")).listen(np.concatenate([silence, clicks]), RATE)
    assert next(iter(by_model(half.whole(0.0))[zoo.TEMPOCNN])) == "120"


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_not_finite_is_left_out(folder: Path, backend: str) -> None:
    sound = tinyrule.sound("low tone", 40)
    sound[20 * RATE :] = np.nan
    sound[19 * RATE : 20 * RATE] = 1e30
    ready = models.load(found(folder, backend, zoo.EFFNET, MOOD, zoo.MUSICNN, DEAM))
    heard = ready.listen(sound, RATE)
    assert by_model(heard.whole(0.02))[MOOD] == pytest.approx(
        {"dark": 0.9, "energetic": 0.9, "deep": 0.6, "powerful": 0.6}, abs=0.01
    )
    assert by_model(heard.between(30, 40, 0.02))[DEAM] == pytest.approx(
        {"valence": 3.0, "arousal": 7.0}, abs=0.05
    )
    assert ready.listen(np.full(20 * RATE, np.nan, np.float32), RATE).whole(0.0) == ()


def test_patches_count_by_the_seconds_they_overlap(folder: Path) -> None:
    rows = np.array([[1, 0], [0.5, 0.5], [0, 1]], np.float32)
    mood = replace(one(folder, "pb", MOOD), classes=("a", "b"))
    scores = models.Scores(mood, np.array([0.0, 1.0, 2.0]), 2.0, rows)
    heard = models.Heard((scores,))

    def said(start: float, end: float) -> dict[str, float]:
        return heard.between(start, end, 0.0)[0].scores

    assert said(0, 4) == {"a": 0.5, "b": 0.5}
    assert said(0, 1) == {"a": 1.0, "b": 0.0}
    assert said(0, 1.1) == {"a": round((1.1 + 0.1 * 0.5) / 1.2, 4), "b": round(0.05 / 1.2, 4)}
    assert said(3.9, 9) == said(4.5, 9) == said(100, 130) == {"b": 1.0, "a": 0.0}
    assert heard.whole(0.0)[0].scores == {"a": 0.5, "b": 0.5}


def test_between_two_of_musicnns_patches_the_nearest_speaks(folder: Path) -> None:
    sound = np.concatenate([tinyrule.sound("low tone", 20), tinyrule.sound("high tone", 20)])
    (heard,) = [models.load(found(folder, "pb", zoo.MUSICNN, DEAM)).listen(sound, RATE)]
    middles = heard.scores[0].starts + heard.scores[0].length / 2
    assert middles == pytest.approx([5, 15, 25, 35], abs=0.02)
    (before,), (after,) = heard.between(17, 19.9, 0.0), heard.between(20.1, 23, 0.0)
    assert (before.scores["valence"], after.scores["valence"]) == pytest.approx((3, 7), abs=0.05)


def test_few_patches_are_spread_evenly() -> None:
    most = 625
    for frames in (*range(180, 1300, 7), 15_001, 225_001):
        starts = mel.spread(frames, 187, most)
        assert (len(starts) > 0) == (frames >= 187)
        if len(starts):
            assert starts[0] >= 0
            assert starts[-1] + 187 <= frames
            gaps = np.diff(starts)
            assert gaps.max(initial=0) <= most + 1
            assert np.ptp(gaps) <= 1 if len(gaps) else starts[0] <= most / 2


@pytest.mark.parametrize(
    ("kind", "algorithm", "largest"),
    [(mel.MUSICNN, "TensorflowInputMusiCNN", 8), (mel.TEMPOCNN, "TensorflowInputTempoCNN", 20)],
)
@pytest.mark.parametrize("sound", [*tinyrule.TRAITS_OF, "loud"])
def test_spectrograms_have_essentias_values(
    kind: mel.Spectrogram, algorithm: str, largest: float, sound: str
) -> None:
    if sound == "loud":
        samples = sounds.noise(33, level=1.0, rate=kind.rate)[:, 0]
    else:
        samples = tinyrule.sound(sound, 33, kind.rate)
    assert kind.frames(len(samples)) > mel.BLOCK
    for length in (len(samples), *range(1, 3 * kind.frame, kind.hop // 2 + 1), 5 * kind.hop):
        part = samples[:length]
        expected = essentias(algorithm, part, kind)
        found = kind.of(part)
        assert found.shape == expected.shape == (kind.frames(length), kind.bands)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert float(kind.of(samples).max()) < largest


def essentias(algorithm: str, samples: Array, kind: mel.Spectrogram) -> Array:
    standard = algorithms()
    bands = getattr(standard, algorithm)()
    frames = standard.FrameGenerator(samples, frameSize=kind.frame, hopSize=kind.hop)
    return np.array([bands(frame) for frame in frames])


def test_models_are_loaded_once(folder: Path) -> None:
    files = found(folder, "pb", zoo.EFFNET, MOOD)
    assert models.load(files) is models.load(found(folder, "pb", zoo.EFFNET, MOOD))
    renamed = (files[0], replace(files[1], classes=files[1].classes[::-1]))
    assert models.load(renamed) is not models.load(files)
    with pytest.raises(ValueError, match=f"{MOOD} needs {zoo.EFFNET}"):
        models.load(files[1:])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", zoo.BY_NAME)
def test_good_files_pass_the_probe(folder: Path, backend: str, name: str) -> None:
    assert models.probe(one(folder, backend, name)) == ""


def swapped(folder: Path, files: Files, other: str) -> Files:
    """The same model with another one's weights under its name."""
    path = folder / files.weights.name
    path.write_bytes((files.weights.parent / f"{other}.{files.backend}").read_bytes())
    return replace(files, weights=path)


@pytest.mark.parametrize(
    ("name", "backend", "other", "told"),
    [
        (zoo.EFFNET, "pb", zoo.MUSICNN, "'serving_default_melspectrogram' is not a valid node"),
        (zoo.MUSICNN, "pb", DEAM, "'model/dense/BiasAdd' is not a valid node"),
        (zoo.TEMPOCNN, "pb", zoo.EFFNET, "'input' is not a valid node name of this graph"),
        (MOOD, "pb", DEAM, "is not a valid node name"),
        (MOOD, "pb", "mtg_jamendo_instrument-discogs-effnet-1", "gives 40 numbers a patch, but 56"),
        (DEAM, "pb", "approachability_regression-discogs-effnet-1", "[2,200]|[?,1280]|[2,1280]"),
        (zoo.EFFNET, "onnx", zoo.MUSICNN, "Got: 128 Expected: 187"),
        (zoo.MUSICNN, "onnx", standins.EFFNET_ONNX, "Got: 187 Expected: 128"),
        (zoo.EFFNET, "onnx", MOOD, "takes embeddings and gives activations, expected melspec"),
        (MOOD, "onnx", zoo.MUSICNN, "takes melspectrogram and gives activations, embeddings, exp"),
        (
            MOOD,
            "onnx",
            "mtg_jamendo_instrument-discogs-effnet-1",
            "gives 40 numbers a patch, but 56",
        ),
        (DEAM, "onnx", "approachability_regression-discogs-effnet-1", "Got: 200 Expected: 1280"),
    ],
)
def test_another_model_under_the_name_is_told(
    folder: Path, tmp_path: Path, name: str, backend: str, other: str, told: str
) -> None:
    files = swapped(tmp_path, one(folder, backend, name), other)
    problem = models.probe(files)
    assert problem.startswith(f"{files.weights.name} ")
    assert any(part in problem for part in told.split("|")), problem
    assert f"`curate models fetch {name}`" in problem
    assert "\n" not in problem
    assert len(problem) < 400


def contents(whole: bytes) -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "a page", b"<html>moved</html>"
    yield "noise", np.random.default_rng(0).bytes(len(whole))
    for share in (0.1, 0.5, 0.9, 0.97):
        yield f"{share:.0%} of it", whole[: int(share * len(whole))]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", [zoo.EFFNET, MOOD, zoo.MUSICNN, zoo.TEMPOCNN])
def test_what_is_no_model_is_told(folder: Path, tmp_path: Path, backend: str, name: str) -> None:
    good = one(folder, backend, name)
    broken = replace(good, weights=tmp_path / good.weights.name)
    embedding = found(folder, backend, good.model.needs) if good.model.needs else ()
    for what, content in contents(good.weights.read_bytes()):
        broken.weights.write_bytes(content)
        assert "cannot be read as" in models.probe(broken), what
        with pytest.raises(CurateError, match=broken.weights.name):
            models.Models([*embedding, broken])
    broken.weights.unlink()
    assert models.probe(broken)
    broken.weights.mkdir()
    assert models.probe(broken)


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_that_are_not_finite_are_told(folder: Path, tmp_path: Path, backend: str) -> None:
    good = one(folder, backend, MOOD)
    whole = good.weights.read_bytes()
    bias = tinyrule.TRAIT_BIAS.tobytes()
    assert whole.count(bias) == 1
    broken = replace(good, weights=tmp_path / good.weights.name)
    broken.weights.write_bytes(whole.replace(bias, np.full(5, np.nan, np.float32).tobytes()))
    assert "not finite" in models.probe(broken)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", [MOOD, standins.STYLES, DEAM])
def test_a_json_with_other_classes_is_told(folder: Path, name: str, backend: str) -> None:
    files = one(folder, backend, name)
    count = len(files.classes)
    problem = models.probe(replace(files, classes=files.classes[1:]))
    assert f"gives {count} numbers a patch, but {count - 1} classes are named in {name}" in problem
    embedding = one(folder, backend, files.model.needs)
    ready = models.Models([embedding, replace(files, classes=files.classes[1:])])
    with pytest.raises(CurateError, match=f"gives {count} numbers a patch"):
        ready.listen(tinyrule.sound("noise", 4), RATE)


def test_a_json_with_other_tempi_is_told(folder: Path) -> None:
    files = one(folder, "pb", zoo.TEMPOCNN)
    assert files.classes == shelf.TEMPI
    others = tuple(str(31 + index) for index in range(256))
    assert "names other classes" in models.probe(replace(files, classes=others))


TALK = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from curate.labels.models import listening as models, weights, zoo
for onnx in (False, True):
    bare = [replace(model, pinned={}) for model in zoo.MODELS]
    files = weights.find(bare, Path(sys.argv[1]), onnx=onnx)
    models.load(files).listen(np.zeros(20 * 16000, np.float32), 16000)
    for one in files:
        print(models.probe(replace(one, weights=Path(sys.argv[2]))) and "told")
"""


def test_the_runtimes_print_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"none")
    command = [sys.executable, "-c", TALK, str(folder), str(tmp_path / "broken")]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert run.stdout.split() == ["told"] * 2 * len(zoo.MODELS)
    assert run.stderr == ""


HOUR = """
import json, resource, sys, time
from dataclasses import replace
from pathlib import Path
import numpy as np
from curate.labels.models import listening as models, weights, zoo
bare = [replace(model, pinned={}) for model in zoo.MODELS]
ready = models.load(weights.find(bare, Path(sys.argv[1]), onnx=sys.argv[2] == "onnx"))
noise = np.random.default_rng(0).standard_normal(16000 * 60).astype(np.float32) * 0.1
ready.listen(noise, 16000)
hour = np.tile(noise, 60)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak(), time.process_time(), time.perf_counter()
heard = ready.listen(hour, 16000)
threads = (time.process_time() - before[1]) / (time.perf_counter() - before[2])
windows = [heard.between(s, s + 30, 0.05) for s in range(0, 3600, 30)]
patches = [len(scores.values) for scores in heard.scores]
print(json.dumps([peak() - before[0], threads, patches, len(windows[-1])]))
"""


@pytest.mark.integration
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_hour_is_heard_in_bounded_memory_by_one_thread(folder: Path, backend: str) -> None:
    command = [sys.executable, "-c", HOUR, str(folder), backend]
    alone = os.environ | dict.fromkeys(SINGLE_THREADED, "1")  # as in a worker
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=alone)
    grown, threads, patches, answers = json.loads(run.stdout)
    assert threads < 1.2
    assert set(patches) == {3627, 360, 604}
    assert answers == len(zoo.KINDS)
    assert grown < 350  # MiB; the hour itself, which is there before, has 220


MANY = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import psutil
from curate.labels.models import listening as models, weights, zoo
bare = [replace(model, pinned={}) for model in zoo.MODELS]
ready = models.load(weights.find(bare, Path(sys.argv[1]), onnx=sys.argv[2] == "onnx"))
draw = np.random.default_rng(0)
noise = draw.standard_normal(16000 * 20).astype(np.float32) * 0.1
for count in range(1, 201):
    heard = ready.listen(noise[: draw.integers(13 * 16000, 20 * 16000)], 16000)
    heard.whole(0.05), heard.between(3, 8, 0.05)
    if count in (20, 200):
        print(psutil.Process().memory_info().rss)
"""


@pytest.mark.integration
@pytest.mark.parametrize("backend", BACKENDS)
def test_memory_stays_level_over_many_tracks(folder: Path, backend: str) -> None:
    command = [sys.executable, "-c", MANY, str(folder), backend]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    early, late = map(int, run.stdout.split())
    assert late < 1.05 * early
