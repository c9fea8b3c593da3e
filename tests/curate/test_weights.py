"""Model files on this machine: which are right, and what is said of those that are not."""

import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from modelsite import PAGE

from curate.errors import ConfigError, CurateError
from curate.labels.models import shelf, weights, zoo

WEIGHTS = bytes(range(256)) * 40
ABOUT = json.dumps({"classes": ["calm", "dark"]}).encode()
MODEL = replace(
    zoo.BY_NAME["mtg_jamendo_moodtheme-discogs-effnet-1"],
    pinned={"pb": hashlib.sha256(WEIGHTS).hexdigest()},
)
UNPINNED = replace(MODEL, pinned={})
GENRE = replace(zoo.BY_NAME["genre_discogs400-discogs-effnet-1"], pinned={})
TEMPO = replace(zoo.BY_NAME["deeptemp-k16-3"], pinned={})


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))


def put(folder: Path, model: zoo.Model = MODEL, **files: bytes) -> None:
    """Files of a model by extension, `pb` and `json` unless told otherwise."""
    for extension, data in ({"pb": WEIGHTS, "json": ABOUT} | files).items():
        (folder / model.file(extension)).write_bytes(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- finding ------------------------------------------------------------------------------------


def test_files_are_found_with_their_own_classes(tmp_path: Path) -> None:
    put(tmp_path)
    (found,) = weights.find([MODEL], tmp_path, onnx=False)
    assert found.classes == ("calm", "dark")
    assert found.weights == tmp_path / MODEL.file("pb")
    assert found.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    put(tmp_path, json=json.dumps({"classes": ["dark", "calm"]}).encode())
    (tmp_path / shelf.RECORD).unlink()
    assert weights.find([MODEL], tmp_path, onnx=False)[0].classes == ("dark", "calm")


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(CurateError) as caught:
        weights.find(weights.complete(weights.named(["mood", "emotion"])), tmp_path, onnx=False)
    for name in ("discogs-effnet-bs64-1", "mtg_jamendo_moodtheme", "msd-musicnn-1", "deam"):
        assert f"\n  {name}" in str(caught.value)
    assert "or set `labels: signal` to do without" in str(caught.value)


@pytest.mark.parametrize("broken", ["pb", "json"])
def test_files_that_changed_are_named_with_the_remedy(tmp_path: Path, broken: str) -> None:
    put(tmp_path)
    weights.find([MODEL], tmp_path, onnx=False)
    path = tmp_path / MODEL.file(broken)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CurateError, match="is cut off, changed or another file") as caught:
        weights.find([MODEL], tmp_path, onnx=False)
    assert f"run `curate models fetch {MODEL.name} --backend pb`" in str(caught.value)
    assert f"`curate models accept {MODEL.name}` if another version is meant" in str(caught.value)


@pytest.mark.parametrize(
    ("extension", "data", "words"),
    [
        ("pb", b"", "is empty"),
        ("pb", PAGE, "is a web page or a text, not a model"),
        ("json", b'{"name": "x"}', "names no classes"),
        ("json", PAGE, "is a web page, not a model's description"),
        ("json", b'{"classes": ["a"', "is not a JSON object"),
    ],
)
def test_files_that_cannot_be_a_models_are_named(
    tmp_path: Path, extension: str, data: bytes, words: str
) -> None:
    put(tmp_path, **{extension: data})
    with pytest.raises(CurateError, match=words) as caught:
        weights.find([UNPINNED], tmp_path, onnx=False)
    assert MODEL.file(extension) in str(caught.value)
    assert "accept" not in str(caught.value)
    assert MODEL.file(extension) not in shelf.Shelf(tmp_path)._known


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / MODEL.file("pb")).unlink()
    (tmp_path / MODEL.file("pb")).mkdir()
    with pytest.raises(CurateError, match=r"\.pb is no file, but a folder or a device"):
        weights.find([MODEL], tmp_path, onnx=False)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for look in (
        lambda place: weights.find([MODEL], place, onnx=False),
        lambda place: list(weights.states([MODEL], place)),
        lambda place: weights.accept([MODEL], place),
    ):
        with pytest.raises(CurateError) as caught:
            look(tmp_path / "file")
        assert str(caught.value) == (
            f"{tmp_path}/file: is a file, and models lie in a folder; name one with --models or "
            "CURATE_MODELS"
        )


@pytest.mark.parametrize("broken", ["pb", "json"])
def test_a_pipe_in_the_place_of_a_file_is_not_opened(tmp_path: Path, broken: str) -> None:
    put(tmp_path)
    (tmp_path / MODEL.file(broken)).unlink()
    os.mkfifo(tmp_path / MODEL.file(broken))
    with pytest.raises(CurateError, match="is no file, but a folder or a device"):
        weights.find([MODEL], tmp_path, onnx=False)
    (state,) = weights.states([MODEL], tmp_path, onnx=False)
    assert state.word == "broken"


