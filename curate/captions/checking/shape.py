"""Whether a text is a caption at all: its length, its language, nothing around it."""

import re
from collections.abc import Iterator

from curate.captions.checking import prose
from curate.captions.checking.fault import Fault
from curate.captions.template import Language

SENTENCES = 6
"""Most sentences: a label each would be seven."""

_MARKS = (
    (r"^\s*(?:[-*•‣・>]|\d+[.)])\s", "begins like a line of a list; write plain sentences"),
    (r"\n", "has several lines; write one paragraph"),
    (r"\*\*|__|`|^#{1,6}\s|\[[^\]]*\]\(", "is marked up; write plain text"),
    (r"^[\"'“‘«「『].*[\"'”’»」』]$", "is in quotation marks; write it without them"),
    (r"[{}<>]|\[[^\]]*\]|\\[nu\"]", "holds brackets or code; write plain text"),
    (r"https?://|www\.|@\w+|(?<!\S)#[a-z]\w+", "holds an address or a tag; write plain text"),
    (
        r"^\W*(?:caption|description|answer|output|title|prompt|variant|option|version|genre|mood"
        r"|キャプション|説明)\s*(?:no\.?\s*)?\d*\s*[:：]",
        "begins with a heading; write only the caption itself",
    ),
    (
        r"^\W*(?:here(?:'s| is| are)\b|sure\b|certainly\b|of course\b|okay\b|以下|はい|承知)",
        "begins with talk; write only the caption itself",
    ),
    (
        r"\b(?:as an ai|i (?:cannot|can't|am unable|am sorry)|i'm (?:sorry|unable|afraid)"
        r"|language model|(?:this|the) caption|申し訳)",
        "talks to its reader; write only the caption itself",
    ),
    (
        r"\b(?:labels|the label|metadata|json|tagged|not (?:specified|provided|known)|unspecified"
        r"|n/a|null|none (?:given|specified)|(?:provided|given|supplied) (?:facts|information|data)"
        r")\b",
        "talks of the labels; describe the music only",
    ),
    (r"[\U0001F300-\U0001FAFF☀-♬♰-➿\ufffd\x00-\x08\x0b-\x1f]", "holds signs that are no text"),
)
_MARKUP = tuple((re.compile(pattern, re.IGNORECASE), detail) for pattern, detail in _MARKS)


def faults(text: str, language: Language) -> Iterator[Fault]:
    """What is wrong with the shape of a caption.

    Args:
        text: With straight quotation marks.
        language: That it is to be in.
    """
    yield from _length(text, language)
    if not any(character.isalpha() for character in text):
        yield Fault("wrong_language", "has no words")
    elif not language.reads(text):
        yield Fault("wrong_language", f"is not in {language.NAME}")
    for pattern, detail in _MARKUP:
        if pattern.search(text.strip()):
            yield Fault("markup", detail)
            return


def _length(text: str, language: Language) -> Iterator[Fault]:
    characters, words = len(text.strip()), len(text.split())
    low, high = language.CHARACTERS
    fewest, most = language.WORDS or (0, words)
    if characters < low or words < fewest:
        yield Fault("too_short", "is too short to describe music")
    elif characters > high or words > most:
        length = f"{characters} characters" if language.WORDS is None else f"{words} words"
        limit = f"{high} characters" if language.WORDS is None else f"{most} words"
        yield Fault("too_long", f"has {length}, at most {limit} are wanted")
    elif (count := sentences(text, language)) > SENTENCES:
        yield Fault("too_long", f"has {count} sentences, at most {SENTENCES} are wanted")


def sentences(text: str, language: Language) -> int:
    """How many sentences a caption has."""
    if language.WORDS is None:  # nor is there a space between sentences
        return len(re.findall(r"[^。！？!?]+", text))
    return prose.sentences(text)
