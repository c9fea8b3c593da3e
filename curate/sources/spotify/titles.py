"""Titles taken apart: the bare title, what is written around it, what makes it another version.

A title from a video (`Queen – Bohemian Rhapsody (Official Video Remastered)`) and one from a
catalogue (`Bohemian Rhapsody - Remastered 2011`) come to the same words here. In Chinese and
Japanese a word is a character. Both titles of a comparison go through the same steps, so what is
cut too short is cut too short in both.
"""

import difflib
import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

Tokens = tuple[str, ...]

Versions = Mapping[str, tuple[re.Pattern[str], ...]]


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart.

    Attributes:
        readings: What the bare title may be, the whole first.
        versions: What makes it another recording than the usual one, with how often it is said:
            `Live Forever` is not `Live Forever (Live)`.
        numbers: Numbers in it, but for years.
    """

    readings: tuple[Tokens, ...]
    versions: Counter[str]
    numbers: Counter[str]


@functools.lru_cache(maxsize=1 << 14)
def read(title: str, names: tuple[Tokens, ...] = ()) -> Title:
    """Takes a title apart.

    Args:
        title: As it is written.
        names: Words of the artists' names, which may stand before or behind the title.
    """
    text = _FEATURED.sub(" ", plain(title))
    ordered, asides = _unbracketed(text, names)
    bare, _ = _unbracketed(text, None)
    parts = _parts(ordered, names)
    whole, joined = (
        tuple(_without_artist(tokens(_cleaned(part)), names) for part in some)
        for some in (parts, _parts(bare, names))
    )
    versions = said(" | ".join(parts), VERSIONS)
    versions += Counter(filter(None, map(_named_version, [*parts[1:], *asides])))
    readings = [sum(whole, ())]
    if not versions:  # else the rest says which one
        quoted = [tokens(part) for pair in _QUOTES.findall(bare) for part in pair]
        readings += [sum(joined, ()), *joined, *quoted]
    readings = [part for part in dict.fromkeys(readings) if part] or [(plain(title).strip(),)]
    numbers = (_ROMAN.get(word, word) for word in readings[0])
    counted = Counter(word for word in numbers if word.isdecimal() and not _YEAR.fullmatch(word))
    return Title(tuple(readings), versions, counted)


def plain(text: str) -> str:
    """Case-folded NFKC without accents (the marks of kana stay) and apostrophes."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    text = _APOSTROPHES.sub("", unicodedata.normalize("NFC", bare))
    return text.replace("&", " and ").replace("m/v", "mv")


def tokens(text: str) -> Tokens:
    """The words of a plain text, or its characters where they are Chinese or Japanese."""
    return tuple(_TOKEN.findall(text))


def ratio(words: Tokens, others: Tokens) -> float:
    """Twice the length of what is common, in order, by the length of both: 0..1."""
    total = sum(map(_weight, words + others))
    blocks = difflib.SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks()
    common = sum(_weight(word) for b in blocks for word in words[b.a : b.a + b.size])
    return 2 * common / total if total else 0.0


def contains(words: Tokens, part: Tokens) -> bool:
    """Whether words hold some others one after the other."""
    return _find(words, part) is not None


def said(text: str, known: Versions) -> Counter[str]:
    """What a plain text says of versions: how often their most frequent word comes."""
    counts = {
        name: max(len(pattern.findall(text)) for pattern in patterns)
        for name, patterns in known.items()
    }
    return Counter({name: count for name, count in counts.items() if count})


def script(word: str) -> str:
    """The script of a word: `LATIN`, `HANGUL`, `JAPANESE`, which holds Chinese, and so on."""
    name = unicodedata.name(word[0], "").split(" ")[0].split("-")[0]
    return "JAPANESE" if name in ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC") else name


def _unbracketed(text: str, names: tuple[Tokens, ...] | None) -> tuple[str, list[str]]:
    """The text without brackets, and what was in those whose content stays.

    What stays says something of the recording and is no artist's name; with None nothing stays.
    """
    asides: list[str] = []

    def inside(found: re.Match[str]) -> str:
        aside = found[1]
        if names is None or _is_noise(aside) or _is_artist(aside, names):
            return " "
        asides.append(aside)
        return f" {aside} "

    while (inner := _BRACKETS.sub(inside, text)) != text:
        text = inner
    return text, asides


