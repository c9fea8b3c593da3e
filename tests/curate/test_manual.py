"""What people wrote reaches the right track and clip as they meant it, or is refused by line."""

import json
import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from curate import schema, sources
from curate.config import Artist
from curate.errors import ConfigError
from curate.labels import manual, vocabulary
from curate.labels.manual import NO_MANUAL, Manual, columns
from curate.labels.manual.columns import COLUMNS, MAX_DESCRIPTION, MAX_TITLE, MAX_WORD, RANGES
from curate.names import chunk_id, track_id, track_slug
from curate.records import LABEL_UNITS, Label, Track
from curate.sources.files import Files
from curate.stages import chunk
from curate.validate.labels import KEY

ID = "0123456789ab"
OTHER = "fedcba987654"

Said = dict[str, list[str | float]]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path


def csv(base: Path, text: str, encoding: str = "utf-8") -> Manual:
    (base / "labels.csv").write_bytes(text.encode(encoding))
    return manual.read(base)


def lines(base: Path, *rows: object) -> Manual:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    (base / "labels.jsonl").write_text(text, "utf-8")
    return manual.read(base)


def said(found: Manual, name: str = ID) -> Said:
    """Values by kind; every label has to be a person's and without a score."""
    kinds: Said = {}
    for label in (*found.of_track(name), *found.of_chunk(name)[len(found.of_track(name)) :]):
        assert label == Label(label.kind, label.value, "manual")
        kinds.setdefault(label.kind, []).append(label.value)
    return kinds


def refusal(base: Path, *, csv: str | None = None, jsonl: str | None = None) -> list[str]:
    """The faults, one a line, without the folder."""
    for name, text in (("labels.csv", csv), ("labels.jsonl", jsonl)):
        if text is not None:
            (base / name).write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        manual.read(base)
    return str(caught.value).replace(f"{base}/", "").split("\n")


# --- what is said -------------------------------------------------------------------------------


def test_without_a_file_nothing_is_said(base: Path) -> None:
    found = manual.read(base)
    assert found == NO_MANUAL
    assert found.of_track(ID) == found.of_chunk(f"{ID}_000") == ()
    found.check([])
    found.check_chunks(lambda track: pytest.fail(f"asked for {track}"))


def test_every_field_can_be_set_in_a_table(base: Path) -> None:
    found = csv(
        base,
        "id,key,bpm,genre,mood,instrument,voice,year,title,description,arousal,valence,"
        "danceability,approachability,engagement,non_music,onset_rate,dynamic_complexity,danceable,"
        "keyword,album,isrc\n"
        f"{ID},Am,127.5,J-Pop; City Pop,wistful,koto,vocal,1999,夜に駆ける,"
        '"A bright, busy song.",2.5,8,1.5,0.25,1,0,3,4.5,yes,busy streets,THE BOOK,JPU901903131\n',
    )
    assert said(found) == {
        "key": ["A minor"],
        "tempo": [127.5],
        "onset_rate": [3.0],
        "danceability": [1.5],
        "dynamic_complexity": [4.5],
        "genre": ["J-Pop", "City Pop"],
        "mood": ["wistful"],
        "instrument": ["koto"],
        "voice": ["vocals"],
        "danceable": ["danceable"],
        "approachability": [0.25],
        "engagement": [1.0],
        "arousal": [2.5],
        "valence": [8.0],
        "non_music": [0.0],
        "year": [1999.0],
        "keyword": ["busy streets"],
        "album": ["THE BOOK"],
        "isrc": ["JPU901903131"],
        "title": ["夜に駆ける"],
        "description": ["A bright, busy song."],
    }


def test_loudness_and_licence_are_not_to_be_said() -> None:
    assert set(LABEL_UNITS) - set(COLUMNS.values()) == {"loudness", "licence"}


def test_keywords_are_phrases_as_they_are_written(base: Path) -> None:
    text = f'id,keywords\n{ID},Low Quality; slow build-up; low quality\n{ID}_001,"live, loud"\n'
    found = csv(base, f"{text}{ID}_002,-\n")
    assert said(found) == {"keyword": ["Low Quality", "slow build-up"]}
    assert said(found, f"{ID}_001") == {"keyword": ["live", "loud"]}
    assert said(found, f"{ID}_002") == {"keyword": [""]}
    (base / "labels.csv").unlink()
    found = lines(base, {"id": ID, "keyword": ["a phrase, with a comma", "live"]}, {"id": OTHER})
    assert said(found) == {"keyword": ["a phrase, with a comma", "live"]}
    assert refusal(base, jsonl=json.dumps({"id": ID, "keywords": ["live", "None"]})) == [
        "labels.jsonl:1: keyword: \"None\" says nothing; write a word, or '-' alone to assert none"
    ]


