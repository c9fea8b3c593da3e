"""What phrases mean: the vocabulary's words, their other names, and what they imply.

A phrase may have several readings: `atmospheric` is a genre and a mood, `upbeat` a mood and a
tempo. A caption may say it where one of them is asserted.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate import safeyaml
from curate.captions.checking import prose
from curate.captions.checking.prose import Prose
from curate.labels.vocabulary import Vocabulary
from curate.records import Facts

ONTOLOGY = Path(__file__).with_name("ontology.yaml")
KINDS = ("instrument", "genre", "mood")

PLURAL = ("ss", "strings", "winds")
"""Ends that lose no s: the singular is no word, or means something else."""

TEMPOS = {
    "very slow": (0, 76),
    "slow": (0, 104),
    "medium": (74, 130),
    "upbeat": (98, 400),
    "fast": (110, 400),
    "very fast": (140, 400),
}
"""Words of tempo and the BPM they fit, in bounds that overlap far: people differ."""

_TEMPO_NAMES = {
    "very slow": "very slow, glacial, largo, extremely slow, funereal pace",
    "slow": "slow, slow-paced, slow tempo, adagio, unhurried, leisurely, downtempo, slower tempo,"
    "down-tempo, slowish",
    "medium": "mid-tempo, moderate, medium, andante, moderate tempo, medium tempo, moderato,"
    "moderately paced, medium-paced, mid-paced, moderate-paced, moderately slow, moderately fast",
    "upbeat": "upbeat, up-beat, up-tempo, brisk, lively, allegro, quick, fast-moving, fairly fast,"
    "fairly quick, moderately fast",
    "fast": "fast, fast-paced, fast tempo, rapid, high-tempo, quick-paced, speedy, high-speed",
    "very fast": "very fast, breakneck, frantic, presto, lightning-fast, frenetic, extremely fast",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of a phrase.

    Attributes:
        kind: `instrument`, `genre`, `mood` or `tempo`.
        concept: The vocabulary's word, or one of the ontology's or `TEMPOS`.
        loose: Whether it is plain English as well, and a label only where the sentence says so.
    """

    kind: str
    concept: str
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase of a text that means something.

    Attributes:
        start: Its first word.
        end: The word behind it.
        readings: What it means.
        asserted: Whether it is one of the labels, letter for letter.
    """

    start: int
    end: int
    readings: tuple[Reading, ...]
    asserted: bool = False


Concepts = dict[str, frozenset[str]]
"""Kind to what may be said of it."""


class Lexicon:
    """Finds phrases, and knows what else may be said where a word is asserted."""

    def __init__(self, words: Vocabulary) -> None:
        ontology = _ontology()
        self._ontology = ontology
        self._vocals = _below(ontology["instrument"], "vocals")
        entries: dict[str, list[Reading]] = {}
        for kind in KINDS:
            loose = {_key(name) for name in ontology["loose"][kind]}
            ignored = {_key(name) for name in ontology["ignored"][kind]}
            for key, concepts in _phrases(kind, words, ontology[kind]).items():
                if key not in ignored:
                    entries.setdefault(key, []).extend(
                        Reading(kind, concept, key in loose) for concept in sorted(concepts)
                    )
        loose = set(ontology["loose"]["tempo"])
        for concept, names in _TEMPO_NAMES.items():
            for name in names.split(","):
                reading = Reading("tempo", concept, name.strip() in loose)
                entries.setdefault(_key(name), []).append(reading)
        self._entries = {key: tuple(readings) for key, readings in entries.items()}
        self._parents = _parents(words)

    def vocal(self, concept: str) -> bool:
        """Whether an instrument is a voice."""
        return concept in self._vocals

    def matches(self, text: Prose, asserted: frozenset[str] = frozenset()) -> Iterator[Match]:
        """The phrases of a text from left to right, the longest where several begin.

        Args:
            text: Where to look.
            asserted: Keys of phrases that are labels themselves, known or not.
        """
        start = 0
        while start < len(text.words):
            best = None
            for end, key in prose.runs(text.words, start):
                readings = self._entries.get(key, ())
                if readings or key in asserted:
                    best = Match(start, end, readings, key in asserted)
            if best is not None:
                yield best
            start = best.end if best is not None else start + 1

    def allowed(self, facts: Facts) -> Concepts:
        """All that may be said where these facts are asserted."""
        asserted = {
            "instrument": {*facts.instruments},
            "genre": {*facts.genres},
            "mood": {*facts.moods},
        }
        if facts.sung:
            asserted["instrument"].add("vocals")
        if facts.danceable:
            asserted["mood"].add("danceable")
        for word in (*facts.instruments, *facts.genres, *facts.moods):
            for reading in self._within(word):
                if reading.kind in asserted:
                    asserted[reading.kind].add(reading.concept)
        closed = {kind: self._closed(kind, asserted[kind]) for kind in KINDS}
        for kind, concepts in list(closed.items()):
            for concept in concepts:
                for other, more in self._ontology["across"][kind].get(concept, {}).items():
                    closed[other] = closed[other] | self._closed(other, {*more})
        return {kind: frozenset(self._loosened(kind, closed[kind])) for kind in KINDS}

    def _within(self, word: str) -> Iterator[Reading]:
        """What the parts of a word mean: `dark ambient` is ambient, and dark."""
        parts = prose.read(word).words
        for start in range(len(parts)):
            for _, key in prose.runs(parts, start):
                yield from self._entries.get(key, ())

    def _closed(self, kind: str, asserted: set[str]) -> set[str]:
        """With what these are too."""
        found: set[str] = set()
        left = list(asserted)
        while left:
            concept = left.pop()
            if concept not in found:
                found.add(concept)
                left += self._ontology[kind].get(concept, {}).get("is", ())
                if kind == "genre":
                    wrong = self._ontology[kind].get(concept, {}).get("isnt", ())
                    left += self._parents.get(concept, set()) - {*wrong}
        return found

    def _loosened(self, kind: str, concepts: set[str]) -> Iterator[str]:
        """With what may be said instead of each."""
        yield from concepts
        for concept in concepts:
            yield from self._ontology[kind].get(concept, {}).get("allows", ())


def _ontology() -> dict[str, Any]:
    document: dict[str, Any] = safeyaml.load(ONTOLOGY).value
    return document


def _phrases(kind: str, words: Vocabulary, ontology: Mapping[str, Any]) -> dict[str, set[str]]:
    """Key of a phrase to the concepts it names."""
    found: dict[str, set[str]] = {}
    for name, concept in _named(kind, words):
        found.setdefault(_key(name), set()).add(concept)
    for concept, about in ontology.items():
        for name in (concept, *about.get("said", ())):
            found.setdefault(_key(name), set()).add(concept)
    found.pop("", None)  # names in other scripts
    if kind == "instrument":
        for concept, key in [(c, key) for key, concepts in found.items() for c in concepts]:
            found.setdefault(_other_number(key, key == _key(concept)), set()).add(concept)
    return found


def _named(kind: str, words: Vocabulary) -> Iterator[tuple[str, str]]:
    """The vocabulary's words and how tags write them, but not the names of models' classes.

    Those say `space` for `spacey` and `love` for `romantic`: fine for a tag, not for a sentence.
    """
    classes = {_key(part) for name in words.classes[kind] for part in (name, name.split("---")[-1])}
    for spelling, word in words.spellings[kind].items():
        if word:
            yield word, word
            if _key(spelling) not in classes and not prose.JAPANESE.search(spelling):
                yield spelling, word


def _other_number(key: str, is_word: bool) -> str:
    """The plural of a name in the singular; of the vocabulary's own words also the reverse."""
    if not key.endswith("s"):
        return f"{key}s"
    return key[:-1] if is_word and not key.endswith(PLURAL) else key


def _parents(words: Vocabulary) -> dict[str, set[str]]:
    """Genre to the genres it belongs to, by Discogs' own order."""
    found: dict[str, set[str]] = {}
    for name, word in words.classes["genre"].items():
        parent = words.parent(name)
        # a march needs no brass band, and not all that is folk elsewhere is folk music
        if word and parent and not name.startswith(("Brass", "Stage")):
            found.setdefault(word, set()).add(parent)
    return found


def _below(ontology: Mapping[str, Any], top: str) -> frozenset[str]:
    """A concept and all that are it."""
    found = {top}
    while more := {n for n, about in ontology.items() if found & {*about.get("is", ())}} - found:
        found |= more
    return frozenset(found)


@functools.lru_cache(maxsize=8192)
def _key(phrase: str) -> str:
    return "".join(prose.keys(phrase))