def test_a_pipe_in_the_place_of_the_record_is_not_opened(tmp_path: Path) -> None:
    put(tmp_path)
    os.mkfifo(tmp_path / shelf.RECORD)
    with pytest.raises(CurateError, match=r"checksums\.json: is no file, .*; remove it"):
        weights.find([MODEL], tmp_path, onnx=False)


def test_what_was_found_is_only_written_down_where_that_is_wanted(tmp_path: Path) -> None:
    put(tmp_path)
    before = contents(tmp_path)
    weights.find([MODEL], tmp_path, onnx=False, remember=False)
    assert contents(tmp_path) == before
    weights.find([MODEL], tmp_path, onnx=False)
    assert contents(tmp_path).keys() - before.keys() == {shelf.RECORD}


def test_the_command_that_accepts_names_the_folder(tmp_path: Path) -> None:
    other = tmp_path / "my models"
    other.mkdir()
    put(other, pb=b"another version")
    with pytest.raises(CurateError) as caught:
        weights.find([MODEL], other, onnx=False)
    assert f"`curate models accept {MODEL.name} --models '{other}'` if" in str(caught.value)


def test_files_copied_by_hand_are_recorded_and_then_held_to_that(tmp_path: Path) -> None:
    put(tmp_path, pb=b"weights")
    weights.find([UNPINNED], tmp_path, onnx=False)
    (tmp_path / MODEL.file("pb")).write_bytes(b"other weights")
    with pytest.raises(CurateError, match="changed"):
        weights.find([UNPINNED], tmp_path, onnx=False)


def test_a_record_that_is_no_json_is_told(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / shelf.RECORD).write_text("{")
    with pytest.raises(CurateError, match=r"checksums\.json: not valid JSON; remove it"):
        weights.find([MODEL], tmp_path, onnx=False)


# --- which weights ------------------------------------------------------------------------------


def test_onnx_is_taken_where_it_is_there_and_wanted(tmp_path: Path) -> None:
    put(tmp_path, onnx=b"o")
    assert weights.find([UNPINNED], tmp_path, onnx=True)[0].backend == "onnx"
    assert weights.find([UNPINNED], tmp_path, onnx=False)[0].backend == "pb"
    (tmp_path / MODEL.file("onnx")).unlink()
    assert weights.find([UNPINNED], tmp_path, onnx=True)[0].backend == "pb"


def test_genres_come_out_of_the_onnx_of_their_embedding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effnet = replace(zoo.BY_NAME[zoo.EFFNET], pinned={})
    monkeypatch.setattr(zoo, "BY_NAME", zoo.BY_NAME | {zoo.EFFNET: effnet})
    put(tmp_path, effnet, onnx=b"network")
    (tmp_path / GENRE.file("json")).write_bytes(ABOUT)
    embedding, genre = weights.find([effnet, GENRE], tmp_path, onnx=True)
    assert genre.weights == embedding.weights == tmp_path / effnet.file("onnx")
    assert (genre.backend, genre.classes) == ("onnx", ("calm", "dark"))
    with pytest.raises(CurateError, match=f"{GENRE.name}.pb is not there"):
        weights.find([effnet, GENRE], tmp_path, onnx=False)
    put(tmp_path, GENRE)
    assert weights.find([GENRE], tmp_path, onnx=False)[0].weights == tmp_path / GENRE.file("pb")
    assert weights.find([GENRE], tmp_path, onnx=True)[0].weights == embedding.weights


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"classes": [f"{bpm} BPM" for bpm in range(30, 286)]},
        {"classes": list(range(30, 286))},
        {"classes": [str(bpm) for bpm in range(30, 286)]},
    ],
)
def test_tempo_classes_are_known_whatever_the_file_says(
    tmp_path: Path, about: dict[str, object]
) -> None:
    put(tmp_path, TEMPO, json=json.dumps(about).encode())
    (found,) = weights.find([TEMPO], tmp_path, onnx=True)
    assert found.classes == tuple(str(bpm) for bpm in range(30, 286))


# --- states -------------------------------------------------------------------------------------


