"""What a language is, and which ones there are: each file of this folder that has a `CODE`.

A language is added by a file, and nothing else: artists.yaml, prompts, checks and prices take from
here what they need to know of it. A language whose file is missing is told with those that exist.
"""

import functools
import importlib
import pkgutil
import random
from typing import Protocol, cast

from curate.captions import template
from curate.captions.template.said import Said
from curate.errors import ConfigError


class Language(Protocol):
    """What a language's file has. Texts depend on nothing but the arguments.

    Attributes:
        CODE: What `captions.language` calls it, ISO 639: `en`.
        NAME: What a language model calls it: `English`.
        LONGEST: Characters of a template's caption; a longer one is drawn anew.
        CHARACTERS: Fewest and most of a caption that somebody else wrote.
        WORDS: Likewise in words; None where words are not set apart by spaces.
        TOKENS: Of a usual caption, for estimates of what a language model costs.
    """

    CODE: str
    NAME: str
    LONGEST: int
    CHARACTERS: tuple[int, int]
    WORDS: tuple[int, int] | None
    TOKENS: int

    def tags(self, said: Said, draw: random.Random, /) -> str:
        """Every fact, in a list."""

    def short(self, said: Said, draw: random.Random, /) -> str:
        """Some of the facts, in one sentence."""

    def full(self, said: Said, draw: random.Random, /) -> str:
        """Every fact, in one to four sentences."""

    def reads(self, text: str, /) -> bool:
        """Whether a text with letters is in this language, as far as letters and words tell."""


def languages() -> dict[str, Language]:
    """Every language by its code."""
    return _found(tuple(template.__path__))


def language(code: str) -> Language:
    """The language of this code.

    Raises:
        ConfigError: There is none.
    """
    if (fault := unknown(code)) is not None:
        raise ConfigError(f"captions.language: {fault}")
    return languages()[code]


def unknown(code: str) -> str | None:
    """What is wrong with a code, None where there is such a language."""
    known = languages()
    return None if code in known else f"no language '{code}'; there are {', '.join(known)}"


@functools.cache
def _found(folders: tuple[str, ...]) -> dict[str, Language]:
    names = (one.name for one in pkgutil.iter_modules(folders))
    modules = (importlib.import_module(f"{template.__name__}.{name}") for name in names)
    found = {module.CODE: cast("Language", module) for module in modules if hasattr(module, "CODE")}
    return dict(sorted(found.items()))
