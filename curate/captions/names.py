"""The names behind a clip, which no caption may say: artists, titles, albums.

A name is compared by its letters and digits: case, width, accents, punctuation, and hiragana or
katakana make no difference. It stands between words where its script has words, and anywhere where
it has none. Many names are plain words as well (`Love`, `Home`, `Queen`): those count only where a
text treats them as a name: with a capital inside a sentence, in quotation marks, or after "by",
"titled" and the like.
"""

import functools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ORDINARY = Path(__file__).with_name("ordinary.txt")
"""Words that captions use, one or more a line: names made of them alone are plain words as well."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a track, its artists and its album are called, as their sources write it.

    Attributes:
        artists: The artist and everyone featured.
        titles: The title, in every way it is known.
        albums: Likewise.
    """

    artists: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()

    @classmethod
    def known(
        cls,
        artists: Iterable[str | None],
        titles: Iterable[str | None],
        albums: Iterable[str | None],
    ) -> Self:
        """Of names as they come: each once, without those that are not known."""

        def each(names: Iterable[str | None]) -> tuple[str, ...]:
            return tuple(dict.fromkeys(name for name in names if name))

        return cls(each(artists), each(titles), each(albums))

    def mentioned(self, text: str, said: Collection[str] = ()) -> str | None:
        """The first of the names that `text` says, as its source writes it; None if none.

        Args:
            text: A caption, or a tag, which is a name if it is nothing else.
            said: Words that a text may say, `Chicago blues`: where they stand is no name.
        """
        names = _compiled(self)
        if not names:
            return None
        read = _read(text)
        allowed = [span for word in said for span in read.places(_joined(word))]
        for name in names:
            if any(_is_name(read, name, span, allowed) for span in read.places(name.key)):
                return name.written
            if name.sign and _has_sign(read.text, name.sign):
                return name.written
        return None


@dataclass(frozen=True, slots=True)
class _Name:
    """One name.

    Attributes:
        written: As its source has it.
        key: Its letters and digits, folded.
        plain: Whether it may be plain words as well.
        artist: Whether it is an artist's.
        sign: The name itself where it has no letters: `!!!`.
    """

    written: str
    key: str
    plain: bool
    artist: bool
    sign: str = ""


@dataclass(frozen=True, slots=True)
class _Word:
    key: str
    start: int
    end: int
    upper: bool
    first: bool
    tied: bool


