"""How a prompt says a word of the vocabulary, in English and in Japanese.

Captions in Japanese do not have the vocabulary's words but names for them, several for some: those
that `curate` writes, those that its checks read, and the vocabulary's own aliases. A name in
katakana counts where a run of katakana begins or another name ends: ピアノ is in ジャズピアノ,
ロック is not in ブロック.
"""

import functools
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from curate import safeyaml
from curate.captions.checking import japanese, prose
from curate.labels.vocabulary import Vocabulary

_KATAKANA = re.compile(r"[ァ-ヺー]")


class Wording:
    """The names of a vocabulary's words.

    Args:
        words: The vocabulary; without one its aliases are not known.
    """

    def __init__(self, words: Vocabulary | None = None) -> None:
        self._names: dict[tuple[str, str], set[str]] = {}
        for kind, concepts in _written().items():
            for concept, names in concepts.items():
                self._names.setdefault((kind, concept), set()).update(names)
        for kind, spellings in words.spellings.items() if words is not None else ():
            for name, concept in spellings.items():
                self._names.setdefault((kind, concept), set()).add(_plain(name))
        every = {name for names in self._names.values() for name in names}
        self._ends = tuple(name for name in every if name and _KATAKANA.match(name[-1]))

    def said(self, text: str, kind: str, word: str) -> bool:
        """Whether a text says a word.

        Args:
            text: Of a prompt.
            kind: `genre`, `mood` or `instrument`.
            word: The vocabulary's, or a free tag.
        """
        own = prose.keys(word)
        if own and f" {' '.join(own)} " in f" {' '.join(prose.keys(text))} ":
            return True
        names = {*self._names.get((kind, word), ()), _plain(word)}
        return any(self._stands(name, _plain(text)) for name in names)

    def _stands(self, name: str, text: str) -> bool:
        """Whether a name in Japanese stands in a text."""
        if not prose.JAPANESE.search(name):
            return False
        starts = (found.start() for found in re.finditer(re.escape(name), text))
        if not _KATAKANA.match(name):
            return any(True for _ in starts)
        return any(
            not (at and _KATAKANA.match(text[at - 1])) or text.endswith(self._ends, 0, at)
            for at in starts
        )


@functools.cache
def _written() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Names by kind and word: what is written, less its inflection, and what is read."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for file in (japanese.TEMPLATE, japanese.FILE):
        document: dict[str, Any] = safeyaml.load(file).value
        for kind in ("genre", "mood", "instrument"):
            own = found.setdefault(kind, {})
            for concept, names in document.get(kind, {}).items():
                some = (names,) if isinstance(names, str) else tuple(names)
                stems = tuple(_stem(_plain(name)) for name in some)
                own[concept] = (*own.get(concept, ()), *stems)
    return found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _stem(name: str) -> str:
    """What inflection leaves: 攻撃的 of 攻撃的な, 明る of 明るい."""
    return re.sub(r"(?<=[^ぁ-ん])(?:な|い|らしい|のような|のある)$", "", name)