def test_every_column_stands_in_the_readme() -> None:
    text = (schema.folder() / "README.md").read_text("utf-8")
    part = text.split("## labels.csv and labels.jsonl")[1].split("\n## ")[0]
    rows = [line.split("|") for line in part.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall("`([a-z_]+)`", row[1] + row[2])}
    assert {name for name in COLUMNS if name not in named} == {
        "genres", "moods", "instruments", "keywords",
    }  # fmt: skip
    assert all("plural" in row[2] for row in rows if "`genre`" in row[1] or "`keyword`" in row[1])


def test_json_lines_say_the_same_as_a_table(base: Path) -> None:
    table = csv(base, f"id,key,tempo,genres,voice\n{ID},Bb,90,rock;pop,karaoke\n")
    (base / "labels.csv").unlink()
    row = {"id": ID, "key": "Bb", "tempo": 90, "genres": ["rock", "pop"], "voice": "karaoke"}
    assert lines(base, row) == Manual(
        (manual.Named(f"{base}/labels.jsonl:1", ID, (ID,)),), table.labels
    )


def test_a_clip_has_labels_of_its_own(base: Path) -> None:
    found = csv(base, f"id,mood\n{ID},calm\n{ID}_002,tense\n")
    assert [label.value for label in found.of_track(ID)] == ["calm"]
    assert [label.value for label in found.of_chunk(f"{ID}_002")] == ["tense"]
    assert found.of_chunk(f"{ID}_001") == ()


def test_labels_are_in_one_order_whatever_the_order_of_lines_and_columns(base: Path) -> None:
    one = csv(base, f"id,mood,key,genre\n{ID},calm,C,\n{ID},,,rock\n")
    other = csv(base, f"genre,id,key,mood\nrock,{ID},C,\n,{ID},,calm\n")
    assert one.of_track(ID) == other.of_track(ID)
    assert [label.kind for label in one.of_track(ID)] == ["key", "genre", "mood"]


def test_both_files_count(base: Path) -> None:
    (base / "labels.csv").write_text(f"id,mood\n{ID},calm\n")
    found = lines(base, {"id": ID, "genre": "rock"})
    assert said(found) == {"genre": ["rock"], "mood": ["calm"]}


# --- saying nothing, and saying that there is nothing -------------------------------------------


def test_an_empty_cell_says_nothing_and_a_dash_takes_away(base: Path) -> None:
    assert said(csv(base, f"id,key,mood,voice\n{ID},,-,  \n")) == {"mood": [""]}


@pytest.mark.parametrize("nothing", [None, [], "-"])
def test_in_json_null_takes_away(base: Path, nothing: object) -> None:
    kinds = [kind for kind in LABEL_UNITS if kind not in {"loudness", "licence", "title"}]
    found = lines(base, {"id": ID} | dict.fromkeys(kinds, nothing))
    assert said(found) == {kind: [""] for kind in kinds}


def test_a_title_is_never_taken_away(base: Path) -> None:
    assert refusal(base, csv=f"id,title\n{ID},-\n") == [
        "labels.csv:2: title: a title cannot be taken away; leave it out to keep the track's own"
    ]


def test_what_is_not_danceable_is_not_said_to_be(base: Path) -> None:
    assert said(csv(base, f"id,danceable\n{ID},no\n")) == {"danceable": [""]}
    (base / "labels.csv").unlink()
    assert said(lines(base, {"id": ID, "danceable": False})) == {"danceable": [""]}
    assert said(lines(base, {"id": ID, "danceable": True})) == {"danceable": ["danceable"]}


def test_an_empty_text_in_json_is_an_error_for_it_may_mean_either(base: Path) -> None:
    assert refusal(base, jsonl=f'{{"id": "{ID}", "key": ""}}') == [
        "labels.jsonl:1: key: is empty; leave it out, or write '-' if nothing is to be asserted"
    ]


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("A minor", "A minor"),
        ("am", "A minor"),
        ("f# moll", "F# minor"),
        ("B♭", "Bb major"),
        ("Db", "C# major"),
        ("c-sharp minor", "C# minor"),
        ("A flat", "Ab major"),
        ("E:min", "E minor"),
        ("d dorian", "D dorian"),
        ("G#-Mixolydian", "Ab mixolydian"),
    ],
)
def test_keys_in_the_spellings_of_people(base: Path, written: str, meant: str) -> None:
    assert said(lines(base, {"id": ID, "key": written})) == {"key": [meant]}
    assert KEY.fullmatch(meant)  # validation knows it too