_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text in words, of scripts without words in characters."""

    text: str
    words: tuple[_Word, ...]
    headline: bool

    def places(self, key: str) -> list[_Span]:
        """Where words run together are `key`, or begin with it and end as words for likeness do."""
        return [*self._places(key)] if key else []

    def _places(self, key: str) -> Iterator[_Span]:
        for start, word in enumerate(self.words):
            if not word.key or not (key.startswith(word.key) or word.key.startswith(key[:4])):
                continue
            joined = ""
            for end in range(start, len(self.words)):
                if end > start and not self.words[end].tied:
                    break
                joined += self.words[end].key
                if joined == key or _derived(joined, key):
                    if self._whole(start, end + 1):
                        yield start, end + 1
                    break
                if len(joined) > len(key) + 6:
                    break

    def _whole(self, start: int, end: int) -> bool:
        """Whether no katakana goes on before or behind: ロック is not in ブロック."""
        first, last = self.words[start].start, self.words[end - 1].end
        opens = not (_katakana(self.text[first - 1 : first]) and _katakana(self.text[first]))
        return opens and not (
            _katakana(self.text[last : last + 1]) and _katakana(self.text[last - 1])
        )


_WORD = re.compile(
    r"[\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u3400-\u9fff]|[^\W_\u3005-\u3007\u3041-\u30ff\u3400-\u9fff]+"
    r"(?:['’][^\W\d_\u3041-\u30ff\u3400-\u9fff]+)*"
)
_NO_WORDS = re.compile(r"[\u3005-\u3007\u3041-\u30ff\u3400-\u9fff]+")
_HIRAGANA = re.compile(r"[\u3041-\u309f]+")
_OPENS, _CLOSES = "\"“”'‘’«「『《〈(", "\"“”'‘’»」』》〉)"
_CUE = re.compile(
    r"(?:\b(?:titled|called|entitled|named|from the album|band|artist|duo|feat\.?|ft\.?|cover of"
    r"|(?:song|track|music|piece|tune|anthem|ballad|hit|album|rock|pop|performed|written|played|sung"
    r"|composed|produced|recorded|released|covered|made famous)\s+by))\s+(?:the\s+)?$",
    re.IGNORECASE,
)
"""What comes before a name and hardly ever before plain words."""

_CUE_ARTIST = re.compile(
    r"\b(?:in the (?:style|vein|manner) of|sounds? like|sounding like|reminiscent of|similar to"
    r"|[àa] la|inspired by|influenced by)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
"""Likewise before an artist; a song may sound like home, whatever its title."""

_CUE_JA = re.compile(r"による|風[のなに]")
_ENDS = ("esque", "ish", "ian", "ean", "like", "s", "es")
_VERSION = re.compile(
    r"\s*[(\[（［【〈].*?[)\]）］】〉]|\s+[-–—~〜]\s+.*$|\s+(?:feat|ft|featuring)\b\.?\s.*$",
    re.IGNORECASE,
)
_FEATURED = re.compile(
    r"[(\[](?:feat|ft|featuring|with)\b\.?\s+([^)\]]+)|\s(?:feat|ft|featuring)\b\.?\s+([^()\[\]]+)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\s*[,;/、]\s*|\s+(?:&|＆|and|x|×|vs\.?|feat\.?|ft\.?|featuring|with)\s+", re.IGNORECASE
)


def _is_name(text: _Text, name: _Name, span: _Span, allowed: list[_Span]) -> bool:
    """Whether a text means the name by the words at `span`."""
    start, end = span
    before = text.text[: text.words[start].start]
    after = text.text[text.words[end - 1].end :]
    if not before.strip(" .!?") and not after.strip(" .!?"):
        return True  # there is nothing else
    if before and after and before[-1] in _OPENS and after[0] in _CLOSES:
        return True
    if any(start >= left and end <= right for left, right in allowed):
        return False
    if not name.plain or _CUE.search(before) or _CUE_JA.match(after):
        return True
    if name.artist and _CUE_ARTIST.search(before):
        return True
    letters = [word for word in text.words[start:end] if word.key and word.key not in _SMALL]
    if not letters or text.headline or len(name.key) < 2:
        return False
    return all(word.upper for word in letters) and not all(word.first for word in letters)


def _has_sign(text: str, sign: str) -> bool:
    """Whether a name of signs stands in a text; those that texts use themselves only quoted."""
    if len(sign) > 1 and not set(sign) <= set(".-"):
        return sign in text
    return any(f"{left}{sign}{right}" in text for left, right in ('""', "''", "“”", "「」", "『』"))


@functools.lru_cache(maxsize=4096)
def _compiled(names: Names) -> tuple[_Name, ...]:
    """Every spelling of the names, once."""
    titles = (*names.titles, *names.albums)
    artists = [*names.artists, *(guests for title in titles for guests in _guests(title))]
    spellings = [(part, True) for name in artists for part in _of_artist(name)]
    spellings += [(part, False) for title in titles for part in _of_title(title)]
    found: dict[str, _Name] = {}
    for written, artist in spellings:
        key = _joined(written)
        if key:
            found.setdefault(key, _Name(written, key, _is_plain(written, key), artist))
        elif written.strip():
            sign = unicodedata.normalize("NFKC", written).strip()
            found.setdefault(sign, _Name(written, "", True, artist, sign))
    return tuple(found.values())


def _of_artist(name: str) -> Iterator[str]:
    """An artist, without `The`, and each of several."""
    yield name
    if (bare := re.sub(r"^the\s+", "", name, flags=re.IGNORECASE)) != name:
        yield bare
    parts = [part.strip(" ()[]") for part in _BETWEEN.split(name)]
    if len(parts) > 1:
        # of `Earth, Wind & Fire` nobody is called Wind
        yield from (part for part in parts if part and not _is_plain(part, _key(part)))


def _of_title(title: str) -> Iterator[str]:
    """A title, and without versions and guests."""
    yield title
    if (bare := _VERSION.sub("", title).strip()) and bare != title:
        yield bare
    head = re.split(r"\s*[:：]\s+", title)[0]
    if head != title and not _is_plain(head, _key(head)):
        yield head


def _guests(title: str) -> Iterator[str]:
    """Who is featured, of whom one is never called like plain words: `(with love)`."""
    for found in _FEATURED.findall(title):
        guests = next(filter(None, found)).strip()
        if not _is_plain(guests, _key(guests)):
            yield guests


def _is_plain(written: str, key: str) -> bool:
    """Whether a name may be plain words as well, or is too short to tell."""
    if _NO_WORDS.fullmatch(key):
        short = 3 if _HIRAGANA.fullmatch(_folded(written)) else 1
        return len(key) <= short or key in _ordinary()
    words = [word.key for word in _read(written).words]
    return len(key) < 2 or all(
        word in _ordinary() or word.removesuffix("s") in _ordinary() or word.isdigit()
        for word in words
    )


def _derived(word: str, key: str) -> bool:
    """Whether a word is made from a name: `Beatlesque`, `Adele's`."""
    if len(key) < 4 or word == key or not key[-1].isascii():
        return False
    for stem in (key, key.removesuffix("s"), key.removesuffix("es"), key.removesuffix("e")):
        if word.startswith(stem) and word[len(stem) :] in _ENDS:
            return True
    return False


@functools.lru_cache(maxsize=1024)
def _read(text: str) -> _Text:
    straight = unicodedata.normalize("NFKC", text)
    words: list[_Word] = []
    end = 0
    for found in _WORD.finditer(straight):
        gap = straight[end : found.start()]
        first = not words or re.search(r"[.!?:;\n。！？]", gap) is not None
        tied = bool(words) and not re.search(r"[;!?()\n。\"“”]|\.\s", gap)
        upper = found[0][0].isupper()
        key = "" if found[0].lower() in _AND else _key(found[0])
        words.append(_Word(key, *found.span(), upper, first, tied))
        end = found.end()
    capitals = sum(word.upper for word in words)
    return _Text(straight, tuple(words), len(words) > 3 and capitals > 0.6 * len(words))


def _joined(name: str) -> str:
    """The words of a name run together, without `and`; alone it is a word like others."""
    return "".join(word.key for word in _read(name).words) or _key(name)


@functools.lru_cache(maxsize=8192)
def _key(text: str) -> str:
    """Letters and digits only, folded."""
    return "".join(c for c in _folded(text) if unicodedata.category(c)[0] in "LN" or c == "ー")


def _folded(text: str) -> str:
    """NFKC, lower case, no accents, hiragana for katakana."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFD", plain) if not "\u0300" <= c <= "\u036f")
    joined = unicodedata.normalize("NFC", bare)
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in joined)


def _katakana(character: str) -> bool:
    return "ァ" <= character <= "ヺ" or character == "ー"


_AND = ("and", "n")
_SMALL = frozenset("a an and at by de for from in is it la le of on or the to with".split())


@functools.cache
def _ordinary() -> frozenset[str]:
    return frozenset(_key(word) for word in ORDINARY.read_text("utf-8").split())
