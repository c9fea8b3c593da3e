"""Whether a Japanese caption's instruments, genres, moods and voices are asserted.

Japanese runs its words together, so names are looked for anywhere, the longest first. A name in
katakana must begin where a run of katakana does, or where another name ends: ジャズ and ピアノ are
in ジャズピアノ, ロック is not in ブロック.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curate import safeyaml
from curate.captions import template
from curate.captions.checking import labels, lexicon, prose
from curate.captions.checking.fault import Fault
from curate.captions.checking.lexicon import Concepts, Reading
from curate.labels.vocabulary import Vocabulary
from curate.records import Facts

FILE = Path(__file__).with_name("japanese.yaml")
TEMPLATE = Path(template.__file__).with_name("japanese.yaml")
"""How the template calls the vocabulary's words."""

_KATAKANA = re.compile(r"[ァ-ヺー]")
_NONE = re.compile(
    r"^[ぁ-ん]{0,3}?(?:一切)?(?:入ら|入って(?:い)?(?:な|おら|ませ)|入りませ|な(?:い|く|し)"
    r"|含ま(?:な|ず|れな|れて(?:いな|おら|いませ)|れませ)|聞こえ(?:な|ませ)|使わ(?:な|ず|れて(?:いな|おら))"
    r"|存在しな|ありませ|無(?:い|く|し)|抜き|レス|を排)"
)
_LACKING = re.compile(r"(?:無|ノン・?|不在の)$")


class Lexicon:
    """Names in Japanese and what they mean.

    Args:
        words: The vocabulary; its aliases in Japanese are read.
        english: What the words they stand for imply.
    """

    def __init__(self, words: Vocabulary, english: lexicon.Lexicon) -> None:
        self._english = english
        document: dict[str, Any] = safeyaml.load(FILE).value
        ignored = set(document["ignored"])
        written: dict[str, Any] = safeyaml.load(TEMPLATE).value
        found: dict[str, list[Reading]] = {}
        for kind in lexicon.KINDS:
            named = [(name, word) for name, word in words.spellings[kind].items() if word]
            named += [(name, c) for c, names in document[kind].items() for name in names]
            named += [(_stem(name), c) for c, name in written.get(kind, {}).items()]
            for name, concept in named:
                if prose.JAPANESE.search(name) and name not in ignored:
                    found.setdefault(name, []).append(Reading(kind, concept))
        for concept, names in document["tempo"].items():
            for name in names:
                found.setdefault(name, []).append(Reading("tempo", concept))
        self._instrumental = tuple(document["instrumental"])
        self._entries = found
        longest = sorted((*found, *ignored), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest)))

    def faults(self, text: str, facts: Facts, allowed: Concepts) -> Iterator[Fault]:
        """What of this a caption says beyond its labels."""
        silent = labels.silenced(facts, self._english)
        for start, end, name in self._names(text):
            readings = self._entries.get(name, [])
            if not readings:
                continue
            vocal = any(r.kind == "instrument" and self._english.vocal(r.concept) for r in readings)
            if _NONE.match(text[end:]) or _LACKING.search(text[:start]):
                yield from _absent(name, vocal, silent, facts)
            elif vocal and silent:
                yield Fault("contradiction", f"mentions `{name}`, but there are no vocals")
            elif not any(labels.fits(r, facts, allowed, self._english) for r in readings):
                yield _fault(name, readings[0], vocal)
        said = next((word for word in self._instrumental if word in text), None)
        if said and not silent and not any("instrumental" in genre for genre in facts.genres):
            code = "contradiction" if facts.sung else "vocals"
            yield Fault(code, f"says `{said}`, which the labels do not")

    def _names(self, text: str) -> Iterator[tuple[int, int, str]]:
        end = 0
        for found in self._pattern.finditer(text):
            start = found.start()
            inside = (
                start != end
                and start > 0
                and _KATAKANA.match(found[0])
                and _KATAKANA.match(text[start - 1])
            )
            if not inside:
                end = found.end()
                yield start, end, found[0]


def _stem(word: str) -> str:
    """What inflection leaves of an adjective: 攻撃的 of 攻撃的な."""
    return re.sub(r"(?<=[^ぁ-ん])(?:な|い|らしい|のような|のある)$", "", word)


def _absent(name: str, vocal: bool, silent: bool, facts: Facts) -> Iterator[Fault]:
    if vocal and not silent:
        code = "contradiction" if facts.sung else "vocals"
        yield Fault(code, f"says that there is no `{name}`, which the labels do not")
    elif not vocal:
        yield Fault("instrument", f"says that there is no `{name}`; say only what is there")


def _fault(name: str, reading: Reading, vocal: bool) -> Fault:
    code = "vocals" if vocal else reading.kind
    return Fault(code, f"mentions `{name}`, which is not among the labels")
