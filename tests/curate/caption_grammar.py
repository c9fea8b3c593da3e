"""Faults of grammar in captions, found without a look at how captions are made.

Articles go by lists of exceptions that were written by ear, not by the product's rule.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

LONGEST_WORDS = 65
LONGEST_JAPANESE = 200

AN_BEFORE = re.compile(
    r"(?:[aeio]|u[^nskt]|un[^i]|unimp|ut[^io]|8|1[18]\b|18\d\ds|11\d\ds|hour|honest|heir|honor"
    r"|R&B|MPB|FM\b|MC\b|X-)",
    re.IGNORECASE,
)
A_BEFORE = re.compile(
    r"(?:euro|europ|euph|eul|ewe|one[- ]|once|one\b|uk\b|uku|unison|union|unique|unit|universal"
    r"|unicorn|uniform|usual|useful|user|utopi|utili|ubiq|u-)",
    re.IGNORECASE,
)
SINGULAR = r"(?:tempo|mood|feel|rhythm|volume|loudness|level|arrangement|piano|guitar|music|key)"
PLURAL = r"(?:dynamics|notes|drums|strings|vocals|bells|congas|bongos|bagpipes|samples|handclaps)"
OPEN_ENDS = r"(?:and|or|with|of|at|in|a|an|the|is|are|that|featuring|from|over)"


def wants_an(word: str) -> bool:
    """Whether English puts `an` before it."""
    return AN_BEFORE.match(word) is not None and A_BEFORE.match(word) is None


def english(text: str, doubles: Iterable[str] = ()) -> list[str]:
    """Faults of one or more English sentences; `doubles` may say a word twice (`cha cha`)."""
    found = _marks(text)
    sentences = re.split(r"(?<=\.) ", text)
    if not 1 <= len(sentences) <= 4:
        found.append(f"{len(sentences)} sentences")
    for sentence in sentences:
        if not sentence.endswith(".") or sentence[0] != sentence[0].upper():
            found.append(f"no sentence: {sentence!r}")
        if re.search(rf"\b{OPEN_ENDS}\.$", sentence):
            found.append(f"ends in the air: {sentence!r}")
        if re.match(r"(?:And|With|At|In|From|Featuring)\b(?!.*,)", sentence):
            found.append(f"begins in the air: {sentence!r}")
    if text.count(". ") + 1 != text.count(".") - len(re.findall(r"\.\w", text)):
        found.append("a full stop too many")
    for said, word in re.findall(r"\b([Aa]n?) (\S+)", text):
        if (said.lower() == "an") != wants_an(word):
            found.append(f"article: {said} {word}")
    found += _doubled(text, doubles) + _agreement(text)
    if len(text.split()) > LONGEST_WORDS:
        found.append(f"{len(text.split())} words")
    return found


def tags(text: str, comma: str = ", ") -> list[str]:
    """Faults of a list of tags."""
    found = _marks(text)
    every = text.split(comma)
    if not all(every) or any(one != one.strip() for one in every):
        found.append("an empty tag")
    if len(set(every)) < len(every):
        found.append("a tag twice")
    if text[-1] in ".。":
        found.append("a full stop")
    return found


def japanese(text: str) -> list[str]:
    """Faults of one or more Japanese sentences."""
    found = _marks(text)
    if not text.endswith("。") or re.search(r"[.,!?]|、、|。。|、。|。、|^[、。]", text):
        found.append("marks")
    if not 1 <= text.count("。") <= 4:
        found.append(f"{text.count('。')} sentences")
    if re.search(r"(のの|がが|をを|はは|でで|にに|とと|なの|なで|ですだ|だです|なです|な。)", text):
        found.append("particles")
    polite = [bool(re.search(r"(です|ます|せん)$", one)) for one in text.split("。")[:-1]]
    if len(polite) > 1 and any(polite) and not all(polite):
        found.append("polite and plain")
    if len(text) > LONGEST_JAPANESE:
        found.append(f"{len(text)} characters")
    return found


def _marks(text: str) -> list[str]:
    """What no text may have in any language."""
    found = []
    if not text or text != text.strip() or re.search(r"\s{2}|[\t\n\r]", text):
        found.append("gaps")
    if re.search(r"[{}\[\]|<>]|\bNone\b|\bnan\b|\bTrue\b|\bFalse\b", text):
        found.append("an unfilled slot")
    if re.search(r" [,.]|,,|\.\.|,\.|\.,|,(?=\S)", text):
        found.append("marks")
    return found


def _doubled(text: str, doubles: Iterable[str]) -> list[str]:
    for allowed in doubles:
        text = text.replace(allowed, allowed.replace(" ", "_"))
    words = re.findall(r"[\w&'#-]+|[.,]", text.lower())
    return [f"doubled: {one}" for one, other in pairwise(words) if one == other]


def _agreement(text: str) -> list[str]:
    found = re.findall(rf"\bthe {SINGULAR} are\b", text, re.IGNORECASE)
    found += re.findall(
        rf"\b(?:the )?{PLURAL} (?:is|has|rises|varies|comes)\b", text, re.IGNORECASE
    )
    found += re.findall(rf"\b(?:is|a|an) {PLURAL}\b", text, re.IGNORECASE)
    found += re.findall(r"\bthere are an? \w+\b", text, re.IGNORECASE)
    found += re.findall(r"\bthere is (?:\w+ )?(?:drums|strings|vocals|bongos|notes)\b", text)
    return [f"agreement: {each}" for each in found]
