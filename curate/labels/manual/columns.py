"""The columns of labels.csv and the keys of labels.jsonl: their names, and what may stand there.

`column` gives a name its meaning, `labels` reads a value. A value is kept in the person's own words
where it is a word or a text, and in the usual spelling where there is one (keys, voice).
"""

import difflib
import math
import re
import unicodedata
from collections.abc import Iterator

from curate.labels import tags
from curate.labels.manual.sheet import Wrong
from curate.labels.vocabulary import Vocabulary
from curate.records import LABEL_UNITS, Label
from curate.validate.labels import RANGES as MEASURED
from curate.validate.report import shown
from curate.validate.text import number

SOURCE = "manual"

ID, PATH = "id", "path"
"""The columns that name a track or clip; all others are kinds of labels."""

MAX_WORD = 100
MAX_TITLE = 200
MAX_DESCRIPTION = 2000
"""Characters. MusicGen's text encoder reads 512 tokens, which is about so much English."""

WORDS = ("genre", "mood", "instrument")
"""Kinds with a list of values, which the vocabulary spells."""

LISTS = (*WORDS, "keyword")
"""All kinds with a list of values; keywords are phrases as people like them."""

RANGES: dict[str, tuple[float, float]] = MEASURED | {
    "approachability": (0.0, 1.0),
    "engagement": (0.0, 1.0),
    "arousal": (1.0, 9.0),
    "valence": (1.0, 9.0),
    "non_music": (0.0, 1.0),
}
"""What a number can be, in the unit of `curate.records.LABEL_UNITS`: a model may overshoot its
scale, a person may not."""

_ELSEWHERE = {
    "artist": "the artist is what artists.yaml says",
    "licence": "a licence is what the place of the audio or its tags claim",
    "loudness": "loudness is measured of the clip and checked against it",
    "split": "the split is drawn; see `split` in artists.yaml",
}
"""Columns that one might look for, and why there are none."""

COLUMNS: dict[str, str] = {
    ID: ID,
    PATH: PATH,
    **{kind: kind for kind in LABEL_UNITS if kind not in _ELSEWHERE},
    **{f"{kind}s": kind for kind in LISTS},
    "bpm": "tempo",
    "caption": "description",
    "chunk_id": ID,
    "track_id": ID,
    "file": PATH,
    "uri": PATH,
}
"""Every name that a column may have, and what it means."""

_EMPTY = frozenset({"none", "null", "nan", "n/a"})
"""What programs write for nothing."""

_JOINER = re.compile(r"(?<=[^\s\u200c\u200d])[\u200c\u200d](?=[^\s\u200c\u200d])")
"""Invisible characters that some scripts and emoji need inside of words."""

