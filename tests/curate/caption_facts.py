"""Label sets for captions, of the real vocabulary, and how to read facts back out of a caption.

Reading back knows the words for things (`instrumental`, `rises and falls`), not the templates. What
it finds must be exactly what was known: so nothing is lost, nothing is invented, and captions of
different facts differ.
"""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from curate.captions.template import japanese
from curate.labels import vocabulary
from curate.records import Facts

WORDS = {
    kind: sorted({word for word in vocabulary.load().spellings[kind].values() if word})
    for kind in ("genre", "mood", "instrument")
}
EVERY = sorted({word for words in WORDS.values() for word in words}, key=len, reverse=True)
TONICS = ("A", "Bb", "B", "C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#")
KEYS = [f"{tonic} {mode}" for tonic in TONICS for mode in ("major", "minor")]


def label_sets(number: int, seed: int = 0) -> list[Facts]:
    """So many different ones: from hardly anything known to everything."""
    draw, found = random.Random(seed), dict[Facts, None]()
    while len(found) < number:
        found[_facts(draw)] = None
    return list(found)


def _facts(draw: random.Random) -> Facts:
    known = draw.choice((0.3, 0.7, 0.9))

    def some(kind: str) -> tuple[str, ...]:
        return tuple(draw.sample(WORDS[kind], draw.choice((0, 1, 1, 2, 2, 3, 4)))) * (
            draw.random() < known
        )

    facts = Facts(
        genres=some("genre"),
        moods=some("mood"),
        instruments=some("instrument"),
        sung=draw.choice((None, True, False)),
        bpm=draw.randint(40, 220) if draw.random() < known else None,
        key=draw.choice(KEYS) if draw.random() < known else "",
        decade=draw.choice(range(1900, 2030, 10)) if draw.random() < known else None,
        dynamics=draw.choice(("", "steady", "wide")),
        density=draw.choice(("", "sparse", "dense")),
        danceable=draw.random() < 0.3,
    )
    return replace(facts, sung=None) if draw.random() > known else facts


@dataclass(frozen=True)
class Content:
    """What facts, or a caption, say: words that are part of another one (`rock`) not counted."""

    words: frozenset[str]
    sung: bool | None
    bpm: int | None
    key: str
    dynamics: str
    density: str
    danceable: bool


def content(facts: Facts) -> Content:
    """What there is to say. A voice among the instruments says itself that there is singing."""
    words = _widest([*facts.genres, *facts.moods, *facts.instruments])
    if facts.decade is not None:
        words |= {_era(f"{facts.decade}s")}
    voiced = any(re.search(r"vocals|choir", word) for word in facts.instruments)
    voiced = voiced or any("instrumental" in word for word in facts.genres)
    return Content(
        words - {"vocals"},
        True if "vocals" in words else None if voiced else facts.sung,
        facts.bpm,
        facts.key,
        facts.dynamics,
        facts.density,
        facts.danceable,
    )


def _widest(words: Iterable[str]) -> frozenset[str]:
    every = set(words)

    def within(word: str) -> bool:
        return any(word != other and _spans(word, other) for other in every)

    return frozenset(word for word in every if not within(word))


def _era(said: str) -> str:
    """`80s` and `1980s` are the same decade; `20s` are not `2020s`."""
    return said[2:] if re.fullmatch(r"19[3-9]0s", said) else said


def _spans(word: str, text: str) -> list[tuple[int, int]]:
    if word.lower() not in text.lower():
        return []  # much faster
    pattern = rf"(?<![\w-]){re.escape(word)}(?![\w-])"
    return [found.span() for found in re.finditer(pattern, text, re.IGNORECASE)]


def _found(names: Iterable[tuple[str, list[tuple[int, int]]]]) -> Iterator[tuple[str, int, int]]:
    """The widest of the words found, and where."""
    every = [(word, *span) for word, spans in names for span in spans]
    for word, start, end in every:
        wider = ((a, b) for _, a, b in every if (a, b) != (start, end) and a <= start and end <= b)
        if not any(wider):
            yield word, start, end


# --- English ------------------------------------------------------------------------------------

SENSE = {
    "steady": r"(?:even|steady) dynamics|dynamics (?:are|stay) even|(?:stays )?steady(?: volume)?"
    r"|hardly changes|little change in volume",
    "wide": r"wide dynamics|vary widely|rises and falls|changes a lot|wide range|varying volume",
    "sparse": r"sparse|few notes|space between",
    "dense": r"dense|busy|follow each other closely|many notes",
}
UNSUNG = r"\binstrumental\b|\b(?:no|without) vocals\b|\bno singing\b"
SUNG = r"\bvocals\b|\bsinging\b"


