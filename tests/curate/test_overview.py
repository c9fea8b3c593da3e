"""The distributions of a dataset: counted, told in tables, drawn."""

import io
import json
import re
import shutil
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import handmade
import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from curate import cli, overview, validate
from curate.errors import CurateError
from curate.overview import fonts, page, scales, shifts, wording
from curate.overview.distributions import Distribution, Part, Tally
from curate.overview.scales import Bins, Spread

ODD = (
    "[red]x[/] [/] [b",
    "A$AP $x_1$ <b>&\x1b[31m\x00",
    "とても長い名前" * 9,
    "عربي",
    "a\nb\u202e",
)
SVG = "{http://www.w3.org/2000/svg}"


def clip(number: int, split: str = "train", **fields: object) -> dict[str, object]:
    """A manifest line with text in it."""
    line: dict[str, object] = {
        "path": f"/nowhere/{split}{number}.wav",
        "duration": 36.0,
        "sample_rate": 32000,
        "artist": "Nujabes",
        "genre": "hip hop",
        "track_id": f"{split}{number}",
    }
    return line | fields


def dataset(folder: Path, *lines: dict[str, object]) -> Path:
    """Manifests of these lines, by their split's name in the path."""
    for split in ("train", "valid", "test"):
        mine = [line for line in lines if f"/{split}" in str(line["path"])]
        if mine:
            handmade.write_rows(folder / split / "data.jsonl", mine)
    return folder


def whole(folder: Path, field: str) -> dict[str, int]:
    return overview.read(folder).distributions[field].whole.counts


def drop_zeros(counts: dict[str, int]) -> dict[str, int]:
    return {value: count for value, count in counts.items() if count}


# --- scales -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "label"),
    [
        *[(-1e9, "<40"), (39.99, "<40"), (40, "40-49"), (49.96, "40-49"), (50, "50-59")],
        *[(239.9, "230-239"), (240, "240+"), (1e9, "240+")],
    ],
)
def test_a_tempo_falls_into_its_bin(value: float, label: str) -> None:
    assert scales.TEMPO.label(value) == label


def test_every_bin_is_in_the_order_of_numbers() -> None:
    labels = [scales.LOUDNESS.label(value) for value in np.arange(-45.0, 5.0, 0.5)]
    order = scales.LOUDNESS.order(Counter(labels))
    assert list(dict.fromkeys(labels)) == list(order)
    assert (order[0], order[1], order[-1]) == ("<-40", "-40 to -38", "0+")


def test_bins_without_anything_are_kept_only_in_between() -> None:
    bins = Bins(0, 100, 10)
    assert bins.order(Counter({"20-29": 1, "40-49": 2})) == ("20-29", "30-39", "40-49")
    assert bins.order(Counter()) == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7.0], Spread(7, 7, 7, 7, 7)),
        ([1.0, 2.0, 3.0, 4.0], Spread(1, 1, 2, 3, 4)),
        ([5.0] * 98 + [1.0, 900.0], Spread(1, 5, 5, 5, 900)),
    ],
)
def test_a_spread(values: list[float], expected: Spread) -> None:
    assert scales.spread(Counter(values)) == expected


def test_keys_stand_around_the_circle_of_fifths() -> None:
    assert len(set(scales.KEYS)) == 24
    assert scales.KEYS[:4] == ("C major", "A minor", "G major", "E minor")
    found = Counter([scales.key(name) for name in ("Dm", "b♭ major", "Db", "d dorian", "c", "")])
    known = ("C major", "C# major", "Bb major", "D minor")
    assert scales.key_order(found) == (*known, "", "d dorian")


def test_many_years_become_decades() -> None:
    assert scales.periods({1999, 2001}) == {1999: "1999", 2001: "2001"}
    assert scales.periods({1969, 2001}) == {1969: "1960s", 2001: "2000s"}
    assert scales.periods(set()) == {}


# --- how far splits lie apart -------------------------------------------------------------------


def side(counts: dict[str, int], tracks: float) -> Part:
    labelled = sum(counts.values())
    return Part(labelled, labelled, counts, tracks)


