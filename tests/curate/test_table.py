"""Every row of a table becomes a track with all it says, or a rejection that names its line."""

import csv
import json
import logging
import re
import threading
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from modelsite import serving

from curate.config import Artist, Table, WebOptions
from curate.errors import ConfigError
from curate.labels import fields
from curate.names import track_id
from curate.records import LABEL_UNITS, Label, Origin, Rejection, Track
from curate.schema import load
from curate.sources.cache import Cache
from curate.sources.source import Got, SourceError, Tell
from curate.sources.table import MEANINGS, PRESETS, Tables
from curate.sources.web.source import Web

MUSICCAPS = Path(__file__).parents[1] / "data/musiccaps.csv"
ADDRESS = "https://example.com/a.flac"


class Http:
    """Fetches addresses by plain HTTP into a cache."""

    def __init__(self, cache: Cache, licence: str | None = None) -> None:
        self.cache = cache
        self.licence = licence
        self.asked: list[tuple[str, str | None]] = []

    def kept(self, uri: str) -> Got | None:
        return self.cache.audio(uri)

    def fetch(
        self,
        uri: str,
        tell: Tell,
        listed_at: str | None = None,
        longest_s: float | None = None,
    ) -> Got:
        with self.cache.alone(uri):
            if (found := self.kept(uri)) is not None:
                return found
            self.asked.append((uri, listed_at))
            file = self.cache.partial(uri) / "audio.flac"
            try:
                with urllib.request.urlopen(uri) as answer:
                    file.write_bytes(answer.read())
            except OSError as error:
                raise SourceError("network", str(error)) from None
            now = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
            origin = Origin(uri, licence=self.licence, retrieved_at=now)
            return self.cache.keep(uri, file, origin, [Label("title", "Its page", "http")])


def tell(done: int, total: int | None) -> None:
    pass


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path, Http(Cache(tmp_path / "cache")))


def listed(
    tables: Tables,
    base: Path,
    text: str | bytes,
    columns: dict[str, str] | None = None,
    where: str | None = None,
    file: str = "table.csv",
) -> list[Track | Rejection]:
    path = base / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    table = Table(file, columns=columns or {}, where=where)
    return list(tables.list_tracks(Artist("Someone", table=table)))


def only_track(found: list[Track | Rejection]) -> Track:
    (track,) = found
    assert isinstance(track, Track), track
    return track


def only_rejection(found: list[Track | Rejection]) -> Rejection:
    (rejection,) = found
    assert isinstance(rejection, Rejection), rejection
    assert rejection.stage == "list"
    assert rejection.artist == "Someone"
    return rejection


def refusal(tables: Tables, base: Path, text: str, **options: object) -> str:
    with pytest.raises(ConfigError) as caught:
        listed(tables, base, text, **options)  # type: ignore[arg-type]
    return str(caught.value).replace(f"{base}/", "")


# --- MusicCaps -----------------------------------------------------------------------------------


def musiccaps(where: str | None = None) -> list[Track | Rejection]:
    base = MUSICCAPS.parent
    table = Table(MUSICCAPS.name, "musiccaps", where=where)
    tables = Tables(base, Http(Cache(base / "none")))
    return list(tables.list_tracks(Artist("MusicCaps", table=table)))


def test_musiccaps_needs_no_column_map() -> None:
    found = musiccaps()
    tracks = [track for track in found if isinstance(track, Track)]
    assert len(tracks) == len(found) == 40
    assert len({track.id for track in tracks}) == 40
    assert {track.end_s - track.start_s for track in tracks if track.end_s} == {10.0}
    first = tracks[0]
    assert first == Track(
        track_id("table", "https://www.youtube.com/watch?v=test-row-01#t=0,10"),
        "table",
        "https://www.youtube.com/watch?v=test-row-01#t=0,10",
        "MusicCaps",
        "test-row-01",
        0.0,
        10.0,
        (
            Label(
                "description",
                "The low quality recording features a bossa nova piece with nylon guitar. "
                "It sounds relaxed and it is in mono.",
                "table.musiccaps",
            ),
            *(
                Label("keyword", word, "table.musiccaps")
                for word in (
                    "low quality",
                    "bossa nova",
                    "nylon guitar",
                    "relaxed",
                    "soft male voice",
                )
            ),
        ),
    )


