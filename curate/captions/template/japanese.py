"""Captions in Japanese: plain or polite throughout, no spaces, 、 and 。.

The vocabulary's words are called as `japanese.yaml` has them; free tags stay as they are.
"""

import functools
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from curate import safeyaml
from curate.captions.template import japanese_words as words
from curate.captions.template.making import Making, some
from curate.captions.template.said import Said

CODE, NAME = "ja", "Japanese"
LONGEST = 240
CHARACTERS, WORDS = (6, 300), None
TOKENS = 70
FILE = Path(__file__).with_suffix(".yaml")

_LETTERS = re.compile(r"[\u3005-\u3007\u3041-\u30ff\u3400-\u9fff]")
_KANA = re.compile(r"[\u3041-\u30ff]")


def reads(text: str) -> bool:
    """Whether a text is in Japanese: kana, and not too much in other letters."""
    letters = sum(character.isalpha() for character in text)
    return bool(_KANA.search(text)) and len(_LETTERS.findall(text)) >= 0.4 * letters


def tags(said: Said, draw: random.Random) -> str:
    """Every fact, in a list: `シティポップ、穏やかな、ピアノ、92BPM、Aマイナー`."""
    first = [*map(era, said.eras), *(word("genre", genre) for genre in said.genres)]
    if said.decade is not None:
        released = decade(said.decade, draw) + "リリース" * bool(said.eras)
        first.insert(draw.choice((0, len(first))), released)
    pace = [f"{said.bpm}BPM", f"{draw.choice(speed(said.bpm))}テンポ"] if said.bpm else []
    draw.shuffle(pace)
    moods = [_bare(mood) for mood in said.moods]
    heard = [word("instrument", name) for name in said.heard]
    traits = [draw.choice(words.TAGS[trait]) for trait in said.traits]
    rest = [moods, heard, pace, [key(said.key)] if said.key else [], traits]
    draw.shuffle(rest)
    every = [*first, *(one for group in rest for one in group)]
    if not every or (len(every) == 1 and draw.random() < 0.8):
        every.append(draw.choice(("音楽", "曲", "楽曲", "トラック")))
    return "、".join(every)


def short(said: Said, draw: random.Random) -> str:
    """Some of the facts, in one sentence."""
    if said == Said():
        return draw.choice(words.NOTHING)
    text = Making(some(said, draw), draw)
    before = _before(text, {"moods", "heard", "decade", "sung", "danceable", "pace"})
    parts = [_named(text, before)]
    left = text.left
    if left.moods:
        known = _known(left.moods)
        bare = f"ムードは{'、'.join(map(_bare, left.moods))}"
        parts.append(_feel(left.moods, draw) if known else bare)
    if left.heard:
        parts.append(f"楽器は{_list(left.heard)}" if left.instruments else _list(left.heard))
    if left.bpm:
        parts.append(draw.choice((f"{left.bpm}BPM", f"テンポは約{left.bpm}BPM")))
    parts += [draw.choice(("{0}", "キーは{0}")).format(key(left.key))] if left.key else []
    parts += [draw.choice(words.TAGS[trait]) for trait in left.traits]
    if len(parts) > 1:
        return "、".join(parts) + "。"
    return draw.choice(("{0}。", "{0}。", "{0}です。", "{0}だ。", "これは{0}です。")).format(*parts)


def full(said: Said, draw: random.Random) -> str:
    """Every fact, in one to four sentences."""
    if said == Said():
        return draw.choice(words.NOTHING)
    text = Making(said, draw)
    polite = text.chance(0.5)
    early = {kind for kind in ("moods", "heard", "decade", "sung", "danceable") if text.chance(0.4)}
    if said.moods and said.heard and not early & {"moods", "heard"}:
        early.add(draw.choice(("moods", "heard")))  # else it would be a sentence too many
    early.add("decade")
    opening = _named(text, _before(text, early))
    ends = ("{0}です", "{0}です", "これは{0}です") if polite else ("{0}", "{0}だ")
    sentences = [draw.choice(ends).format(opening)]
    details = [_heard, _moods, _pace, _traits]
    draw.shuffle(details)
    sentences += [detail(text, polite) for detail in details]
    return "".join(f"{clause}。" for clause in sentences if clause)