@pytest.mark.parametrize("written", ["H", "C major, A minor", "8A", "minor", "Am dorian", "tonic"])
def test_what_is_no_key_is_refused(base: Path, written: str) -> None:
    (fault,) = refusal(base, jsonl=json.dumps({"id": ID, "key": written}))
    assert fault == (
        f"labels.jsonl:1: key: {json.dumps(written)} is no key; "
        "write tonic and mode as in 'F# minor'"
    )


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("rock", ["rock"]),
        ('"rock, pop"', ["rock", "pop"]),
        ("rock;pop", ["rock", "pop"]),
        ('"Folk, World, & Country;"', ["Folk, World, & Country"]),
        ("ロック、ポップ", ["ロック", "ポップ"]),
        (" rock ; ;rock; Rock;hip  hop ", ["rock", "hip hop"]),
    ],
)
def test_lists_in_a_cell(base: Path, cell: str, words: list[str]) -> None:
    assert said(csv(base, f"id,genre\n{ID},{cell}\n")) == {"genre": words}


def test_a_list_in_json_is_taken_word_by_word(base: Path) -> None:
    found = lines(base, {"id": ID, "genre": ["Folk, World, & Country", "pop"], "mood": "sad, calm"})
    assert said(found) == {"genre": ["Folk, World, & Country", "pop"], "mood": ["sad", "calm"]}


@pytest.mark.parametrize("word", ["none", "NaN", "-"])
def test_a_word_that_says_nothing_is_refused(base: Path, word: str) -> None:
    assert refusal(base, csv=f"id,genre\n{ID},rock;{word}\n") == [
        f"labels.csv:2: genre: \"{word}\" says nothing; write a word, or '-' alone to assert none"
    ]


@pytest.mark.parametrize(("kind", "word"), [("genre", "unknown"), ("mood", "slow")])
def test_a_word_that_is_never_said_is_refused(base: Path, kind: str, word: str) -> None:
    assert refusal(base, csv=f"id,{kind}\n{ID},{word}\n") == [
        f'labels.csv:2: {kind}: "{word}" is never said: the vocabulary has null for it; write '
        "another word, or '-' alone to assert none"
    ]


def test_a_users_own_vocabulary_is_asked(base: Path) -> None:
    mine = base / "words.yaml"
    mine.write_text("aliases: {genre: {noise: null}}\nvoice: {voice: singing}\n")
    (base / "labels.csv").write_text(f"id,genre,voice\n{ID},noise,singing\n")
    with pytest.raises(ConfigError, match=r"labels\.csv:2: genre: \"noise\" is never said"):
        manual.read(base, vocabulary.load(mine))
    (base / "labels.csv").write_text(f"id,voice\n{ID},vox\n")
    assert said(manual.read(base, vocabulary.load(mine))) == {"voice": ["singing"]}


@pytest.mark.parametrize("kind", sorted(set(RANGES) & set(COLUMNS.values())))
def test_numbers_reach_to_the_end_of_their_range_and_no_further(base: Path, kind: str) -> None:
    low, high = RANGES[kind]
    for value in (low, high):
        assert said(lines(base, {"id": ID, kind: value})) == {kind: [value]}
    for beyond in (low - 1, high + 1):
        (fault,) = refusal(base, jsonl=json.dumps({"id": ID, kind: beyond}))
        assert fault == (
            f"labels.jsonl:1: {kind}: {beyond:g} ({LABEL_UNITS[kind]}), "
            f"expected {low:g} to {high:g}; correct it"
        )


@pytest.mark.parametrize(
    ("written", "value"), [("127,5", 127.5), ("127.50", 127.5), ("+90", 90.0), (" 90. ", 90.0)]
)
def test_numbers_as_text(base: Path, written: str, value: float) -> None:
    assert said(lines(base, {"id": ID, "bpm": written})) == {"tempo": [value]}


@pytest.mark.parametrize("written", ["fast", "nan", "inf", "1_20", "1e2", "120 BPM", True, [120]])
def test_what_is_no_number_is_refused(base: Path, written: object) -> None:
    (fault,) = refusal(base, jsonl=json.dumps({"id": ID, "bpm": written}))
    shown = json.dumps(written).replace(" ", "") if isinstance(written, list) else None
    shown = shown or json.dumps(written)
    assert fault == f"labels.jsonl:1: tempo: {shown} is no number; write BPM, 20 to 400"