def test_captions_of_several_lines_and_quotes_in_lists() -> None:
    fifth, seventh = (musiccaps()[at] for at in (4, 6))
    assert isinstance(fifth, Track)
    assert isinstance(seventh, Track)
    assert str(fifth.labels[0].value).endswith("mood is calm. It could be heard in a film.")
    assert seventh.labels[-1] == Label("keyword", "singer's growl", "table.musiccaps")


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("'low quality' not in caption", 30),
        ("'low quality' in caption", 10),
        ("'low quality' not in exact(caption)", 34),  # four begin with 'Low quality'
        ("'low quality' not in aspect_list", 30),
        ("'low quality' not in keyword", 30),
        ("is_audioset_eval", 20),
        ("is_balanced_subset == true and author_id in [0, 2]", 7),
        ("start_s >= 100", 8),
        ("start < 30 and keyword == 'amateur recording'", 3),
        ("caption == null", 0),
        ("len(keyword) > 5", 1),
    ],
)
def test_filters_keep_the_rest_as_rejections(where: str, kept: int) -> None:
    rows = list(csv.DictReader(MUSICCAPS.open()))
    found = musiccaps(where)
    assert len(found) == len(rows) == 40
    assert sum(isinstance(row, Track) for row in found) == kept
    for row in found:
        if isinstance(row, Rejection):
            assert row.code == "filtered"
            assert where in row.reason
            assert row.reason.startswith("musiccaps.csv:")


def test_a_filter_leaves_the_other_tracks_as_they_are() -> None:
    whole, part = musiccaps(), musiccaps("'low quality' not in caption")
    assert [row for row in part if isinstance(row, Track)] == [
        row
        for row in whole
        if isinstance(row, Track) and "low quality" not in str(row.labels[0].value).casefold()
    ]
    assert [row.id for row in part] == [row.id for row in whole]


def test_captions_and_keywords_are_asserted() -> None:
    track = musiccaps()[0]
    assert isinstance(track, Track)
    chosen = fields.choose(track.labels, ())
    assert chosen.description.startswith("The low quality recording features")
    assert "bossa nova" in chosen.keywords


# --- columns -------------------------------------------------------------------------------------


def test_every_meaning(tables: Tables, tmp_path: Path) -> None:
    row = {
        "file": "clips/a.flac",
        "start": "1:30",
        "end": "100,5",
        "artist": "  幾田りら ",
        "title": "夜に駆ける",
        "caption": "A song.",
        "genre": "J-Pop; City Pop",
        "mood": '["dark", "calm"]',
        "instrument": "piano, bass",
        "keyword": "['two, words', \"it's\"]",
        "voice": "vocal",
        "key": "Am",
        "tempo": "128.5",
        "year": "2019",
        "album": "THE BOOK",
        "isrc": "JP-AB1-19-12345",
        "licence": "CC BY 4.0",
    }
    track = only_track(listed(tables, tmp_path, json.dumps(row), file="sets/my Table.v2.jsonl"))
    assert (track.uri, track.start_s, track.end_s) == ("sets/clips/a.flac#t=90,100.5", 90.0, 100.5)
    assert (track.artist, track.title) == ("幾田りら", "夜に駆ける")
    assert {label.source for label in track.labels} == {"table.my-table"}
    said: dict[str, list[object]] = {}
    for label in track.labels:
        said.setdefault(label.kind, []).append(label.value)
    assert said == {
        "title": ["夜に駆ける"],
        "description": ["A song."],
        "genre": ["J-Pop", "City Pop"],
        "mood": ["dark", "calm"],
        "instrument": ["piano", "bass"],
        "keyword": ["two, words", "it's"],
        "voice": ["vocals"],
        "key": ["A minor"],
        "tempo": [128.5],
        "year": [2019.0],
        "album": ["THE BOOK"],
        "isrc": ["JPAB11912345"],
        "licence": ["CC BY 4.0"],
    }
    assert set(row) | {"address", "youtube"} == set(MEANINGS)
    assert set(said) <= {*LABEL_UNITS, "licence"}


