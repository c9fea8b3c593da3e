"""The words of captions and of audiocraft's fields, for model classes and for free tags.

`vocabulary.yaml`, beside this module, maps every class name of Essentia's classifiers to a word. It
is looked up by name, never by position: heads list their classes in different orders.

A file of the user's own changes or adds single lines. A class that is not in `vocabulary.yaml` may
be new on purpose (another version of a model), so it is taken, unless it reads like a slip of the
pen: like a class there but for one letter, for case and gaps, or for the parent (`Synthwave` for
`Electronic---Synthwave`). That is an error, because a misspelt line would change nothing and say
nothing.

A class with the word `null` is never said: neither when a model hears it nor when a tag or a person
writes its name or its old word, unless another class, a word or an alias claims that spelling.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from curate import safeyaml
from curate.errors import ConfigError, CurateError
from curate.names import digest

FILE = Path(__file__).with_name("vocabulary.yaml")
KINDS = ("genre", "mood", "instrument", "voice", "danceable")
"""The sections of classes."""

_EMPTY = "write lines as in curate/labels/vocabulary.yaml"

Words = dict[str, str | None]
"""Name to word; None for what is never asserted."""

_Section = TypeVar("_Section")


class UnknownClass(CurateError, KeyError):
    """A class, its parent or a kind that the vocabulary does not know."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would quote it


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """What to call things. Words are plain English without commas.

    Attributes:
        file: Where a missing line belongs.
        fingerprint: 64 hex digits that change with any line: part of the key of what is cached.
        classes: Kind to class name to word.
        parents: First part of a Discogs class to word.
        spellings: Kind to `_plain` spelling to word; "" for a tag that says nothing.
        capitals: Lower case to the way English writes it.
    """

    file: Path
    fingerprint: str
    classes: Mapping[str, Mapping[str, str | None]]
    parents: Mapping[str, str | None]
    spellings: Mapping[str, Mapping[str, str]] = field(repr=False)
    capitals: Mapping[str, str] = field(repr=False)

    def word(self, kind: str, class_name: str) -> str | None:
        """The word for a model's class; None if it is never asserted.

        Args:
            kind: One of `KINDS`.
            class_name: As the model's `.json` has it.

        Raises:
            UnknownClass: No line maps it; the message names the file to edit.
        """
        words, name = _of(self.classes, kind), unicodedata.normalize("NFC", class_name)
        if name not in words:
            raise self._unknown("class", name, kind)
        return words[name]

    def kind(self, class_name: str) -> str:
        """The kind of a class, for heads that mix them (mtg_jamendo_top50tags).

        Raises:
            UnknownClass: No line maps it.
        """
        name = unicodedata.normalize("NFC", class_name)
        for kind in KINDS:  # in this order: `voice` is an instrument first
            if name in self.classes[kind]:
                return kind
        raise self._unknown("class", name, " or ".join(KINDS))

    def parent(self, class_name: str) -> str | None:
        """The word for `Electronic` in `Electronic---Synth-pop`; None where there is none.

        Raises:
            UnknownClass: No line maps it.
        """
        name, dashes, _ = class_name.partition("---")
        if not dashes:
            return None
        if name not in self.parents:
            raise self._unknown("parent", name, "parents")
        return self.parents[name]

    def alias(self, kind: str, text: str) -> str:
        """The word for a tag as people write it; "" if it says nothing.

        What is not known stays, as one tidy word: lower case but for proper names, no comma.

        Args:
            kind: One of `KINDS`.
            text: A tag: `Hip-Hop`, `drum 'n' bass`, `三味線`.
        """
        known = _of(self.spellings, kind).get(_plain(text))
        return self.spell(_tidy(text.replace(",", " ")).lower()) if known is None else known

    def knows(self, kind: str, word: str) -> bool:
        """Whether a word is one of this vocabulary's own."""
        return _of(self.spellings, kind).get(_plain(word)) == word

    def spell(self, text: str) -> str:
        """`text` with the capitals that English wants in it: `uk garage` is `UK garage`."""
        return _proper(tuple(self.capitals)).sub(lambda match: self.capitals[match[0]], text)

    def _unknown(self, what: str, name: str, section: str) -> UnknownClass:
        return UnknownClass(
            f"{what} '{name}' has no word; add the line `{name}: WORD` under `{section}:` to "
            f"{self.file}, or `null` and why if it is never to be said"
        )