# --- words --------------------------------------------------------------------------------------


def word(kind: str, name: str) -> str:
    """What Japanese calls a word of the vocabulary, or the free tag itself.

    Args:
        kind: `genre`, `mood` or `instrument`.
        name: The vocabulary's word.
    """
    return _words()[kind].get(name, name)


@functools.cache
def _words() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = safeyaml.load(FILE).value
    return found


def era(name: str) -> str:
    """`80年代` for `80s`."""
    return f"{name.removesuffix('s')}年代"


def decade(year: int, draw: random.Random) -> str:
    """`1980年代`, or `80年代` where that can only be one decade."""
    long = f"{year}年代"
    return draw.choice((long, f"{year % 100}年代")) if 1930 <= year < 2000 else long


def key(name: str) -> str:
    """`F#マイナー` for `F# minor`."""
    tonic, _, mode = name.partition(" ")
    mode = {"major": "メジャー", "minor": "マイナー"}.get(mode, mode)
    return f"{tonic[:1]}{tonic[1:].replace('b', '♭')}{mode}"


def speed(bpm: int) -> Sequence[str]:
    """Words for how fast that is, before a noun."""
    return next(names for bound, names in words.TEMPO if bpm < bound)


def _known(moods: Iterable[str]) -> bool:
    return all(mood in _words()["mood"] for mood in moods)


def _bare(mood: str) -> str:
    """A mood on its own: `穏やか`, `明るい`, `希望に満ちた感じ`."""
    said = word("mood", mood)
    if not _known([mood]):
        return said
    if said.endswith(("な", "の")):
        return said.removesuffix("な").removesuffix("の")
    return said if said.endswith("い") else f"{said}感じ"


def _linked(said: str) -> str:
    """A word before another one: `穏やかで`, `明るく`, `緊張感があり`."""
    for ending, link in words.LINKS:
        if said.endswith(ending):
            return said.removesuffix(ending) + link
    return f"{said}、"


def _list(names: Sequence[str]) -> str:
    said = [word("instrument", name) for name in names]
    return "と".join(said) if len(said) < 3 else f"{'、'.join(said[:-1])}、{said[-1]}"


def _feel(moods: Sequence[str], draw: random.Random) -> str:
    """`穏やかで明るい雰囲気`."""
    said = [word("mood", mood) for mood in moods]
    return f"{_adjectives(said)}{draw.choice(('雰囲気', 'ムード'))}"


def _adjectives(said: Sequence[str]) -> str:
    return "".join([*map(_linked, said[:-1]), *said[-1:]])


# --- what it is ---------------------------------------------------------------------------------


def _before(text: Making, kinds: set[str]) -> str:
    """What stands before the genre: `ピアノを使った穏やかな1990年代の`."""
    draw, parts = text.draw, []
    if "heard" in kinds and text.left.heard:
        heard = text.take("instruments", "voices")
        frames = words.WITH_VOICES if heard.voices else words.WITH
        parts.append(draw.choice(frames).format(list=_list(heard.heard)))
    elif "pace" in kinds and text.left.bpm and text.left.decade is None and text.chance(0.4):
        bpm = text.take("bpm").bpm or 0
        frame = draw.choice(("{0}BPMの", "約{0}BPMの", "{1}テンポの"))
        parts.append(frame.format(bpm, draw.choice(speed(bpm))))
    if "sung" in kinds and text.left.sung is not None:
        parts.append(draw.choice(words.SUNG_BEFORE[bool(text.take("sung").sung)]))
    dated = ""
    if "decade" in kinds and (year := text.take("decade").decade) is not None:
        released = bool(text.left.eras) or text.chance(0.2)
        dated = f"{decade(year, draw)}{'にリリースされた' if released else 'の'}"
    adjectives = []
    if "danceable" in kinds and text.take("danceable").danceable:
        adjectives.append(draw.choice(("ダンサブルな", "踊りやすい")))
    if "moods" in kinds and text.left.moods and _known(text.left.moods):
        adjectives += [word("mood", mood) for mood in text.take("moods").moods]
    described = _adjectives(adjectives)
    last = [dated, described]
    if len(adjectives) > 2:  # a feel of its own, which no decade is to be read with
        last = [described + draw.choice(("雰囲気の", "ムードの")), dated]
    return _apart([part for part in (*parts, *last) if part])