def compared(train: Part, valid: Part) -> shifts.Shift:
    parts = {"train": train, "valid": valid}
    empty = Distribution(side({}, 0), {}, {})
    found = dict.fromkeys(shifts.FIELDS, empty) | {"genre": Distribution(train, parts, {})}
    (shift,) = shifts.compare(found)
    return shift


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 3}, {"a": 70}, 0.0),
        ({"a": 3}, {"b": 70}, 1.0),
        ({"a": 1, "b": 1}, {"a": 10}, 0.5),
        ({"a": 8, "b": 2}, {"a": 2, "b": 8}, 0.6),
    ],
)
def test_total_variation(one: dict[str, int], other: dict[str, int], expected: float) -> None:
    assert shifts.distance(one, other) == pytest.approx(expected)
    assert shifts.distance(other, one) == pytest.approx(expected)


def test_a_large_shift_is_flagged_and_a_small_one_is_not() -> None:
    train = side({"jazz": 900, "rock": 100}, 200)
    assert compared(train, side({"jazz": 10, "rock": 90}, 20)).verdict == "large"
    assert compared(train, side({"jazz": 88, "rock": 12}, 20)).verdict == "chance"


def test_few_tracks_tell_nothing_however_far_apart_they_are() -> None:
    found = compared(side({"jazz": 900}, 200), side({"rock": 400}, 4))
    assert (found.distance, found.verdict, found.tracks) == (1.0, "unsure", 4)


def test_a_shift_that_is_sure_but_tiny_is_not_flagged() -> None:
    many = compared(side({"a": 50_000, "b": 50_000}, 1e5), side({"a": 55_000, "b": 45_000}, 1e5))
    assert many.distance > many.chance
    assert many.verdict == "chance"


def test_chance_is_what_few_random_splits_go_beyond() -> None:
    random, odds = np.random.default_rng(5), np.array([0.4, 0.3, 0.1, 0.1, 0.05, 0.05])
    beyond, levels = 0, []
    for _ in range(200):
        one, other = (
            dict(zip("abcdef", random.multinomial(size, odds).tolist(), strict=True))
            for size in (160, 20)
        )
        levels.append(shifts.chance(one, other, (160, 20)))
        beyond += shifts.distance(one, other) > levels[-1]
    assert beyond <= 8  # 2 are expected
    assert 0.2 < float(np.median(levels)) < 0.5


def test_clips_of_one_track_count_as_one() -> None:
    tally = Tally()
    for _ in range(40):
        tally.add(["jazz"], "train", "", "long mix")
    for number in range(10):
        tally.add(["jazz"], "train", "", f"track {number}")
    found = tally.finish().whole
    assert found.labelled == 50
    assert found.tracks == pytest.approx(50**2 / (40**2 + 10))  # Kish: far below 11


# --- counting -----------------------------------------------------------------------------------


def test_spellings_are_one_value_written_as_most_do() -> None:
    tally = Tally()
    for word in ("J-Pop", "j-pop", "J-Pop", "Rock"):
        tally.add([word], "train", "YOASOBI", None)
    found = tally.finish()
    assert found.whole.counts == {"J-Pop": 3, "Rock": 1}
    assert found.splits["train"].counts == found.artists["YOASOBI"].counts == found.whole.counts


WORDS = st.lists(st.sampled_from(["jazz", "Jazz", "rock", "夜"]), unique=True, max_size=3)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["train", "valid"]), st.sampled_from("ab"))))
def test_parts_sum_up_to_the_whole(clips: list[tuple[list[str], str, str]]) -> None:
    tally = Tally()
    for words, split, artist in clips:
        tally.add(words, split, artist, None)
    found = tally.finish()
    assert found.whole.clips == len(clips)
    assert found.whole.labelled == sum(bool(words) for words, _, _ in clips)
    assert list(found.whole.counts.values()) == sorted(found.whole.counts.values(), reverse=True)
    for parts in (found.splits, found.artists):
        assert sum(part.clips for part in parts.values()) == len(clips)
        total = Counter[str]()
        for part in parts.values():
            total.update(part.counts)
        assert total == found.whole.counts