@pytest.mark.parametrize("file", ["曲.csv", "My 曲 (2).csv", ".csv", "a" * 200 + ".csv", "1.csv"])
def test_every_table_has_a_name_that_labels_can_have(
    tables: Tables, tmp_path: Path, file: str
) -> None:
    schema = load("sidecar")["$defs"]["label"]["properties"]["source"]
    track = only_track(listed(tables, tmp_path, "file,genre\na.flac,Rock\n", file=file))
    assert re.fullmatch(schema["pattern"], track.labels[0].source)
    assert track.labels[0].source.startswith("table.")


def test_columns_have_the_names_that_the_map_says(tables: Tables, tmp_path: Path) -> None:
    text = "URL , Style  Name,title\nhttps://example.com/a.flac,Rock,Not asked for\n"
    found = listed(tables, tmp_path, text, {"address": "URL", "genre": "Style Name"})
    track = only_track(found)
    assert track.title == "a"
    assert track.labels == (Label("genre", "Rock", "table.table"),)


def test_columns_change_a_preset(tmp_path: Path, tables: Tables) -> None:
    (tmp_path / "mc.csv").write_text("ytid,path,caption,text\nx,a.wav,one,two\n")
    changed = {"file": "path", "caption": "text", "youtube": "", "start": "", "end": ""}
    table = Table("mc.csv", "musiccaps", {**changed, "keyword": ""})
    (track,) = tables.list_tracks(Artist("A", table=table))
    assert isinstance(track, Track)
    assert (track.uri, track.end_s) == ("a.wav", None)
    assert track.labels == (Label("description", "two", "table.musiccaps"),)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("url\nx\n", {}, "no column says where the audio is; name one of file, address, youtube"),
        ("adress\nx\n", {}, "did you mean 'adress'?"),
        ("url\nx\n", {"columns": {"address": "ulr"}}, "no column 'ulr' for address; did you mean"),
        ("url\nx\n", {"columns": {"adress": "url"}}, "'adress': did you mean 'address'?"),
        ("url\nx\n", {"columns": {"caption": "url"}}, "no column says where the audio is"),
        ("file,file\nx,y\n", {}, "two columns are called 'file'; rename one"),
        ("file\nx\n", {"where": "fil == 'a'"}, "table.csv: where: `fil == 'a'`: character 1: unkn"),
        ("file,year\nx,1\n", {"where": "year == 'a'"}, "year is compared with a number"),
        ("", {}, "table.csv: it is empty"),
        ("\n\n", {}, "table.csv: it is empty"),
        ('"file\nx\n', {}, "a quote"),
        ('[{"file": "a"}]', {"file": "t.jsonl"}, "is one JSON array; write one object a line"),
        ('[{"file": "a"}]', {"file": "t"}, "is one JSON array"),
        ("file\nx\n", {"file": "t.jsonl"}, "t.jsonl:1: not JSON"),
        ("", {"file": "t.jsonl"}, "t.jsonl: it is empty"),
        ("{}\n", {"file": "t.jsonl"}, "t.jsonl: it is empty"),
        ("file\nx\n", {"file": "t.parquet"}, "is no Parquet file"),
        ("PAR1 and more", {"file": "t.parquet"}, "get the Parquet file again"),
        ("PAR1", {"file": "t.csv"}, "get the Parquet file again"),
        ("PK\3\4 xlsx", {"file": "t.csv"}, "is a spreadsheet or an archive; save the table as CSV"),
        (",".join(["c"] * 10_001), {}, "10001 columns, expected at most 10000"),
    ],
)
def test_a_table_that_cannot_be_used(
    tables: Tables, tmp_path: Path, text: str, options: dict[str, object], message: str
) -> None:
    told = refusal(tables, tmp_path, text, **options)
    assert message in told
    assert told.startswith("t")


