"""Every class of every classifier has a word that reads well in a caption, and is found by name."""

import json
import pickle
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from curate.captions.template.english_grammar import article
from curate.errors import ConfigError, CurateError
from curate.labels import vocabulary
from curate.labels.vocabulary import FILE, KINDS, UnknownClass, Vocabulary, load

LISTS = sorted((Path(__file__).parent.parent / "data" / "classes").glob("*.json"))
KIND = {
    "danceability": "danceable",
    "genre_discogs400": "genre",
    "mtg_jamendo_genre": "genre",
    "mtg_jamendo_instrument": "instrument",
    "mtg_jamendo_moodtheme": "mood",
    "voice_instrumental": "voice",
}
"""The kind of a task; mtg_jamendo_top50tags mixes three."""

COUNTS = {
    "danceability": 2,
    "genre_discogs400": 400,
    "mtg_jamendo_genre": 87,
    "mtg_jamendo_instrument": 40,
    "mtg_jamendo_moodtheme": 56,
    "mtg_jamendo_top50tags": 50,
    "voice_instrumental": 2,
}


def classes(task: str) -> list[str]:
    found = json.loads((LISTS[0].parent / f"{task}.json").read_text("utf-8"))
    assert found["task"] == task
    return list(found["classes"])


def said(kind: str) -> dict[str, str]:
    return {name: word for name, word in load().classes[kind].items() if word}


EVERY_WORD = sorted(
    {word for kind in KINDS for word in vocabulary._own()[0].known(kind)}
    | {word for word in load().parents.values() if word}
)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "words.yaml"


@pytest.mark.parametrize("task", sorted(COUNTS))
def test_every_class_is_mapped(task: str) -> None:
    names = classes(task)
    assert len(set(names)) == COUNTS[task]
    for name in names:
        kind = KIND.get(task) or load().kind(name)
        word = load().word(kind, name)  # raises where a line is missing
        assert word is None or word in EVERY_WORD
        load().parent(name)


def test_the_lists_here_are_the_ones_counted_above() -> None:
    assert [file.stem for file in LISTS] == sorted(COUNTS)


def test_no_line_is_left_that_no_classifier_has() -> None:
    real: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for task, kind in KIND.items():
        real[kind].update(classes(task))
    for kind in KINDS:
        assert set(load().classes[kind]) == real[kind]
    parents = {name.split("---")[0] for name in classes("genre_discogs400")}
    assert set(load().parents) == parents


def test_words_read_well_in_a_list_and_in_a_sentence() -> None:
    def reads_well(word: str) -> bool:
        return (
            word.isascii()
            and "," not in word
            and word == " ".join(word.split())
            and not re.match(r"(?:an?|the) ", word)  # the sentence has its own
            and not re.search(r"\b(\w+) \1\b", f"{article(word)} {word} track")
            and not word.endswith((" music track", "track", "piece", "recording"))
        )

    assert [word for word in EVERY_WORD if not reads_well(word)] == []


def test_words_have_the_capitals_that_are_listed_and_no_others() -> None:
    assert [load().spell(word.lower()) for word in EVERY_WORD] == EVERY_WORD


def test_what_is_written_with_capitals_is_some_word_or_a_known_adjective() -> None:
    unused = {p for p in load().capitals.values() if not any(p in word for word in EVERY_WORD)}
    assert unused == set(
        "American Arabic Brazilian British Chinese English German Hawaiian Irish Italian Korean "
        "Russian Scottish Spanish Turkish".split()
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Electronic---Dub", "Reggae---Dub"),
        ("Electronic---Electro", "Hip Hop---Electro"),
        ("Electronic---Experimental", "Rock---Experimental"),
        ("Electronic---Hardcore", "Rock---Hardcore"),
        ("Electronic---Hip Hop", "hiphop"),
        ("Electronic---Industrial", "Rock---Industrial"),
        ("Electronic---Latin", "latin"),
        ("Electronic---Modern Classical", "Classical---Modern"),
        ("Electronic---Noise", "Rock---Noise"),
        ("Folk, World, & Country---Gospel", "Funk / Soul---Gospel"),
        ("Funk / Soul---Psychedelic", "Rock---Psychedelic Rock"),
        ("Reggae---Ska", "Rock---Ska"),
    ],
)
def test_a_style_under_two_parents_is_told_apart(one: str, other: str) -> None:
    assert load().word("genre", one) != load().word("genre", other)