def test_our_own_dataset_is_counted(tmp_path: Path) -> None:
    found = overview.read(handmade.ours(tmp_path))
    said = found.distributions
    assert (found.name, found.clips, found.tracks) == ("kayo", 24, 8)
    assert found.hours == pytest.approx(24 / 3600, abs=1e-6)
    assert {name: (s.clips, s.tracks, s.artists) for name, s in found.splits.items()} == {
        "train": (15, 5, 4),
        "valid": (6, 2, 2),
        "test": (3, 1, 1),
    }
    songs = {"J-Pop": 6, "rock": 6, "soundtrack": 6, "folk rock": 3, "hip hop": 3, "jazz": 3}
    assert said["genre"].whole.counts == songs
    assert said["genre"].splits["valid"].counts == {"rock": 3, "hip hop": 3}
    assert said["genre"].artists["椎名林檎"].counts == {"rock": 6, "jazz": 3}
    assert said["mood"].whole.counts == {"calm": 24, "late night": 24}
    assert said["instrument"].whole.counts == {"koto": 24, "piano": 24}
    assert said["keyword"].whole.counts == {"city pop": 24, "夜": 24}
    assert said["key"].whole.counts == {"F# minor": 24}
    assert said["tempo"].whole.counts == {"90-99": 24}
    assert said["loudness"].whole.counts == {"-16 to -14": 24}
    assert said["year"].whole.counts == {"2001": 24}
    assert said["caption_words"].whole.counts == {"5-9": 24}
    assert said["caption_source"].whole.counts == {"template.1": 24}
    assert said["voice"].whole == Part(24, 0, {}, 0.0)
    assert set(said) == set(overview.DISTRIBUTIONS)


def test_artists_come_with_their_splits_largest_first(tmp_path: Path) -> None:
    artists = overview.read(handmade.ours(tmp_path)).artists
    sizes = [(name, artist.clips) for name, artist in artists.items()]
    assert sizes == sorted(sizes, key=lambda item: (-item[1], item[0]))
    ringo = artists["椎名林檎"]
    assert {split: size.clips for split, size in ringo.splits.items()} == {"train": 3, "valid": 3}


def test_sources_tell_their_labels_tracks_and_clips(tmp_path: Path) -> None:
    found = overview.read(handmade.ours(tmp_path)).sources
    tags = found["tag"]
    assert (tags.labels, tags.tracks, tags.clips, tags.kinds) == (9, 8, 24, {"genre": 9})
    assert (found["signal.hpcp"].labels, found["signal.hpcp"].clips) == (8, 24)
    assert (found["signal.ebur128"].labels, found["signal.ebur128"].clips) == (0, 24)


def test_vocals_are_what_the_clip_is_said_to_have(tmp_path: Path) -> None:
    """Labels do not count: one below its threshold, one of the track, one that was taken away."""
    folder = handmade.ours(tmp_path)
    beside = handmade.first_clip(folder).with_suffix(".json")
    said = [{"kind": "voice", "value": "voice", "source": "essentia.voice", "score": 0.6}]
    said.append({"kind": "voice", "value": "-", "source": "manual", "score": None})
    handmade.change_object(beside, lambda sidecar: sidecar.update(labels=said))
    assert whole(folder, "voice") == {}


def test_vocals_stand_in_the_keywords(tmp_path: Path) -> None:
    lines = [
        clip(0, keywords=["hip hop", "vocals", "live"]),
        clip(1, keywords=["Instrumental"]),
        clip(2, keywords=["hip hop"]),
        clip(3, keywords=["voice", "live vocals"]),  # a phrase of somebody's own
        clip(4, keywords=["vocals"], instrument="vocals, piano"),
        clip(5, keywords=["vocals", "instrumental"], genre="instrumental"),
        clip(6, keywords="vocals, live"),
        clip(7, keywords=None),
    ]
    found = overview.read(dataset(tmp_path, *lines), sample=0).distributions
    part = found["voice"].whole
    assert (part.clips, part.labelled, part.counts) == (8, 5, {"vocals": 4, "Instrumental": 1})
    assert found["keyword"].whole.counts == {"live": 2, "live vocals": 1, "voice": 1}


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("words.yaml", {"singing": 1, "karaoke": 1}),
        ("none.yaml", {"vocals": 1}),
        ("\0", {"vocals": 1}),
        (".", {"vocals": 1}),
        (7, {"vocals": 1}),
        (None, {"vocals": 1}),
    ],
)
def test_vocals_are_called_as_the_vocabulary_beside_the_dataset_does(
    tmp_path: Path, named: object, expected: dict[str, int]
) -> None:
    (tmp_path / "words.yaml").write_text("voice: {voice: singing, instrumental: karaoke}\n")
    words = ("singing", "karaoke", "vocals")
    lines = [clip(number, keywords=[word]) for number, word in enumerate(words)]
    folder = dataset(tmp_path / "build", *lines)
    config = {"labels": {"vocabulary": named}}
    (folder / "build.json").write_text(json.dumps({"name": "kayo", "config": config}))
    assert whole(folder, "voice") == expected
    for broken in ({"labels": 3}, {"labels": []}, 4):
        (folder / "build.json").write_text(json.dumps({"config": broken}))
        assert whole(folder, "voice") == {"vocals": 1}