@pytest.mark.parametrize("number", ["1e999", "9" * 400])
def test_numbers_beyond_numbers_are_refused(base: Path, number: str) -> None:
    faults = refusal(base, jsonl=f'{{"id": "{ID}", "bpm": {number}}}')
    assert faults[-1] == "labels.jsonl:1: tempo: inf (BPM), expected 20 to 400; correct it"


def test_a_year_is_whole(base: Path) -> None:
    assert refusal(base, csv=f"id,year\n{ID},1999.5\n") == [
        "labels.csv:2: year: 1999.5 is no year; write four digits"
    ]


@pytest.mark.parametrize(
    ("column", "most"), [("title", MAX_TITLE), ("description", MAX_DESCRIPTION), ("mood", MAX_WORD)]
)
def test_text_has_a_limit(base: Path, column: str, most: int) -> None:
    assert said(lines(base, {"id": ID, column: ["x" * most] if column == "mood" else "x" * most}))
    (fault,) = refusal(base, csv=f"id,{column}\n{OTHER},{'x' * (most + 1)}\n")
    assert fault.startswith(f"labels.csv:2: {column}: has {most + 1} characters, expected at most")


def test_line_breaks_of_a_cell_are_blanks(base: Path) -> None:
    found = csv(base, f'id,description,mood\n{ID},"Slow.\r\n Very\tslow.",calm\n{OTHER},"x",sad\n')
    assert said(found) == {"description": ["Slow. Very slow."], "mood": ["calm"]}
    assert found.named[1].place.endswith("labels.csv:4")


@pytest.mark.parametrize("odd", ["\x00", "\x1b[31m", "\x7f", "\x85", "Caf\ufffd"])
def test_characters_that_are_no_text_are_refused(base: Path, odd: str) -> None:
    faults = refusal(base, jsonl=json.dumps({"id": ID, "description": f"x{odd}y"}))
    assert len(faults) == 1
    assert "which is no text" in faults[0]
    assert odd not in faults[0]


@pytest.mark.parametrize(
    ("word", "point"),
    [
        ("jazz\u200b", "200B"),
        ("\u202ejazz", "202E"),
        ("ja\u00adzz", "00AD"),
        ("\u2066jazz\u2069", "2066"),
        ("jazz\ufeff", "FEFF"),
        ("jazz \u200d", "200D"),
        ("ja\u200c\u200czz", "200C"),
        ("\u200d", "200D"),
        ("\u3164", "3164"),
        ("\u2800\u2800", "2800"),
        ("\ufe0f", "FE0F"),
    ],
)
@pytest.mark.parametrize("kind", ["genre", "keyword", "title"])
def test_what_nobody_sees_is_refused(base: Path, kind: str, word: str, point: str) -> None:
    value = word if kind == "title" else ["rock", word]
    assert refusal(base, jsonl=json.dumps({"id": ID, kind: value})) == [
        f"labels.jsonl:1: {kind}: holds the invisible character U+{point}; write it without"
    ]


@pytest.mark.parametrize("word", ["می\u200cخواهم", "👩\u200d🎤", "❤\ufe0f\u200d🔥", "क्\u200dष"])
def test_joiners_are_kept_where_scripts_need_them(base: Path, word: str) -> None:
    assert said(lines(base, {"id": ID, "title": word, "genre": word})) == {
        "title": [word],
        "genre": [word],
    }


@pytest.mark.parametrize("column", ["description", "title"])
def test_what_audiocraft_drops_is_refused(base: Path, column: str) -> None:
    assert refusal(base, csv=f"id,{column}\n{ID},None\n") == [
        f'labels.csv:2: {column}: "None" is what programs write for nothing; leave it out'
    ]


def test_a_formula_is_only_text(base: Path) -> None:
    formula = '=HYPERLINK("x")'
    assert said(lines(base, {"id": ID, "title": formula})) == {"title": [formula]}


def test_words_are_composed_characters(base: Path) -> None:
    found = lines(base, {"id": ID, "title": unicodedata.normalize("NFD", "が é")})
    assert said(found) == {"title": ["が é"]}


# --- spreadsheets -------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_as_spreadsheets_save_them(
    base: Path, ends: str, delimiter: str, encoding: str
) -> None:
    rows = [("id", "title", "mood"), (ID, f'"a{delimiter}b ""c"""', "夜"), ("", "", "")]
    text = "".join(delimiter.join(row) + ends for row in rows)
    title = f'a{delimiter}b "c"'.replace("\t", " ")
    assert said(csv(base, text, encoding)) == {"title": [title], "mood": ["夜"]}