def load(extra: Path | None = None) -> Vocabulary:
    """The vocabulary, with the lines of a file of the user's own in place of its own.

    Raises:
        ConfigError: The file cannot be read or is not what it should be; it names file and line.
    """
    own, vocabulary = _own()
    if extra is None:
        return vocabulary
    reader = _Reader(extra, safeyaml.load(extra, _EMPTY))
    theirs = _sections(reader)
    _check_names(own, theirs, reader)
    merged = _merged(own, theirs)
    _check_aliases(theirs, merged, extra)
    return _build(merged, extra)


@dataclass(frozen=True, slots=True)
class _Sections:
    """A vocabulary file, section by section."""

    classes: dict[str, Words]
    parents: Words
    words: dict[str, list[str]]
    aliases: dict[str, Words]
    proper: list[str]

    def named(self, kind: str) -> Words:
        """The classes of a kind, and the parents of genres."""
        return self.classes[kind] | (self.parents if kind == "genre" else {})

    def known(self, kind: str) -> Iterator[str]:
        """Every word there is of a kind."""
        yield from (word for word in self.named(kind).values() if word)
        yield from self.words[kind]


@functools.cache
def _own() -> tuple[_Sections, Vocabulary]:
    sections = _sections(_Reader(FILE, safeyaml.load(FILE)))
    _check_aliases(sections, sections, FILE)
    return sections, _build(sections, FILE)


