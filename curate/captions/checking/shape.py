"""Whether a text is a caption at all: its length, its language, nothing around it."""

import re
from collections.abc import Iterator

from curate.captions.checking import prose
from curate.captions.checking.fault import Fault

WORDS = (3, 90)
"""Fewest and most words in English."""

CHARACTERS = {"en": (12, 700), "ja": (6, 300)}
"""Fewest and most characters by language."""

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

_ENGLISH = frozenset(
    """a an and the with of in at is are it by on for to over this that its from music track song
    has as into while no""".split()
)
_OTHERS = frozenset(
    """le la les des une avec du dans sur pour et est der die das und mit ein eine ist auf von im
    el los las con una es por en un de il che di della um uma com os na dem een het van
    på och med""".split()
)
_KANA = re.compile(r"[\u3041-\u30ff]")


def faults(text: str, language: str) -> Iterator[Fault]:
    """What is wrong with the shape of a caption.

    Args:
        text: With straight quotation marks.
        language: `en` or `ja`.
    """
    yield from _length(text, language)
    if (problem := _language(text, language)) is not None:
        yield Fault("wrong_language", problem)
    for pattern, detail in _MARKUP:
        if pattern.search(text.strip()):
            yield Fault("markup", detail)
            return


def _length(text: str, language: str) -> Iterator[Fault]:
    characters, words = len(text.strip()), len(text.split())
    low, high = CHARACTERS[language]
    if characters < low or (language == "en" and words < WORDS[0]):
        yield Fault("too_short", "is too short to describe music")
    elif characters > high or (language == "en" and words > WORDS[1]):
        length = f"{words} words" if language == "en" else f"{characters} characters"
        most = f"{WORDS[1]} words" if language == "en" else f"{high} characters"
        yield Fault("too_long", f"has {length}, at most {most} are wanted")
    elif (count := sentences(text, language)) > SENTENCES:
        yield Fault("too_long", f"has {count} sentences, at most {SENTENCES} are wanted")


def sentences(text: str, language: str) -> int:
    """How many sentences a caption has."""
    return len(re.findall(r"[^。！？!?]+", text)) if language == "ja" else prose.sentences(text)


def _language(text: str, language: str) -> str | None:
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return "has no words"
    if language == "ja":
        share = len(prose.JAPANESE.findall(text)) / len(letters)
        if not _KANA.search(text) or share < 0.4:
            return "is not in Japanese"
        return None
    if sum(character.isascii() for character in letters) < 0.9 * len(letters):
        return "is not in English"
    words = re.findall(r"[^\W\d_]+", text.lower())
    english, others = (sum(word in known for word in words) for known in (_ENGLISH, _OTHERS))
    return "is not in English" if others > max(english, 1) else None