def test_what_cannot_be_is_a_broken_line(tmp_path: Path) -> None:
    lines = [clip(n, duration=value) for n, value in enumerate((1e300, -3, float("nan"), 10**400))]
    found = overview.read(dataset(tmp_path, clip(9), *lines, clip(8, duration=None)))
    assert (found.clips, found.hours, found.broken) == (2, 0.01, 4)
    assert found.faults[:2] == (
        "train/data.jsonl:2: 'duration' is 1e+300, expected 0 to 1e+07",
        "train/data.jsonl:3: 'duration' is -3, expected 0 to 1e+07",
    )


def test_tracks_that_cannot_be_are_broken_lines(tmp_path: Path) -> None:
    folder = handmade.ours(tmp_path)
    good = overview.read(folder).distributions["year"]
    manual = {"kind": "year", "value": -4, "source": "manual"}
    odd = ({"chunks": -3}, {"chunks": 1e300}, {"year": 1e300}, {"labels": [manual]})
    tracks = folder / "tracks.jsonl"
    before = tracks.read_bytes()
    tracks.write_bytes(before + b"".join(json.dumps(line).encode() + b"\n" for line in odd))
    found = overview.read(folder)
    assert found.broken == 4
    assert [fault.partition(": ")[2] for fault in found.faults] == [
        "'chunks' is -3, expected 0 to 1e+07",
        "'chunks' is 1e+300, expected 0 to 1e+07",
        "'year' is 1e+300, expected 0 to 9999",
        "'value' is -4, expected 0 to 9999",
    ]
    assert found.distributions["year"] == good


def test_a_dataset_that_was_moved_still_has_its_sidecars(tmp_path: Path) -> None:
    handmade.ours(tmp_path / "before")
    shutil.move(tmp_path / "before", tmp_path / "after")
    found = overview.read(tmp_path / "after")
    assert (found.sidecars.read, found.sidecars.missing) == (24, 0)
    assert found.distributions["loudness"].whole.labelled == 24


def test_manifests_of_others_are_read_with_their_sidecars(tmp_path: Path) -> None:
    found = overview.read(handmade.foreign(tmp_path), sample=1)
    said = {name: each.whole.counts for name, each in found.distributions.items()}
    assert found.sidecars.read == found.clips == 6  # no sample: the text is nowhere else
    assert said["mood"] == {"cold": 6, "dark": 6}
    assert (said["key"], said["tempo"]) == ({"A minor": 6}, {"120-129": 6})
    assert list(found.artists) == ["test artist", "train artist", "valid artist"]
    assert found.splits["train"].filled["description"] == 2
    assert said["year"] == {}


def test_manifests_without_any_text_have_sizes_at_least(tmp_path: Path) -> None:
    row = {"path": "/nowhere/train.wav", "duration": 3600, "sample_rate": 32000}
    found = overview.read(dataset(tmp_path, row))
    assert (found.clips, found.hours, found.sidecars.missing) == (1, 1.0, 1)
    assert all(not each.whole.labelled for each in found.distributions.values())
    assert sum(found.splits["train"].filled.values()) == 0


def test_words_count_as_audiocraft_reads_them(tmp_path: Path) -> None:
    lines = [
        clip(0, genre=["jazz", "rock"], moods="dark, late night", key="C major, A minor"),
        clip(1, genre="Jazz , rock,,", moods=["late night", "", None], key="None", bpm="90"),
        clip(2, genre="None", moods=7, bpm=[120], keywords=["Jazz", "saxophone"], description=" "),
        clip(3, genre="", bpm=float("nan")),
    ]
    folder = dataset(tmp_path, *lines)
    found = overview.read(folder)
    said = {name: each.whole.counts for name, each in found.distributions.items()}
    assert said["genre"] == {"Jazz": 1, "rock": 1}
    assert said["mood"] == {"late night": 1, "dark": 1, "late": 1, "night": 1}
    assert said["keyword"] == {"Jazz": 1, "saxophone": 1}
    assert (said["key"], said["tempo"]) == ({}, {"90-99": 1})
    filled = {"description": 0, "key": 0, "bpm": 1, "genre": 1}
    assert found.splits["train"].filled == filled | {"moods": 2, "instrument": 0, "keywords": 1}