def test_a_table_that_is_not_there(tables: Tables, tmp_path: Path) -> None:
    for file, problem in (
        ("none.csv", "No such file"),
        (".", "not a regular"),
        ("~nobody-here/t", ""),
    ):
        with pytest.raises(ConfigError, match=r"table\.file") as caught:
            list(tables.list_tracks(Artist("A", table=Table(file))))
        assert problem in str(caught.value)


def test_artists_without_a_table_have_no_tracks(tables: Tables) -> None:
    assert list(tables.list_tracks(Artist("A", files=("x",)))) == []


def test_presets_name_meanings_that_exist() -> None:
    for preset in PRESETS.values():
        assert set(preset.columns) <= set(MEANINGS)
        assert set(preset.needed) <= set(preset.columns)


# --- rows that cannot be used --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",0,10", "'address': empty, so it does not say where the audio is"),
        ("  ,0,10", "'address': empty"),
        ("a.flac,0,10", '"a.flac" is no address'),
        ("ftp://example.com/a,0,10", "is no address"),
        ("javascript:alert(1),0,10", "is no address"),
        ("https://,0,10", "is no address"),
        ("https://[::1/a,0,10", "is no address"),
        ("https://exa mple.com/a,0,10", "is no address"),
        ("https://example.com/\u202ea,0,10", "is no address"),
        (f"https://example.com/{'a' * 2000},0,10", "is no address"),
        (f"{ADDRESS},10,10", "the end, 10 s, is not after the start, 10 s"),
        (f"{ADDRESS},10,9.5", "the end, 9.5 s, is not after the start, 10 s"),
        (f"{ADDRESS},,0", "the end, 0 s, is not after"),
        (f"{ADDRESS},-1,10", "-1 s, expected 0 to 1e+06"),
        (f"{ADDRESS},0,nan", '"nan" is no time'),
        (f"{ADDRESS},0,inf", '"inf" is no time'),
        (f"{ADDRESS},0,1e99", "1e+99 s, expected 0 to"),
        (f"{ADDRESS},0,ten", '"ten" is no time; write seconds, or minutes:seconds'),
        (f"{ADDRESS},0,10s", "is no time"),
        (f"{ADDRESS},0,1:75", "is no time"),
        (f"{ADDRESS},0,{'9' * 5000}", "is no time"),
        (f"{ADDRESS},0", "2 values where the header has 3 columns"),
        (f"{ADDRESS},0,10,11", "4 values where the header has 3 columns"),
        (f'"{ADDRESS}"x,0,10', "not CSV"),
    ],
)
def test_a_bad_row_is_told_by_its_line(
    tables: Tables, tmp_path: Path, row: str, reason: str
) -> None:
    text = f"address,start,end\n\nhttps://example.com/b,0,1\n{row}\nhttps://example.com/c,0,1\n"
    first, found, last = listed(tables, tmp_path, text)
    assert isinstance(first, Track)
    assert isinstance(last, Track)
    rejection = only_rejection([found])
    assert rejection.code == "bad_row"
    assert rejection.reason.startswith("table.csv:4: ")
    assert reason in rejection.reason
    assert rejection.uri == "table.csv:4"
    assert len(rejection.reason) < 300


@pytest.mark.parametrize(
    "ytid", ["", "short", "a" * 12, "../../../..", "abcdefghij?", "abc defghij"]
)
def test_a_video_without_its_id(tables: Tables, tmp_path: Path, ytid: str) -> None:
    (tmp_path / "t.csv").write_text(
        f"ytid,start_s,end_s,aspect_list,caption\n{ytid},0,10,['a'],A song.\n"
    )
    table = Table("t.csv", "musiccaps")
    rejection = only_rejection(list(tables.list_tracks(Artist("Someone", table=table))))
    assert rejection.code == "bad_row"
    assert "'ytid': empty" in rejection.reason or "11 letters" in rejection.reason