def _sections(reader: "_Reader") -> _Sections:
    reader.only((), (*KINDS, "parents", "words", "aliases", "proper"))
    reader.only(("words",), KINDS)
    reader.only(("aliases",), KINDS)
    return _Sections(
        classes={kind: reader.words(kind) for kind in KINDS},
        parents=reader.words("parents"),
        words={kind: reader.listed("words", kind) for kind in KINDS},
        aliases={kind: reader.words("aliases", kind) for kind in KINDS},
        proper=reader.listed("proper"),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes a file apart and says where it is wrong. What is left out is empty."""

    path: Path
    document: safeyaml.Document

    def only(self, place: tuple[str, ...], names: tuple[str, ...]) -> None:
        for name in self._mapping(*place):
            if name not in names:
                problem = f"no section '{name}'; use {', '.join(names)}"
                raise self.error((*place, str(name)), problem)

    def words(self, *place: str) -> Words:
        found: Words = {}
        for name, value in self._mapping(*place).items():
            if not isinstance(name, str):
                raise self.error((*place, str(name)), f"write {name!r} in quotes: '{name}'")
            word = None if value is None else self._word(value, (*place, name))
            found[unicodedata.normalize("NFC", name)] = word
        return found

    def listed(self, *place: str) -> list[str]:
        found = self._at(place, [])
        if not isinstance(found, list):
            raise self.error(place, f"'{place[-1]}' must be a list of words: [one, two]")
        return [self._word(value, (*place, index)) for index, value in enumerate(found)]

    def _word(self, value: object, place: tuple[str | int, ...]) -> str:
        if not isinstance(value, str) or not value or "," in value or value != _tidy(value):
            raise self.error(
                place, f"{value!r} is no word; write text without commas and extra spaces, or null"
            )
        return value

    def _mapping(self, *place: str) -> dict[object, object]:
        found = self._at(place, {})
        if not isinstance(found, dict):
            where = f"'{place[-1]}'" if place else "the file"
            raise self.error(place, f"{where} must hold lines of `name: word`")
        return found

    def _at(self, place: tuple[str, ...], default: object) -> object:
        found = self.document.value
        for name in place:
            found = (found.get(name) if isinstance(found, dict) else None) or default
        return found

    def error(self, place: tuple[str | int, ...], problem: str) -> ConfigError:
        return ConfigError(f"{self.path}:{self.document.line(place)}: {problem}")


def _merged(own: _Sections, extra: _Sections) -> _Sections:
    """`own` with the lines of `extra` in place of its own."""
    return _Sections(
        classes={kind: own.classes[kind] | extra.classes[kind] for kind in KINDS},
        parents=own.parents | extra.parents,
        words={kind: [*own.words[kind], *extra.words[kind]] for kind in KINDS},
        aliases={kind: _followed(own, extra, kind) for kind in KINDS},
        proper=[*own.proper, *extra.proper],
    )


def _followed(own: _Sections, extra: _Sections, kind: str) -> Words:
    """The aliases of both; where `extra` calls a class otherwise, its old word is one more."""
    before, after = own.named(kind), extra.named(kind)
    merged = before | after
    kept = {*merged.values(), *own.words[kind], *extra.words[kind]}
    names = {_plain(name) for name, word in merged.items() if word}
    gone = {
        word: new
        for name, word in before.items()
        if word and word not in kept and ((new := after[name]) or _plain(word) not in names)
    }
    # of classes that shared a word one may be called otherwise and one never be said
    gone |= {word: after[name] for name, word in before.items() if word in gone and after[name]}
    led = own.aliases[kind].items()
    aliases = {name: gone.get(word, word) if word else None for name, word in led}
    return gone | aliases | extra.aliases[kind]


def _check_names(own: _Sections, theirs: _Sections, reader: "_Reader") -> None:
    """Finds misspelt classes and parents in a file of the user's own."""
    found = [(kind, theirs.classes[kind], own.classes[kind]) for kind in KINDS]
    for section, written, known in (*found, ("parents", theirs.parents, own.parents)):
        for name in written:
            near = None if name in known else _misspelt(name, known)
            if near is not None:
                problem = f"no class '{name}'; did you mean '{near}'?"
                raise reader.error((section, name), problem)


def _misspelt(name: str, known: Iterable[str]) -> str | None:
    """The class that a name was meant to be; None if it may be a new one."""
    plain, style = _plain(name), _plain(_style(name))
    for near in known:
        if plain in (_plain(near), _plain(_style(near))):
            return near
    return next((near for near in known if _one_slip(plain, _plain(near), len(style))), None)


def _one_slip(one: str, other: str, letters: int) -> bool:
    """Whether two spellings differ by a letter too many or too few, a wrong one or two swapped.

    Numbers are no slips (`70s`, `80s`), and in short names a wrong letter is none (`edm`, `idm`).
    """
    if re.findall(r"\d", one) != re.findall(r"\d", other):
        return False
    pairs = enumerate(zip(one, other, strict=False))
    same = next((place for place, (x, y) in pairs if x != y), min(len(one), len(other)))
    a, b = one[same:], other[same:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    wrong = letters > 4 and a[1:] == b[1:]
    return letters > 2 and (swapped or wrong or a == b[1:] or a[1:] == b)


def _check_aliases(written: _Sections, merged: _Sections, path: Path) -> None:
    """Finds misspelt words behind aliases."""
    for kind in KINDS:
        known = {*merged.known(kind)}
        for name, word in written.aliases[kind].items():
            if word and word not in known:
                raise ConfigError(
                    f"{path}: alias '{name}' leads to '{word}', which is no {kind} word; "
                    f"mind the spelling, or add it to `{kind}:` under `words:`"
                )


def _build(sections: _Sections, path: Path) -> Vocabulary:
    return Vocabulary(
        file=path,
        fingerprint=digest("vocabulary", sections),
        classes=sections.classes,
        parents=sections.parents,
        spellings={kind: _spellings(sections, kind) for kind in KINDS},
        capitals={word.lower(): word for word in sections.proper},
    )


def _spellings(sections: _Sections, kind: str) -> dict[str, str]:
    """How a kind's words may be written; the later rule wins: null, class, word, alias."""
    named = sections.named(kind)
    said = {name for name, word in named.items() if word}
    styles = {_plain(_style(name)) for name in said}
    found = {_plain(_style(name)): "" for name in named if name not in said}
    found = {style: word for style, word in found.items() if style not in styles}
    found |= {_plain(name): "" for name in named}
    found |= {_plain(name): word for name, word in named.items() if word}
    found |= {_plain(word): word for word in sections.known(kind)}
    return found | {_plain(name): word or "" for name, word in sections.aliases[kind].items()}


def _style(name: str) -> str:
    """`Synth-pop` of `Electronic---Synth-pop`; a class without a parent is one itself."""
    return name.rpartition("---")[2]


def _plain(text: str) -> str:
    """A spelling without what people leave out or put in as they like."""
    bare = "".join(
        character
        for character in unicodedata.normalize("NFKD", text)
        if not "\u0300" <= character <= "\u036f"  # accents; Japanese voicing marks are others
    )
    joined = re.sub(r"\b(?:and|n)\b", "&", bare.casefold().replace("_", " "))
    return "".join(c for c in joined if c not in ".,'’`´!・･" and not _is_gap(c))


def _is_gap(character: str) -> bool:
    return unicodedata.category(character) in {"Zs", "Cc", "Pd"}


def _tidy(text: str) -> str:
    return " ".join(text.split())


@functools.cache
def _proper(words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")


def _of(sections: Mapping[str, _Section], kind: str) -> _Section:
    if kind not in sections:
        raise UnknownClass(f"no kind '{kind}' in the vocabulary; there are {', '.join(KINDS)}")
    return sections[kind]