def test_a_wild_tempo_does_not_stretch_the_histogram(tmp_path: Path) -> None:
    lines = [clip(n, bpm=bpm) for n, bpm in enumerate((100, 1e308, 10**400, -3, 0, True))]
    found = overview.read(dataset(tmp_path, *lines)).distributions["tempo"]
    assert drop_zeros(found.whole.counts) == {"<40": 3, "100-109": 1, "240+": 1}
    assert len(found.whole.counts) == 22
    assert found.spread is not None
    assert found.spread.median == 1


# --- samples of sidecars ------------------------------------------------------------------------


def with_sidecars(folder: Path, tracks: int, clips: int) -> Path:
    lines = []
    for track in range(tracks):
        for index in range(clips):
            path = folder / "audio" / f"train{track}_{index}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = {"description_source": f"part {index}"}
            path.with_suffix(".json").write_text(json.dumps(text))
            lines.append(clip(track, path=str(path), track_id=str(track)))
    handmade.write_rows(folder / "train" / "data.jsonl", lines)
    return folder


def test_of_a_large_dataset_a_sample_is_read(tmp_path: Path) -> None:
    found = overview.read(with_sidecars(tmp_path, 60, 10), sample=120)
    assert found.sidecars.sampled
    assert abs(found.sidecars.read - 120) <= 2
    assert found.distributions["genre"].whole.labelled == 600  # what the manifest says is exact
    parts = found.distributions["caption_source"].whole.counts
    assert len(parts) == 10  # never in step with the clips of a track
    assert max(parts.values()) <= 2 * min(parts.values())
    assert overview.read(tmp_path, sample=120) == found


def test_all_of_them_are_read_on_request(tmp_path: Path) -> None:
    found = overview.read(with_sidecars(tmp_path, 6, 10), sample=None).sidecars
    assert (found.read, found.sampled) == (60, False)


# --- what is wrong with the data ----------------------------------------------------------------


def test_broken_lines_are_named_counted_and_left_out(tmp_path: Path) -> None:
    folder = dataset(tmp_path, clip(0), clip(1))
    manifest = folder / "train" / "data.jsonl"
    bad = b'{"path": \n[1]\n\xff\n{"duration": 3}\n\n'
    manifest.write_bytes(bad + manifest.read_bytes())
    found = overview.read(folder)
    assert (found.clips, found.broken) == (2, 5)
    assert [fault.split(":")[1] for fault in found.faults] == ["1", "2", "3", "4", "5"]
    assert found.faults[0].startswith("train/data.jsonl:1: ends in the middle of an object")
    assert "'path' is missing" in found.faults[3]


def test_broken_tracks_and_sidecars_do_not_stop_it(tmp_path: Path) -> None:
    folder = handmade.ours(tmp_path)
    tracks = folder / "tracks.jsonl"
    odd = b'{"labels": 3, "year": "x", "chunks": null}\n{"labels": [4, {}]}\n'
    tracks.write_bytes(odd + b"no\n" + tracks.read_bytes())
    handmade.first_clip(folder).with_suffix(".json").write_text("[")
    handmade.first_clip(folder, index=1).with_suffix(".json").unlink()
    (folder / "build.json").write_text("{")
    found = overview.read(folder)
    assert (found.name, found.clips, found.broken) == (tmp_path.name, 24, 1)
    seen = found.sidecars
    assert (seen.read, seen.missing, seen.unreadable) == (22, 1, 1)


def a_file(folder: Path) -> Path:
    (folder / "file").write_text("x")
    return folder / "file"


def half_built(folder: Path) -> Path:
    (folder / "catalog.sqlite").write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "none", "no such folder; give the folder of a dataset"),
        (a_file, "is a file; give the folder of a dataset"),
        (lambda folder: folder, "no dataset, there is no data.jsonl in it or below"),
        (half_built, "no manifests yet; `curate build` goes on from here"),
    ],
)
def test_what_is_no_dataset_is_told(tmp_path: Path, make, words: str) -> None:
    place = make(tmp_path)
    with pytest.raises(overview.NoDataset, match=words) as caught:
        overview.read(place)
    assert str(caught.value).startswith(str(place))