def test_states_tell_of_every_file_and_change_nothing(tmp_path: Path) -> None:
    put(tmp_path, onnx=b"o")
    before = contents(tmp_path)
    (state,) = weights.states([MODEL], tmp_path, onnx=True)
    assert (state.word, state.backend, state.problem) == ("ready", "onnx", "")
    assert state.here == ("pb", "onnx", "json")
    assert [held.state for held in state.files] == ["whole"] * 3
    (tmp_path / MODEL.file("pb")).write_bytes(WEIGHTS[:100])
    assert [s.word for s in weights.states([MODEL], tmp_path, onnx=True)] == ["ready"]
    (state,) = weights.states([MODEL], tmp_path, onnx=False)
    assert (state.word, state.backend) == ("broken", None)
    assert f"100 bytes, sha256 {hashlib.sha256(WEIGHTS[:100]).hexdigest()[:12]}" in state.problem
    (tmp_path / MODEL.file("json")).unlink()
    (state,) = weights.states([replace(MODEL, pinned={})], tmp_path, onnx=False)
    assert (state.word, state.here) == ("missing", ("pb", "onnx"))
    assert contents(tmp_path).keys() == before.keys() - {MODEL.file("json")}


def test_a_file_on_its_way_is_told(tmp_path: Path) -> None:
    (tmp_path / f"{MODEL.file('pb')}.partial").write_bytes(bytes(1_500_000))
    (state,) = weights.states([MODEL], tmp_path, onnx=False)
    assert state.word == "missing"
    assert state.problem.endswith("pb is not there (1.5 MB of it have arrived)")


def test_a_state_for_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path)
    monkeypatch.setenv(weights.MIRROR, "http://mirror/m/")
    (state,) = weights.states([MODEL], tmp_path, onnx=False)
    told = json.loads(json.dumps(state.to_json()))
    assert (told["name"], told["kind"], told["needs"]) == (MODEL.name, "mood", zoo.EFFNET)
    assert (told["state"], told["backend"], told["licence"]) == ("ready", "pb", "CC-BY-NC-SA-4.0")
    assert told["files"][0] == {
        "file": MODEL.file("pb"),
        "state": "whole",
        "problem": "",
        "size_bytes": len(WEIGHTS),
        "sha256": MODEL.pinned["pb"],
        "expected_sha256": MODEL.pinned["pb"],
        "address": f"http://mirror/m/{MODEL.folder}/{MODEL.file('pb')}",
    }


@pytest.mark.parametrize(
    "mirror",
    [
        "https://me:hunter2@mirror/m",
        "https://hunter2@mirror/m",
        "https://mirror/m?key=hunter2",
        "https://mirror/m#hunter2",
        "me:hunter2@mirror/m",
        "ftp://me:hunter2@mirror/m",
        "https://me:hunter2@[::1/m",
        "https://mirror:hunter2/m",
        "https://mirror/hunter2 m",
        "https:///hunter2",
    ],
)
def test_a_mirror_that_may_hold_a_secret_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    monkeypatch.setenv(weights.MIRROR, mirror)
    with pytest.raises(ConfigError) as caught:
        weights.address(MODEL, "pb")
    assert str(caught.value).startswith("CURATE_MODELS_URL must be the address of a folder, http")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("mirror", ["http://mirror:8080/a@b//", " https://mirror/a%20b\n", ""])
def test_a_mirror_is_a_plain_address(monkeypatch: pytest.MonkeyPatch, mirror: str) -> None:
    monkeypatch.setenv(weights.MIRROR, mirror)
    base = mirror.strip().rstrip("/") or "https://essentia.upf.edu/models"
    assert weights.address(MODEL, "pb") == f"{base}/{MODEL.folder}/{MODEL.file('pb')}"


# --- accepting ----------------------------------------------------------------------------------


def test_other_versions_are_used_once_they_are_accepted(tmp_path: Path) -> None:
    put(tmp_path, pb=b"another version")
    with pytest.raises(CurateError, match="accept"):
        weights.find([MODEL], tmp_path, onnx=False)
    accepted = weights.accept([MODEL], tmp_path)
    assert [path.name for path in accepted] == [MODEL.file("pb"), MODEL.file("json")]
    (found,) = weights.find([MODEL], tmp_path, onnx=False)
    assert found.sha256 == hashlib.sha256(b"another version").hexdigest()
    put(tmp_path, pb=b"yet another one")
    with pytest.raises(CurateError, match="changed"):
        weights.find([MODEL], tmp_path, onnx=False)


def test_a_folder_in_the_place_of_a_file_is_not_accepted(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / MODEL.file("pb")).unlink()
    (tmp_path / MODEL.file("pb")).mkdir()
    with pytest.raises(CurateError, match=r"\.pb is no file.*; it was not accepted"):
        weights.accept([MODEL], tmp_path)
    assert not (tmp_path / shelf.RECORD).exists()


def test_what_is_not_there_or_no_model_is_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(CurateError, match=f"{MODEL.name}: none of its files is in"):
        weights.accept([MODEL], tmp_path)
    put(tmp_path, pb=PAGE)
    with pytest.raises(CurateError, match=r"is a web page.*it was not accepted"):
        weights.accept([MODEL], tmp_path)
    put(tmp_path, json=b"{}")
    with pytest.raises(CurateError, match="names no classes"):
        weights.accept([MODEL], tmp_path)
    assert not (tmp_path / shelf.RECORD).exists()


