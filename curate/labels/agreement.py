"""One tempo and one key from all that is said of them, with how sure that is.

Tempo: every source is a voice: signal analysis, the file's tag, a model. A voice is right as often
as its score says, and voices err independently, so Bayes' rule gives how likely each value is. How
they err is known: a wrong tempo is mostly half or double the right one. So of two voices apart the
surer is believed, unless a third joins the other.

Key: analysis, and where it is unsure the tag. Weighing the two as for tempo was tried: tags would
have to be right more often than nine times of ten for it to pay (tests/bench/README.md).

People's word is not weighed here: the caller takes it as it is.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from curate.records import Bpm, Label, Share

COMBINED = "combined"
"""The source of a tempo on which more than one voice was heard."""

FAMILIES = ("signal", "tag", "essentia")
"""Whose labels are voices, by the first part of their source; of those that say the same value, the
first is quoted: analysis has measured this very clip."""

TEMPO_TAG, KEY_TAG = 0.8, 0.75
"""How often tags are taken to be right: they have no scores."""

MODEL_MOST = 0.75
"""The most a model is believed, whatever its score: enough to settle the octave where analysis
leaves it open, too little to overrule it where it does not."""

UNSURE = 0.5
"""A key of analysis that is less sure than this gives way to a tag."""

SAME = 0.04
"""Relative difference up to which two tempi are the same."""

OCTAVE, OTHERS = 0.7, 8
"""Share of wrong tempi that are half or double the right one; how many others there are to say."""


@dataclass(frozen=True, slots=True)
class _Voice:
    """What a source says of a tempo, and how often it is right."""

    label: Label
    trust: Share

    @property
    def bpm(self) -> Bpm:
        return float(self.label.value)


def tempo(track: Iterable[Label], chunk: Iterable[Label] = ()) -> Label | None:
    """The tempo of a clip.

    A source that speaks of the clip is not asked about its track too: that would be the same voice
    twice. But where analysis hears the clip an octave from its track it is in two minds, and both
    are heard. And where it hears another tempo altogether, the tempo changes within the track, and
    nothing said of the track (its tag!) tells of the clip.

    Args:
        track: What is said of the track. Labels of other kinds are passed over, and people's.
        chunk: What is said of the clip itself.

    Returns:
        The likeliest of the values said, as the first voice puts it; the score is how likely it is.
        Source `combined`, or a lone voice's own. None where nobody says anything.
    """
    whole, own = _heard(track), _heard(chunk)
    second = None
    if "signal" in own and "signal" in whole:
        apart = _slip(own["signal"].bpm, whole["signal"].bpm)
        if apart == OCTAVE / 2:
            second = whole["signal"]
        elif apart is not None:
            whole = {}
    said = whole | own
    voices = [said[family] for family in FAMILIES if family in said]
    if second is not None:
        voices.insert(1, second)
    return _likeliest(voices)


def key(track: Iterable[Label], chunk: Iterable[Label] = ()) -> Label | None:
    """The key of a clip: what analysis says of the clip, else of its track, else what a tag says.

    Analysis has held the clip's key against the track's already (`tonality.best`). Arguments as in
    `tempo`; the result is a label as it is, a tag's with a score.
    """
    every = [label for label in (*chunk, *track) if label.kind == "key" and label.value]
    heard = next((label for label in every if label.source.startswith("signal.")), None)
    tagged = next((label for label in every if label.source == "tag"), None)
    if tagged is None or (heard is not None and (heard.score or 0.0) >= UNSURE):
        return heard
    return replace(tagged, score=KEY_TAG)


def _heard(labels: Iterable[Label]) -> dict[str, _Voice]:
    """The first tempo that each family states."""
    found: dict[str, _Voice] = {}
    for label in labels:
        family = label.source.partition(".")[0]
        if label.kind != "tempo" or family not in FAMILIES:
            continue
        if not 0.0 < float(label.value) < math.inf:
            continue
        trust = TEMPO_TAG if label.score is None else label.score
        trust = min(trust, MODEL_MOST) if family == "essentia" else trust
        found.setdefault(family, _Voice(label, min(max(trust, 0.01), 0.99)))
    return found


def _likeliest(voices: Sequence[_Voice]) -> Label | None:
    """What the voices agree on best."""
    if len(voices) < 2:
        return next((replace(v.label, score=v.label.score or v.trust) for v in voices), None)
    said = _distinct([voice.bpm for voice in voices])
    possible = _distinct([*said, *(bpm * times for bpm in said for times in (0.5, 2.0))])
    likely = {bpm: math.prod(_told(voice, bpm) for voice in voices) for bpm in possible}
    bpm = max(said, key=likely.__getitem__)
    score = round(likely[bpm] / sum(likely.values()), 4)
    return Label("tempo", bpm, COMBINED, score, (round(bpm / 2, 2), round(bpm * 2, 2)))


def _distinct(tempi: Iterable[Bpm]) -> list[Bpm]:
    """Of those that are the same, the first."""
    found: list[Bpm] = []
    for bpm in tempi:
        if all(_slip(bpm, other) is not None for other in found):
            found.append(bpm)
    return found


def _told(voice: _Voice, right: Bpm) -> Share:
    """How likely the voice is to say what it says, where this tempo is right."""
    erring = _slip(voice.bpm, right)
    return voice.trust if erring is None else (1.0 - voice.trust) * erring


def _slip(said: Bpm, right: Bpm) -> Share | None:
    """How likely a voice that errs is to say this of that tempo; None where it does not err."""
    ratio = said / right
    if abs(ratio - 1.0) < SAME:
        return None
    octave = abs(ratio - 0.5) < SAME / 2 or abs(ratio - 2.0) < 2 * SAME
    return OCTAVE / 2 if octave else (1.0 - OCTAVE) / OTHERS