def _apart(parts: Sequence[str]) -> str:
    """Clauses with a comma after them, so that none is read with the wrong noun."""
    *first, last = parts or [""]
    return "".join([*(part + "、" * (part[-1] != "の") for part in first), last])


def _named(text: Making, before: str) -> str:
    """The genre with a noun: `80年代のシティポップの曲`."""
    said, draw = text.take("eras", "genres"), text.draw
    noun = draw.choice(words.NOUNS)
    eras = f"{'と'.join(map(era, said.eras))}の" if said.eras else ""
    genres = [word("genre", genre) for genre in said.genres]
    if not genres:
        return f"{before}{eras}{noun}"
    if len(genres) == 1:
        return f"{before}{eras}{genres[0]}" + ("" if text.chance(0.45) else f"の{noun}")
    front = before + eras
    comma = "、" * bool(front and (len(genres) > 2 or not front.endswith("年代の")))
    joined = "と".join(genres) if len(genres) == 2 else "、".join(genres)
    return f"{front}{comma}{joined}{draw.choice(words.MIXED)}{noun}"


# --- further sentences, without their full stop -------------------------------------------------


def _said(clauses: Sequence[str], polite: bool) -> str:
    """Clauses as one sentence; each is `stem|before another clause|plain end|polite end`."""
    split = [clause.split("|") for clause in clauses]
    *first, (stem, _, plain, kind) = split
    return "、".join([*(a + link for a, link, _, _ in first), stem + (kind if polite else plain)])


def _heard(text: Making, polite: bool) -> str:
    said, draw = text.take("instruments", "voices"), text.draw
    if not said.heard:
        return ""
    frames = words.HEARD if said.voices else (*words.HEARD, *words.PLAYED)
    return _said([draw.choice(frames).format(list=_list(said.heard))], polite)


def _moods(text: Making, polite: bool) -> str:
    moods, draw = text.take("moods").moods, text.draw
    if not moods:
        return ""
    if not _known(moods):
        return _said([words.MOOD_FREE.format(moods="、".join(map(_bare, moods)))], polite)
    return _said([draw.choice(words.MOOD).format(feel=_feel(moods, draw))], polite)


def _pace(text: Making, polite: bool) -> str:
    said, draw = text.take("bpm", "key"), text.draw
    clauses = []
    if said.bpm:
        slots = {"bpm": said.bpm, "about": draw.choice(("約", "")), "speed": ""}
        slots["speed"] = draw.choice(speed(said.bpm))
        clauses.append(draw.choice(words.PACE).format(**slots))
    if said.key:
        clauses.append(draw.choice(words.KEY).format(key=key(said.key)))
    draw.shuffle(clauses)
    return _said(clauses, polite) if clauses else ""


def _traits(text: Making, polite: bool) -> str:
    traits, draw = text.take("sung", "dynamics", "density", "danceable").traits, text.draw
    clauses: list[str] = []
    for trait in draw.sample(traits, len(traits)):
        begun = {clause[:2] for clause in clauses}
        fresh = [clause for clause in words.TRAITS[trait] if clause[:2] not in begun]
        clauses.append(draw.choice(fresh or words.TRAITS[trait]))
    return _said(clauses, polite) if clauses else ""
