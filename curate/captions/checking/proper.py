"""Proper names that no label has: artists, makers, places, in the style of whom a piece is.

English writes them with capitals, so a word in capitals in the middle of a sentence is one, unless
the vocabulary writes it so or it is one of a few that every text on music has.
"""

import re
from collections.abc import Iterator

from curate.captions.checking import prose
from curate.captions.checking.fault import Fault
from curate.captions.checking.prose import Prose
from curate.labels.vocabulary import Vocabulary

_PLAIN = """BPM MIDI DJ MC EQ FX LFO VHS TV LP DIY ASMR RPG BGM SFX AM FM CD I R&B EDM IDM I'm
    TR Dorian Phrygian Lydian Mixolydian Aeolian Locrian""".split()
_LIKE = re.compile(
    r"\b(?:in the (?:style|vein|manner|spirit|tradition) of|reminiscent of|similar to|sounds? like"
    r"|sounding like|inspired by|influenced by|homage to|tribute to|covers? of|made famous by"
    r"|à la|a la|evok(?:es|ing)|recall(?:s|ing)|echo(?:es|ing)|channels|channeling|by|titled|called"
    r"|entitled|named|from the album)\s+"
    r"(?:(?:the|a|an|late|early|bands?|artists?|acts?|such as|like|great|legendary|singer|composer)"
    r"\s+)*(?P<name>\"[^\"]+\"|[A-Z0-9][\w'&.-]*)"
)
_QUOTED = re.compile(r"\"(?P<name>[A-Z][^\"]*)\"|(?<![\w])'(?P<single>[A-Z][^']*)'(?!\w)")


def known(words: Vocabulary) -> frozenset[str]:
    """Keys of the words with capitals that are no names."""
    return frozenset(
        key for word in (*words.capitals.values(), *_PLAIN) for key in prose.keys(word)
    )


def faults(text: Prose, fine: frozenset[str], meant: frozenset[int]) -> Iterator[Fault]:
    """What of a caption is a name.

    Args:
        text: The caption.
        fine: Keys of words that are none: those of `known` and of the labels.
        meant: Words that mean something, and so are none either: `Techno`.
    """
    if (quoted := _QUOTED.search(text.text)) is not None:
        yield _fault(quoted["name"] or quoted["single"])
        return
    for found in _LIKE.finditer(text.text):
        first = next(i for i, w in enumerate(text.words) if w.end > found.start("name"))
        if first not in meant and not _is_fine(found["name"], fine):
            yield _fault(found["name"].strip('".,'))
            return
    capital = [text.text[word.start].isupper() for word in text.words]
    if sum(capital) > 0.5 * len(capital) + 1:
        return  # a headline: capitals tell nothing
    for index, (word, upper) in enumerate(zip(text.words, capital, strict=True)):
        said = text.text[word.start : word.end]
        if upper and not word.first and index not in meant and not _is_fine(said, fine):
            yield _fault(said)
            return


def _is_fine(said: str, fine: frozenset[str]) -> bool:
    """Whether it is no name: known, a note (`F#`), a number or what holds digits only."""
    parts = prose.keys(said)
    if all(part in fine or len(part) == 1 or part.isdigit() for part in parts):
        return True
    return (
        re.fullmatch(r"[A-G](?:b|m|#|maj|min)?\d?|\d+(?:s|bpm|st|nd|th|rd)?", said, re.IGNORECASE)
        is not None
    )


def _fault(name: str) -> Fault:
    return Fault("name", f"names `{name}`, which no label does; use no proper names")
