"""What a template says of a clip: its facts, tidied and without what says itself.

Shared by all languages. Words here are still the vocabulary's, or free tags made fit for
sentences.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from curate.records import Facts

GENRES, MOODS, INSTRUMENTS = 4, 4, 6
"""So many words of a kind make a sentence that one can read; the first are the surest."""

LONGEST = 40
"""Characters; a longer tag is no word but a text of its own."""

_BREAKS = re.compile(r"""[.!?;:,"“”„«»(){}\[\]<>|\\*_=~^`。、！？；：，．「」『』（）…‥]+""")
_DECADE = re.compile(r"\d0s")
_VOICE = re.compile(r"vocals?\b|voices?\b|\bchoir|\bsing(?:er|ing)|ボーカル|ヴォーカル|歌声|合唱")
_GENERIC = frozenset({"bass", "guitar", "organ", "saxophone", "vocals"})
"""Instruments that a finer word among the others (`electric guitar`) says, too."""


@dataclass(frozen=True, slots=True)
class Said:
    """The facts of a clip as they are said.

    Attributes:
        eras: Decades that stand among the genres: `80s`.
        genres: The others, without those that are part of another one.
        moods: Without those that a genre names.
        instruments: Without voices.
        voices: `female vocals`, `choir` and the like.
        sung: None where a voice or the genre says it, or both contradict each other.
        bpm: Whole beats per minute.
        key: `A minor`.
        decade: First year of the decade of release; None where `eras` names it.
        dynamics: `steady` or `wide`.
        density: `sparse` or `dense`.
        danceable: Whether that is said.
    """

    eras: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    sung: bool | None = None
    bpm: int | None = None
    key: str = ""
    decade: int | None = None
    dynamics: str = ""
    density: str = ""
    danceable: bool = False

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """What there is to say."""
        every = _tidied(facts.genres, GENRES)
        eras = tuple(word for word in every if _DECADE.fullmatch(word))
        genres = tuple(word for word in every if not _within(word, every) and word not in eras)
        moods = tuple(m for m in _tidied(facts.moods, MOODS) if not _named(m, genres))
        heard = _tidied(facts.instruments, INSTRUMENTS)
        heard = tuple(w for w in heard if not (w in _GENERIC and _within(w, heard)))
        voices = tuple(word for word in heard if _VOICE.search(word.lower()))
        told = voices or _named("instrumental", genres)
        known = facts.decade is not None and f"{facts.decade % 100:02}s" in eras
        return cls(
            eras=eras,
            genres=genres,
            moods=moods,
            instruments=tuple(word for word in heard if word not in voices),
            voices=voices,
            sung=None if told else facts.sung,
            bpm=facts.bpm,
            key=facts.key,
            decade=None if known and facts.decade in range(1930, 2000) else facts.decade,
            dynamics=facts.dynamics,
            density=facts.density,
            danceable=facts.danceable,
        )

    @property
    def traits(self) -> tuple[str, ...]:
        """`sung` or `unsung`, dynamics, density, `danceable`: those that are known."""
        sung = {True: "sung", False: "unsung", None: ""}[self.sung]
        every = (sung, self.dynamics, self.density, "danceable" if self.danceable else "")
        return tuple(trait for trait in every if trait)

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of the vocabulary's and of tags."""
        return (*self.eras, *self.genres, *self.moods, *self.instruments, *self.voices)

    @property
    def heard(self) -> tuple[str, ...]:
        """Instruments, then voices."""
        return (*self.instruments, *self.voices)


def clean(word: str) -> str:
    """A tag as it can stand in a sentence: no marks that end or open one, no odd gaps.

    "" if nothing is left, or if it is longer than a word may be.
    """
    kept = "".join(c for c in unicodedata.normalize("NFC", word) if not _odd(c))
    tokens = (token.strip("-–—'’・") for token in _BREAKS.sub(" ", kept).split())
    said = " ".join(token for token in tokens if token).strip(" &+/")
    if len(said) > LONGEST or not any(c.isalnum() for c in said):
        return ""
    return said


def _odd(character: str) -> bool:
    """What is not seen, or turns the direction of writing; gaps of any kind stay, as gaps."""
    kind = unicodedata.category(character)
    return kind in {"Cs", "Co", "Cn", "Cf"} or (kind == "Cc" and not character.isspace())


def _tidied(words: Iterable[str], most: int) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for word in map(clean, words):
        if word:
            found.setdefault(word.casefold(), word)
    return tuple(found.values())[:most]


def _within(word: str, others: Iterable[str]) -> bool:
    """Whether another one says it with more words: `rock` in `hard rock`."""
    return any(
        word != other and f" {word} ".casefold() in f" {other} ".casefold() for other in others
    )


def _named(word: str, genres: Iterable[str]) -> bool:
    """Whether a genre has the word in it: `dark` in `dark ambient`."""
    pattern = rf"(?<![\w-]){re.escape(word)}(?![\w-])"
    return any(re.search(pattern, genre, re.IGNORECASE) for genre in genres)