def _parts(text: str, names: tuple[Tokens, ...]) -> list[str]:
    """The parts between dashes and slashes that may be the title or belong to it."""
    every = _SEPARATORS.split(text)
    told = [part for part in every if not _is_noise(part) or _is_year(part)]
    return [part for part in told if not _is_artist(part, names)] or told[-1:] or [text]


def _cleaned(part: str) -> str:
    """Without `official video` and the like around it, if something is left."""
    while (shorter := _AROUND.sub(" ", part).strip()) != part and tokens(shorter):
        part = shorter
    return part


def _is_noise(part: str) -> bool:
    """Whether a part says nothing of the recording: `official video`, `remastered 2011`."""
    words = tokens(_NOISE_PHRASES.sub(" ", part))
    years = any(map(_YEAR.fullmatch, words))
    if "mix" in words and not (years or _OF_MIX & set(words)):
        return False
    return all(word in _NOISE or _YEAR.fullmatch(word) for word in words)


def _is_year(part: str) -> bool:
    return _YEAR.fullmatch(part.strip()) is not None


def _is_artist(part: str, names: tuple[Tokens, ...]) -> bool:
    """Whether there is nothing but artists: `米津玄師`, `A & B`, `A official`."""
    words = left = tokens(part)
    for name in sorted(names, key=len, reverse=True):
        if (at := _find(left, name)) is not None:
            left = left[:at] + left[at + len(name) :]
    return left != words and all(word in _JOINING for word in left)


def _without_artist(words: Tokens, names: tuple[Tokens, ...]) -> Tokens:
    """Without the artist before or behind it, if something is left."""
    for name in sorted(names, key=len, reverse=True):
        if len(words) > len(name):
            if words[: len(name)] == name:
                return tokens(_cleaned(" ".join(words[len(name) :])))
            if words[-len(name) :] == name:
                return words[: -len(name)]
    return words


def _named_version(part: str) -> str:
    """`taylors` of `Taylor's Version`; "" where no version is named."""
    words = tokens(part)
    if not _VERSION_WORDS & set(words):
        return ""
    return " ".join(word for word in words if word not in _VERSION_WORDS)


def _find(words: Tokens, part: Tokens) -> int | None:
    places = range(len(words) - len(part) + 1)
    return next((at for at in places if words[at : at + len(part)] == part), None)


def _weight(word: str) -> int:
    """Long words say more, and so does a character that is a word or a syllable."""
    return 2 if _CHARACTER.fullmatch(word) else len(word)


def _words(*patterns: str) -> tuple[re.Pattern[str], ...]:
    """Latin words, whole ones, also right beside Japanese."""
    return tuple(re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])") for pattern in patterns)


def _kana(*patterns: str) -> tuple[re.Pattern[str], ...]:
    """Words in katakana, whole ones: `ライブ` is not in `ドライブ`."""
    return tuple(re.compile(rf"(?<![ァ-ヺー])(?:{pattern})(?![ァ-ヺー])") for pattern in patterns)


def _anywhere(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))


_LANGUAGES = "english|japanese|korean|chinese|mandarin|spanish|french|german|italian|eng|jpn?|kor"

