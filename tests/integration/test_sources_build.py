"""Whole builds from a web server and tables, through the real yt-dlp: nothing is asked twice."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mediasite
import pytest
import rig
import soundfile
from mediasite import Site

from curate import api

pytestmark = pytest.mark.integration

SECRET = "hunter2-swordfish"
QUICK = {"sleep_s": 0, "request_sleep_s": 0, "retries": 2, "max_wait_s": 5}


@pytest.fixture
def site() -> Iterator[Site]:
    with mediasite.serving() as found:
        yield found


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def sounds(count: int, seconds: float = 4.5) -> list[Any]:
    return [rig.tune(seed, seconds) for seed in range(count)]


def recipe(folder: Path, artists: list[dict[str, Any]], **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    about = {"name": "tried", "rights": "made by a test", "chunk": {"seconds": 2}, "web": QUICK}
    limits = {"track": {"max_seconds": 20}}
    path = folder / "artists.yaml"
    document = about | {"limits": limits, "artists": artists} | options
    path.write_text(json.dumps(document, ensure_ascii=False))
    return path


def test_a_feed_of_mixed_formats_and_faults_becomes_a_dataset(site: Site, tmp_path: Path) -> None:
    feed = mediasite.ten_items(site, tmp_path / "made", sounds(6))
    artists = recipe(tmp_path, [{"name": "Feed", "playlists": [feed]}])
    first = rig.here(artists)
    out = first.out
    assert first.counts.tracks == len(mediasite.GOOD) == 6
    assert api.validate(out, deep=True).ok
    lost = {row["uri"].rpartition("/")[2]: row["code"] for row in rig.rejected(out)}
    assert lost == {path[1:]: code for path, code in mediasite.BAD.items()}
    titles = {row["title"] for row in rig.tracks(out).values()}
    assert titles == set(mediasite.GOOD.values())
    for row in rig.tracks(out).values():
        assert row["origin"]["address"].startswith(site.address)
        assert row["origin"]["retrieved_at"]
        assert row["origin"]["extractor"]
    assert "bytes=" in (site.ranges_of("/torn.wav")[-1] or "")  # went on where it was cut off

    asked = site.counts
    second = rig.here(artists)
    assert second.decoded_tracks == 0
    assert site.counts == asked, "the second build asks for nothing it has"
    assert second.counts == first.counts

    offline = rig.here(artists, offline=True, out=tmp_path / "again")  # another dataset, one cache
    assert site.counts == asked
    assert offline.counts.chunks == first.counts.chunks


def test_what_was_fetched_need_not_be_kept(site: Site, tmp_path: Path, cache: Path) -> None:
    feed = site.feed("/feed.xml", ["/a.flac", "/b.mp3"])
    for path, sound in zip(("/a.flac", "/b.mp3"), sounds(2), strict=True):
        site.put(path, mediasite.encoded(tmp_path / path[1:], sound))
    artists = recipe(tmp_path, [{"name": "Feed", "playlists": [feed]}])
    first = rig.here(artists, keep_downloads=False)
    assert first.counts.tracks == 2
    assert not [path for path in (cache / "audio").rglob("*") if path.is_file()]
    asked = site.counts
    again = rig.here(artists, keep_downloads=False)
    assert (again.decoded_tracks, site.counts) == (0, asked)
    assert again.counts == first.counts
    assert all(row["origin"]["retrieved_at"] for row in rig.tracks(again.out).values())


def kept(cache: Path) -> list[Path]:
    return [path for path in (cache / "audio").rglob("*") if path.is_file()]


def test_a_file_of_several_tracks_goes_with_the_last_of_them(
    site: Site, tmp_path: Path, cache: Path
) -> None:
    address = site.put("/long.flac", mediasite.encoded(tmp_path / "long.flac", sounds(1, 13)[0]))
    lines = ["url,from,to", *(f"{address},{start},{start + 4}" for start in (0, 4, 8, 90))]
    (tmp_path / "parts.csv").write_text("\n".join(lines))
    columns = {"address": "url", "start": "from", "end": "to"}
    parts = [{"name": "Parts", "table": {"file": "parts.csv", "columns": columns}}]
    artists = recipe(tmp_path, parts, web=QUICK | {"homes": [site.address]})
    first = rig.here(artists, limit=2, keep_downloads=False)
    assert (first.counts.tracks, kept(cache)) == (2, [])
    asked = site.count("/long.flac")
    second = rig.here(artists, keep_downloads=False)  # two are known, one is not there: too_short
    assert (second.counts.tracks, second.counts.rejected) == (3, {"too_short": 1})
    assert kept(cache) == []
    assert site.count("/long.flac") <= 2 * asked, "once for all of them"


def test_what_another_dataset_keeps_stays(site: Site, tmp_path: Path, cache: Path) -> None:
    feed = site.feed("/feed.xml", ["/a.flac"])
    site.put("/a.flac", mediasite.encoded(tmp_path / "a.flac", sounds(1)[0]))
    artists = recipe(tmp_path, [{"name": "Feed", "playlists": [feed]}])
    rig.here(artists, out=tmp_path / "one")
    assert len(kept(cache)) == 1
    assert rig.here(artists, out=tmp_path / "two", keep_downloads=False).counts.tracks == 1
    assert len(kept(cache)) == 1


def test_a_site_that_is_away_is_asked_again_by_the_next_build(site: Site, tmp_path: Path) -> None:
    feed = site.feed("/feed.xml", ["/a.flac"])
    site.put("/a.flac", mediasite.encoded(tmp_path / "a.flac", sounds(1)[0]))
    site.always["/a.flac"] = mediasite.status(503)
    artists = recipe(tmp_path, [{"name": "Feed", "playlists": [feed]}], web=QUICK | {"retries": 0})
    for _ in range(4):  # more often than a file's own fault would be tried
        result = rig.here(artists)
        assert result.counts.rejected == {"network": 1}
    del site.always["/a.flac"]
    assert rig.here(artists).counts.tracks == 1


def test_what_is_gone_is_asked_again_only_when_told_so(site: Site, tmp_path: Path) -> None:
    feed = site.feed("/feed.xml", ["/a.flac"])
    artists = recipe(tmp_path, [{"name": "Feed", "playlists": [feed]}])
    assert rig.here(artists).counts.rejected == {"removed": 1}
    asked = site.count("/a.flac")
    rig.here(artists)
    assert site.count("/a.flac") == asked
    site.put("/a.flac", mediasite.encoded(tmp_path / "a.flac", sounds(1)[0]))
    assert rig.here(artists, retry=True).counts.tracks == 1


def test_a_killed_build_goes_on_with_its_downloads(site: Site, tmp_path: Path) -> None:
    names = [f"/{number}.flac" for number in range(6)]
    for path, sound in zip(names, sounds(6), strict=True):
        site.put(path, mediasite.encoded(tmp_path / path[1:], sound))
    site.always["/3.flac"] = mediasite.slow(20_000)
    feed = site.feed("/feed.xml", names)
    artists = recipe(tmp_path, [{"name": "Feed", "playlists": [feed]}])
    command = rig.command("build", "--artists", artists, "--jobs", "1")
    with subprocess.Popen(
        command, env=rig.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:  # fmt: skip
        while not site.count("/3.flac"):
            time.sleep(0.05)
        time.sleep(1.5)
        os.killpg(run.pid, signal.SIGKILL)
    before = site.counts
    del site.always["/3.flac"]
    result = rig.here(artists)
    assert result.counts.tracks == 6
    again = {path for path in names if site.count(path) > before[path] > 0}
    assert again <= {"/3.flac"}
    assert site.ranges_of("/3.flac")[-1]  # not from its start


def test_only_licences_that_are_accepted(site: Site, tmp_path: Path) -> None:
    rows = ["url,terms,caption"]
    for number, terms in enumerate(("CC BY 4.0", "All rights reserved", "", "CC0")):
        path = f"/{number}.flac"
        address = site.put(path, mediasite.encoded(tmp_path / path[1:], sounds(4)[number]))
        rows.append(f"{address},{terms},A tune number {number}.")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    table = {
        "file": "table.csv",
        "columns": {"address": "url", "licence": "terms", "caption": "caption"},
    }
    artists = recipe(
        tmp_path,
        [{"name": "Rows", "table": table}],
        licences=["cc-by", "cc0"],
        web=QUICK | {"homes": [site.address]},
    )
    result = rig.here(artists)
    assert result.counts.rejected == {"licence_not_allowed": 2}
    kept = rig.tracks(result.out).values()
    assert {row["licence"] for row in kept} == {"CC BY 4.0", "CC0"}
    assert all(row["licence_source"] == "table" for row in kept)
    assert "CC BY 4.0" in (result.out / "DATASHEET.md").read_text()


def test_parts_of_one_recording_are_fetched_once_and_stay_together(
    site: Site, tmp_path: Path
) -> None:
    address = site.put("/long.flac", mediasite.encoded(tmp_path / "long.flac", sounds(1, 19)[0]))
    lines = ["url,from,to,text"]
    lines += [f"{address},{start},{start + 4},Part {start}." for start in (0, 4, 8, 12)]
    lines += [f"{site.address}/gone.flac,0,4,Gone."]
    (tmp_path / "parts.csv").write_text("\n".join(lines))
    columns = {"address": "url", "start": "from", "end": "to", "caption": "text"}
    artists = recipe(
        tmp_path,
        [{"name": "Parts", "table": {"file": "parts.csv", "columns": columns}}],
        split={"fractions": [0.65, 0.15, 0.2]},
        web=QUICK | {"homes": [site.address]},
    )
    result = rig.here(artists)
    assert (result.counts.tracks, result.counts.chunks) == (4, 8)
    assert site.count("/long.flac") <= 2  # a look at the header, and the file
    assert len({row["split"] for row in rig.tracks(result.out).values()}) == 1
    lines = [line for split in rig.clips(result.out).values() for line in split]
    assert {line["description"] for line in lines} == {f"Part {n}." for n in (0, 4, 8, 12)}
    assert api.validate(result.out, deep=True).ok


def test_musiccaps_as_published(tmp_path: Path, site: Site) -> None:
    """The preset on the real columns; the videos are served here under another column's name."""
    source = Path(__file__).parents[1] / "data" / "musiccaps.csv"
    import csv

    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ends: dict[str, float] = {}
    for row in rows:
        ends[row["ytid"]] = max(ends.get(row["ytid"], 0.0), float(row["end_s"]))
    for number, (video, end) in enumerate(ends.items()):
        sound = rig.tune(number, end + 1.0, rate=16000)
        path = tmp_path / f"{video}.flac"
        soundfile.write(path, sound, 16000)
        site.put(f"/{video}.flac", path.read_bytes())
    with (tmp_path / "caps.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "url"])
        writer.writeheader()
        writer.writerows(row | {"url": f"{site.address}/{row['ytid']}.flac"} for row in rows)
    table = {
        "file": "caps.csv",
        "preset": "musiccaps",
        "columns": {"address": "url", "youtube": ""},
        "where": "'low quality' not in caption",
    }
    artists = recipe(
        tmp_path,
        [{"name": "MusicCaps", "table": table}],
        chunk={"seconds": 10},
        split={"fractions": [0.65, 0.15, 0.2]},
        limits={"track": {"max_seconds": 1000}},
        web=QUICK | {"homes": [site.address]},
    )
    result = rig.here(artists)
    low = [row for row in rows if "low quality" in row["caption"].lower()]
    assert result.counts.rejected.get("filtered") == len(low) > 0
    assert result.counts.tracks == len(rows) - len(low)
    counts = result.counts.splits
    shares = [counts[split].chunks / result.counts.chunks for split in ("train", "valid", "test")]
    assert shares == pytest.approx([0.65, 0.15, 0.2], abs=0.05)
    said = {row["caption"] for row in rows}
    lines = [line for split in rig.clips(result.out).values() for line in split]
    assert {line["description"] for line in lines} <= said
    beside = json.loads(Path(lines[0]["path"]).with_suffix(".json").read_bytes())
    assert beside["description_source"] == "table.musiccaps"
    assert beside["keywords"]
    assert api.validate(result.out).ok
    pytest.importorskip("torch", reason="audiocraft needs torch; the core is installed without")
    upstream = pytest.importorskip(
        "audiocraft.data.music_dataset", reason="audiocraft is not part of the core installation"
    )
    for line in lines:  # what the model will be told
        sidecar = json.loads(Path(line["path"]).with_suffix(".json").read_bytes())
        segment = dict.fromkeys(("meta", "seek_time", "n_frames", "total_frames", "channels"))
        read = upstream.MusicInfo.from_dict(sidecar | segment, fields_required=False)
        assert read.description == line["description"]
        assert read.keywords == line["keywords"]


def test_secrets_reach_no_output(
    site: Site, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put("/a.flac", mediasite.encoded(tmp_path / "a.flac", sounds(1)[0]))
    at = site.address.replace("://", f"://user:{SECRET}@")
    feed = site.feed("/feed.xml", ["/a.flac", "/gone.flac"])
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(
        f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{SECRET}\n"
    )
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", SECRET)
    rows = tmp_path / "home" / "rows.csv"
    rows.parent.mkdir()
    lines = [f"{site.address}/{name}.flac?token={SECRET}" for name in ("a", "missing")]
    rows.write_text("\n".join(["url", *lines]))
    table = {"file": "rows.csv", "columns": {"address": "url"}}
    artists = recipe(
        tmp_path / "home",
        [
            {"name": "Feed", "playlists": [feed, f"{at}/b.xml", f"{feed}?token={SECRET}"]},
            {"name": "Rows", "table": table},
        ],
        dedupe="keep",
        web=QUICK | {"cookies": str(cookies), "homes": [site.address]},
    )
    said = rig.curate("-v", "build", "--artists", artists, "--jobs", "1")
    assert '"tracks":2' in (artists.parent / "build" / "build.json").read_text().replace(" ", "")
    assert SECRET not in said.stdout + said.stderr
    for path in (*(tmp_path / "home").rglob("*"), *cache.rglob("*")):
        if path.is_file() and path not in (artists, rows):
            assert SECRET.encode() not in path.read_bytes(), path


def test_a_whole_recording_and_a_part_of_it_never_stand_on_two_sides(
    site: Site, tmp_path: Path
) -> None:
    lines = ["file,from,to"]
    for number in range(6):
        rig.song(tmp_path / f"s{number}.flac", number, 8.5)
        lines += [f"s{number}.flac,,", f"s{number}.flac,4,8"]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    columns = {"file": "file", "start": "from", "end": "to"}
    artists = recipe(
        tmp_path,
        [{"name": "Rows", "table": {"file": "rows.csv", "columns": columns}}],
        split={"valid": 0.3, "test": 0.3},
    )
    result = rig.here(artists)
    assert result.counts.tracks == 12
    assert api.validate(result.out, deep=True).ok


def test_other_licences_and_means_try_again(site: Site, tmp_path: Path) -> None:
    rig.song(tmp_path / "music" / "a.flac", 1)
    artists = [{"name": "A", "files": ["music/*"]}]
    closed = rig.here(recipe(tmp_path, artists, licences=["cc0"]))
    assert closed.counts.rejected == {"licence_not_allowed": 1}
    assert rig.here(recipe(tmp_path, artists)).counts.tracks == 1


def test_a_licence_that_a_table_takes_back_counts(site: Site, tmp_path: Path) -> None:
    address = site.put("/a.flac", mediasite.encoded(tmp_path / "a.flac", sounds(1)[0]))
    table = {"file": "rows.csv", "columns": {"address": "url", "licence": "terms"}}
    web = QUICK | {"homes": [site.address]}
    for terms, tracks in (("CC0", 1), ("All rights reserved", 0)):
        (tmp_path / "rows.csv").write_text(f"url,terms\n{address},{terms}\n")
        artists = recipe(tmp_path, [{"name": "R", "table": table}], licences=["cc0"], web=web)
        assert rig.here(artists, keep_downloads=False).counts.tracks == tracks


def test_a_copy_that_is_not_wanted_drops_none_that_is(site: Site, tmp_path: Path) -> None:
    rig.song(tmp_path / "a" / "song.flac", 1)
    rig.song(tmp_path / "b" / "song.ogg", 1)
    artists = [{"name": "A", "files": ["a/*"]}, {"name": "B", "files": ["b/*"]}]
    result = rig.here(recipe(tmp_path, artists, where="artist == 'B'"))
    assert (result.counts.tracks, result.counts.rejected) == (1, {"filtered": 1})
