"""A build with models: labels of the right clips, one error before audio work, nothing done twice.

The models are the tiny stand-ins, whose answers follow from the sound (`tinyrule`).
"""

import json
import shutil
from pathlib import Path
from typing import Any

import models as standins
import numpy as np
import pytest
import rig
import soundfile
import tinyrule

from curate import api
from curate.errors import CurateError
from curate.labels.models import weights, zoo

pytestmark = pytest.mark.integration

MOOD = "mtg_jamendo_moodtheme-discogs-effnet-1"
RATE = 16000
SECTIONS = ("low tone", "high tone", "low tone", "noise")
SECTION_S = 12.0
CLIP_S = 6.0


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models, put there by hand."""
    return stocked(tmp_path_factory.mktemp("shelf"))


def stocked(folder: Path, **options: Any) -> Path:
    standins.write_models(folder, **options)
    weights.accept(zoo.MODELS, folder)
    return folder


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A track of known sections, and another one of noise."""
    folder = tmp_path / "music"
    folder.mkdir()
    samples = [tinyrule.sound(kind, SECTION_S, RATE) for kind in SECTIONS]
    soundfile.write(folder / "sections.flac", np.concatenate(samples), RATE)
    other = 0.1 * np.random.default_rng(1).standard_normal(round(7 * RATE))
    soundfile.write(folder / "noise.flac", other, RATE)
    return folder


def recipe(music: Path, **options: Any) -> Path:
    chunk = {"seconds": CLIP_S}
    options = {"chunk": chunk, "dedupe": "keep"} | options
    return rig.recipe(music.parent, {"Test": ["music/*.flac"]}, **options)


def sidecars(out: Path, track: str = "sections") -> list[dict[str, Any]]:
    """The sidecars of a track's clips, in their order."""
    found = sorted(out.glob(f"audio/*/{track}-*/*.json"))
    assert found
    return [json.loads(path.read_bytes()) for path in found]


def heard(sidecar: dict[str, Any], kind: str) -> dict[str, float]:
    """What models say of a clip: class to score."""
    labels = [label for label in sidecar["labels"] if label["kind"] == kind]
    return {
        label["value"]: label["score"]
        for label in labels
        if label["source"].startswith("essentia.") and label["score"] is not None
    }


SAYS = {
    "low tone": (["energetic", "powerful", "dark", "deep"], "bass"),
    "high tone": (["happy", "energetic", "upbeat", "powerful"], "bells"),
    "noise": (["energetic", "action"], "drums"),
}


@pytest.mark.parametrize("backend", ["pb", "onnx"])
def test_clips_have_the_labels_of_their_sections(
    music: Path, shelf: Path, tmp_path: Path, backend: str
) -> None:
    only = tmp_path / "only"
    shutil.copytree(shelf, only)
    if backend == "pb":
        for path in only.glob("*.onnx"):
            path.unlink()
    out = rig.here(recipe(music, labels="all"), models=only).out
    clips = sidecars(out)
    kinds = [kind for kind in SECTIONS for _ in range(round(SECTION_S / CLIP_S))]
    assert len(clips) == len(kinds) == 8
    for kind, sidecar in zip(kinds, clips, strict=True):
        traits = tinyrule.TRAITS_OF[kind]
        for task, asked in (("mtg_jamendo_moodtheme", "mood"), ("discogs", "genre")):
            fired = tinyrule.fired(task, traits).items()
            must = {k for k, score in fired if score >= 0.3 and "Non-Music" not in k}
            found = heard(sidecar, asked)
            assert must <= {name for name, score in found.items() if score > 0.25}, kind
        assert SAYS[kind][1] in sidecar["instrument"].split(", "), kind
        (speech,) = (one["value"] for one in sidecar["labels"] if one["kind"] == "non_music")
        assert speech == pytest.approx(0.9 if kind == "noise" else 0.01, abs=0.1)
        assert set(SAYS[kind][0]) & set(sidecar["moods"])
        assert heard(sidecar, "voice") == pytest.approx(
            {"voice": 0.9} if kind == "high tone" else {"instrumental": 0.9},
            abs=0.1,  # at its edges a clip hears a little of its neighbour
        )
    report = api.validate(out, deep=True)
    assert report.ok, report.to_json()
    built = json.loads((out / "build.json").read_bytes())
    assert set(built["models"]) == set(zoo.BY_NAME)
    assert "CC-BY-NC-SA" in (out / "DATASHEET.md").read_text()