VERSIONS: Versions = {
    "live": _words("live", "concert", "sessions?", "tour", "first take", "rehearsals?")
    + _kana("ライ[ブヴ](?:映像)?", "コンサート")
    + _anywhere("弾き語り", "生演奏", "生歌"),
    "remix": _words("remix(?:ed|es)?", "rmx", "mix", "bootleg", "mash ?ups?", "medley", "megamix")
    + _kana("リミックス", "メドレー", "マッシュアップ"),
    "cover": _words("cover(?:s|ed)?", "tribute", "in the style of", "made (?:famous|popular) by")
    + _words("parody")
    + _kana("カ[バヴ]ァ?ー")
    + _anywhere("てみた", "コピー演奏"),
    "without voice": _words("karaoke", "instrumentals?", "inst", "off ?vocal", "backing track")
    + _words("minus one")
    + _kana("カラオケ", "インスト(?:ゥルメンタル|ルメンタル)?", "オフボーカル"),
    "speed": _words(
        "sped ?up", "speed ?up", "slowed", "nightcore", "daycore", "reverb", "(?:8|16)d"
    )
    + _words("bass boosted", "432 ?hz")
    + _anywhere("倍速"),
    "arrangement": _words("acoustic", "unplugged", "piano", "orchestral?", "string quartet")
    + _words("music box", "lullab(?:y|ies)", "a ?cap+ella", "8 ?bit", "chiptune", "lo ?-?fi")
    + _kana("アコースティック", "ピアノ", "オルゴール", "オーケストラ", "アカペラ"),
    "draft": _words("demos?", "outtakes?", "alternate", "alternative take") + _kana("デモ"),
    "part": _words("intro", "outro", "interlude", "reprise", "skit", "teaser", "trailer", "preview")
    + _words("snippet", "extended", "loop", "1 ?hour", "10 ?hours")
    + _kana("ティザー", "ループ"),
    "lesson": _words("lessons?", "tutorial", "how to play", "reaction", "review", "commentary"),
    "language": _words(rf"(?:{_LANGUAGES}) ver(?:sion)?") + _anywhere("[英日韓中]国?語版"),
}
"""Words that make another recording of a title, by what they make of it."""

CHANNELS: Versions = {
    name: VERSIONS[name] for name in ("cover", "without voice", "speed", "arrangement")
}
"""Those that tell, in the name of who put it there, that it is not the artist's own recording."""

_VERSION_WORDS = frozenset("version ver edit mix remix rework arrange arranged".split())

_NOISE = frozenset(
    """official music video audio lyric lyrics mv pv m v hd hq uhd 4k 8k 1080p 720p visualizer
    visualiser clip videoclip full explicit clean uncensored remaster remastered remastering
    digital digitally version ver edit radio single album original mono stereo deluxe edition bonus
    track anniversary mix sub subs subtitles subtitled eng english with and the a topic new
    color coded han rom""".split()
)
"""Words that say nothing of the recording, where a part of a title has no others."""

_OF_MIX = frozenset({"original", "stereo", "mono", "album", "single"})
"""With these, or with a year, `mix` is only how the same recording was mixed."""

_NOISE_PHRASES = re.compile(
    "公式|オフィシャル|歌詞(?:付き|つき|入り|あり)?|フル|高音質|ミュージック・?ビデオ|リマスター"
    "|日本語字幕|字幕|動画|本人"
)

_JOINING = frozenset("and x feat ft with vs official vevo topic channel music tv by".split())

_PHRASE = (
    r"(?:(?:official|music|lyrics?|hd|4k|full|animated)\s+)+"
    r"(?:video|audio|clip|mv|pv|visuali[sz]er|lyrics?)"
)
_AROUND = re.compile(
    rf"\s(?:{_PHRASE}|official|lyrics?|mv|pv|hd|hq|4k|公式|歌詞付き|フル)\s*$"
    rf"|^\s*(?:{_PHRASE}|official|mv|pv)\s"
)
"""What stands before or behind a title, without brackets; `video` alone may belong to it."""

_OPEN, _CLOSE = r"(\[{<【〔", r")\]}>】〕"
_BRACKETS = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]*)[{_CLOSE}]")
_QUOTES = re.compile(r"[「『《〈“]([^」』》〉”]*)[」』》〉”]|\"([^\"]*)\"")
_SEPARATORS = re.compile(r"\s+[-‐‑–—−]+\s+|\s*[|―/]\s*")
_FEATURED = re.compile(
    rf"[{_OPEN}]\s*(?:feat|ft|featuring|with|prod)\b[^{_OPEN}{_CLOSE}]*[{_CLOSE}]"
    rf"|\s(?:feat|ft|featuring)\b\.?.*?(?=$|\s[-–—|/]\s|[{_OPEN}])"
)
_CHARACTER = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff]")
_TOKEN = re.compile(rf"{_CHARACTER.pattern}|[^\W_{_CHARACTER.pattern[1:]}+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
