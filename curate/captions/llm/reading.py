"""Captions out of an answer, whatever shape it has.

Servers that know the schema send `{"captions": [...]}`. Others accept the schema and ignore it:
their JSON stands in a code fence, behind an introduction, as a bare list, with other keys, or not
at all.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from curate.captions.llm.answers import Answer

MOST = 50
"""Captions that are looked at, and places in a text where JSON may begin."""

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[a-zA-Z0-9]*\s*\n?(.*?)```", re.DOTALL)
_REFUSAL = re.compile(
    r"\b(?:sorry|unable to|afraid)\b|\bi (?:can['’]?t|cannot|won['’]?t|will not)\b"
    r"|申し訳|お断り|できません|お手伝い",
    re.IGNORECASE,
)

DETAILS = {
    "refusal": "It is a refusal, and no caption. Describing music by the given facts harms nobody.",
    "empty": "The answer is empty.",
    "cut": "The answer was too long and was cut off; be brief.",
    "unreadable": "The answer is not the JSON that was asked for.",
}
"""What is wrong with a whole answer, as it is told to the model."""


def captions(answer: Answer) -> tuple[tuple[str, ...], str]:
    """The captions of an answer, tidied; else none, and which of `DETAILS` is the matter."""
    if answer.refusal or answer.finish == "content_filter":
        return (), "refusal"
    cut = answer.finish == "length"
    text = _THOUGHTS.sub("", answer.text).strip()
    if not text:
        return (), "cut" if cut else "empty"
    for value in _values(text):
        found = _texts(value)
        if found is not None:
            tidy = tuple(filter(None, map(_tidied, found[:MOST])))
            return (tidy, "") if tidy else ((), "empty")
    if cut:
        return (), "cut"
    return (), "refusal" if _REFUSAL.search(text[:200]) else "unreadable"


def _values(text: str) -> Iterator[Any]:
    """Everything in a text that may be the JSON that was asked for; the likeliest first."""
    whole = list(_decoded(text, json.loads))
    if whole:
        yield from whole
        return
    for part in _FENCE.findall(text):
        yield from _decoded(part.strip(), json.loads)
    decoder = json.JSONDecoder()
    starts = [found.start() for found in re.finditer(r"[{\[]", text)]
    for start in starts[:MOST]:
        yield from _decoded(text[start:], lambda rest: decoder.raw_decode(rest)[0])


def _decoded(text: str, decode: Callable[[str], Any]) -> Iterator[Any]:
    try:
        yield decode(text)
    except (ValueError, RecursionError):
        return


def _texts(value: Any) -> list[str] | None:
    """The strings of a decoded answer; None if it is no answer to the question."""
    if isinstance(value, list):
        found = [_text(item) for item in value]
        return [text for text in found if text is not None] if any(found) or not found else None
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("captions"), list | dict):
        return _texts(value["captions"]) or []
    lists = [held for held in value.values() if isinstance(held, list)]
    if len(lists) == 1:
        return _texts(lists[0])
    numbered = [text for key, text in value.items() if re.search(r"\d$", key)]
    texts = [text for text in numbered or value.values() if isinstance(text, str)]
    return texts if texts and ("caption" in value or numbered) else None


def _text(item: Any) -> str | None:
    """A string, also alone in an object: `{"caption": "..."}`."""
    if isinstance(item, dict):
        held = [value for value in item.values() if isinstance(value, str)]
        return held[0] if len(held) == 1 else None
    return item if isinstance(item, str) else None


def _tidied(text: str) -> str:
    """One line without control characters, and without the quotation marks around it."""
    shown = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    tidy = " ".join(shown.split())
    for opening, closing in ('""', "''", "“”", "「」"):
        inner = tidy[1:-1]
        if tidy[:1] == opening and tidy[-1:] == closing and not {opening, closing} & set(inner):
            return inner.strip()
    return tidy