# --- tables -------------------------------------------------------------------------------------


def shown(found: overview.Overview, width: int = 100, **options: object) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False)
    overview.show(found, console=console, **options)  # type: ignore[arg-type]
    return [line.rstrip() for line in file.getvalue().splitlines()]


def row(lines: list[str], start: str) -> list[str]:
    return next(line for line in lines if line.startswith(start))[len(start) :].split()


@pytest.fixture
def kayo(tmp_path: Path) -> overview.Overview:
    return overview.read(handmade.ours(tmp_path / "kayo"))


def test_tables_tell_counts_and_shares_by_split(kayo: overview.Overview) -> None:
    lines = shown(kayo)
    assert lines[0] == "kayo  24 clips, 0.01 h, 8 tracks, 5 artists"
    assert row(lines, "train ")[:1] == ["15"]
    assert "genre  24 of 24 clips; 6 values" in lines
    assert row(lines, "J-Pop ")[1:] == ["6", "25%", "40%", "-", "-"]
    assert row(lines, "soundtrack ")[1:] == ["6", "25%", "20%", "-", "100%"]
    assert "tempo, BPM  24 of 24 clips; median 96, half of them 96 to 96" in lines
    assert lines[lines.index("vocals  0 of 24 clips") + 1] == "  none labelled"
    assert row(lines, "instrument valid ")[-4:] == ["few", "tracks", "to", "tell"]


def test_tables_by_artist(kayo: overview.Overview) -> None:
    lines = shown(kayo, by="artist")
    start = next(n for n, line in enumerate(lines) if line.startswith("genre "))
    assert lines[start + 1].split() == [
        "久石",
        "譲",
        "宇多田ヒ…",
        "椎名林檎",
        "Nujabes",
        "はっぴい…",
    ]
    assert row(lines, "J-Pop ")[1:] == ["6", "25%", "-", "100%", "-", "-", "-"]
    assert not any(line.startswith("distance from train") for line in lines)


def test_tables_of_the_whole_only(kayo: overview.Overview) -> None:
    assert row(shown(kayo, by="none"), "J-Pop ")[1:] == ["6", "25%"]


def test_long_lists_are_cut_and_the_others_counted(kayo: overview.Overview) -> None:
    lines = shown(kayo, top=2)
    assert row(lines, "J-Pop ")[1:3] == ["6", "25%"]
    others = [line.split() for line in lines if line.startswith("others (")]
    assert others[0][:3] == ["others", "(3)", "12"]  # artists: 3 of 5, 12 of 24 clips
    assert others[1] == ["others", "(4)", "15", "-"]  # genres: clips may have several
    assert not any(line.startswith(("soundtrack", "jazz")) for line in lines)


@pytest.mark.parametrize("width", [20, 44, 70, 100, 200])
def test_no_line_is_wider_than_the_terminal(kayo: overview.Overview, width: int) -> None:
    for by in ("split", "artist", "none"):
        assert max(map(cell_len, shown(kayo, width, by=by))) <= width


def test_bars_start_in_one_column_whatever_the_script(kayo: overview.Overview) -> None:
    bars = [line for line in shown(kayo)[7:13] if "█" in line]
    assert len(bars) == 5
    assert len({cell_len(line[: line.index("█")]) for line in bars}) == 1
    assert len({cell_len(line) for line in bars}) == 1


def odd_names(folder: Path) -> Path:
    lines = [
        clip(n, artist=odd, genre=odd, moods=[odd], title=odd, description=odd)
        for n, odd in enumerate(ODD)
    ]
    return dataset(folder, *lines)


def test_names_cannot_break_out_of_the_table(tmp_path: Path) -> None:
    lines = shown(overview.read(odd_names(tmp_path)))
    text = "".join(lines)
    assert "[red]x[/] [/] [b" in text
    assert [c for c in text if unicodedata.category(c) in ("Cc", "Cf")] == []


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        *[("abc", 3, "abc"), ("abcd", 3, "ab…"), ("夜に駆ける", 10, "夜に駆ける")],
        *[("夜に駆ける", 9, "夜に駆け…"), ("夜に駆ける", 8, "夜に駆…"), ("a\tb", 5, "a\ufffdb")],
    ],
)
def test_names_are_cut_by_cells(text: str, width: int, expected: str) -> None:
    assert wording.fit(text, width) == expected


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.001, "<1%"), (0.124, "12%"), (0.999, "99%"), (1, "100%")]
)
def test_shares_never_round_to_none_or_all(share: float, text: str) -> None:
    assert wording.percent(share) == text


