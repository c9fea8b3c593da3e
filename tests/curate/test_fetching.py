"""Bringing model files into the models folder, from a server on 127.0.0.1 by the real client."""

import fcntl
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import modelsite
import pytest
from modelsite import Site, page, status

from curate.errors import CurateError
from curate.labels.models import download, fetching, shelf, weights, zoo

EMBEDDING = zoo.BY_NAME[zoo.EFFNET]
GENRE = "genre_discogs400-discogs-effnet-1"
MOOD = "mtg_jamendo_moodtheme-discogs-effnet-1"
TEMPO = "deeptemp-k16-3"


@dataclass(frozen=True)
class Place:
    """A site with small models, and an empty folder for them."""

    site: Site
    folder: Path

    def fetch(self, *names: str, backend: fetching.Choice | None = None) -> list[str]:
        """Fetches models; gives the names of the files that were written."""
        models = weights.complete(weights.named(names))
        return [path.name for path in fetching.fetch(models, self.folder, backend).written]


@pytest.fixture(scope="module")
def standins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return modelsite.standins(tmp_path_factory.mktemp("standins"))[0]


@pytest.fixture
def place(
    standins: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    models = modelsite.pinned(standins)
    monkeypatch.setattr(zoo, "MODELS", models)
    monkeypatch.setattr(zoo, "BY_NAME", {model.name: model for model in models})
    monkeypatch.setattr(download, "WAIT_S", 0.01)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    with modelsite.serving(standins) as site:
        monkeypatch.setenv(weights.MIRROR, site.address)
        yield Place(site, tmp_path / "models")


def test_everything_is_fetched_once_and_then_ready(place: Place) -> None:
    written = place.fetch("all")
    assert len(written) == 21
    assert sorted(place.site.names) == sorted(written)
    found = weights.find(zoo.MODELS, place.folder, onnx=True)
    assert len(found) == len(zoo.MODELS)
    assert place.fetch("all") == place.fetch("genre", backend="onnx") == []
    assert len(place.site.asked) == 21


def test_files_are_asked_where_the_official_site_has_them(place: Place) -> None:
    place.fetch("tempo", "mood", backend="pb")
    assert place.site.paths == {
        f"/models/{folder}/{name}.{extension}"
        for extension in ("pb", "json")
        for folder, name in (
            ("feature-extractors/discogs-effnet", "discogs-effnet-bs64-1"),
            ("classification-heads/mtg_jamendo_moodtheme", MOOD),
            ("tempo/tempocnn", TEMPO),
        )
    }


@pytest.mark.parametrize(
    ("backend", "graphs"),
    [
        ("pb", {"discogs-effnet-bs64-1.pb", f"{GENRE}.pb", f"{MOOD}.pb", f"{TEMPO}.pb"}),
        ("onnx", {"discogs-effnet-bsdynamic-1.onnx", f"{MOOD}.onnx", f"{TEMPO}.pb"}),
        (
            "both",
            {"discogs-effnet-bs64-1.pb", f"{GENRE}.pb", f"{MOOD}.pb", f"{TEMPO}.pb"}
            | {"discogs-effnet-bsdynamic-1.onnx", f"{MOOD}.onnx"},
        ),
    ],
)
def test_each_backend_brings_what_it_needs(
    place: Place, backend: fetching.Choice, graphs: set[str]
) -> None:
    about = {f"{name}.json" for name in (zoo.EFFNET, GENRE, MOOD, TEMPO)}
    assert set(place.fetch("genre", "mood", "tempo", backend=backend)) == graphs | about
    models = weights.complete(weights.named(["genre", "mood", "tempo"]))
    for onnx in (False, True) if backend == "both" else (backend == "onnx",):
        assert len(weights.find(models, place.folder, onnx=onnx)) == 4


def test_without_onnxruntime_graphs_are_fetched(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    written = place.fetch("all")
    assert sum(name.endswith(".pb") for name in written) == len(zoo.MODELS)
    assert not any(name.endswith(".onnx") for name in written)
    weights.find(zoo.MODELS, place.folder, onnx=False)


def test_models_that_can_be_used_as_they_are_need_nothing(place: Place) -> None:
    place.fetch("all", backend="pb")
    before = len(place.site.asked)
    assert place.fetch("all") == []
    assert len(place.site.asked) == before
    assert len(place.fetch("all", backend="onnx")) == 9


def test_a_broken_file_is_fetched_again(place: Place) -> None:
    place.fetch("mood")
    path = place.folder / f"{MOOD}.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert place.fetch("mood") == [path.name]
    assert path.read_bytes() == whole


def test_a_description_that_was_edited_upstream_is_taken(place: Place) -> None:
    """Only what the table pins must stay the same; a recorded hash guards what is on the disk."""
    place.fetch("mood")
    path = place.folder / f"{MOOD}.json"
    path.write_bytes(path.read_bytes()[:-1])
    place.site.files[path.name] = b'{"classes": ["new", "words"]}'
    assert place.fetch("mood") == [path.name]
    assert weights.find([zoo.BY_NAME[MOOD]], place.folder, onnx=True)[0].classes == ("new", "words")


def test_the_official_file_takes_the_place_of_an_accepted_one(place: Place) -> None:
    place.fetch("mood")
    path = place.folder / f"{MOOD}.onnx"
    path.write_bytes(b"my own")
    weights.accept([zoo.BY_NAME[MOOD]], place.folder)
    assert place.fetch("mood") == []
    path.unlink()
    assert place.fetch("mood") == [path.name]
    assert weights.find([zoo.BY_NAME[MOOD]], place.folder, onnx=True)[0].weights == path


def test_one_file_that_cannot_be_had_does_not_keep_back_the_others(place: Place) -> None:
    del place.site.files[f"{MOOD}.onnx"]
    place.site.faults[f"{GENRE}.json"] = [page]
    with pytest.raises(CurateError) as caught:
        place.fetch("all")
    assert f"/{MOOD}.onnx: 404 Not Found" in str(caught.value)
    assert f"/{GENRE}.json: what arrived is a web page" in str(caught.value)
    assert "19 other files were fetched" in str(caught.value)
    states = {state.model.name: state.word for state in weights.states(zoo.MODELS, place.folder)}
    assert [name for name, word in states.items() if word != "ready"] == [GENRE, MOOD]
    assert place.fetch("genre") == [f"{GENRE}.json"]


def test_a_site_in_trouble_ends_the_fetch_and_what_came_is_kept(place: Place) -> None:
    place.site.faults[f"{MOOD}.json"] = [status(503)] * 3
    with pytest.raises(CurateError, match=r"503 Service Unavailable \(3 tries\)"):
        place.fetch("mood")
    assert place.site.names.count(f"{MOOD}.json") == 3
    assert f"{MOOD}.onnx" not in place.site.names
    assert set(shelf.Shelf(place.folder)._known) == {
        f"{zoo.EFFNET}.json",
        EMBEDDING.file("onnx"),
    }
    assert place.fetch("mood") == [f"{MOOD}.json", f"{MOOD}.onnx"]


def test_offline_asks_nobody(place: Place) -> None:
    models = weights.complete(weights.named(["mood"]))
    with pytest.raises(CurateError) as caught:
        fetching.fetch(models, place.folder, offline=True)
    assert "4 model files cannot be used, and --offline forbids" in str(caught.value)
    assert f"\n  {MOOD}.onnx is not there\n" in str(caught.value)
    assert not place.folder.exists()
    assert place.site.asked == []
    fetching.fetch(models, place.folder)
    assert fetching.fetch(models, place.folder, offline=True).models == 2


def test_one_fetch_at_a_time(place: Place) -> None:
    place.folder.mkdir()
    held = os.open(place.folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with pytest.raises(CurateError, match="another fetch is at work here"):
            place.fetch("mood")
        assert place.site.asked == []
    finally:
        os.close(held)
    assert len(place.fetch("mood")) == 4


def test_an_address_that_is_none_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.MIRROR, "file:///srv/models")
    with pytest.raises(CurateError, match="CURATE_MODELS_URL must be the address of a folder"):
        place.fetch("mood")
