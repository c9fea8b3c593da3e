"""Which tracks and clips are used, and what is done to their sound."""

import json
from pathlib import Path

import numpy as np
import pytest
import rig
import soundfile

from curate import api
from curate.errors import ConfigError

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("a", "b", "c")):
        rig.song(tmp_path / "music" / f"{name}.flac", number, 6.5)
    (tmp_path / "labels.csv").write_text(
        'path,instrument,voice\nmusic/a.flac,violin,instrumental\nmusic/b.flac,"violin;piano",\n'
        "music/c.flac,,vocals\n"
    )
    return tmp_path


def recipe(folder: Path, **options: object) -> Path:
    return rig.recipe(folder, {"Test": ["music/*"]}, **options)


def test_only_clips_of_which_the_condition_holds(folder: Path) -> None:
    everything = rig.here(recipe(folder))
    assert everything.counts.chunks == 9
    some = rig.here(recipe(folder, where='instrument == "violin" and not "piano" in instrument'))
    assert some.decoded_tracks == 0
    assert {row["uri"] for row in rig.tracks(some.out).values()} == {"music/a.flac"}
    assert some.counts.rejected["filtered"] == 2
    assert api.validate(some.out).ok
    again = rig.here(recipe(folder))
    assert (again.counts.chunks, again.decoded_tracks) == (9, 6 / 3)  # two tracks' clips anew


def test_clips_that_are_filtered_are_told_one_by_one(folder: Path) -> None:
    track = rig.tracks(rig.here(recipe(folder)).out)["music/a.flac"]["id"]
    (folder / "labels.csv").write_text(f"id,mood\n{track}_001,happy\n")
    result = rig.here(recipe(folder, where="mood == 'happy'"))
    assert result.counts.chunks == 1
    lost = [row for row in rig.rejected(result.out) if row["id"].startswith(f"{track}_")]
    assert [row["id"][-3:] for row in lost] == ["000", "002"]
    assert all(row["code"] == "filtered" and "mood == 'happy'" in row["reason"] for row in lost)


def test_a_condition_that_makes_no_sense_is_told_before_any_work(folder: Path) -> None:
    engine = rig.Counting()
    with pytest.raises(ConfigError, match=r"where.*instrument"):
        rig.here(recipe(folder, where="instrumnet == 'violin'"), engine)
    assert engine.jobs == []


def test_tracks_with_vocals_are_left_out(folder: Path) -> None:
    result = rig.here(recipe(folder, vocals="drop_tracks"))
    assert result.counts.rejected == {"has_vocals": 1}
    assert "music/c.flac" not in rig.tracks(result.out)


def test_clips_brought_to_one_loudness(folder: Path) -> None:
    plain = rig.here(recipe(folder))
    level = recipe(folder, normalize=True)
    result = rig.here(level)
    assert result.decoded_tracks == 3  # other clips
    assert result.counts.chunks == plain.counts.chunks
    for path in sorted(result.out.glob("audio/*/*/*.json")):
        labels = json.loads(path.read_bytes())["labels"]
        loudness = next(label["value"] for label in labels if label["kind"] == "loudness")
        assert loudness <= -13.5
    assert api.validate(result.out, deep=True).ok
    assert rig.here(level).decoded_tracks == 0


def test_steady_noise_is_taken_away(folder: Path) -> None:
    time = np.arange(20 * rig.RATE)[:, None] / rig.RATE
    hiss = 0.01 * np.random.default_rng(0).standard_normal(time.shape)
    for number, path in enumerate(sorted(folder.glob("music/*.flac"))):
        phrases = rig.tune(number, 20.0) * (time % 4 < 2.5)  # between them there is only hiss
        soundfile.write(path, phrases + hiss, rig.RATE)
    plain = rig.here(recipe(folder, dedupe="keep")).out
    before = {path.name: path.read_bytes() for path in plain.glob("audio/*/*/*.flac")}
    result = rig.here(recipe(folder, dedupe="keep", denoise=True))
    assert result.decoded_tracks == 3
    after = {path.name: path.read_bytes() for path in result.out.glob("audio/*/*/*.flac")}
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)
    assert api.validate(result.out, deep=True).ok


def test_vocals_cannot_be_taken_away_without_weights(folder: Path, tmp_path: Path) -> None:
    engine = rig.Counting()
    with pytest.raises(Exception, match="htdemucs") as caught:
        rig.here(recipe(folder, vocals="separate"), engine, models=tmp_path / "none")
    assert "curate models fetch htdemucs" in str(caught.value)
    assert engine.jobs == []


def test_vocals_are_taken_away(tmp_path: Path) -> None:
    """By a stand-in whose vocals are what both channels share: a track of that alone is silent."""
    pytest.importorskip("demucs", reason="Demucs is an extra")
    import demucs_standin as standin

    from curate.labels.models import weights, zoo

    shelf = tmp_path / "shelf"
    shelf.mkdir()
    standin.write(shelf / zoo.HTDEMUCS.file("th"), standin.centre())
    weights.accept([zoo.HTDEMUCS], shelf)
    rig.song(tmp_path / "music" / "mono.flac", 1, 4.5)  # a voice in the middle
    wide = np.concatenate([rig.tune(2, 4.5), rig.tune(3, 4.5)], axis=1)  # more at its sides
    soundfile.write(tmp_path / "music" / "wide.flac", wide, rig.RATE)
    anything = {"chunk": {"max_silence_share": 1, "min_loudness_lufs": -100}}
    chunk = {"seconds": 2, "channels": 2}
    artists = rig.recipe(
        tmp_path, {"Test": ["music/*"]}, vocals="separate", chunk=chunk, limits=anything
    )
    result = rig.here(artists, models=shelf)
    loud = {row["title"]: 0.0 for row in rig.tracks(result.out).values()}
    for line in (line for split in rig.clips(result.out).values() for line in split):
        loud[line["title"]] = max(loud[line["title"]], line["amplitude"])
    assert loud["mono"] < 0.001 < 0.1 < loud["wide"]
    assert "Demucs" in (result.out / "DATASHEET.md").read_text()
    assert json.loads((result.out / "build.json").read_bytes())["models"].keys() == {"htdemucs"}
    assert rig.here(artists, models=shelf).decoded_tracks == 0
