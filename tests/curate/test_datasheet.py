"""DATASHEET.md says what is in a dataset and what nobody knows; nothing from outside breaks it."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from finished import CONFIG, INFO, finished, said, untagged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate import jsonio
from curate.config import Artist, Table
from curate.labels.models import zoo
from curate.records import BuildInfo, Label, Origin, TrackLine
from curate.stages import datasheet, write
from curate.stages.datasheet import QUESTIONS, markdown
from curate.stages.write import Finished

SECTIONS = [
    "Motivation",
    "Composition",
    "Collection",
    "Preprocessing, cleaning, labelling",
    "Uses",
    "Distribution",
    "Maintenance",
]


def sheet(folder: Path, info: BuildInfo = INFO, items: Iterable[Finished] | None = None) -> str:
    some = [finished(0, clips=3), untagged(1, "valid"), finished(2, "test", clips=1)]
    write.write(folder, some if items is None else items, CONFIG, lambda paths: None)
    datasheet.write(folder, info)
    return (folder / "DATASHEET.md").read_text("utf-8")


def from_lines(folder: Path, lines: Iterable[TrackLine], info: BuildInfo = INFO) -> str:
    jsonio.write_lines(folder / "tracks.jsonl", lines)
    datasheet.write(folder, info)
    return (folder / "DATASHEET.md").read_text("utf-8")


@pytest.fixture
def line(tmp_path: Path) -> TrackLine:
    """A track as it stands in tracks.jsonl."""
    write.write(tmp_path / "one", [finished()], CONFIG, lambda paths: None)
    (found,) = jsonio.read_lines(tmp_path / "one/tracks.jsonl", TrackLine)
    return found


def asks(text: str) -> list[str]:
    return [part.split("`")[0] for part in text.split("*To be filled in: `datasheet.")[1:]]


def test_it_says_what_is_in_the_dataset(tmp_path: Path) -> None:
    text = sheet(tmp_path)
    assert text.startswith(
        "# kayo\n\n10 tracks, 132 clips of 30 s, 1.00 hours, 32000 Hz, 1 channel"
    )
    for row in (
        "made by a test",
        "| YOASOBI | 3 | 5 | 0.04 |",
        "| files | 3 | 5 | 0.04 |",
        "| CC BY 4.0 | tag | 2 | 4 | 0.03 |",
        "| none claimed |  | 1 | 1 | 0.01 |",
        "| train | 8 | 100 | 0.80 |",
        "| valid | 1 | 20 | 0.10 |",
        "| silent | 1 |",
        "| tag | the file's own tags | genre, instrument, mood, year | 2 |",
        "| signal.bgate | analysis of the sound | key | 2 |",
        "| licence | 1 |",
        "- 1 track without a known licence to pass them on.",
        "Years of release, where known: 2019 to 2019.",
        f"Data fingerprint: `{'a' * 64}`",
        "| numpy | 2.0 |",
    ):
        assert f"\n{row}\n" in text, row


def test_it_has_the_sections_of_the_paper(tmp_path: Path) -> None:
    text = sheet(tmp_path)
    heads = [row[3:] for row in text.split("\n") if row.startswith("## ")]
    assert heads == [*SECTIONS, "Attribution"]
    assert {question.section for question in QUESTIONS.values()} <= {*SECTIONS}
    assert "\n\n\n" not in text
    assert not text.endswith("\n\n")


def test_what_only_people_know_is_asked_for_and_answered(tmp_path: Path) -> None:
    assert asks(sheet(tmp_path)) == list(QUESTIONS)
    assert f"({len(QUESTIONS)} of {len(QUESTIONS)})" in sheet(tmp_path)
    answers = {"purpose": "To try *this*.\nAnd that.", "funding": " ", "removal": "- Write to us."}
    config = {**INFO.config, "datasheet": answers}
    text = sheet(tmp_path, replace(INFO, config=config))
    question = QUESTIONS["purpose"].text
    assert f"**{question}**\n\nTo try \\*this\\*. And that.\n\n" in text
    assert "\n\\- Write to us.\n" in text
    assert asks(text) == [key for key in QUESTIONS if key not in {"purpose", "removal"}]
    everything = {**INFO.config, "datasheet": dict.fromkeys(QUESTIONS, "It is known.")}
    assert "To be filled in" not in sheet(tmp_path, replace(INFO, config=everything))


def test_it_says_what_was_left_out_or_is_missing(tmp_path: Path) -> None:
    text = sheet(tmp_path, replace(INFO, complete=False, counts=replace(INFO.counts, rejected={})))
    assert "\nPart of the whole: built with a limit.\n" in text
    assert "### Left out\n\nNothing.\n" in text
    assert "Part of the whole" not in sheet(tmp_path)


def test_the_greatest_share_comes_first(tmp_path: Path) -> None:
    text = sheet(tmp_path)
    assert text.index("| CC BY 4.0 |") < text.index("| none claimed |")


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    assert sheet(tmp_path) == sheet(tmp_path)
    before = (tmp_path / "DATASHEET.md").stat().st_mtime_ns
    datasheet.write(tmp_path, replace(INFO, built_at="2027-01-01T00:00:00+00:00"))
    assert (tmp_path / "DATASHEET.md").stat().st_mtime_ns == before


def test_a_dataset_without_tracks_has_one_too(tmp_path: Path) -> None:
    text = from_lines(tmp_path, [])
    assert "## Maintenance" in text
    assert "Attribution" not in text
    assert "Years of release" not in text


# --- rights --------------------------------------------------------------------------------------


def test_licences_are_read_and_repeated(tmp_path: Path, line: TrackLine) -> None:
    claims = [
        ("CC BY 4.0", "tag"),
        ("https://creativecommons.org/licenses/by/4.0/", "web"),
        ("by-nc-sa", "web"),
        ("Standard YouTube License", "youtube"),
        ("free for all", "table"),
        (None, None),
    ]
    lines = [
        replace(line, id=f"{n:012x}", licence=claim, licence_source=source, chunks=9 - n)
        for n, (claim, source) in enumerate(claims)
    ]
    text = from_lines(tmp_path, lines)
    for row in (
        "| CC BY 4.0 | tag | 1 | 9 | 0.07 |",
        "| CC BY 4.0 | web | 1 | 8 | 0.07 |",
        "| CC BY-NC-SA | web | 1 | 7 | 0.06 |",
        "| all rights reserved | youtube | 1 | 6 | 0.05 |",
        "| not known | table | 1 | 5 | 0.04 |",
        "| none claimed |  | 1 | 4 | 0.03 |",
        "| https://creativecommons.org/licenses/by/4.0/ | CC BY 4.0 | 1 |",
        "| by-nc-sa | CC BY-NC-SA | 1 |",
        "| free for all | not known | 1 |",
        "- 1 track under licences for non-commercial use only.",
        "- 1 track under licences under which what is made of them has to be passed on.",
        "- 3 tracks without a known licence to pass them on.",
    ):
        assert f"\n{row}\n" in text, row
    assert "Not for commercial use as a whole: 1 track under licences" in text


def test_works_under_attribution_licences_are_named(tmp_path: Path, line: TrackLine) -> None:
    page = Origin("https://example.com/watch?v=a_b&t=1#x")
    lines = [
        replace(line, title='夜 "live" [1]', artist="A|B", licence="CC BY-SA 3.0", origin=page),
        replace(line, title="Two", licence="by", origin=Origin("music/夜_1.flac")),
        replace(line, title="Three", licence="CC0"),
        replace(line, title="Four", licence="all rights reserved"),
        replace(line, title="Five", licence="CC BY 4.0", origin=Origin("https://e.com/a b>c\\`|d")),
        replace(line, title="Six", licence="CC BY 4.0", origin=Origin("javascript:alert(1)")),
    ]
    text = from_lines(tmp_path, lines)
    rows = text.partition("## Attribution\n")[2].strip().split("\n")[2:]
    by = "<https://creativecommons.org/licenses/by/4.0/>"
    assert rows == [
        '- "夜 "live" \\[1\\]" by A\\|B, <https://example.com/watch?v=a_b&t=1#x>, CC BY-SA 3.0 '
        "(<https://creativecommons.org/licenses/by-sa/3.0/>)",
        '- "Two" by YOASOBI, music/夜\\_1.flac, CC BY (version not stated)',
        f'- "Five" by YOASOBI, <https://e.com/a%20b%3Ec%5C%60%7Cd>, CC BY 4.0 ({by})',
        f'- "Six" by YOASOBI, javascript:alert(1), CC BY 4.0 ({by})',
    ]
    assert "- 4 tracks under licences that want the author named" in text


# --- where from, and who says so -----------------------------------------------------------------


def test_where_it_comes_from(tmp_path: Path, line: TrackLine) -> None:
    origins = [
        Origin("a", retrieved_at="2026-02-03T04:05:06Z", extractor="Youtube", version="2026.1"),
        Origin("b", retrieved_at="2026-01-31T23:59:59Z", extractor="Youtube", version="2026.1"),
        Origin("c", retrieved_at="2026-03-01T00:00:00Z", extractor="generic", match=0.834),
    ]
    lines = [replace(line, source="web", origin=origin) for origin in origins]
    text = from_lines(tmp_path, [*lines, replace(line, source="table"), line])
    for row in (
        "| web | 3 | 6 | 0.05 |",
        "- web: Fetched from the sites where they are published, by yt-dlp.",
        "- files: Files that the makers of the dataset had.",
        "| Youtube | 2026.1 | 2 | 4 | 0.03 |",
        "| generic |  | 1 | 2 | 0.02 |",
        "Fetched between 2026-01-31 and 2026-03-01.",
    ):
        assert f"\n{row}\n" in text, row
    assert "The audio of 1 track was looked for" in text
    assert "0.83 to 0.83 of 1." in text


def test_how_it_was_chosen(tmp_path: Path) -> None:
    table = Table("sets/a_b.csv", where="'low quality' not in caption")
    config = replace(
        CONFIG,
        artists=(Artist("A", ("x",), limit=5), Artist("B", table=table)),
        licences=("cc-by", "cc0"),
        where='instrument == "violin"',
        vocals="drop_tracks",
        denoise=True,
        normalize=True,
    )
    text = sheet(tmp_path, replace(INFO, config=jsonio.builtins(config)))
    for row in (
        "- 1 of them are limited to their first tracks, in the source's order.",
        "- Of the rows of sets/a\\_b.csv only those where: 'low quality' not in caption",
        '- Only clips where: instrument == "violin"',
        "- Only tracks that claim one of the licences cc-by, cc0",
        "- Steady noise was taken away.",
        "- Tracks labelled as having vocals were left out.",
        "- Of copies of one recording the best was kept.",
    ):
        assert f"\n{row}\n" in text, row
    assert "Clips were brought to -14 LUFS." in text
    assert "measured and not changed" in sheet(tmp_path)


@pytest.mark.parametrize(
    "change", [{"source": "spotify"}, {"labels": (Label("genre", "pop", "spotify"),)}]
)
def test_what_spotify_forbids_is_said(
    tmp_path: Path, line: TrackLine, change: dict[str, object]
) -> None:
    from curate.sources.spotify import POLICY

    assert POLICY in from_lines(tmp_path, [line, replace(line, **change)])  # type: ignore[arg-type]
    assert "Developer Policy" not in from_lines(tmp_path, [line])


def test_who_says_what(tmp_path: Path) -> None:
    labels = (
        Label("genre", "pop", "essentia.genre_discogs400", 0.5),
        Label("mood", "calm", "essentia.genre_discogs400", 0.5),
        Label("description", "A song.", "table.musiccaps"),
        Label("title", "Song", "manual"),
        Label("year", 1999.0, "web.youtube"),
        Label("genre", "pop", "somebody|else"),
    )
    item = finished()
    text = sheet(tmp_path, items=[replace(item, said=said(labels, item.chunked.chunks))])
    for row in (
        "| essentia.genre\\_discogs400 | a model that listened | genre, mood | 1 |",
        "| table.musiccaps | the table it was listed in | description | 1 |",
        "| manual | a person who worked on this dataset | title | 1 |",
        "| web.youtube | the site it was fetched from | year | 1 |",
        "| somebody\\|else |  | genre | 1 |",
    ):
        assert f"\n{row}\n" in text, row


def test_models_are_named_with_their_terms(tmp_path: Path) -> None:
    name = next(iter(zoo.BY_NAME))
    text = sheet(tmp_path, replace(INFO, models={name: "b" * 64, "unknown-1": "c" * 64}))
    assert f"\n| {name} | `{'b' * 16}` |\n" in text
    assert f"\n- {zoo.BY_NAME[name].citation}\n" in text
    assert "CC-BY-NC-SA" in text
    assert "labels were given by models for non-commercial use only" in text
    assert "CC-BY-NC-SA" not in sheet(tmp_path)


# --- text from outside ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "shown"),
    [
        ("a | b", "a \\| b"),
        ("# a\n\n## b", "\\# a \\#\\# b"),
        ("[x](http://y)", "\\[x\\](http://y)"),
        ("<script>", "\\<script\\>"),
        ("`*_\\~", "\\`\\*\\_\\\\\\~"),
        ("- a", "\\- a"),
        ("---", "\\---"),
        ("===", "\\==="),
        ("1. a", "1\\. a"),
        ("a\u202eb\0c", "a b c"),
        ("私的研究", "私的研究"),
    ],
)
def test_text_from_outside_is_only_text(tmp_path: Path, rights: str, shown: str) -> None:
    config = jsonio.builtins(replace(CONFIG, rights=rights))
    text = sheet(tmp_path, replace(INFO, config=config))
    assert f"in the words of the makers of the dataset:\n\n{shown}\n\n" in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_nothing_breaks_its_structure(tmp_path: Path, line: TrackLine, hostile: str) -> None:
    origin = Origin(f"https://example.com/{hostile}", extractor=hostile, version=hostile)
    labels = (Label("genre", hostile, f"table.{hostile}"),)
    changed = replace(line, artist=hostile, title=hostile, licence=hostile, origin=origin)
    text = from_lines(tmp_path, [replace(changed, source=hostile, labels=labels)])
    plain = from_lines(tmp_path, [line])
    heads = [
        [row for row in sheet.split("\n") if row.startswith("#") and "Attribution" not in row]
        for sheet in (text, plain)
    ]
    assert heads[0] == heads[1]
    for row in text.split("\n"):
        if row.startswith("|"):
            assert row.endswith("|")


@given(st.text())
def test_any_text_is_one_line(value: str) -> None:
    for shown in (markdown.text(value), markdown.paragraph(value), markdown.link(value)):
        assert len(shown.splitlines()) <= 1
    assert "<" not in markdown.link(f"https://example.com/{value}")[1:]


def test_thousands_of_artists_stay_readable(tmp_path: Path, line: TrackLine) -> None:
    count = 10_000

    def lines() -> Iterable[TrackLine]:
        for number in range(count):
            name = f"Artist {number:05d}"
            clips = 1 + (number == 77)
            claim = f"free, see page {number}"
            yield replace(line, id=f"{number:012x}", artist=name, chunks=clips, licence=claim)

    tracemalloc.start()
    text = from_lines(tmp_path, lines())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert text.index("| Artist 00077 | 1 | 2 |") < text.index("| Artist 00000 | 1 | 1 |")
    assert "\n| 9950 other artists | 9950 | 9950 | 82.92 |\n" in text
    assert "\n| 9950 other wordings |  | 9950 |\n" in text
    assert len(text) < 20_000
    assert peak < 20 << 20


def test_one_more_than_fits_is_shown_itself() -> None:
    rows = [(str(n), n, 0.5) for n in range(60)]
    assert markdown.table(("A", "B", "C"), rows[:51])[-1] == "| 50 | 50 | 0.50 |"
    assert markdown.table(("A", "B", "C"), rows, others="things")[-1] == (
        f"| 10 other things | {sum(range(50, 60))} | 5.00 |"
    )
    assert markdown.table(("A", "B", "C"), []) == ["| A | B | C |", "|---|--:|--:|"]