def test_styles_share_a_word_only_on_purpose() -> None:
    discogs = [word for name, word in said("genre").items() if "---" in name]
    assert {word for word, count in Counter(discogs).items() if count > 1} == {
        "Afrobeat",
        "bossa nova",
        "disco",
        "gangsta rap",
        "grime",
        "grindcore",
        "neofolk",
        "new jack swing",
        "new wave",
        "rhythm and blues",
        "trip hop",
    }
    moods = Counter(said("mood").values())
    assert {word for word, count in moods.items() if count > 1} == {
        "cinematic",
        "dramatic",
        "romantic",
    }
    assert max(Counter(said("instrument").values()).values()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_words_differ_by_spelling_alone(kind: str) -> None:
    words = set(vocabulary._own()[0].known(kind))
    assert len({vocabulary._plain(word) for word in words}) == len(words)


def test_genres_moods_and_instruments_are_told_by_the_name_of_a_class() -> None:
    genre, mood, instrument = (set(load().classes[kind]) for kind in KINDS[:3])
    assert not genre & mood | genre & instrument | mood & instrument
    kinds = Counter(load().kind(name) for name in classes("mtg_jamendo_top50tags"))
    assert kinds == {"genre": 31, "instrument": 14, "mood": 5}


def test_every_null_says_why() -> None:
    nulls = [line for line in FILE.read_text("utf-8").splitlines() if re.search(r": *null\b", line)]
    assert [line for line in nulls if not re.search(r": null # \S.{2,}$", line)] == []
    sections = vocabulary._own()[0]
    values = [value for words in sections.classes.values() for value in words.values()]
    values += [value for words in sections.aliases.values() for value in words.values()]
    values += sections.parents.values()
    assert values.count(None) == len(nulls)  # there is no other way to write one


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("genre", name) for name in classes("genre_discogs400") if name.startswith("Non-Music")),
        *(("mood", name) for name in "advertising background commercial corporate sport".split()),
        *(("mood", name) for name in "fast slow".split()),
        ("instrument", "computer"),
        ("danceable", "not_danceable"),
    ],
)
def test_what_is_no_music_and_no_mood_is_never_said(kind: str, name: str) -> None:
    assert load().word(kind, name) is None


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [
        ("genre", "Electronic---Synth-pop", "synth-pop"),
        ("genre", "Hip Hop---RnB/Swing", "R&B"),
        ("genre", "Pop---Kayōkyoku", "kayokyoku"),
        ("genre", "Pop---Kayo\u0304kyoku", "kayokyoku"),  # the same letters, written otherwise
        ("genre", "Rock---Beat", "beat music"),
        ("genre", "Stage & Screen---Score", "film score"),
        ("genre", "drumnbass", "drum and bass"),
        ("mood", "movie", "cinematic"),
        ("instrument", "acousticguitar", "acoustic guitar"),
        ("instrument", "voice", "vocals"),
        ("voice", "voice", "vocals"),
        ("voice", "instrumental", "instrumental"),
    ],
)
def test_words_for_classes(kind: str, name: str, word: str) -> None:
    assert load().word(kind, name) == word


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Electronic---Synth-pop", "electronic"),
        ("Funk / Soul---Disco", "funk and soul"),
        ("Folk, World, & Country---Celtic", "folk"),
        ("Non-Music---Interview", None),
        ("synthpop", None),
    ],
)
def test_words_for_parents(name: str, word: str | None) -> None:
    assert load().parent(name) == word


