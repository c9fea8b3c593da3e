"""Captions from a template: plain English sentences over the fields, no network, no model.

The wording is drawn by a seed and the clip's id: the same clip is always described alike, another
clip otherwise. Nothing is said that the fields do not say, and no artist, title or album is used.
"""

import hashlib
import random
import re

from curate.labels.fields import Fields

VERSION = 2
SOURCE = f"template.{VERSION}"

_TEMPO_WORDS = (
    (66.0, "very slow"),
    (90.0, "slow"),
    (112.0, "moderate"),
    (132.0, "upbeat"),
    (160.0, "fast"),
    (float("inf"), "very fast"),
)
"""Upper bound in BPM and the word below it."""

_TEMPO = (
    "The tempo is {word}, around {bpm} BPM.",
    "It moves at {article} {word} tempo of about {bpm} BPM.",
    "It plays at around {bpm} BPM, {article} {word} pace.",
)
_KEY = ("It is in {key}.", "The key is {key}.", "The music is written in {key}.")
_TEMPO_KEY = (
    "It is in {key}, at {article} {word} {bpm} BPM.",
    "It moves at {article} {word} tempo of around {bpm} BPM in {key}.",
    "The tempo is {word} at about {bpm} BPM, and the key is {key}.",
)
_INSTRUMENTS = (
    "It features {words}.",
    "You can hear {words}.",
    "The instrumentation includes {words}.",
)
_VOICE = {
    False: ("It is instrumental.", "There are no vocals.", "It has no singing."),
    True: ("It has vocals.", "There is singing.", "It is sung."),
}
_DYNAMICS = {
    "steady": ("The dynamics stay even throughout.", "The level is steady."),
    "wide": ("The dynamics vary widely.", "It moves between quiet and loud passages."),
}
_DENSITY = {
    "sparse": ("The arrangement is sparse.", "Notes come far apart."),
    "dense": ("The rhythm is dense.", "It is busy, with many notes a second."),
}

_STEADY_DB, _WIDE_DB = 2.0, 6.0
_SPARSE, _DENSE = 1.2, 6.0


def caption(fields: Fields, chunk: str, seed: int) -> str:
    """One to five sentences about a clip; never empty.

    Args:
        fields: What the dataset asserts of the clip.
        chunk: The clip's id.
        seed: Another seed, another wording.
    """
    draw = random.Random(hashlib.sha256(f"{VERSION}:{seed}:{chunk}".encode()).digest())
    details = [
        *_pace(fields, draw),
        *_instruments(fields, draw),
        *_voice(fields, draw),
        *_character(fields, draw),
    ]
    draw.shuffle(details)
    return " ".join([_opening(fields, draw), *details])


def _opening(fields: Fields, draw: random.Random) -> str:
    genres = list(fields.genres[:2])
    said = set(" ".join(genres).split())
    moods = [mood for mood in fields.moods if said.isdisjoint(mood.split())][:2]
    what = draw.choice([noun for noun in ("track", "piece", "recording") if noun not in said])
    if genres:
        noun = f"{join(genres)} {what}"
    elif fields.instruments:
        noun = f"{what} with {join(list(fields.instruments[:2]))}"
    else:
        noun = f"music {what}" if what != "piece" else "piece of music"
    said_instruments = not genres and fields.instruments
    if not moods:
        return _sentence(f"{article(noun)} {noun}.")
    if said_instruments or draw.random() < 0.6:
        described = f"{', '.join(moods)} {noun}"
        return _sentence(f"{article(described)} {described}.")
    return _sentence(f"{article(noun)} {noun} with {article(moods[0])} {join(moods)} mood.")


def _pace(fields: Fields, draw: random.Random) -> list[str]:
    if fields.bpm is None:
        return [draw.choice(_KEY).format(key=fields.key)] if fields.key else []
    word = next(word for bound, word in _TEMPO_WORDS if fields.bpm < bound)
    slots = {"word": word, "bpm": round(fields.bpm), "article": article(word), "key": fields.key}
    return [draw.choice(_TEMPO_KEY if fields.key else _TEMPO).format(**slots)]


def _instruments(fields: Fields, draw: random.Random) -> list[str]:
    rest = fields.instruments if fields.genres else fields.instruments[2:]
    return [draw.choice(_INSTRUMENTS).format(words=join(list(rest)))] if rest else []


def _voice(fields: Fields, draw: random.Random) -> list[str]:
    if fields.sung is None or any("vocals" in word for word in fields.instruments):
        return []  # not known, or said already
    return [draw.choice(_VOICE[fields.sung])]


def _character(fields: Fields, draw: random.Random) -> list[str]:
    said = []
    if fields.dynamic_complexity is not None:
        if fields.dynamic_complexity >= _WIDE_DB:
            said.append(draw.choice(_DYNAMICS["wide"]))
        elif fields.dynamic_complexity <= _STEADY_DB:
            said.append(draw.choice(_DYNAMICS["steady"]))
    if fields.onset_rate is not None:
        if fields.onset_rate >= _DENSE:
            said.append(draw.choice(_DENSITY["dense"]))
        elif fields.onset_rate <= _SPARSE:
            said.append(draw.choice(_DENSITY["sparse"]))
    return [draw.choice(said)] if said else []


def join(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def article(words: str) -> str:
    """`a` or `an`, by the sound of the first word."""
    first = words.lower().split()[0]
    if re.match(r"uni[cfoqstv]|us(?!h)|ut[io]|eu|one(?!r)|uk", first):
        return "a"
    if first.startswith(("hour", "honest", "heir")):
        return "an"
    if first in {"r&b", "rnb", "edm", "mpb", "fm", "8-bit"}:
        return "an"
    return "an" if first[0] in "aeiou8" else "a"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