# --- names and places ---------------------------------------------------------------------------


def test_models_are_named_by_label_name_or_all() -> None:
    def names(*given: str) -> list[str]:
        return [model.name for model in weights.named(given)]

    assert names("genre") == [GENRE.name]
    assert names("discogs-effnet-bsdynamic-1", MODEL.name) == [zoo.EFFNET, MODEL.name]
    assert names("all") == [model.name for model in zoo.MODELS]
    assert names(*zoo.KINDS) == [model.name for model in zoo.MODELS if model.kind]
    whole = [model.name for model in weights.complete(weights.named(["mood", "emotion"]))]
    assert whole == [zoo.EFFNET, MODEL.name, zoo.MUSICNN, "deam-msd-musicnn-2"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("genres", "no model 'genres'; did you mean 'genre'?"),
        ("deeptemp-k16", "did you mean 'deeptemp-k16-3'?"),
        ("xyzzy", "no model 'xyzzy'\nby label: all, genre, mood"),
        ("", "no model ''\nby label"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(CurateError) as caught:
        weights.named([name])
    assert words in str(caught.value)
    assert all(model.name in str(caught.value) for model in zoo.MODELS)


def test_the_folder_is_given_or_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(weights.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.folder() == tmp_path / "musicgen-curate" / "models"
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "mine"))
    assert weights.folder() == tmp_path / "mine"
    assert weights.folder(tmp_path / "given") == tmp_path / "given"


def test_the_command_that_mends_names_what_is_not_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert weights.command(tmp_path, ["a", "b"], onnx=True) == "curate models fetch a b"
    assert weights.command(tmp_path, [], onnx=False) == "curate models fetch --backend pb"
    other = tmp_path / "my models"
    assert weights.command(other, [], onnx=True) == f"curate models fetch --models '{other}'"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert not weights.onnx_available()
    assert weights.command(tmp_path, [], onnx=False) == "curate models fetch"


# --- the table ----------------------------------------------------------------------------------


def test_every_model_is_listed_after_what_it_needs() -> None:
    seen: set[str] = set()
    for model in zoo.MODELS:
        assert not model.needs or model.needs in seen
        assert model.purpose == "embedding" or model.kind
        assert model.citation
        assert set(model.pinned) <= {"pb", "onnx"}
        assert all(len(sha256) == 64 for sha256 in model.pinned.values())
        seen.add(model.name)
    assert len(seen) == len(zoo.MODELS)


# --- models that label nothing ------------------------------------------------------------------


def test_htdemucs_is_fetched_by_its_name_only() -> None:
    assert weights.named(["htdemucs"]) == (zoo.HTDEMUCS,)
    assert zoo.HTDEMUCS not in weights.named(["all"])
    both = weights.named(["mood", "htdemucs"])
    assert [model.name for model in weights.complete(both)] == [zoo.EFFNET, MODEL.name, "htdemucs"]
    with pytest.raises(CurateError, match="did you mean 'htdemucs'") as caught:
        weights.named(["demucs"])
    assert str(caught.value).endswith(", htdemucs")


def test_other_models_have_all_that_they_need() -> None:
    for model in zoo.OTHERS:
        assert not model.kind
        assert not model.needs
        assert model.citation
        assert set(model.pinned) == set(model.extensions)
        assert model.name not in zoo.BY_NAME


def test_its_address_is_demucs_own_or_the_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "hybrid_transformer/955717e8-8726e21a.th"
    monkeypatch.delenv(weights.MIRROR, raising=False)
    official = f"https://dl.fbaipublicfiles.com/demucs/{place}"
    assert weights.address(zoo.HTDEMUCS, "th") == official
    monkeypatch.setenv(weights.MIRROR, "https://mirror.example/all/")
    assert weights.address(zoo.HTDEMUCS, "th") == f"https://mirror.example/all/{place}"


def test_a_checkpoint_can_be_accepted(tmp_path: Path) -> None:
    path = tmp_path / zoo.HTDEMUCS.file("th")
    path.write_bytes(b"PK" + bytes(100))
    (state,) = weights.states([zoo.HTDEMUCS], tmp_path)
    assert state.word == "broken"
    assert "is cut off, changed or another file" in state.problem
    assert weights.accept([zoo.HTDEMUCS], tmp_path) == (path,)
    (state,) = weights.states([zoo.HTDEMUCS], tmp_path)
    assert (state.word, state.backend, state.here) == ("ready", "th", ("th",))
    path.write_bytes(b"words")
    with pytest.raises(CurateError, match="is no checkpoint of PyTorch; it was not accepted"):
        weights.accept([zoo.HTDEMUCS], tmp_path)
