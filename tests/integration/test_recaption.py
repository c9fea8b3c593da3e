"""`curate captions`: new words for a built dataset, and nothing else changes."""

import json
import shutil
from pathlib import Path

import pytest
import rig

import curate
from curate import api
from curate.config import CaptionOptions
from curate.errors import CurateError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recaption")
    for number in range(4):
        rig.song(folder / f"aoi/{number}.flac", number, 6.0)
    (folder / "labels.csv").write_text(
        "path,genre,mood,instrument,description\n"
        "aoi/0.flac,city pop,nostalgic,piano,\n"
        "aoi/1.flac,city pop,calm,violin,\n"
        "aoi/2.flac,enka,,koto,\n"
        "aoi/3.flac,jazz,,,A duo plays softly.\n"
    )
    rig.build(rig.recipe(folder, {"Aoi": ["aoi"]}, split={"valid": 0.25, "test": 0.25}))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the dataset, with its recipe."""
    place = tmp_path / "copy"
    shutil.copytree(made, place)
    api.relocate(place / "build")
    return place


def sidecars(folder: Path) -> dict[str, dict[str, object]]:
    found = sorted((folder / "build/audio").rglob("*.json"))
    return {path.name: json.loads(path.read_bytes()) for path in found}


WORDS = ("description", "descriptions", "description_source")


def test_other_captions_are_written_and_the_dataset_stays_valid(folder: Path) -> None:
    before = sidecars(folder)
    audio = {p: p.stat().st_mtime_ns for p in (folder / "build/audio").rglob("*.flac")}
    done = rig.curate("captions", folder / "build", "--style", "full", "--variants", "3")
    assert done.returncode == 0, done.stderr
    assert "9 clips have other captions now" in done.stdout
    after = sidecars(folder)
    for name, old in before.items():
        assert {k: v for k, v in old.items() if k not in WORDS} == {
            k: v for k, v in after[name].items() if k not in WORDS
        }
    ours = [one for one in after.values() if one["title"] != "3"]
    assert all(len(set(one["descriptions"])) == 3 for one in ours)  # type: ignore[call-overload]
    assert all(one["description"] == one["descriptions"][0] for one in ours)  # type: ignore[index]
    assert {p: p.stat().st_mtime_ns for p in audio} == audio
    assert api.validate(folder / "build", deep=True).findings == ()
    assert curate.load(folder / "build").build.config["captions"]["variants"] == 3  # type: ignore[index]


def test_a_persons_words_stay(folder: Path) -> None:
    api.recaption(folder / "build", CaptionOptions(style="tags", language="ja"))
    told = [one for one in sidecars(folder).values() if one["title"] == "3"]
    assert len(told) == 3
    assert {one["description"] for one in told} == {"A duo plays softly."}
    assert {one["description_source"] for one in told} == {"manual"}


def test_the_same_options_give_what_the_build_gave(folder: Path) -> None:
    built = curate.load(folder / "build").build
    api.recaption(folder / "build", CaptionOptions(seed=9))
    assert curate.load(folder / "build").build.fingerprint != built.fingerprint
    result = api.recaption(folder / "build", CaptionOptions())
    assert result.changed == 9
    again = curate.load(folder / "build").build
    assert (again.fingerprint, again.captions) == (built.fingerprint, built.captions)
    assert api.recaption(folder / "build").changed == 0


def test_a_build_with_these_options_has_nothing_to_do(folder: Path) -> None:
    options = {"style": "short", "variants": 2, "seed": 4}
    api.recaption(folder / "build", CaptionOptions(**options))  # type: ignore[arg-type]
    written, named = sidecars(folder), curate.load(folder / "build").build.fingerprint
    split = {"valid": 0.25, "test": 0.25}
    rig.recipe(folder, {"Aoi": ["aoi"]}, split=split, captions=options)
    rig.build(folder / "artists.yaml")
    assert sidecars(folder) == written
    assert curate.load(folder / "build").build.fingerprint == named


def test_examples_show_labels_beside_captions(folder: Path) -> None:
    done = rig.curate("captions", folder / "build", "--show", "40")
    assert done.returncode == 0
    for one in sidecars(folder).values():
        assert str(one["description"]) in done.stdout
    assert "genres: city pop; moods: nostalgic; instruments: piano" in done.stdout
    few = rig.curate("captions", folder / "build", "--show", "2").stdout
    assert few.count("template.") == 2 or "manual" in few


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--style", "loud"], 'captions.style: "loud": expected one of tags, short, full, mixed'),
        (["--language", "fr"], "captions.language: no language 'fr'; there are en, ja"),
        (["--variants", "0"], "must be a whole number, at least 1"),
        (["--estimate"], "captions by templates cost nothing; name a model: --llm MODEL"),
        (["--llm", "m", "--template"], "not allowed with argument"),
        (["--llm", "m", "--base-url", "ftp://x"], "captions.llm.base_url"),
        (["--llm", "m", "--base-url", "http://a:hidden@h/v1"], "key goes into CURATE_LLM_API_KEY"),
        (["--budget", "2"], "captions.llm.budget_usd: there is no language model here; name one"),
        (["--llm", "m", "--budget", "nan"], "nan: must be a number of USD, at least 0"),
        (["--llm", "m", "--price", "inf", "1"], "inf: must be a number of USD, at least 0"),
        (["--template", "--budget", "2"], "--template asks no language model"),
        (["--show", "2", "--style", "tags"], "--show shows the captions that there are"),
        (["--show", "2", "--estimate"], "not allowed with argument"),
    ],
)
def test_a_wrong_option_is_named(folder: Path, arguments: list[str], message: str) -> None:
    before = sidecars(folder)
    done = rig.curate("captions", folder / "build", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "hidden" not in done.stderr
    assert sidecars(folder) == before


def test_a_folder_without_a_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(CurateError, match=r"no dataset, there is no build\.json"):
        api.recaption(tmp_path)


def test_a_moved_dataset_is_told_from_a_broken_one(folder: Path, tmp_path: Path) -> None:
    moved = (folder / "build").rename(tmp_path / "elsewhere")
    with pytest.raises(CurateError, match="curate relocate"):
        api.recaption(moved, CaptionOptions(seed=2))


def test_a_copy_changes_nothing_of_the_original(folder: Path, tmp_path: Path) -> None:
    """Its manifests still name the clips of the folder that it was copied from."""
    shutil.copytree(folder / "build", tmp_path / "twin")
    before = sidecars(folder)
    for arguments in (["--seed", "5"], ["--show", "3"]):
        done = rig.curate("captions", tmp_path / "twin", *arguments)
        assert done.returncode == 2
        assert f"curate relocate {tmp_path / 'twin'}" in done.stderr
    assert sidecars(folder) == before


def test_a_link_leads_to_the_same_dataset(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder / "build")
    api.recaption(link, CaptionOptions(seed=5))
    made, named = sidecars(folder), curate.load(folder / "build").build.fingerprint
    assert api.recaption(folder / "build", CaptionOptions(seed=5)).changed == 0
    assert (sidecars(folder), curate.load(link).fingerprint()) == (made, named)
    api.relocate(link)
    assert api.recaption(link, CaptionOptions(seed=5)).changed == 0


def test_a_dataset_without_clips_has_no_captions(tmp_path: Path) -> None:
    rig.song(tmp_path / "aoi/0.flac", 0, 0.5)
    done = rig.curate("build", "--artists", rig.recipe(tmp_path, {"Aoi": ["aoi"]}))
    assert done.returncode == 1
    for arguments in ([], ["--style", "tags"], ["--show", "3"]):
        done = rig.curate("captions", tmp_path / "build", *arguments)
        assert done.returncode == 0, done.stderr


def test_it_stopped_half_way_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from curate.stages import recaption

    once = recaption._write
    left = iter(range(4))

    def breaks(clip: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        once(clip)  # type: ignore[arg-type]

    monkeypatch.setattr(recaption, "_write", breaks)
    with pytest.raises(KeyboardInterrupt):
        api.recaption(folder / "build", CaptionOptions(seed=11))
    monkeypatch.setattr(recaption, "_write", once)
    assert api.recaption(folder / "build", CaptionOptions(seed=11)).changed == 5
    assert api.validate(folder / "build").findings == ()