def test_the_two_formats_give_the_same_dataset(music: Path, shelf: Path, tmp_path: Path) -> None:
    only = tmp_path / "only"
    shutil.copytree(shelf, only)
    artists = recipe(music, labels="all")
    fast = rig.here(artists, models=only, out=tmp_path / "fast").out
    for path in only.glob("*.onnx"):
        path.unlink()
    slow = rig.here(artists, models=only, out=tmp_path / "slow").out
    names = ("description", "genre", "instrument", "moods", "keywords", "bpm", "key")
    for one, other in zip(sidecars(fast), sidecars(slow), strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]


def test_names_follow_each_models_own_order(music: Path, shelf: Path, tmp_path: Path) -> None:
    about = json.loads((shelf / f"{MOOD}.json").read_bytes())["classes"]
    turned = stocked(tmp_path / "turned", classes={MOOD: tuple(reversed(about))})
    artists = recipe(music, labels=["mood"])
    straight = rig.here(artists, models=shelf, out=tmp_path / "a").out
    reverse = rig.here(artists, models=turned, out=tmp_path / "b").out
    assert [clip["moods"] for clip in sidecars(straight)] == [
        clip["moods"] for clip in sidecars(reverse)
    ]


def test_a_plan_writes_nothing_beside_the_models(music: Path, shelf: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(shelf, own)
    record = own / "checksums.json"
    known = json.loads(record.read_bytes())  # of descriptions nothing is pinned: they are new here
    record.write_text(json.dumps({k: v for k, v in known.items() if not k.endswith(".json")}))
    before = record.read_bytes()
    file = recipe(music, labels="all")
    assert api.plan(file, models=own).to_do == 2
    assert record.read_bytes() == before
    assert {path.name for path in own.iterdir()} == {path.name for path in shelf.iterdir()}


def test_other_thresholds_and_words_need_no_audio(music: Path, shelf: Path, tmp_path: Path) -> None:
    first = rig.here(recipe(music, labels="all"), models=shelf)
    assert first.decoded_tracks == 2
    words = {"mood": {"energetic": "full of energy"}}
    (tmp_path / "words.yaml").write_text(json.dumps(words))
    options = {"models": "all", "mood": {"threshold": 0.95, "most": 1}, "vocabulary": "words.yaml"}
    strict = rig.here(recipe(music, labels=options), models=shelf)
    assert (strict.decoded_tracks, {tuple(clip["moods"]) for clip in sidecars(strict.out)}) == (
        0,
        {()},
    )
    options["mood"] = {"threshold": 0.02, "most": 1}
    loose = rig.here(recipe(music, labels=options), models=shelf)
    assert loose.decoded_tracks == 0
    assert ["full of energy"] in [clip["moods"] for clip in sidecars(loose.out)]


def test_other_models_need_no_new_clips(music: Path, shelf: Path, tmp_path: Path) -> None:
    out = rig.here(recipe(music)).out
    before = rig.times(out)
    result = rig.here(recipe(music, labels=["mood"]), models=shelf)
    assert result.decoded_tracks == 2
    after = rig.times(out)
    audio = {name for name in before if name.endswith(".flac")}
    assert {name: after[name] for name in audio} == {name: before[name] for name in audio}
    assert all(clip["moods"] for clip in sidecars(out))
    assert rig.here(recipe(music, labels=["mood"]), models=shelf).decoded_tracks == 0
    assert rig.here(recipe(music)).decoded_tracks == 0  # and back: nothing is forgotten
    assert not any(clip["moods"] for clip in sidecars(out))


# --- people -------------------------------------------------------------------------------------


def test_peoples_own_labels_survive_every_rebuild(music: Path, shelf: Path) -> None:
    artists = recipe(music, labels="all")
    out = rig.here(artists, models=shelf).out
    clip = sidecars(out)[1]
    second = next(out.glob("audio/*/sections-*/*_chunk001.flac")).relative_to(out)
    (music.parent / "labels.csv").write_text(
        "path,mood,key,description,title\n"
        "music/sections.flac,wistful,F# minor,,Two Tones\n"
        f"{second},-,,A low hum.,\n"
    )
    engine = rig.Counting()
    rig.here(artists, engine, models=shelf)
    assert engine.jobs == []
    found = sidecars(out)
    assert [each["moods"] for each in found[:3]] == [["wistful"], [], ["wistful"]]
    assert {each["key"] for each in found} == {"F# minor"}
    assert {each["title"] for each in found} == {"Two Tones"}
    assert (found[1]["description"], found[1]["description_source"]) == ("A low hum.", "manual")
    assert clip["description"] != "A low hum." != found[0]["description"]
    assert "energetic" in heard(found[0], "mood")  # what the model said is still there
    rig.here(recipe(music), models=shelf)  # without models: people's words stay
    assert sidecars(out)[0]["moods"] == ["wistful"]
    assert api.validate(out).ok


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0123456789ab,happy", "0123456789ab"),
        ("music/secions.flac,happy", "sections.flac"),
    ],
)
def test_labels_of_unknown_tracks_are_told_before_any_work(
    music: Path, line: str, message: str
) -> None:
    head = "path" if "/" in line else "id"
    (music.parent / "labels.csv").write_text(f"{head},mood\n{line}\n")
    engine = rig.Counting()
    with pytest.raises(CurateError, match=message):
        rig.here(recipe(music), engine)
    assert engine.jobs == []