@pytest.mark.parametrize("missing", ["start_s", "end_s"])
def test_a_preset_needs_its_times(tables: Tables, tmp_path: Path, missing: str) -> None:
    row = {"ytid": "test-row-01", "start_s": "0", "end_s": "10", "aspect_list": "", "caption": "a"}
    row[missing] = ""
    (tmp_path / "t.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    table = Table("t.csv", "musiccaps")
    rejection = only_rejection(list(tables.list_tracks(Artist("Someone", table=table))))
    assert f"'{missing}' is empty" in rejection.reason


def test_passwords_are_not_repeated(tables: Tables, tmp_path: Path) -> None:
    text = "address,title\nhttps://me:hunter2@example.com/a.flac,A\n"
    for where in (None, "title == 'B'"):
        rejection = only_rejection(listed(tables, tmp_path, text, where=where))
        assert "hunter2" not in str(rejection)
    assert "take it out" in only_rejection(listed(tables, tmp_path, text)).reason


def test_the_same_part_twice(tables: Tables, tmp_path: Path) -> None:
    rows = ["a,0,10", "a,10,20", "a,0.0,1e1", "b,0,10", "a,,10", "a,0:00,0:10", "a,,", "a,0,"]
    text = "\n".join(f"https://example.com/{row}" for row in rows)
    found = listed(tables, tmp_path, f"address,start,end\n{text}\n")
    kinds = [row.code if isinstance(row, Rejection) else row.uri[20:] for row in found]
    again = "listed_twice"
    assert kinds == ["a#t=0,10", "a#t=10,20", again, "b#t=0,10", again, again, "a", again]
    assert isinstance(found[2], Rejection)
    assert "line 2; keep one" in found[2].reason
    assert found[2].id == found[0].id


def test_many_ids_are_told_apart() -> None:
    from curate.sources.table.source import _Seen

    seen = _Seen()
    names = [track_id("table", str(number)) for number in range(50_000)]
    assert [seen.first(name, line) for line, name in enumerate(names)] == [None] * 50_000
    assert [seen.first(name, -1) for name in names] == list(range(50_000))
    assert seen.first("0" * 12, 7) is None
    assert seen.first("f" * 12, 8) is None
    assert seen.first("0" * 12, 9) == 7


def test_what_cannot_be_read_of_the_music_is_left_out_and_told(
    tables: Tables, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = (
        "address,tempo,key,title,caption\n"
        "https://example.com/a,fast,Am,None,A song.\n"
        "https://example.com/b,120,H minor,Song,-\n"
        "https://example.com/c,9999,C,Song \ufffd,nan\n"
    )
    with caplog.at_level(logging.WARNING):
        tracks = listed(tables, tmp_path, text)
    said = [
        [(label.kind, label.value) for label in track.labels]
        for track in tracks
        if isinstance(track, Track)
    ]
    assert said == [
        [("description", "A song."), ("key", "A minor")],
        [("title", "Song"), ("tempo", 120.0)],
        [("key", "C major")],
    ]
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 4
    assert any("column 'tempo' (tempo): 2 cells are left out, e.g. line 2: " in t for t in told)


def test_an_artist_that_is_no_text_costs_the_row(tables: Tables, tmp_path: Path) -> None:
    text = "address,artist\nhttps://example.com/a,\nhttps://example.com/b,\ufffd\n"
    first, second = listed(tables, tmp_path, text)
    assert isinstance(first, Track)
    assert first.artist == "Someone"
    assert only_rejection([second]).code == "bad_row"


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "uri"),
    [
        ("a.flac", "sets/a.flac"),
        ("./x/../a.flac", "sets/a.flac"),
        ("../music/a.flac", "music/a.flac"),
        ("夜/a b#t=1,2.flac", "sets/夜/a b#t=1,2.flac"),
        ("..a.flac", "sets/..a.flac"),
        ("http:/a.flac", "sets/http:/a.flac"),
        ("~/a.flac", "sets/~/a.flac"),
    ],
)
def test_files_are_beside_the_table(tables: Tables, tmp_path: Path, value: str, uri: str) -> None:
    text = json.dumps({"file": value}) + "\n" + json.dumps({"file": value, "start": 1.5})
    whole, part = listed(tables, tmp_path, text, file="sets/t.jsonl")
    assert isinstance(whole, Track)
    assert isinstance(part, Track)
    assert (whole.uri, part.uri) == (uri, f"{uri}#t=1.5")
    for track in (whole, part):
        got = tables.at_hand(track)
        assert got is not None
        assert got.path == tmp_path / uri
        assert got.origin == Origin(uri)
        assert tables.get(track, tell) == got