def test_a_table_may_name_its_delimiter(base: Path) -> None:
    assert said(csv(base, f"sep=|\r\nid|mood\r\n{ID}|calm\r\n")) == {"mood": ["calm"]}


def test_columns_are_called_as_people_like(base: Path) -> None:
    text = f"Track ID, BPM ,Non-Music,GENRES,#remark\n{ID},100,0,rock,for me\n"
    assert said(csv(base, text)) == {"tempo": [100.0], "genre": ["rock"], "non_music": [0.0]}


def test_comments_blank_lines_and_columns_without_content_are_passed_over(base: Path) -> None:
    text = f'# by "me, 2024\n\n  # more\nid,mood,,\n,,,\n{ID},"a\n# no comment",,,,\n'
    found = csv(base, text)
    assert said(found) == {"mood": ["a # no comment"]}
    assert found.named[0].place == f"{base}/labels.csv:6"
    (base / "labels.csv").unlink()
    assert said(lines(base, "# mine", "", {"id": ID, "mood": "sad", "#": 1})) == {"mood": ["sad"]}


def test_a_table_without_rows_says_nothing(base: Path) -> None:
    assert csv(base, "id,mood\n") == NO_MANUAL
    assert lines(base, "") == NO_MANUAL


def test_a_file_that_was_lost_is_told(base: Path) -> None:
    assert refusal(base, csv="", jsonl="") == [
        f"labels.{name}: is empty, as a file that was lost; restore it or delete it"
        for name in ("csv", "jsonl")
    ]


@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl"])
def test_a_pipe_is_not_opened(base: Path, name: str) -> None:
    os.mkfifo(base / name)
    assert refusal(base) == [
        f"{name}: is no file, but a folder or a device; put the file there or take it away"
    ]


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_value_beyond_what_csv_can_is_told_alone(base: Path, quote: str) -> None:
    text = f"id,mood\n{ID},{quote}{'x' * 200_000}{quote}\n{OTHER},H\n{OTHER},sad\n"
    assert refusal(base, csv=text)[:1] == [
        "labels.csv:2: a value has more than 131072 characters; shorten it, or close its quote"
    ]
    (base / "labels.csv").unlink()
    (fault,) = refusal(base, jsonl=json.dumps({"id": ID, "mood": "x" * 200_000}))
    assert fault == "labels.jsonl:1: mood: has 200000 characters, expected at most 2000; shorten it"


def test_a_line_may_say_nothing(base: Path) -> None:
    found = csv(base, f"id,mood\n{ID},\n")
    assert found.of_track(ID) == ()
    with pytest.raises(ConfigError, match=f'there is no track "{ID}"'):
        found.check([])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            f"id,moood\n{ID},x\n",
            "1: unknown column \"moood\"; did you mean 'mood'? put a # before its name if it is a "
            "note to yourself",
        ),
        (
            f"id,loudness\n{ID},-9\n",
            '1: column "loudness" cannot be set here: loudness is measured of the clip and checked '
            "against it; put a # before its name if it is a note to yourself",
        ),
        (
            f"id,genre,genres\n{ID},a,b\n",
            '1: column "genres": there is one for genre already; keep one',
        ),
        ("mood\ncalm\n", "1: no column 'id' or 'path'; the first line names the columns"),
        (
            f"id,mood,key\n{ID},calm\n",
            "2: 2 values where the header has 3 columns; add a ',' for every empty one",
        ),
        (
            f"id,mood\n{ID},calm,sad\n",
            "2: 3 values where the header has 2 columns; put a value that holds a ',' in double "
            "quotes",
        ),
        (
            f"id,mood,\n{ID},calm,x\n",
            '2: "x" stands under no column name; name the column in the header',
        ),
        (f'id,mood\n{ID},"calm\n', '2: a quote (") that opens here is never closed; close it'),
        (
            f'id,mood\n{ID},"a"b\n',
            "2: not CSV: ',' expected after '\"'; a value with quotes is written "
            '"like ""this"""',
        ),
        ("id,mood\n,calm\n", "2: names neither id nor path; name the track or clip by one of them"),
        (
            f"id,path,mood\n{ID},a.flac,calm\n",
            "2: names both id and path; name the track or clip by one of them",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_told_with_its_line(
    base: Path, text: str, fault: str
) -> None:
    assert refusal(base, csv=text) == [f"labels.csv:{fault}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"id": "x", "id": "x"}', 'key "id" stands twice'),
        ("[1]", "is an array, expected an object {…}"),
        ('{"id": "x"', "ends in the middle of an object (cut off?)"),
        (f'{{"id": "{ID}", "bpm": NaN}}', "tempo: nan (BPM), expected 20 to 400; correct it"),
        (f'{{"id": "{ID}", "mood": {{}}}}', "mood: {} is no text; put it in quotes"),
        (f'{{"id": "{ID}", "genre": "a", "genres": "a"}}', 'key "genres": genre is there already'),
    ],
)
def test_what_is_wrong_with_json_is_told_with_its_line(base: Path, text: str, fault: str) -> None:
    faults = refusal(base, jsonl=f'{{"id": "{OTHER}"}}\n{text}\n')
    assert all(line.startswith("labels.jsonl:2: ") for line in faults)
    assert any(fault in line for line in faults)