def test_a_label_of_a_clip_that_is_not_there_is_told(music: Path) -> None:
    out = rig.here(recipe(music)).out
    track = rig.tracks(out)["music/noise.flac"]["id"]
    (music.parent / "labels.csv").write_text(f"id,mood\n{track}_001,happy\n")
    with pytest.raises(CurateError, match=f"{track}_001"):
        rig.here(recipe(music))


def test_labels_of_a_copy_go_to_the_one_that_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    rig.song(folder / "a.mp3", 1, 7.0)
    (tmp_path / "labels.csv").write_text("path,mood\nmusic/a.mp3,wistful\nmusic/b.wav,loud\n")
    rig.song(folder / "b.wav", 2, 0.5)  # too short to be used
    artists = rig.recipe(tmp_path, {"Test": ["music/*"]}, chunk={"seconds": CLIP_S})
    result = rig.here(artists)
    assert sidecars(result.out, "a")[0]["moods"] == ["wistful"]
    assert result.notes[-1].endswith("music/b.wav is left out: too_short")
    rig.song(folder / "a.flac", 1, 7.0)
    result = rig.here(artists)
    assert result.counts.rejected["duplicate"] == 1
    assert sidecars(result.out, "a")[0]["moods"] == ["wistful"]


def test_labels_behind_a_limit_are_told_but_no_fault(music: Path) -> None:
    (music.parent / "labels.csv").write_text("path,mood\nmusic/tyop.wav,happy\n")
    result = rig.here(recipe(music), limit=1)
    assert "music/tyop.wav" in result.notes[0]


# --- models that cannot be used -----------------------------------------------------------------


def missing(shelf: Path) -> None:
    (shelf / f"{MOOD}.pb").unlink()


def truncated(shelf: Path) -> None:
    path = shelf / f"{MOOD}.pb"
    path.write_bytes(path.read_bytes()[:1000])


def corrupt(shelf: Path) -> None:
    (shelf / f"{MOOD}.pb").write_bytes(b"\x00garbage" * 400)
    weights.accept(zoo.MODELS, shelf)


def another(shelf: Path) -> None:
    shutil.copy(shelf / "mtg_jamendo_instrument-discogs-effnet-1.pb", shelf / f"{MOOD}.pb")
    weights.accept(zoo.MODELS, shelf)


def other_classes(shelf: Path) -> None:
    path = shelf / f"{MOOD}.json"
    about = json.loads(path.read_bytes())
    path.write_text(json.dumps(about | {"classes": about["classes"][1:]}))
    weights.accept(zoo.MODELS, shelf)


def unknown_class(shelf: Path) -> None:
    path = shelf / f"{MOOD}.json"
    about = json.loads(path.read_bytes())
    path.write_text(json.dumps(about | {"classes": ["brand new", *about["classes"][1:]]}))
    weights.accept(zoo.MODELS, shelf)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (missing, ("not there", "curate models fetch")),
        (truncated, ("cut off", "curate models fetch")),
        (corrupt, ("curate models fetch", "labels: signal")),
        (another, ("40", "56")),
        (other_classes, ("56", "55")),
        (unknown_class, ("brand new", "vocabulary.yaml")),
    ],
)
def test_a_model_that_cannot_be_used_is_one_error_before_any_audio(
    music: Path, shelf: Path, tmp_path: Path, harm: Any, words: tuple[str, ...]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(shelf, broken)
    for path in broken.glob("*.onnx"):
        path.unlink()
    harm(broken)
    artists = recipe(music, labels=["mood", "instrument"])
    done = rig.curate("build", "--artists", artists, "--models", broken, "--jobs", "1")
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count(MOOD) >= 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert not list((tmp_path / "build").rglob("*.flac"))