def read(text: str) -> Content:
    """What an English caption says."""
    decades = {said: [m.span() for m in re.finditer(rf"\b{said}\b", text)]
               for said in re.findall(r"\b(?:\d\d)?\d0s\b", text)}  # fmt: skip
    spans = [(word, _spans(word, text)) for word in EVERY if not re.fullmatch(r"\d0s", word)]
    own = [("", [m.span() for m in re.finditer(UNSUNG, text, re.IGNORECASE)])]
    found = [one for one in _found([*spans, *own]) if one[0]]
    rest = text
    for word, start, end in found:
        if word != "vocals":
            rest = rest[:start] + "_" * (end - start) + rest[end:]
    unsung = re.search(UNSUNG, rest, re.IGNORECASE) is not None
    sung = re.search(SUNG, re.sub(UNSUNG, "", rest, flags=re.IGNORECASE), re.IGNORECASE) is not None
    key = re.search(r"\b([A-G][#b]?) (major|minor)\b", rest)
    return Content(
        _widest([word for word, _, _ in found] + [_era(said) for said in decades]) - {"vocals"},
        False if unsung else True if sung else None,
        int(bpm[1]) if (bpm := re.search(r"\b(\d+) BPM\b", rest)) else None,
        f"{key[1]} {key[2]}" if key else "",
        next((name for name in ("steady", "wide") if re.search(SENSE[name], rest)), ""),
        next((name for name in ("sparse", "dense") if re.search(SENSE[name], rest)), ""),
        re.search(r"danc(?:eable|ing)", rest, re.IGNORECASE) is not None,
    )


# --- Japanese -----------------------------------------------------------------------------------

JAPANESE_SENSE = {
    "steady": r"音量はほぼ一定|強弱の変化は少な|音量の変化は小さ|ダイナミクスは安定"
    r"|安定したダイナミクス",
    "wide": r"音量の変化が大き|強弱の差|ダイナミクスの幅が広|音量が大きく変化|幅広いダイナミクス",
    "sparse": r"音数は少な|まばら|間隔が広",
    "dense": r"音数[がは]多|密[でだな。]|細かく詰ま",
}
JAPANESE_UNSUNG = (
    r"インストゥルメンタル(?!\w)|インストゥルメンタル(?=[のでだ])|(?:ボーカル|歌声|歌)の?は?"
    r"(?:ない|なく|なし|ありません|入って(?:いない|おらず|いません))"
)
JAPANESE_SUNG = r"ボーカル|歌が|歌の|歌入り|歌声"
_LETTER = r"[ァ-ヴー・A-Za-z&#一-龥]"


def _japanese_spans(kind: str, word: str, text: str) -> list[tuple[int, int]]:
    said = japanese.word(kind, word)
    if kind == "mood":  # its end changes with what follows
        said = re.sub(r"(?:らしい|のある|の出る|満ちた|立たせる|満載の|いだ|な|い|の)$", "", said)
        pattern = rf"(?<!{_LETTER}){re.escape(said)}(?![ァ-ヴー])"
    else:
        pattern = rf"(?<!{_LETTER}){re.escape(said)}(?!{_LETTER})"
    return [found.span() for found in re.finditer(pattern, text)] if said in text else []


def read_japanese(text: str) -> Content:
    """What a Japanese caption says, in the vocabulary's words."""
    text = re.sub(r"(\d+)BPM|BPM(\d+)", r" \1\2 ビーピーエム", text)
    decades = re.findall(r"(\d+)年代", text)
    own = [("", [m.span() for m in re.finditer(JAPANESE_UNSUNG, text)])]
    spans = [
        (word, _japanese_spans(kind, word, text))
        for kind, words in WORDS.items()
        for word in words
        if not re.fullmatch(r"\d0s", word)
    ]
    found = [one for one in _found([*spans, *own]) if one[0]]
    rest = text
    for word, start, end in found:
        if word != "vocals":
            rest = rest[:start] + "_" * (end - start) + rest[end:]
    unsung = re.search(JAPANESE_UNSUNG, rest) is not None
    sung = re.search(JAPANESE_SUNG, re.sub(JAPANESE_UNSUNG, "", rest)) is not None
    key = re.search(r"([A-G][#♭]?)(メジャー|マイナー)", rest)
    mode = {"メジャー": "major", "マイナー": "minor"}
    bpm = re.search(r"(\d+) ?ビーピーエム|BPMは約?(\d+)", rest)
    return Content(
        _widest([word for word, _, _ in found] + [_era(f"{said}s") for said in decades])
        - {"vocals"},
        False if unsung else True if sung else None,
        int(bpm[1] or bpm[2]) if bpm else None,
        f"{key[1].replace('♭', 'b')} {mode[key[2]]}" if key else "",
        next((n for n in ("steady", "wide") if re.search(JAPANESE_SENSE[n], rest)), ""),
        next((n for n in ("sparse", "dense") if re.search(JAPANESE_SENSE[n], rest)), ""),
        re.search(r"踊|ダンサブル", rest) is not None,
    )
