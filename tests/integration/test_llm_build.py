"""Whole builds whose captions a language model writes, asked by the real openai client."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llmsite
import pytest
import rig
from llmsite import KEY, OPENAI_KEY, Site

import curate
from curate.captions import template

LABELS = (
    "path,genre,mood,instrument,description\n"
    "aoi/0.flac,jazz,calm,piano,\n"
    "aoi/1.flac,rock,,violin,\n"
    "aoi/2.flac,folk,,flute,\n"
    "aoi/3.flac,funk,,,A duo plays softly.\n"
)
FALLBACK = f"{template.source('en')}.fallback"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with captions by templates: its audio work is done."""
    folder = tmp_path_factory.mktemp("llm")
    for number in range(4):
        rig.song(folder / f"aoi/{number}.flac", number, 6.0)
    (folder / "labels.csv").write_text(LABELS)
    rig.build(recipe(folder))
    return folder


@pytest.fixture
def site() -> Iterator[Site]:
    with llmsite.serving() as serving:
        yield serving


@pytest.fixture
def folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, with a cache of its own and keys in the environment."""
    place = tmp_path / "copy"
    shutil.copytree(built, place)
    curate.relocate(place / "build")
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CURATE_LLM_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    return place


def recipe(folder: Path, **llm: Any) -> Path:
    captions = {"captions": {"llm": {"model": "test", **llm}}} if llm else {}
    split = {"valid": 0.25, "test": 0.25}
    return rig.recipe(folder, {"Zorblatt Quux": ["aoi"]}, split=split, **captions)


def asking(folder: Path, site: Site, **llm: Any) -> Path:
    return recipe(folder, base_url=site.address, variants=2, retries=0, **llm)


def sidecars(folder: Path) -> list[dict[str, Any]]:
    found = sorted((folder / "build/audio").rglob("*.json"))
    return [json.loads(path.read_bytes()) for path in found]


def sources(folder: Path) -> set[str]:
    return {one["description_source"] for one in sidecars(folder) if one["title"] != "3"}


def captions(folder: Path) -> Any:
    return json.loads((folder / "build/build.json").read_bytes())["captions"]


def test_a_build_by_a_model(folder: Path, site: Site) -> None:
    said = rig.build(asking(folder, site, price={"input": 1, "output": 2}))
    assert sources(folder) == {"llm.test"}
    for one in sidecars(folder):
        if one["title"] == "3":
            assert one["descriptions"] == ["A duo plays softly."]
        else:
            assert len(set(one["descriptions"])) == 2
            assert one["facts"]["genres"][0] in one["description"]
    found = captions(folder)
    assert found["clips"] == {"llm.test": 9, "manual": 3}
    counts = found["llm"]
    assert counts["accepted"] == 9
    assert counts["requests"] == len(site.bodies) <= 9
    assert counts["usd"] > 0
    assert "test: 100.0% accepted" in said
    assert curate.validate(folder / "build").findings == ()


def test_nothing_is_asked_twice(folder: Path, site: Site) -> None:
    rig.build(asking(folder, site))
    asked, made = len(site.bodies), (folder / "build/build.json").read_bytes()
    rig.build(folder / "artists.yaml")
    options = ["--llm", "test", "--base-url", site.address, "--variants", "2"]
    assert rig.curate("captions", folder / "build", *options).returncode == 0
    assert len(site.bodies) == asked
    assert (folder / "build/build.json").read_bytes() == made


def test_requests_hold_facts_and_no_names(folder: Path, site: Site) -> None:
    rig.build(asking(folder, site))
    sent = json.dumps(site.bodies).lower()
    for name in ("zorblatt", "quux", "aoi", "labels.csv", str(folder).lower()):
        assert name not in sent
    assert {"jazz", "rock", "folk"} <= {facts["genres"][0] for facts in site.facts()}


def test_keys_are_nowhere_and_go_nowhere_else(folder: Path, site: Site, tmp_path: Path) -> None:
    said = rig.build(asking(folder, site), "--retry")
    assert all(head["authorization"] == f"Bearer {KEY}" for head in site.headers)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert KEY.encode() not in data, file
            assert OPENAI_KEY.encode() not in data, file
    assert KEY not in said


def test_what_the_labels_do_not_say_is_not_taken(folder: Path, site: Site) -> None:
    site.reply = lambda facts, wanted: json.dumps(
        {"captions": [f"A {facts['genres'][0]} track, tuba {n}." for n in range(wanted)]}
    )
    said = rig.build(asking(folder, site))
    assert sources(folder) == {FALLBACK}
    counts = captions(folder)["llm"]
    assert (counts["refused"], counts["accepted"]) == (9, 0)
    assert counts["requests"] == len(site.bodies)
    assert "100.0% refused" in said
    assert all("tuba" not in text for one in sidecars(folder) for text in one["descriptions"])
    assert curate.validate(folder / "build").findings == ()


def test_a_repaired_answer_is_taken(folder: Path, site: Site) -> None:
    site.reply = lambda facts, wanted: json.dumps({"captions": ["With a tuba."] * wanted})
    site.repair = llmsite.fine
    rig.build(asking(folder, site))
    assert sources(folder) == {"llm.test"}
    assert captions(folder)["llm"]["repaired"] == 9


def test_a_dead_server_costs_no_caption_and_no_label(folder: Path, site: Site) -> None:
    before = sidecars(folder)
    site.always = llmsite.cut
    said = rig.build(asking(folder, site))
    assert sources(folder) == {FALLBACK}
    assert captions(folder)["llm"]["missing"] == 9
    assert "note:" in said
    words = ("description", "descriptions", "description_source")
    kept = [{k: v for k, v in one.items() if k not in words} for one in sidecars(folder)]
    assert kept == [{k: v for k, v in one.items() if k not in words} for one in before]
    site.always = None  # it lives again
    told = rig.build(folder / "artists.yaml")
    assert sources(folder) == {"llm.test"}
    assert "0 tracks (0.0 min) decoded" in told


def test_it_stops_where_it_is_told_to(folder: Path, site: Site) -> None:
    before = (folder / "build/build.json").read_bytes()
    site.faults = [None, None]
    site.always = llmsite.status(500)
    file = asking(folder, site, on_failure="stop", concurrency=1)
    done = rig.curate("build", "--artists", file, "--jobs", "2")
    assert done.returncode == 2
    assert "the same command goes on from there" in done.stderr
    assert (folder / "build/build.json").read_bytes() == before
    answered = site.bodies[:2]
    site.always = None
    rig.build(file)
    assert sources(folder) == {"llm.test"}
    assert [body in answered for body in site.bodies].count(True) == 2


@pytest.mark.parametrize("on_failure", ["template", "stop"])
def test_a_wrong_key_stops_at_once(folder: Path, site: Site, on_failure: str) -> None:
    site.keys = {"another"}
    done = rig.curate("build", "--artists", asking(folder, site, on_failure=on_failure))
    assert done.returncode == 2
    assert "CURATE_LLM_API_KEY" in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert len(site.paths) <= 2  # one that was on its way already


def test_a_missing_key_is_told_before_the_audio_work(tmp_path: Path) -> None:
    rig.song(tmp_path / "aoi/0.flac", 0)
    recipe(tmp_path, variants=2)
    env = rig.environment(OPENAI_API_KEY=None, CURATE_CACHE=str(tmp_path / "cache"))
    done = rig.curate("build", "--artists", tmp_path / "artists.yaml", env=env)
    assert done.returncode == 2
    assert "set OPENAI_API_KEY" in done.stderr
    assert not list(tmp_path.rglob("build/audio/**/*.flac"))


def test_offline_nothing_is_sent(folder: Path, site: Site) -> None:
    said = rig.build(asking(folder, site), "--offline")
    assert "templates stand in where there was no answer; a later run asks again" in said
    assert site.paths == []
    assert sources(folder) == {FALLBACK}


def test_a_prompt_and_words_of_ones_own_are_found_again(folder: Path, site: Site) -> None:
    """They are named relative to artists.yaml, and `curate captions` runs anywhere."""
    (folder / "mine.md").write_text("My own: write {variants} captions in {language}.")
    (folder / "words.yaml").write_text("words:\n  genre: [pibroch]\n")
    file = asking(folder, site, style="mine.md")
    said = json.loads(file.read_text()) | {"labels": {"vocabulary": "words.yaml"}}
    file.write_text(json.dumps(said))
    rig.build(file)
    asked = len(site.bodies)
    assert "My own" in site.bodies[-1]["messages"][0]["content"]
    done = rig.curate("captions", folder / "build", cwd="/")
    assert done.returncode == 0, done.stderr
    site.reply = lambda facts, wanted: json.dumps(
        {"captions": [f"A {facts['genres'][0]} piece, a pibroch track {n}." for n in range(wanted)]}
    )
    done = rig.curate("captions", folder / "build", "--llm", "test", "--variants", "3", cwd="/")
    assert len(site.bodies) > asked
    assert sources(folder) == {FALLBACK}, "pibroch is a genre here, and none of the labels"


def test_a_copy_asks_nothing_that_it_cannot_write(folder: Path, site: Site) -> None:
    twin = folder / "twin"
    shutil.copytree(folder / "build", twin)
    done = rig.curate("captions", twin, "--llm", "test", "--base-url", site.address)
    assert done.returncode == 2
    assert f"curate relocate {twin}" in done.stderr
    assert site.paths == []


def test_an_estimate_sends_nothing_and_is_right(folder: Path, site: Site) -> None:
    options = ["--llm", "test", "--base-url", site.address, "--variants", "2"]
    options += ["--price", "1", "2"]
    done = rig.curate("captions", folder / "build", *options, "--estimate")
    assert done.returncode == 0, done.stderr
    assert site.paths == []
    before = sidecars(folder)
    assert rig.curate("captions", folder / "build", *options).returncode == 0
    assert f"{len(site.bodies)} requests to test; 0 more are answered already" in done.stdout
    assert sidecars(folder) != before
    again = rig.curate("captions", folder / "build", *options, "--estimate").stdout
    assert f"0 requests to test; {len(site.bodies)} more" in again


def test_the_budget_holds_over_builds(folder: Path, site: Site) -> None:
    price = {"input": 0.0, "output": 1000.0}
    most = 2 * 100 * 1000.0 / 1e6  # two answers of the longest
    file = asking(folder, site, price=price, budget_usd=most, max_tokens=100, concurrency=1)
    said = rig.build(file)
    spent = captions(folder)["llm"]["usd"]
    assert 0 < spent <= most
    assert "budget" in said
    asked = len(site.bodies)
    for _ in range(2):
        rig.build(file)
    assert captions(folder)["llm"]["usd"] <= most
    assert len(site.bodies) >= asked
    assert sources(folder) <= {"llm.test", FALLBACK}


def test_template_brings_templates_back(folder: Path, site: Site) -> None:
    before = sidecars(folder)
    rig.build(asking(folder, site))
    done = rig.curate("captions", folder / "build", "--template")
    assert done.returncode == 0
    assert sidecars(folder) == before
    assert captions(folder)["llm"] is None