def test_all_faults_of_both_files_are_told_at_once(base: Path) -> None:
    table = f"id,key,bpm,moood\n{ID},H,10,x\nme,,,\n"
    faults = refusal(base, csv=table, jsonl='{"mood": "calm"}\n{\n')
    places = [":".join(line.split(":")[:2]) for line in faults]
    assert places == [
        "labels.csv:1", "labels.csv:2", "labels.csv:2", "labels.csv:3", "labels.jsonl:1",
        "labels.jsonl:2",
    ]  # fmt: skip


def test_a_file_of_another_kind_does_not_fill_the_screen(base: Path) -> None:
    faults = refusal(base, jsonl="x\n" * 5000)
    assert len(faults) == 101
    assert faults[-1] == "and 4900 more like these"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("id,mood\n#é\n".encode("latin-1"), 2),
        (b"\xff\xfei\x00d\x00,", 1),
        ("id,mood\n".encode("utf-16-le"), 1),
    ],
)
def test_another_encoding_is_told_with_the_remedy(base: Path, data: bytes, line: int) -> None:
    (base / "labels.csv").write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        manual.read(base)
    assert str(caught.value).startswith(f"{base}/labels.csv:{line}: ")
    assert str(caught.value).endswith("save it as UTF-8 (Excel: 'CSV UTF-8')") or "NUL" in str(
        caught.value
    )


def test_a_folder_in_place_of_the_file_is_an_error(base: Path) -> None:
    (base / "labels.csv").mkdir()
    (base / "labels.jsonl").symlink_to("nowhere")
    assert refusal(base) == [
        "labels.csv: is no file, but a folder or a device; put the file there or take it away",
        "labels.jsonl: leads nowhere; put the file there or take it away",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(alphabet='id,;\n\r"#-{}:1é\0\ufeff', max_size=80))