# --- the page -----------------------------------------------------------------------------------


def words_of(svg: Path) -> list[str]:
    return ["".join(node.itertext()) for node in ET.parse(svg).iter(f"{SVG}text")]


def test_the_page_says_what_the_tables_say(kayo: overview.Overview, tmp_path: Path) -> None:
    assert overview.plot(kayo, tmp_path / "page.svg") == ""
    words = words_of(tmp_path / "page.svg")
    titles = {"genre", "mood", "instrument", "vocals", "key", "tempo, BPM", "year", "artists"}
    assert titles | {"distance from train", "captions by"} <= set(words)
    assert {"宇多田ヒカル", "J-Pop", "24 of 24 clips; 6 values", "none labelled"} <= set(words)
    assert {"train: 15 clips, 0.00 h, 5 tracks", "F♯m", "90-99"} <= set(words)
    assert words[words.index("soundtrack") + 1 :][:2] == ["6", "25%"]


def test_the_same_dataset_gives_the_same_bytes_wherever_it_is(tmp_path: Path) -> None:
    here, there = handmade.ours(tmp_path / "here"), tmp_path / "there"
    before = [page.render(overview.read(here), kind)[0] for kind in ("svg", "png")]
    shutil.move(here, there)
    assert [page.render(overview.read(there), kind)[0] for kind in ("svg", "png")] == before


def test_a_png_is_a_picture_and_tells_what_it_cannot_write(
    kayo: overview.Overview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    monkeypatch.setattr(fonts, "_installed", lambda: {fonts.BASE: str(only)})
    missing = overview.plot(kayo, tmp_path / "page.png")
    assert set("宇多田譲") <= set(missing)
    assert not set("Jaü♯…") & set(missing)
    from matplotlib import image

    height, width, _ = image.imread(tmp_path / "page.png").shape
    assert width == round(13.2 * page.DPI)
    assert height > width / 2


def test_fonts_are_taken_for_the_characters_they_have() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    files = [(fonts.BASE, str(folder / "DejaVuSans.ttf")), ("Gone", "/nowhere/gone.ttf")]
    files.append(("STIXGeneral", str(folder / "STIXGeneral.ttf")))
    plain = fonts.choose("Björk – Хор", files)
    assert (plain.families, plain.missing) == ((fonts.BASE,), "")
    script_k = "\U0001d4a6"  # a capital k of mathematics, which DejaVu lacks
    mixed = fonts.choose(f"夜 {script_k}a", files)
    assert mixed.families == (fonts.BASE, "STIXGeneral")
    assert (mixed.foreign, mixed.missing) == ({"夜", script_k}, "夜")


def test_odd_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    found = overview.read(odd_names(tmp_path))
    overview.plot(found, tmp_path / "page.svg")
    words = words_of(tmp_path / "page.svg")
    assert "A$AP $x_1$ <b>&\ufffd[31m\ufffd" in words  # no formula, no markup
    assert "[red]x[/] [/] [b" in words
    overview.plot(found, tmp_path / "page.png")


def test_drawing_leaves_matplotlib_as_it_was(kayo: overview.Overview, tmp_path: Path) -> None:
    mpl.rcParams["axes.facecolor"] = "red"
    before = dict(mpl.rcParams)
    first = page.render(kayo, "svg")
    assert dict(mpl.rcParams) == before
    mpl.rcdefaults()
    assert page.render(kayo, "svg") == first


def test_neither_counting_nor_tables_need_matplotlib(tmp_path: Path) -> None:
    folder = handmade.foreign(tmp_path)
    code = "import sys\nfrom curate import overview\noverview.show(overview.read(sys.argv[1]))\n"
    code += "print([m for m in ('matplotlib', 'curate.overview.page') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        cwd=Path(cli.__file__).parents[1],
    )
    assert done.stdout.endswith("\n[]\n"), done.stderr


