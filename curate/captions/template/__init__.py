"""Captions from templates: offline, without a model, from facts to tags or sentences.

Styles: `tags` lists every fact, `full` says every fact in one to four sentences, `short` some of
them in one, and `mixed` takes one of these for each clip and variant. The wording is drawn by seed,
clip and variant: the same clip is always described alike, another one otherwise. Nothing is said
that the facts do not say.

A language is one file in this folder, see `spoken`.
"""

import hashlib
import random
import re
from collections.abc import Iterator

from curate.captions.template.said import Said
from curate.captions.template.spoken import Language, language, languages
from curate.config import CaptionOptions
from curate.records import Facts

__all__ = ["VERSION", "Language", "caption", "language", "languages", "source"]

VERSION = 3
"""Other words for the same facts are another version."""

ATTEMPTS = 48
"""How often a text is drawn anew where it was there already or reads badly."""


def source(code: str) -> str:
    """Who wrote it, as `description_source` says: `template.3`, `template.3.ja`."""
    return f"template.{VERSION}" if code == "en" else f"template.{VERSION}.{code}"


def caption(facts: Facts, chunk: str, options: CaptionOptions) -> tuple[str, ...]:
    """The captions of a clip: one for each variant, all different, none empty.

    A list of few tags has few wordings: then there are fewer captions, but at least one.
    More variants begin with the same captions as fewer.

    Args:
        facts: What may be said.
        chunk: The clip's id.
        options: Style, language, variants and seed.
    """
    said = Said.of(facts)
    styles = _styles(options, chunk)
    spoken = language(options.language)
    texts: list[str] = []
    for variant in range(options.variants):
        turn = variant % len(styles)
        place = (options.seed, chunk, variant)
        drawn = _drawn(spoken, said, (*styles[turn:], *styles[:turn]), place)
        fresh = next((text for text in drawn if text not in texts), None)
        if fresh is not None:
            texts.append(fresh)
    return tuple(texts)


def _drawn(
    spoken: Language, said: Said, styles: tuple[str, ...], place: tuple[object, ...]
) -> Iterator[str]:
    """Texts of the first style, then of the others; those that read badly come last."""
    bad = []
    for style in styles:
        write = {"tags": spoken.tags, "short": spoken.short, "full": spoken.full}[style]
        for attempt in range(ATTEMPTS):
            text = write(said, _draw(*place, attempt))
            if len(text) <= spoken.LONGEST and not _doubled(text, said):
                yield text
            else:
                bad.append(text)
    yield from bad


def _styles(options: CaptionOptions, chunk: str) -> tuple[str, ...]:
    """The styles of the variants in turn; sentences come first more often than tags."""
    if options.style != "mixed":
        return (options.style,)
    lots = ["full", "full", "full", "short", "short", "tags"]
    _draw(options.seed, chunk, "styles").shuffle(lots)
    return tuple(dict.fromkeys(lots))


def _draw(*place: object) -> random.Random:
    spelt = ":".join(map(str, (VERSION, *place)))
    return random.Random(hashlib.sha256(spelt.encode("utf-8", "surrogatepass")).digest())


def _doubled(text: str, said: Said) -> bool:
    """Whether a word comes twice in a row, other than in a word of the facts (`cha cha`)."""
    for word in said.words:
        text = text.replace(word, word.replace(" ", "_"))
    return re.search(r"\b([^\W_]+) \1\b", text, re.IGNORECASE) is not None