@pytest.mark.parametrize(
    ("kind", "text", "word"),
    [
        *(
            ("genre", text, "hip hop")
            for text in "hiphop|Hip Hop|HIP-HOP|hip_hop|ヒップ・ホップ".split("|")
        ),
        *(
            ("genre", text, "R&B")
            for text in "r'n'b|R’n’B|rnb|RNB|R & B|r and b|R&B/Soul".split("|")
        ),
        *(("genre", text, "synth-pop") for text in "synthpop|Synth Pop|Synth-pop".split("|")),
        *(
            ("genre", text, "J-pop")
            for text in "jpop|j-pop|J Pop|jポップ|ＪＰＯＰ|J‐POP".split("|")
        ),
        *(("genre", t, "drum and bass") for t in "drum & bass|dnb|D&B|drum'n'bass".split("|")),
        *(("genre", text, "rock") for text in "Rock|ロック|ﾛｯｸ".split("|")),
        ("genre", "electronica", "electronica"),
        ("genre", "Classical", "classical"),
        ("genre", "ジャズ", "jazz"),
        ("genre", "Forró", "forro"),
        ("genre", "Hip Hop---Boom Bap", "boom bap"),
        *(
            ("instrument", t, "acoustic guitar")
            for t in "acousticguitar|ac. guitar|アコギ".split("|")
        ),
        *(("instrument", text, "vocals") for text in "vox|vocals|Voice|歌".split("|")),
        ("instrument", "keys", "keyboard"),
        ("instrument", "琴", "koto"),
        ("instrument", "三味線", "shamisen"),
        ("instrument", "尺八", "shakuhachi"),
        ("mood", "切ない", "bittersweet"),
        ("voice", "インスト", "instrumental"),
    ],
)
def test_tags_in_many_spellings(kind: str, text: str, word: str) -> None:
    assert load().alias(kind, text) == word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Vaporgrind", "vaporgrind"),
        ("  latin   TRAP ", "Latin trap"),
        ("one, two", "one two"),
        ("夜の歌", "夜の歌"),
        ("Acoustic", "acoustic"),  # not the rock that Discogs has under this name
        ("Instrumental", "instrumental"),
        ("delta-v", "Delta-v"),
        ("", ""),
        ("Other", ""),
        ("その他", ""),
        ("Non-Music---Comedy", ""),
        ("Comedy", ""),
        ("spoken-word", ""),
        ("contemporary", ""),
    ],
)
def test_a_tag_nobody_knows_stays_and_one_that_says_nothing_goes(text: str, word: str) -> None:
    assert load().alias("genre", text) == word


@pytest.mark.parametrize("kind", KINDS)
def test_aliases_are_needed_and_lead_to_words(kind: str) -> None:
    sections = vocabulary._own()[0]
    known = set(sections.known(kind))
    spelt = {vocabulary._plain(name) for name in sections.classes[kind]}
    spelt |= {vocabulary._plain(word) for word in known}
    names = [vocabulary._plain(name) for name in sections.aliases[kind]]
    assert len(set(names)) == len(names)
    assert not set(names) & spelt
    assert {word for word in sections.aliases[kind].values() if word} <= known


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_their_own_aliases(kind: str) -> None:
    for word in vocabulary._own()[0].known(kind):
        for text in (word, word.upper(), word.replace(" ", "-"), word.replace(" and ", " & ")):
            assert load().alias(kind, text) == word


def test_a_class_nobody_mapped_names_itself_and_the_file(mine: Path) -> None:
    with pytest.raises(KeyError) as caught:
        load().word("genre", "Electronic---Wobble")
    assert isinstance(caught.value, CurateError)
    told = str(caught.value)
    assert told.startswith("class 'Electronic---Wobble' has no word; add the line `Electronic---")
    assert "under `genre:`" in told
    assert str(FILE) in told
    mine.write_text("mood: {calm: quiet}\n")
    with pytest.raises(UnknownClass, match=re.escape(str(mine))):
        load(mine).word("mood", "grumpy")
    with pytest.raises(UnknownClass, match="parent 'Techno' has no word"):
        load().parent("Techno---Wobble")
    with pytest.raises(UnknownClass, match="class 'wobble' has no word"):
        load().kind("wobble")