_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs without ink: Hangul fillers and the empty Braille pattern."""

_NOTHING = "write '-' if nothing is to be asserted"
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?|[+-]?[.,][0-9]+")
_MODES = "ionian|dorian|phrygian|lydian|mixolydian|aeolian|locrian"
_YES = {"yes", "y", "true", "danceable"}
_NO = {"no", "n", "false", "not danceable", "not_danceable"}


def column(name: str) -> str:
    """What a column of this name holds: `ID`, `PATH`, a kind of label, or "" for a note.

    Raises:
        Wrong: There is no such column.
    """
    plain = re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFKC", name).strip().casefold())
    if plain.startswith("#"):
        return ""
    note = "put a # before its name if it is a note to yourself"
    if plain in _ELSEWHERE:
        raise Wrong(f"column {shown(name)} cannot be set here: {_ELSEWHERE[plain]}; {note}")
    if plain not in COLUMNS:
        near = difflib.get_close_matches(plain, COLUMNS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(COLUMNS)};"
        raise Wrong(f"unknown column {shown(name)}; {hint} {note}")
    return COLUMNS[plain]


def labels(kind: str, value: object, words: Vocabulary) -> tuple[Label, ...]:
    """What a value says.

    Args:
        kind: Of the label.
        value: Text of a cell, or a JSON value. None, [] and `-` mean that nothing is to be
            asserted: one label with the value "".
        words: The vocabulary that will be asked for words.

    Returns:
        A label a word, else one label.

    Raises:
        Wrong: It is not what the kind's values are; the message names it and what was expected.
    """
    if value is None or value == [] or value == "-":
        if kind == "title":
            raise Wrong("a title cannot be taken away; leave it out to keep the track's own")
        return (Label(kind, "", SOURCE),)
    if kind in LISTS:
        return tuple(Label(kind, word, SOURCE) for word in _words(kind, value, words))
    return (Label(kind, _single(kind, value, words), SOURCE),)


def text(value: object, most: int) -> str:
    """One line of text: NFC, inner space as one blank.

    Raises:
        Wrong: It is no text, empty, longer than `most` characters, or holds what is no text.
    """
    if not isinstance(value, str):
        raise Wrong(f"{shown(value)} is no text; put it in quotes")
    line = re.sub(r"[\t\r\n]+", " ", unicodedata.normalize("NFC", value))
    odd = next((c for c in line if unicodedata.category(c) in {"Cc", "Cs"} or c == "\ufffd"), None)
    if odd is not None:
        problem = f"holds the character U+{ord(odd):04X}, which is no text"
        raise Wrong(f"{problem}; the file may have gone through a wrong encoding: write it anew")
    tidy = " ".join(line.split())
    if not tidy:
        raise Wrong(f"is empty; leave it out, or {_NOTHING}")
    if hidden := _hidden(tidy):
        raise Wrong(f"holds the invisible character U+{ord(hidden):04X}; write it without")
    if len(tidy) > most:
        raise Wrong(f"has {len(tidy)} characters, expected at most {most}; shorten it")
    return tidy


def _hidden(line: str) -> str:
    """A character that nobody sees but a model reads, "" where there is none.

    Zero-width characters and those that turn the direction of writing are such, but for joiners
    inside of words; so is all of a line without any ink.
    """
    seen = _JOINER.sub("", line)
    if all(unicodedata.category(c)[0] in "MZC" or c in _BLANKS for c in seen):
        return line[0]
    return next((c for c in seen if unicodedata.category(c) == "Cf"), "")


def _single(kind: str, value: object, words: Vocabulary) -> str | float:
    if kind in RANGES:
        return _number(kind, value)
    if kind == "danceable":
        return _danceable(value)
    if kind == "key":
        return _key(text(value, MAX_WORD))
    if kind == "voice":
        return _voice(text(value, MAX_WORD), words)
    said = text(value, MAX_DESCRIPTION if kind == "description" else MAX_TITLE)
    if said == "None" or (kind == "description" and said.casefold() in _EMPTY):
        raise Wrong(f"{shown(said)} is what programs write for nothing; leave it out")
    return said


def _words(kind: str, value: object, words: Vocabulary) -> Iterator[str]:
    items = value if isinstance(value, list) else _parts(text(value, MAX_DESCRIPTION))
    seen: set[str] = set()
    for item in items:
        word = text(item, MAX_WORD)
        if word == "-" or word.casefold() in _EMPTY:
            raise Wrong(f"{shown(word)} says nothing; write a word, or '-' alone to assert none")
        meant = words.alias(kind, word) if kind in WORDS else word.casefold()
        if not meant:
            raise Wrong(
                f"{shown(word)} is never said: the vocabulary has null for it; write another word, "
                "or '-' alone to assert none"
            )
        if meant not in seen:
            seen.add(meant)
            yield word
    if not seen:
        raise Wrong(f"{shown(value)} holds no word; leave it out, or {_NOTHING}")


def _parts(line: str) -> list[str]:
    """Words between semicolons, so that a word may hold a comma; else between commas."""
    separators = "[;；]" if re.search("[;；]", line) else "[,，、]"
    return [part for part in re.split(separators, line) if part.strip()]


def _number(kind: str, value: object) -> float:
    (low, high), unit = RANGES[kind], LABEL_UNITS[kind]
    found = number(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        found = float(value.replace(",", "."))
    if found is None:
        raise Wrong(f"{shown(value)} is no number; write {unit}, {low:g} to {high:g}")
    if not (math.isfinite(found) and low <= found <= high):
        raise Wrong(f"{found:g} ({unit}), expected {low:g} to {high:g}; correct it")
    if kind == "year" and found != int(found):
        raise Wrong(f"{found:g} is no year; write four digits")
    return found


def _key(said: str) -> str:
    """The key as tags are read, and church modes: `d-dorian` is `D dorian`."""
    plain = re.sub(r"(?i)[ -]?(sharp|flat)", lambda m: "#" if m[1][0] in "sS" else "b", said)
    if found := tags.key_name(plain):
        return found
    mode = re.fullmatch(rf"(?i)([a-g][#b♯♭]?)[ :-]*({_MODES})", plain)
    tonic = tags.key_name(mode[1]) if mode else None
    if mode is None or tonic is None:
        raise Wrong(f"{shown(said)} is no key; write tonic and mode as in 'F# minor'")
    return f"{tonic.split()[0]} {mode[2].lower()}"


def _voice(said: str, words: Vocabulary) -> str:
    known = [word for word in words.classes["voice"].values() if word]
    meant = words.alias("voice", said)
    if meant not in known:
        raise Wrong(f"{shown(said)} is neither of {' and '.join(sorted(known))}; write one of them")
    return meant


def _danceable(value: object) -> str:
    """What music is not is never said, so a no is a label without a word."""
    said = str(value).strip().casefold() if isinstance(value, str | bool) else ""
    if said in _YES:
        return "danceable"
    if said in _NO:
        return ""
    raise Wrong(f"{shown(value)} is neither yes nor no; write one of them")
