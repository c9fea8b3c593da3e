"""The check of captions that somebody else wrote.

A caption is fit to be used if it says nothing that the labels do not, names nobody and nothing, and
reads like a caption. Where that cannot be decided (production, what music might be good for, free
adjectives) it is let pass: a good caption that is refused costs money, and the template that takes
its place says less.
"""

import functools
from collections.abc import Iterator

from curate.captions import template
from curate.captions.checking import japanese, labels, measures, proper, prose, shape
from curate.captions.checking.fault import Fault
from curate.captions.checking.lexicon import Concepts, Lexicon
from curate.captions.names import Names
from curate.labels.vocabulary import Vocabulary
from curate.records import Facts


class Checker:
    """Finds what captions say beyond their labels. Made once for a vocabulary, then fast.

    Args:
        words: The vocabulary that the labels' words come from.
    """

    def __init__(self, words: Vocabulary) -> None:
        self._lexicon = Lexicon(words)
        self._own = {"ja": japanese.Lexicon(words, self._lexicon)}
        self._capitals = proper.known(words)
        self._known = functools.lru_cache(maxsize=4096)(self._implied)

    def faults(
        self, text: str, facts: Facts, names: Names, language: str = "en"
    ) -> tuple[Fault, ...]:
        """What is wrong with a caption; () if it may be used.

        Args:
            text: The caption.
            facts: What it may say.
            names: What it must not say.
            language: That it is to be in, see `template.languages`. Labels are looked for by their
                English words, in Japanese by its own too; shape, names and numbers in all.
        """
        if not text.strip():
            return (Fault("empty", "is empty"),)
        return tuple(dict.fromkeys(self._faults(text, facts, names, language)))

    def _faults(self, text: str, facts: Facts, names: Names, language: str) -> Iterator[Fault]:
        said = prose.read(text)
        allowed, asserted = self._known(facts)
        matches = tuple(self._lexicon.matches(said, asserted))
        formal = tuple(shape.faults(said.text, template.language(language)))
        yield from formal
        words = (*facts.genres, *facts.moods, *facts.instruments, facts.key, f"{facts.bpm} BPM")
        if (name := names.mentioned(text, words)) is not None:
            yield Fault("name", f"names `{name}`; name no artist, title or album")
        elif language == "en" and not any(f.code in ("wrong_language", "markup") for f in formal):
            meant = frozenset(i for match in matches for i in range(match.start, match.end))
            yield from proper.faults(said, self._capitals | asserted, meant)
        yield from labels.faults(said, matches, facts, allowed, self._lexicon)
        yield from measures.tempo(said.text, facts)
        yield from measures.key(said.text, facts)
        yield from measures.era(said.text, facts)
        if (own := self._own.get(language)) is not None:
            yield from own.faults(said.text, facts, allowed)

    def _implied(self, facts: Facts) -> tuple[Concepts, frozenset[str]]:
        """All that may be said, and the keys of the labels themselves."""
        words = (*facts.genres, *facts.moods, *facts.instruments)
        keys = frozenset("".join(prose.keys(word)) for word in words) - {""}
        return self._lexicon.allowed(facts), keys