def test_a_page_with_nothing_on_it_and_one_with_many_splits(tmp_path: Path) -> None:
    for number in range(9):
        row = {"path": "/nowhere/x.wav", "duration": 1, "sample_rate": 32000}
        handmade.write_rows(tmp_path / f"set{number}" / "data.jsonl", [row])
    found = overview.read(tmp_path)
    assert list(found.splits) == [f"set{number}" for number in range(9)]
    overview.plot(found, tmp_path / "page.svg")
    text = " ".join(words_of(tmp_path / "page.svg"))
    assert "3 more splits are not shown" in text
    assert "no clip names one" in text


def test_another_ending_is_refused(kayo: overview.Overview, tmp_path: Path) -> None:
    with pytest.raises(CurateError, match=re.escape("ends in .svg or .png")):
        overview.plot(kayo, tmp_path / "page.pdf")


# --- the command line ---------------------------------------------------------------------------


def main(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = cli.main(["labels", *map(str, arguments)])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_page_lies_in_the_dataset_and_does_not_harm_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = handmade.ours(tmp_path)
    before = validate(folder).findings
    code, out, err = main(capsys, folder)
    assert (code, err) == (0, "")
    assert out.endswith(f"plot page: {folder}/labels.svg\n")
    assert "genre  24 of 24 clips" in out
    assert "\x1b" not in out
    assert words_of(folder / "labels.svg")
    assert validate(folder).findings == before


def test_without_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = handmade.ours(tmp_path)
    code, out, _ = main(capsys, folder, "--no-plot")
    assert (code, "plot page" in out) == (0, False)
    code, out, _ = main(capsys, folder, "--json")
    assert (code, json.loads(out)) == (0, json.loads(json.dumps(overview.read(folder).to_json())))
    assert not (folder / "labels.svg").exists()


def test_a_page_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, page_file = handmade.ours(tmp_path / "kayo"), tmp_path / "pages" / "kayo.PNG"
    code, out, err = main(capsys, folder, "--json", "--plot", page_file)
    assert (code, json.loads(out)["clips"]) == (0, 24)
    assert err.startswith(f"plot page: {page_file}\n")
    assert page_file.read_bytes().startswith(b"\x89PNG")
    assert not (folder / "labels.svg").exists()


def test_where_no_page_can_be_written_the_tables_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = handmade.ours(tmp_path)
    (folder / "labels.svg").mkdir()
    code, out, _ = main(capsys, folder)
    assert code == 0
    assert "genre  24 of 24 clips" in out
    assert f"no plot page: {folder}/labels.svg: cannot be written" in out
    code, out, err = main(capsys, folder, "--plot", folder / "labels.svg")
    assert code == 2
    assert "genre  24 of 24 clips" in out
    assert err.startswith(f"curate: {folder}/labels.svg: cannot be written")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("none", "curate: none: no such folder"),
        ("empty", "curate: empty: no dataset"),
        ("", "the following arguments are required: DIR"),
        ("empty --by genre", "argument --by: invalid choice"),
        ("empty --top 0", "argument --top: 0: must be a whole number, at least 1"),
        ("empty --plot x.pdf", "argument --plot: x.pdf: must end in .svg or .png"),
        ("empty --plot x.svg --no-plot", "not allowed with argument"),
    ],
)
def test_wrong_commands(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, out, err = main(capsys, *arguments.split())
    assert (code, out) == (2, "")
    assert words in err


def test_data_that_falls_short_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "train" / "data.jsonl"
    manifest.parent.mkdir()
    manifest.write_text("")
    code, out, _ = main(capsys, tmp_path)
    assert (code, out) == (1, f"{tmp_path.name}: no clips, nothing to show\n")
    manifest.write_text("{\n" + json.dumps(clip(0)) + "\n")
    code, out, _ = main(capsys, tmp_path, "--no-plot")
    assert code == 1
    assert "1 lines cannot be read and do not count:\n  train/data.jsonl:1: ends in the" in out


def test_a_closed_pipe_is_no_failure(tmp_path: Path) -> None:
    folder = handmade.ours(tmp_path)
    command = (
        f"'{sys.executable}' -m curate.cli labels '{folder}' | head -n 1; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=Path(cli.__file__).parents[1]
    )
    assert done.stdout.splitlines() == ["kayo  24 clips, 0.01 h, 8 tracks, 5 artists", "0"]
    assert done.stderr == ""
    assert (folder / "labels.svg").is_file()
