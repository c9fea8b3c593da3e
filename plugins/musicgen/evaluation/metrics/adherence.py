"""Prompt adherence: what the prompt asked for against what is heard in the clip.

Conventions: what was asked are the `Facts` of the real clip, as far as the prompt's text says them;
what is heard are the `Fields` that `curate.labels` would assert of the generated clip. Both are in
the vocabulary's words. Every aspect has a precision (how much of what is heard was asked) and a
recall (how much of what was asked is heard), 0..1, higher is better, summed over clips first. `n`
counts the clips that enter. The same figures of the real test clips are the ceiling: labels err.

| aspect | a hit |
|---|---|
| key | the same tonic and mode |
| key_near | the same, its fifth, relative or parallel key (MIREX's, each a full hit here) |
| tempo | within 4% |
| tempo_octave | within 4% of the tempo, its half, double, third or triple (MIREX's accuracy 2) |
| genre, mood, instrument | the same word |
| vocals | sung where singing was asked for, and not where it was asked for none |

Only clips whose prompt asks for an aspect count, so what is heard unasked costs no precision there.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from curate.captions.checking import measures
from curate.labels.fields import Fields
from curate.labels.tonality import TONICS
from curate.records import Bpm, Facts

from .statistics import Figure, paired, ratio, ratio_difference
from .wording import Wording

Value = TypeVar("Value", str, bool, float)

TOLERANCE = 0.04
OCTAVES = (1.0, 0.5, 2.0, 1 / 3, 3.0)

_VOICES = re.compile(
    r"\b(?:vocals?|voices?|sung|sings?|singing|singers?|instrumentals?|choir|choral|rap(?:ped|per)?)"
    r"\b|[ボヴ](?:ー|ォー)カル|歌|声|合唱|コーラス|ラップ|インスト",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """One aspect of one clip.

    Attributes:
        hits: Things asked for and heard.
        asked: Things asked for; at least one.
        heard: Things heard.
    """

    hits: float
    asked: float
    heard: float


def validate(asked: Mapping[str, Facts], heard: Mapping[str, Fields]) -> None:
    """Checks that each clip has its prompt.

    Raises:
        ValueError: One has none.
    """
    if not heard:
        raise ValueError("no clips; expected at least one")
    without = [key for key in heard if key not in asked]
    if without:
        raise ValueError(f"clip {without[0]}: nothing is known of its prompt ({len(without)} such)")


def asked(text: str, facts: Facts, wording: Wording | None = None) -> Facts:
    """What of the facts the text of a prompt says; the rest it does not ask for.

    The text is one that may be said of these facts (`curate.captions`), so that it names a key at
    all means that it names theirs.

    Args:
        text: The prompt, in English or Japanese.
        facts: Of the real clip.
        wording: How texts say the vocabulary's words.
    """
    names = wording or Wording()

    def said(kind: str, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word for word in words if names.said(text, kind, word))

    return Facts(
        genres=said("genre", facts.genres),
        moods=said("mood", facts.moods),
        instruments=said("instrument", facts.instruments),
        sung=facts.sung if _VOICES.search(text) else None,
        bpm=facts.bpm if any(measures.tempo(text, Facts())) else None,
        key=facts.key if any(measures.key(text, Facts())) else "",
    )


def key(wanted: Facts, found: Fields) -> Tally | None:
    """Tonic and mode."""
    return _one(wanted.key, found.key, lambda one, other: one == other)


def key_near(wanted: Facts, found: Fields) -> Tally | None:
    """Also keys that listeners and analysis confuse with it."""
    return _one(wanted.key, found.key, near_keys)


def tempo(wanted: Facts, found: Fields) -> Tally | None:
    """The very tempo."""
    return _one(wanted.bpm, found.bpm, lambda one, other: same_tempo(one, other, (1.0,)))


def tempo_octave(wanted: Facts, found: Fields) -> Tally | None:
    """The tempo at any metrical level."""
    return _one(wanted.bpm, found.bpm, lambda one, other: same_tempo(one, other, OCTAVES))


def genre(wanted: Facts, found: Fields) -> Tally | None:
    """Words of genre."""
    return _words(wanted.genres, found.genres)


def mood(wanted: Facts, found: Fields) -> Tally | None:
    """Words of mood."""
    return _words(wanted.moods, found.moods)


def instrument(wanted: Facts, found: Fields) -> Tally | None:
    """Words of instruments."""
    return _words(wanted.instruments, found.instruments)


def vocals(wanted: Facts, found: Fields) -> Tally | None:
    """Whether there is singing."""
    return _one(wanted.sung, found.sung, lambda one, other: one == other)


ASPECTS: dict[str, Callable[[Facts, Fields], Tally | None]] = {
    "key": key,
    "key_near": key_near,
    "tempo": tempo,
    "tempo_octave": tempo_octave,
    "genre": genre,
    "mood": mood,
    "instrument": instrument,
    "vocals": vocals,
}
"""Every aspect; None where the prompt does not ask for it."""


def near_keys(one: str, other: str) -> bool:
    """Whether two keys are the same, a fifth apart, relative or parallel."""
    first, second = one.rsplit(" ", 1), other.rsplit(" ", 1)
    if len(first) < 2 or len(second) < 2 or not {first[0], second[0]} <= set(TONICS):
        return one == other
    apart = (TONICS.index(second[0]) - TONICS.index(first[0])) % 12
    if first[1] == second[1]:
        return apart in (0, 5, 7)
    return apart == 0 or apart == (9 if first[1] == "major" else 3)


def same_tempo(one: Bpm, other: Bpm, levels: tuple[float, ...]) -> bool:
    """Whether a tempo is within `TOLERANCE` of a multiple of the first."""
    return any(abs(other / (one * level) - 1.0) <= TOLERANCE + 1e-9 for level in levels)


def tallies(
    wanted: Mapping[str, Facts], found: Mapping[str, Fields], aspect: str
) -> dict[str, Tally]:
    """An aspect of each clip whose prompt asks for it."""
    measure = ASPECTS[aspect]
    every = {key: measure(wanted[key], fields) for key, fields in found.items()}
    return {key: tally for key, tally in every.items() if tally is not None}


def evaluate(
    wanted: Mapping[str, Facts],
    heard: Mapping[str, Fields],
    baseline: Mapping[str, Fields] | None = None,
) -> dict[str, Figure]:
    """`<aspect>_precision` and `<aspect>_recall` of every aspect that any prompt asks for.

    A precision is missing where nothing is heard at all.

    Args:
        wanted: What each prompt asks for; see `asked`.
        heard: What is heard in the model's clips.
        baseline: In the baseline's.

    Raises:
        ValueError: See `validate`.
    """
    validate(wanted, heard)
    if baseline is not None:
        validate(wanted, baseline)
    found = {}
    for aspect in ASPECTS:
        own = tallies(wanted, heard, aspect)
        theirs = None if baseline is None else tallies(wanted, baseline, aspect)
        for name in ("precision", "recall"):
            figure = _figure(own, theirs, name) if own else None
            if figure is not None:
                found[f"{aspect}_{name}"] = figure
    return found


def _figure(own: dict[str, Tally], baseline: dict[str, Tally] | None, name: str) -> Figure | None:
    def parts(some: dict[str, Tally], keys: list[str]) -> tuple[list[float], list[float]]:
        below = [some[k].heard if name == "precision" else some[k].asked for k in keys]
        return [some[k].hits for k in keys], below

    estimate = ratio(*parts(own, list(own)))
    if estimate is None:
        return None
    if not baseline:
        return Figure(estimate)
    both = paired(own, baseline)
    return Figure(estimate, ratio_difference(parts(own, both), parts(baseline, both)))


def _one(
    wanted: Value | None, found: Value | None, same: Callable[[Value, Value], bool]
) -> Tally | None:
    if wanted is None or wanted == "":
        return None
    if found is None or found == "":
        return Tally(0.0, 1.0, 0.0)
    return Tally(float(same(wanted, found)), 1.0, 1.0)


def _words(wanted: tuple[str, ...], found: tuple[str, ...]) -> Tally | None:
    if not wanted:
        return None
    hits = len(set(wanted) & set(found))
    return Tally(float(hits), float(len(set(wanted))), float(len(set(found))))