@example(b'id,mood\n"')
@example("id")
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes | str) -> None:
    for name in manual.FILES:
        (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    found, refused = NO_MANUAL, ""
    try:
        found = manual.read(tmp_path)
    except ConfigError as error:
        refused = str(error)
    assert all(named.ids for named in found.named)
    places = [line.startswith(f"{tmp_path}/labels.") for line in refused.split("\n") if line]
    assert all(places[:100])


# --- saying it twice ----------------------------------------------------------------------------


def test_saying_the_same_twice_is_no_fault(base: Path) -> None:
    (base / "labels.csv").write_text(f"id,key,genre\n{ID},Am,a;b\n{ID},A minor,\n")
    found = lines(base, {"id": ID.upper(), "genre": ["a", "b"]})
    assert said(found) == {"key": ["A minor"], "genre": ["a", "b"]}


def test_contradictions_are_told_with_both_places(base: Path) -> None:
    (base / "labels.csv").write_text(f"id,key,genre\n{ID},C,a\n{ID},,b\n{ID}_000,D,\n")
    assert refusal(base, jsonl=f'{{"id": "{ID}", "key": null}}') == [
        'labels.csv:3: genre: "b" here, but "a" in labels.csv:2, which is about the same; keep one',
        'labels.jsonl:1: key: "-" here, but "C major" in labels.csv:2, which is about the same; '
        "keep one",
    ]


def test_a_track_named_by_id_and_by_path_is_one_track(base: Path) -> None:
    track = track_id("files", "music/a.flac")
    assert refusal(base, csv=f"id,path,mood\n{track},,sad\n,./music/a.flac,glad\n") == [
        'labels.csv:3: mood: "glad" here, but "sad" in labels.csv:2, which is about the same; '
        "keep one"
    ]


# --- which track, which clip --------------------------------------------------------------------


@pytest.fixture
def music(base: Path) -> list[Track]:
    """The tracks of a folder, as the source lists them."""
    names = ["一.flac", "a b\u3000c.mp3", "#1.wav", unicodedata.normalize("NFD", "deep/が é.ogg")]
    for name in names:
        (base / "music" / name).parent.mkdir(parents=True, exist_ok=True)
        (base / "music" / name).touch()
    found = list(Files(base).list_tracks(Artist("A", ("music",))))
    assert len(found) == len(names)
    return [track for track in found if isinstance(track, Track)]


def ways_to_write(base: Path, track: Track) -> list[str]:
    path = Files(base).locate(track)
    return [
        track.uri,
        str(path),
        f"./x/../{track.uri}",
        f"~/{os.path.relpath(path, Path.home())}",
        path.as_uri(),
        unicodedata.normalize("NFC", track.uri),
        unicodedata.normalize("NFD", str(path)),
    ]


def test_a_path_finds_the_track_that_the_source_lists(base: Path, music: list[Track]) -> None:
    for track in music:
        for path in ways_to_write(base, track):
            found = lines(base, {"path": path, "mood": "calm"})
            assert said(found, track.id) == {"mood": ["calm"]}, path
            found.check((track.id, track.uri) for track in music)


def test_a_path_finds_tracks_beside_and_above(base: Path) -> None:
    (base / "recipe").mkdir()
    (base / "a.flac").touch()
    (track,) = Files(base / "recipe").list_tracks(Artist("A", ("../a.flac",)))
    found = csv(base / "recipe", f"path,mood\n../a.flac,calm\n{base}/a.flac,calm\n")
    assert said(found, track.id) == {"mood": ["calm"]}
    assert [named.ids[sources.NAMES.index("files")] for named in found.named] == [track.id] * 2


def test_a_path_through_the_folders_real_name_finds_the_track(base: Path) -> None:
    (base / "real").mkdir()
    (base / "link").symlink_to("real")
    found = csv(base / "link", f"path,mood\n{base}/real/a.flac,calm\n")
    assert said(found, track_id("files", "a.flac")) == {"mood": ["calm"]}


def test_a_file_whose_name_is_no_text_is_named_by_its_uri(base: Path) -> None:
    (base / os.fsdecode(b"caf\xe9.flac")).touch()
    (track,) = Files(base).list_tracks(Artist("A", ("*.flac",)))
    assert track.uri.startswith("file:///")
    assert said(lines(base, {"path": track.uri, "mood": "calm"}), track.id) == {"mood": ["calm"]}


def test_paths_are_never_opened(base: Path) -> None:
    os.mkfifo(base / "pipe.flac")  # opening it would block for ever
    found = csv(base, "path,mood\npipe.flac,calm\n../../../../etc/passwd,x\n~nobody-here/a,y\n")
    assert len(found.named) == 3


def clip_of(track: Track, index: int) -> str:
    return f"{chunk.folder(track)}/{track_slug(track)}_chunk{index:03d}.flac"


def test_a_clip_is_found_by_its_path_from_wherever_one_looks(base: Path) -> None:
    track = Track(ID, "files", "music/a.flac", "米津玄師", "LOSER (live)")
    path = clip_of(track, 12)
    for written in (path, f"build/{path}", str(base / "out" / path), f"{path[:-4]}json"):
        found = lines(base, {"path": written, "key": "C"})
        assert said(found, f"{ID}_012") == {"key": ["C major"]}
        assert found.of_track(ID) == ()
        found.check([(ID, track.uri)])


def test_a_clip_and_its_path_are_one(base: Path) -> None:
    path = clip_of(Track(ID, "files", "a", "A", "T"), 3)
    faults = refusal(base, csv=f"id,path,key\n{ID}_003,,C\n,{path},D\n")
    assert len(faults) == 1
    assert '"D major" here, but "C major" in labels.csv:2' in faults[0]


@pytest.mark.parametrize(
    "name",
    ["me", "123456789012.0", "1.23E+11", "0123456789abc", f"{ID}_1", f"{ID}_", "music/a.flac"],
)
def test_what_is_no_id_is_refused(base: Path, name: str) -> None:
    (fault,) = refusal(base, csv=f"id,mood\n{name},calm\n")
    assert fault.startswith(f'labels.csv:2: id: "{name}" is none: ')
    assert "column 'path'" in fault


def test_an_id_that_json_takes_for_a_number_is_refused(base: Path) -> None:
    (fault,) = refusal(base, jsonl='{"id": 123456789012, "mood": "calm"}')
    assert fault.startswith("labels.jsonl:1: id: 123456789012 is none")


# --- checking against what is there -------------------------------------------------------------


def check(found: Manual, base: Path, *listed: tuple[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        found.check(listed)
    return str(caught.value).replace(f"{base}/", "").split("\n")


def test_unknown_names_are_all_told_with_what_is_near(base: Path) -> None:
    known = track_id("files", "music/夜に駆ける.flac")
    found = csv(
        base,
        "id,path,mood\n"
        f"{known},,known\n"
        f"{known[:-1]}{'0' if known[-1] != '0' else '1'},,a digit is wrong\n"
        f"{known[1]}{known[0]}{known[2:]}_003,,two digits are swapped\n"
        ",music/live/夜に駆ける.flac,in another folder\n"
        ",music/夜に翔ける.flac,misspelt\n"
        ",https://example.org/x,nowhere near\n",
    )
    remedy = "Correct the line or take it out"
    faults = check(found, base, (known, "music/夜に駆ける.flac"))
    assert faults[0].startswith("labels.csv:3: there is no track ")
    assert faults[0].endswith(f'; did you mean "{known}"? {remedy}')
    assert faults[1].endswith(f'; did you mean "{known}_003"? {remedy}')
    for place, fault in zip((5, 6), faults[2:4], strict=True):
        assert fault.startswith(f"labels.csv:{place}: there is no track ")
        assert fault.endswith(f'; did you mean "music/夜に駆ける.flac"? {remedy}')
    assert faults[4:] == [
        'labels.csv:7: there is no track "https://example.org/x"; tracks.jsonl of the built '
        "dataset lists all; correct the line or take it out"
    ]


def test_the_first_of_many_unknown_names_are_told(base: Path) -> None:
    unknown = "".join(f",music/wrong {index}.flac,x\n" for index in range(300))
    found = csv(base, f"id,path,mood\n{unknown}")
    uris = [f"music/folder/some artist/track number {index}.flac" for index in range(5000)]
    faults = check(found, base, *((track_id("files", uri), uri) for uri in uris))
    assert faults[-1] == "and 200 more like these"


def test_a_clip_of_a_listed_track_is_known_until_it_is_cut(base: Path) -> None:
    found = csv(base, f"id,mood\n{ID}_007,calm\n")
    found.check([(ID, "music/a.flac")])
    found.check_chunks({}.get)


def test_clips_that_a_track_does_not_have_are_told(base: Path) -> None:
    path = clip_of(Track(ID, "files", "a", "A", "T"), 9)
    found = csv(
        base, f"id,path,mood\n{ID},,x\n{ID}_002,,a\n{ID}_003,,b\n,{path},c\n{OTHER}_000,,d\n"
    )
    there = {ID: [chunk_id(ID, index) for index in range(3)], OTHER: []}
    with pytest.raises(ConfigError) as caught:
        found.check_chunks(there.get)
    assert str(caught.value).replace(f"{base}/", "").split("\n") == [
        f'labels.csv:4: track {ID} has no clip "{ID}_003"; its last is {ID}_002. Correct the line '
        "or take it out",
        f'labels.csv:5: track {ID} has no clip "{path}"; its last is {ID}_002. Correct the line or '
        "take it out",
        f'labels.csv:6: track {OTHER} has no clip "{OTHER}_000"; it has none. Correct the line or '
        "take it out",
    ]


def test_only_tracks_whose_clips_are_named_are_asked_for_and_once(base: Path) -> None:
    asked = []

    def chunks(track: str) -> None:
        asked.append(track)

    found = csv(base, f"id,mood\n{ID}_000,a\n{ID}_001,b\n{OTHER},c\n")
    found.check_chunks(chunks)
    assert asked == [ID]


def test_twenty_thousand_lines_are_read(base: Path) -> None:
    rows = "".join(f"music/{index}.flac,am,120,rock;pop\n" for index in range(20_000))
    found = csv(base, f"path,key,bpm,genre\n{rows}")
    assert len(found.labels) == 20_000 * len(sources.NAMES)  # a path does not say whose it is


def test_column_names_and_kinds_are_consistent() -> None:
    for name, meaning in COLUMNS.items():
        assert columns.column(name) == meaning
        assert meaning in {"id", "path"} or meaning in LABEL_UNITS
