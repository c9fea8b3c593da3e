"""A text taken apart into words, as the check of captions compares them.

A phrase is looked up by its words run together: `synth-pop`, `synth pop` and `synthpop` are one,
and so are `R&B` and `R and B`. Japanese has no words here, see `japanese`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 6
"""Words of the longest phrase that is looked up."""

STOPS = frozenset(
    """a an the this that these those its it with without of in on at by for to from into over under
    as is are was has have be being which while where when who each every through throughout than
    but also both plus featuring features set sits gives giving makes creates creating behind
    between beneath above around alongside then there such no not""".split()
)
"""Words that end a run of adjectives."""

JAPANESE = re.compile(r"[\u3005-\u3007\u3041-\u30ff\u3400-\u9fff]")
"""Characters of Japanese, and of Chinese."""

_WORD = re.compile(r"[a-z0-9]+(?:&[a-z0-9]+)*|&")
_TIED = re.compile(r"[\s\-‐‑‒–']*")
_HYPHEN = re.compile(r"\s*[\-‐‑–]\s*")
_STRAIGHT = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"'})
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text.

    Attributes:
        key: As phrases have it: lower case, `and` for `&` and `n`.
        start: Of it in the text, in characters.
        end: Likewise, behind it.
        gap: What stands between it and the word before it.
        first: Whether a sentence begins with it.
    """

    key: str
    start: int
    end: int
    gap: str
    first: bool

    @property
    def tied(self) -> bool:
        """Whether it and the word before may be one phrase: a blank, a hyphen, an apostrophe."""
        return not self.first and _TIED.fullmatch(self.gap) is not None

    @property
    def hyphened(self) -> bool:
        """Whether a hyphen ties it to the word before it."""
        return _HYPHEN.fullmatch(self.gap) is not None


@dataclass(frozen=True, slots=True)
class Prose:
    """A text and its words.

    Attributes:
        text: NFKC, with straight quotation marks and apostrophes.
        words: Those in Latin letters and digits.
        listed: Whether it is a list of tags rather than sentences.
    """

    text: str
    words: tuple[Word, ...]
    listed: bool

    def said(self, start: int, end: int) -> str:
        """The words from `start` up to `end`, as the text has them."""
        return self.text[self.words[start].start : self.words[end - 1].end]

    def key(self, index: int) -> str:
        """The word at `index`; "" beyond the ends."""
        return self.words[index].key if 0 <= index < len(self.words) else ""


def read(text: str) -> Prose:
    """Takes a text apart. Accents come off the letters, so places are those in `Prose.text`."""
    straight = unicodedata.normalize("NFKC", text).translate(_STRAIGHT)
    folded = fold(straight)
    words: list[Word] = []
    end = 0
    for found in _WORD.finditer(folded):
        gap = folded[end : found.start()] if words else ""
        begins = not words or re.search(r"[.!?:;\n]", gap) is not None
        words.append(Word(_canonical(found[0]), found.start(), found.end(), gap, begins))
        end = found.end()
    known = sum(word.key in STOPS for word in words)
    return Prose(straight, tuple(words), known == 0)


def fold(text: str) -> str:
    """Lower case without accents, and as long as the text itself."""
    if text.isascii():
        return text.lower()
    return "".join(_folded(character) for character in text)


def keys(phrase: str) -> tuple[str, ...]:
    """The words of a phrase, as `Word.key` has them."""
    folded = fold(unicodedata.normalize("NFKC", phrase).translate(_STRAIGHT))
    return tuple(_canonical(found[0]) for found in _WORD.finditer(folded))


def runs(words: tuple[Word, ...], start: int) -> Iterator[tuple[int, str]]:
    """Ends of the phrases that may begin at a word, each with its key; the longest comes last."""
    joined = ""
    for index in range(start, min(start + LONGEST, len(words))):
        if index > start and not words[index].tied:
            return
        joined += words[index].key
        yield index + 1, joined


def sentences(text: str) -> int:
    """How many sentences there are."""
    return len(_SENTENCE.split(text.strip()))


def _canonical(word: str) -> str:
    return "and" if word in ("&", "n") else word.replace("&", "and")


def _folded(character: str) -> str:
    lower = character.lower()
    if len(lower) != 1:
        return character
    bare = unicodedata.normalize("NFD", lower)
    # kana keep their voicing marks, which are no accents
    return bare[0] if len(bare) > 1 and "\u0300" <= bare[1] <= "\u036f" else lower
