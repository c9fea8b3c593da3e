"""Whether tempo in numbers, metre, key and decade of a caption are the facts'."""

import re
from collections.abc import Iterator

from curate.captions.checking.fault import Fault
from curate.records import Facts

EXACT, ABOUT = 1, 2
"""How far a number of BPM may lie from the fact: `120 BPM`, and `around 120 BPM`."""

WIDEST = 10
"""BPM between the ends of a range that holds the fact: `115-125 BPM`."""

_N = r"\d{2,3}(?:\.\d+)?"
_BEATS = r"(?:bpm|b\.p\.m\.|beats[\s-]+(?:per|a)[\s-]+minute)"
_BPM = re.compile(
    rf"(?P<one>{_N})(?:\s*(?:-|–|to|and|~|〜|から)\s*(?P<two>{_N}))?[\s-]*{_BEATS}"
    rf"|(?<![a-z])(?:bpm|テンポ)(?:\s+(?:of|is|at|around|about)|[:=は])*\s*(?:約)?(?P<behind>{_N})"
    rf"|\b(?:tempo|pace|speed)\s+(?:of|is|at|around|about|sits|near|moves|hovers|set|[:=])"
    rf"(?:\s+(?:of|at|around|about|roughly|approximately|near|is))*\s+(?P<pace>{_N})\b(?!s)",
    re.IGNORECASE,
)
_SPELLED = re.compile(rf"\b([a-z]+(?:[\s-]+[a-z]+){{0,5}})[\s-]+{_BEATS}", re.IGNORECASE)
_NEAR = re.compile(
    r"(?:around|about|approximately|roughly|nearly|near|circa|close to"
    r"|just (?:over|under|above|below)|almost|some|~|≈|約|およそ|ほぼ)\s*(?:an?\s|the\s)?\s*$",
    re.IGNORECASE,
)
_UNITS = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
        fifteen sixteen seventeen eighteen nineteen""".split()
    )
} | {
    word: number * 10
    for number, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_METRE = re.compile(
    r"(?<![\d/])(?:[2-9]|1[12])/(?:4|8|16)(?![\d/])|\b(?:half|double)[\s-]?time\b|\bwaltz time\b"
    r"|\b(?:three|four|five|six|seven)[\s-](?:four|eight) time\b|\btriple metre\b|\btriple meter\b",
    re.IGNORECASE,
)

_SIGN = r"(?:\s?[#♯]|[♭b](?![a-z])|[\s-]?sharp|[\s-]?flat)"
_MODE = r"(?:major|minor|maj|min)"
_KEY = re.compile(
    rf"\b(?P<note>[A-Ga-g])(?P<sign>{_SIGN})?[\s-]?(?P<mode>{_MODE})(?![a-z0-9])", re.IGNORECASE
)
_TONIC = re.compile(rf"\bkey (?:of|is|:)\s*(?P<note>[A-G])(?P<sign>{_SIGN})?(?![A-Za-z0-9#♯♭])")
_CHORD = re.compile(r"(?<![\w.])(?P<note>[A-G])(?P<sign>[#♯♭b])?(?P<mode>m)7?(?![\w'.])")
_MODAL = re.compile(
    r"\b(?:dorian|phrygian|lydian|mixolydian|aeolian|locrian|pentatonic)\b", re.IGNORECASE
)
_CHANGE = re.compile(
    r"\b(?:key changes?|modulat(?:es?|ing|ion) (?:to|from|into|up)|modal)\b", re.IGNORECASE
)
_SOME_MODE = re.compile(
    r"\b(?P<mode>major|minor)[\s-](?:keys?|tonality|mode|scales?|chords?|harmony|harmonies|melody"
    r"|melodies|progressions?|tonal|thirds?|feel|tinged|sounding|tonalities|triads?|flavou?r|sound"
    r"|mood)\b|\bin (?:the |a )?(?P<after>major|minor)\b",
    re.IGNORECASE,
)
_SOLFA = {"ハ": 0, "ニ": 2, "ホ": 4, "ヘ": 5, "ト": 7, "イ": 9, "ロ": 11}
_JAPANESE = re.compile(
    r"(?P<sign>嬰|変)?(?P<note>[ハニホヘトイロ])(?P<mode>長調|短調)"
    r"|(?<![A-Za-z])(?P<latin>[A-G])(?P<mark>[#♯♭b]|シャープ|フラット)?"
    r"(?P<called>メジャー|マイナー|長調|短調)"
)
_MODES_JA = re.compile(r"(?P<mode>長調|短調|(?:メジャー|マイナー)(?:キー|コード|調))")
_NOTES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}

_DECADE = re.compile(
    r"(?<![A-Za-z0-9.])'?(?P<full>1[89]|20)?(?P<short>[0-9]0)(?:'?s\b|年代)|\b(?P<word>twenties|thirties|forties"
    r"|fifties|sixties|seventies|eighties|nineties|noughties|y2k)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"(?<![A-Za-z0-9.#])(?P<year>1[89]\d\d|20[0-3]\d)(?![A-Za-z0-9/]|\s*(?:hz|bpm|年代|s\b))",
    re.IGNORECASE,
)
_DECADES = {
    word: 1920 + 10 * number
    for number, word in enumerate(
        "twenties thirties forties fifties sixties seventies eighties nineties noughties".split()
    )
} | {"y2k": 2000}


def tempo(text: str, facts: Facts) -> Iterator[Fault]:
    """What is wrong with numbers of BPM and with the metre."""
    for found in _BPM.finditer(text):
        number = found["one"] or found["behind"] or found["pace"]
        fits = facts.bpm is not None and _near(text, found, number, facts.bpm)
        if not fits:
            yield _tempo(found[0].strip(), facts)
    for found in _SPELLED.finditer(text):
        spelled = _spelled(found[1])
        if spelled and (facts.bpm is None or abs(spelled - facts.bpm) > ABOUT):
            yield _tempo(found[0], facts)
    for found in _METRE.finditer(text):
        if "halftime" in found[0].lower().replace("-", "").replace(" ", "") and any(
            "halftime" in genre for genre in facts.genres
        ):
            continue
        yield Fault("tempo", f"says `{found[0]}`, but the labels give no metre")


def key(text: str, facts: Facts) -> Iterator[Fault]:
    """What is wrong with keys, modes and chords."""
    known = _parsed(facts.key)
    taken: list[tuple[int, int]] = []
    for found in _keys(text):
        taken.append(found.span())
        note = found.groupdict()
        tonic = _tonic(note.get("note") or note["latin"], note.get("sign") or note.get("mark"))
        mode = _mode(note.get("mode") or note.get("called"))
        if known is None or tonic != known[0] or (mode and mode != known[1]):
            yield _key(found[0].strip(), facts)
    for pattern in (_SOME_MODE, _MODES_JA):
        for found in pattern.finditer(text):
            if any(start < found.end() and found.start() < end for start, end in taken):
                continue
            mode = _mode(found["mode"] or found.groupdict().get("after"))
            if known is None or known[1] != mode:
                yield _key(found[0], facts)
    for pattern in (_MODAL, _CHANGE):
        if (said := pattern.search(text)) and not any(said[0].lower() in g for g in facts.genres):
            yield _key(said[0], facts)


def era(text: str, facts: Facts) -> Iterator[Fault]:
    """What is wrong with decades and years."""
    allowed = {facts.decade} | {
        _decade(found) for genre in facts.genres for found in _DECADE.finditer(genre)
    }
    for found in _DECADE.finditer(text):
        if _decade(found) not in allowed:
            yield _era(found[0], facts)
    for found in _YEAR.finditer(text):
        yield _era(found[0], facts)


def _near(text: str, found: re.Match[str], number: str, bpm: int) -> bool:
    if found["two"]:
        low, high = sorted((float(found["one"]), float(found["two"])))
        return low - EXACT <= bpm <= high + EXACT and high - low <= WIDEST
    start = found.start("one") if found["one"] else found.start()
    loosely = _NEAR.search(text[:start]) or not found["one"]
    return abs(float(number) - bpm) <= (ABOUT if loosely else EXACT)


def _spelled(words: str) -> int:
    """The number at the end of some words: "a hundred and twenty" is 120; 0 if there is none."""
    total, found = 0, False
    for word in re.split(r"[\s-]+", words.lower()):
        if word == "hundred":
            total, found = max(total, 1) * 100, True
        elif word in _UNITS:
            total, found = total + _UNITS[word], True
        elif word not in ("and", "a"):
            total, found = 0, False
    return total if found else 0


def _tempo(said: str, facts: Facts) -> Fault:
    if facts.bpm is None:
        return Fault("tempo", f"says `{said}`, but the labels give no tempo")
    return Fault("tempo", f"says `{said}`, but the tempo is {facts.bpm} BPM")


def _keys(text: str) -> Iterator[re.Match[str]]:
    for found in _KEY.finditer(text):
        if found["note"] in "Aa" and not found["sign"] and not _is_a(text, found):
            continue
        if found["note"].islower() and not found["sign"] and found["note"] != "a":
            continue
        yield found
    for pattern in (_TONIC, _CHORD, _JAPANESE):
        yield from pattern.finditer(text)


def _is_a(text: str, found: re.Match[str]) -> bool:
    """Whether `A minor` is a key, and not "a minor role"."""
    before, after = text[: found.start()].rstrip(), text[found.end() :]
    keyed = re.search(r"\b(?:in|key of|key:|key is|is|of)$", before, re.IGNORECASE) is not None
    noun = re.match(r"[\s-]+(?!and\b|at\b|with\b|key\b|that\b|which\b|over\b|for\b)[a-z]", after)
    keylike = re.match(r"[\s-]+key\b", after) is not None
    if found["note"] == "a":
        return keyed and noun is None and not keylike
    begins = not before or before[-1] in ".!?:\n"
    return not (begins and (noun is not None or keylike))


def _tonic(note: str, sign: str | None) -> int:
    """Pitch class, 0 for C."""
    named = _SOLFA[note] if note in _SOLFA else _NOTES[note.lower()]
    mark = (sign or "").strip(" -").lower()
    if mark in ("#", "♯", "sharp", "嬰", "シャープ"):
        named += 1
    elif mark:
        named -= 1
    return named % 12


def _mode(said: str | None) -> str:
    if not said:
        return ""
    plain = said.lower()
    return "minor" if plain.startswith(("min", "短", "マ")) or plain == "m" else "major"


def _parsed(key: str) -> tuple[int, str] | None:
    """Pitch class and mode of a key as the facts have it."""
    found = _KEY.fullmatch(key)
    return None if found is None else (_tonic(found["note"], found["sign"]), _mode(found["mode"]))


def _key(said: str, facts: Facts) -> Fault:
    known = f"the key is {facts.key}" if facts.key else "the labels give no key"
    return Fault("key", f"says `{said}`, but {known}")


def _decade(found: re.Match[str]) -> int:
    if found["word"]:
        return _DECADES[found["word"].lower()]
    century = found["full"] or ("20" if found["short"] in ("00", "10") else "19")
    return int(century + found["short"])


def _era(said: str, facts: Facts) -> Fault:
    known = "the labels give no decade" if facts.decade is None else f"it is of the {facts.decade}s"
    return Fault("era", f"says `{said}`, but {known}")