@pytest.mark.parametrize(
    "value",
    [
        "/etc/passwd",
        "../../a.flac",
        "../../../../../../etc/passwd",
        "x/../../../a.flac",
        "..",
        ".",
        "../",
        "a\0.flac",
        "a\n.flac",
        "a" * 2001,
    ],
)
def test_files_elsewhere_are_refused(tables: Tables, tmp_path: Path, value: str) -> None:
    text = json.dumps({"file": value})
    rejection = only_rejection(listed(tables, tmp_path, text, file="sets/t.jsonl"))
    assert rejection.code == "bad_row"
    assert (
        "is no path of a file" in rejection.reason or "leads out of the folders" in rejection.reason
    )


def test_a_table_elsewhere_names_files_beside_it(tmp_path: Path) -> None:
    base, there = tmp_path / "base", tmp_path / "there"
    base.mkdir()
    there.mkdir()
    (there / "t.csv").write_text("file\na.flac\n../base/b.flac\n../c.flac\n../there2/d.flac\n")
    tables = Tables(base, Http(Cache(tmp_path / "cache")))
    found = list(tables.list_tracks(Artist("A", table=Table("../there/t.csv"))))
    uris = [row.uri if isinstance(row, Track) else row.code for row in found]
    assert uris == [f"{there}/a.flac", "b.flac", "bad_row", "bad_row"]
    assert isinstance(found[0], Track)
    got = tables.at_hand(found[0])
    assert got is not None
    assert got.path == there / "a.flac"


def test_a_file_counts_before_an_address(tables: Tables, tmp_path: Path) -> None:
    text = "address,file\nhttps://example.com/a.flac,\nhttps://example.com/b.flac,b.flac\n"
    uris = [row.uri for row in listed(tables, tmp_path, text)]
    assert uris == ["https://example.com/a.flac", "b.flac"]


# --- addresses -----------------------------------------------------------------------------------


def test_rows_of_one_address_share_one_download(tmp_path: Path) -> None:
    with serving({"a.flac": b"sound" * 1000}) as site:
        web = Http(Cache(tmp_path / "cache"))
        tables = Tables(tmp_path, web)
        address = f"{site.address}/a.flac"
        text = "address,start,end\n" + "".join(f"{address}#x,{n},{n + 1}\n" for n in range(8))
        tracks = [row for row in listed(tables, tmp_path, text) if isinstance(row, Track)]
        assert len({track.id for track in tracks}) == 8
        assert [tables.at_hand(track) for track in tracks] == [None] * 8
        together = threading.Barrier(8)

        def get(track: Track) -> Got:
            together.wait()
            return tables.get(track, tell)

        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(get, tracks))
        assert site.names == ["a.flac"]
        assert len(set(got)) == 1
        assert got[0].path.read_bytes() == b"sound" * 1000
        assert got[0].labels == (Label("title", "Its page", "http"),)
        assert [tables.at_hand(track) for track in tracks] == got
        assert web.asked == [(address, None)]


def test_only_homes_that_are_named_lead_home(tmp_path: Path) -> None:
    with serving({"a.flac": b"a", "b.flac": b"b"}) as site, serving({"c.flac": b"c"}) as other:
        web = Http(Cache(tmp_path / "cache"))
        tables = Tables(tmp_path, web, homes=(f"{site.address}/list.csv",))
        addresses = [f"{site.address}/a.flac", f"{site.address}/b.flac", f"{other.address}/c.flac"]
        for track in listed(tables, tmp_path, "address\n" + "\n".join(addresses)):
            assert isinstance(track, Track)
            tables.get(track, tell)
        home = f"{site.address}/list.csv"
        assert web.asked == list(zip(addresses, [home, home, None], strict=True))