@pytest.mark.parametrize("ask", [Vocabulary.word, Vocabulary.alias])
def test_a_kind_nobody_knows_is_told_with_those_there_are(ask: object) -> None:
    with pytest.raises(UnknownClass, match=r"no kind 'tempo'.*genre, mood, instrument"):
        ask(load(), "tempo", "fast")  # type: ignore[operator]


def test_a_file_of_ones_own_changes_single_lines(mine: Path) -> None:
    mine.write_text(
        "genre:\n"
        "  Electronic---Psy-Trance: psychedelic trance\n"
        "  Electronic---Wobble: wobble\n"
        "mood: {cool: null, slow: slow}\n"
        "parents: {Rock: guitar music}\n"
        "words: {genre: [Eurowobble]}\n"
        "aliases: {genre: {psy: psychedelic trance, d n b: Eurowobble, ewb: Eurowobble}}\n"
        "proper: [Eurowobble]\n"
    )
    own, changed = load(), load(mine)
    assert changed.word("genre", "Electronic---Psy-Trance") == "psychedelic trance"
    assert changed.word("genre", "Electronic---Wobble") == "wobble"
    assert changed.word("genre", "Electronic---Techno") == "techno"
    assert changed.word("mood", "cool") is None
    assert changed.alias("mood", "Cool") == changed.alias("mood", "かっこいい") == ""
    assert changed.word("mood", "slow") == "slow"
    assert changed.parent("Rock---Mod") == "guitar music"
    assert changed.alias("genre", "PSY") == "psychedelic trance"
    assert changed.alias("genre", "psy trance") == "psychedelic trance"  # renamed throughout
    assert changed.alias("genre", "DNB") == own.alias("genre", "DNB") == "drum and bass"
    assert changed.alias("genre", "D'n'B") == "Eurowobble"
    assert changed.spell("late eurowobble") == "late Eurowobble"
    assert own.word("genre", "Electronic---Psy-Trance") == "psytrance"
    assert own.fingerprint != changed.fingerprint == load(mine).fingerprint


@pytest.mark.parametrize(
    ("text", "kind", "tag", "word"),
    [
        ("genre: {Electronic---Vaporwave: null}", "genre", "Vaporwave", ""),
        ("genre: {Electronic---Chiptune: null}", "genre", "8-bit", ""),
        ("genre: {Rock---Noise: null}", "genre", "Noise Rock", ""),
        ("genre: {Rock---Noise: null}", "genre", "Noise", "noise"),  # the electronic one
        ("genre: {Rock---Acoustic: null}", "genre", "Acoustic", "acoustic"),  # a word of its own
        ("genre: {Electronic---Techno: null}", "genre", "Techno", "techno"),  # Jamendo's class
        ("genre: {Electronic---Techno: null, techno: null}", "genre", "Techno", ""),
        ("genre: {rock: null}", "genre", "Rock", "rock"),  # the parent's word
        ("genre: {rock: null}\nparents: {Rock: null}", "genre", "Rock", ""),
        ("mood: {cool: null}\nwords: {mood: [cool]}", "mood", "cool", "cool"),
        ("mood: {cool: null}\naliases: {mood: {cool: groovy}}", "mood", "cool", "groovy"),
        ("mood: {movie: null}", "mood", "cinematic", "cinematic"),  # another class says it
        ("mood: {movie: null}", "mood", "movie", ""),
        ("mood: {slow: slow}", "mood", "Slow", "slow"),
        ("danceable: {danceable: null}", "danceable", "danceable", ""),
    ],
)
def test_what_is_never_said_is_not_said_of_tags_either(
    mine: Path, text: str, kind: str, tag: str, word: str
) -> None:
    mine.write_text(text, "utf-8")
    assert load(mine).alias(kind, tag) == word


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mood:\n  drak: x", ":2: no class 'drak'; did you mean 'dark'?"),
        ("mood: {Dark: x}", ":1: no class 'Dark'; did you mean 'dark'?"),
        ("mood: {darkk: null}", ":1: no class 'darkk'; did you mean 'dark'?"),
        ("mood: {meditativ: x}", ":1: no class 'meditativ'; did you mean 'meditative'?"),
        ("mood: {melodik: x}", ":1: no class 'melodik'; did you mean 'melodic'?"),
        ("genre: {Synth-pop: x}", "no class 'Synth-pop'; did you mean 'Electronic---Synth-pop'?"),
        ("genre: {Electronic--Techno: x}", "did you mean 'Electronic---Techno'?"),
        ("genre: {Elektronic---Techno: x}", "did you mean 'Electronic---Techno'?"),
        ("instrument: {acoustic guitar: x}", "did you mean 'acousticguitar'?"),
        ("danceable: {not danceable: x}", "did you mean 'not_danceable'?"),
        ("parents: {Elektronic: x}", ":1: no class 'Elektronic'; did you mean 'Electronic'?"),
        ("danceability: {danceable: x}", ":1: no section 'danceability'; use genre, mood"),
    ],
)
def test_a_misspelt_class_is_told_with_the_nearest(mine: Path, text: str, told: str) -> None:
    mine.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(mine)
    assert str(caught.value).startswith(f"{mine}:")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("genre", "50s"),
        ("genre", "Pop---C-pop"),
        ("genre", "Electronic---Minimal Synth"),
        ("genre", "gdm"),
        ("mood", "grumpy"),
        ("instrument", "koto"),
        ("voice", "choir"),
    ],
)
def test_a_class_that_is_like_no_other_may_be_new(mine: Path, kind: str, name: str) -> None:
    mine.write_text(f"{kind}: {{'{name}': something}}\n")
    assert load(mine).word(kind, name) == "something"