def test_the_real_web_source_fits(tmp_path: Path) -> None:
    with serving({"a.flac": b"no sound"}) as site:
        web = Web(tmp_path, WebOptions(), 1800.0, Cache(tmp_path / "cache"), offline=True)
        tables = Tables(tmp_path, web)
        track = only_track(listed(tables, tmp_path, f"address\n{site.address}/a.flac\n"))
        assert tables.at_hand(track) is None
        with pytest.raises(SourceError, match="offline"):
            tables.get(track, tell)
        assert site.asked == []


def test_addresses_have_one_spelling(tables: Tables, tmp_path: Path) -> None:
    spellings = ["HTTPS://Example.com:443/a?utm_source=x#t=5", "https://example.com/a"]
    first, second = listed(tables, tmp_path, "address\n" + "\n".join(spellings))
    assert (first.uri, second.id) == ("https://example.com/a", first.id)
    assert only_rejection([second]).code == "listed_twice"


def test_what_the_web_refuses_is_refused(tmp_path: Path) -> None:
    with serving({}) as site:
        tables = Tables(tmp_path, Http(Cache(tmp_path / "cache")))
        track = only_track(listed(tables, tmp_path, f"address\n{site.address}/none.flac\n"))
        with pytest.raises(SourceError, match="network"):
            tables.get(track, tell)


@pytest.mark.parametrize(("there", "counts"), [(None, "CC BY 4.0"), ("all", "all")])
def test_the_licence_of_a_row(tmp_path: Path, there: str | None, counts: str) -> None:
    with serving({"a.flac": b"sound"}) as site:
        tables = Tables(tmp_path, Http(Cache(tmp_path / "cache"), there))
        text = f"address,file,licence\n{site.address}/a.flac,,CC BY 4.0\n,b.flac,CC0\n,c.flac,\n"
        tracks = [row for row in listed(tables, tmp_path, text) if isinstance(row, Track)]
        got = tables.get(tracks[0], tell)
        assert got.origin.licence == counts
        assert got.origin.licence_source == (None if there else "table")
        assert got.origin.retrieved_at == "2026-01-01T00:00:00+00:00"
        assert tables.at_hand(tracks[0]) == got
        files = [tables.at_hand(track) for track in tracks[1:]]
        assert [got.origin.licence for got in files if got] == ["CC0", None]
        assert [got.origin.licence_source for got in files if got] == ["table", None]


def test_titles_of_addresses(tables: Tables, tmp_path: Path) -> None:
    addresses = {
        "https://www.youtube.com/watch?v=abc&list=x": "abc",
        "https://example.com/music/%E5%A4%9C%20x.mp3": "夜 x",
        "https://example.com/music/": "music",
        "https://example.com/": "example.com",
        "https://example.com/?v=..%2F..%2Fx": ".. .. x",
        "https://example.com/a%00%0Ab": "a b",
    }
    text = "address\n" + "".join(f"{address}\n" for address in addresses)
    titles = [row.title for row in listed(tables, tmp_path, text)]
    assert titles == list(addresses.values())


def test_counts_by_code(tables: Tables, tmp_path: Path) -> None:
    text = "address,year\nhttps://example.com/a,1999\nhttps://example.com/a,1999\nx,1999\ny,2001\n"
    found = listed(tables, tmp_path, text, where="year < 2000")
    codes = Counter(row.code for row in found if isinstance(row, Rejection))
    assert codes == {"listed_twice": 1, "bad_row": 1, "filtered": 1}


def test_a_listing_can_be_left_in_its_middle(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file\n" + "".join(f"{n}.flac\n" for n in range(1000)))
    tracks = tables.list_tracks(Artist("A", table=Table("t.csv")))
    first = next(tracks)
    assert isinstance(first, Track)
    assert replace(first, id="") == Track("", "table", "0.flac", "A", "0")
    tracks.close()  # type: ignore[attr-defined]
    assert len(list(tables.list_tracks(Artist("A", table=Table("t.csv"))))) == 1000