def test_a_shared_word_is_not_renamed_by_one_of_its_classes(mine: Path) -> None:
    mine.write_text("mood: {movie: filmic}\ngenre: {punkrock: punk}\n")
    assert load(mine).alias("mood", "cinematic") == "cinematic"
    assert load(mine).alias("genre", "パンク") == "punk rock"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("genres: {a: b}", ":1: no section 'genres'; use genre, mood"),
        ("aliases:\n  tempo: {a: b}", ":2: no section 'tempo'"),
        ("genre:\n  rock: a, b", ":2: 'a, b' is no word; write text without commas"),
        ("genre:\n  rock: ' rock'", ":2: ' rock' is no word"),
        ("genre:\n  rock: ''", ":2: '' is no word"),
        ("genre:\n  rock: yes", ":2: True is no word"),
        ("aliases:\n  instrument:\n    808: drums", ":3: write 808 in quotes: '808'"),
        ("genre: [rock]", ":1: 'genre' must hold lines of `name: word`"),
        ("- rock", ":1: the file must hold lines"),
        ("words: {genre: rock}", ":1: 'genre' must be a list of words"),
        ("words:\n  genre:\n  - rock\n  - 5", ":4: 5 is no word"),
        ("aliases: {genre: {x: wobble}}", ": alias 'x' leads to 'wobble', which is no genre word"),
        ("genre: {rock: a, rock: b}", ":1: key 'rock' stands twice"),
        ("", ": the file is empty; write lines as in curate/labels/vocabulary.yaml"),
    ],
)
def test_a_file_of_ones_own_that_is_wrong_is_told_with_its_line(
    mine: Path, text: str, told: str
) -> None:
    mine.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(mine)
    assert str(caught.value).startswith(f"{mine}{told}")


def test_a_missing_file_is_told(mine: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(mine)
    mine.mkdir()
    with pytest.raises(ConfigError, match="is no file, but a folder"):
        load(mine)


def test_it_loads_once_and_fast() -> None:
    vocabulary._own.cache_clear()
    start = time.perf_counter()
    first = load()
    assert time.perf_counter() - start < 0.2
    assert load() is first


def test_it_travels_to_other_processes() -> None:
    copy: Vocabulary = pickle.loads(pickle.dumps(load()))
    assert copy.fingerprint == load().fingerprint
    assert copy.alias("genre", "Hip-Hop") == "hip hop"
    with pytest.raises(UnknownClass) as caught:
        copy.word("genre", "wobble")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
