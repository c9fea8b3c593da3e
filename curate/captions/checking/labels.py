"""Whether the instruments, genres, moods, voices and words of tempo of a caption are asserted.

A genre, an instrument or a mood may be said where it is asserted, where something asserted implies
it (an electric guitar is a guitar, synth-pop is pop), or where `ontology.yaml` lets it stand for
something asserted. Words that are plain English as well count only where the sentence uses them as
labels (`context`). Of moods that means: what the vocabulary lists, and plain other names of it,
must be asserted or near to what is; a sound may be deep, soft or dark nevertheless, and what no
list knows (driving, warm, lush) is free description.

That something is not there is asserted of voices only: "no drums" is as invented as drums are.
"""

from collections.abc import Iterator, Sequence

from curate.captions.checking import context
from curate.captions.checking.fault import Fault
from curate.captions.checking.lexicon import TEMPOS, Concepts, Lexicon, Match, Reading
from curate.captions.checking.prose import Prose
from curate.records import Facts

_NOUNS = {"instrument": "instruments", "genre": "genres", "mood": "moods"}
_PART = frozenset(
    """section sections break breaks passage passages interlude intro introduction outro solo solos
    palette layer layers texture textures arrangement arrangements backing work interplay timbre
    timbres color colors colour colours accompaniment element elements line lines part parts melody
    melodies hook hooks blend mix ensemble voice voices bed backdrop backdrops foundation flourishes
    performance performances harmony phrases tapestry details sounds tones motif motifs
    variety virtuosity prowess skill flourish landscape background core""".split()
)
"""What is instrumental in a track with vocals too."""


def faults(
    text: Prose, matches: Sequence[Match], facts: Facts, allowed: Concepts, lexicon: Lexicon
) -> Iterator[Fault]:
    """What of this a caption says beyond its labels.

    Args:
        text: The caption.
        matches: What of it means something.
        facts: The labels.
        allowed: What they let it say.
        lexicon: What phrases mean.
    """
    genres = frozenset(
        index
        for match in matches
        for index in range(match.start, match.end)
        if any(reading.kind == "genre" and not reading.loose for reading in match.readings)
    )
    targets = frozenset(i for match in matches for i in range(match.start, match.end))
    for match in matches:
        if not match.readings or context.likened(text, match.end):
            continue
        if any(reading.kind == "instrument" for reading in match.readings) and (
            context.negated(text, match.start, targets) or context.free_of(text, match.end)
        ):
            yield from _absent(text, match, facts, allowed, lexicon)
            continue
        if match.asserted or any(fits(r, facts, allowed, lexicon) for r in match.readings):
            continue
        said = [
            reading
            for reading in match.readings
            if not reading.loose or context.is_label(text, match, reading.kind, genres)
        ]
        if said and not _excused(text, match, said[0], targets):
            yield _fault(text.said(match.start, match.end), said[0], facts, lexicon)
    for word in text.words:
        if word.key in ("beatless", "drumless"):
            yield Fault("instrument", f"says `{word.key}`; say only what is there")
    yield from _instrumental(text, facts, lexicon)


def fits(reading: Reading, facts: Facts, allowed: Concepts, lexicon: Lexicon) -> bool:
    """Whether what is asserted lets one say it."""
    if reading.kind == "tempo":
        low, high = TEMPOS[reading.concept]
        return facts.bpm is not None and low <= facts.bpm <= high
    if reading.kind == "instrument" and lexicon.vocal(reading.concept) and not sung(facts, lexicon):
        return False  # what a genre implies (opera, hip hop) is not enough
    return reading.concept in allowed[reading.kind]


def sung(facts: Facts, lexicon: Lexicon) -> bool:
    """Whether it is a fact that somebody sings."""
    return facts.sung is True or any(map(lexicon.vocal, facts.instruments))


def silenced(facts: Facts, lexicon: Lexicon) -> bool:
    """Whether it is a fact that nobody sings, and no label names a voice all the same."""
    return facts.sung is False and not sung(facts, lexicon)


def _excused(text: Prose, match: Match, reading: Reading, targets: frozenset[int]) -> bool:
    """What is no label for another reason."""
    after, before = text.key(match.end), text.key(match.start - 1)
    if reading.kind == "instrument" and text.key(match.start) == "beats":
        return after == "per"
    if reading.kind == "instrument" and text.key(match.start) in ("singing", "sings", "sing"):
        sounds = after in ("tone", "quality", "lead", "lines")
        return sounds or match.end in targets or match.start - 1 in targets  # "a violin sings"
    if reading.kind == "instrument" and text.key(match.start) in ("voice", "voices"):
        owners = range(max(match.start - 4, 1), match.start)  # "the cello's low voice"
        return any(text.key(i) == "s" and i - 1 in targets for i in owners)
    if reading.kind == "instrument" and text.key(match.start) in ("kick", "kicks"):
        return after in ("in", "off", "up")
    if reading.kind == "instrument" and text.key(match.start) == "keys":
        return before in ("minor", "major")
    if reading.kind == "tempo" and match.end < len(text.words) and text.words[match.end].hyphened:
        return True  # "slow-burning"
    if reading.loose and after in ("like", "sized", "range"):
        return True  # "trance like", "medium sized"
    if reading.kind in ("mood", "tempo"):
        return before in ("not", "never", "neither", "nor") or text.key(match.start - 2) in (
            "without",
            "not",
            "never",
        )
    return False


def _fault(phrase: str, reading: Reading, facts: Facts, lexicon: Lexicon) -> Fault:
    if reading.kind == "tempo":
        if facts.bpm is None:
            return Fault("tempo", f"says `{phrase}` of a tempo that the labels do not give")
        return Fault("tempo", f"says `{phrase}`, but the tempo is {facts.bpm} BPM")
    if reading.kind == "instrument" and lexicon.vocal(reading.concept):
        if facts.sung is False:
            return Fault("contradiction", f"mentions `{phrase}`, but there are no vocals")
        if facts.sung is None:
            return Fault("vocals", f"mentions `{phrase}`, but whether anybody sings is not known")
        return Fault("vocals", f"mentions `{phrase}`; of the vocals only this is known: they exist")
    known = {"instrument": facts.instruments, "genre": facts.genres, "mood": facts.moods}
    words = known[reading.kind]
    among = f"among the {_NOUNS[reading.kind]}: {', '.join(words)}" if words else "among the labels"
    return Fault(reading.kind, f"mentions `{phrase}`, which is not {among}")


def _absent(
    text: Prose, match: Match, facts: Facts, allowed: Concepts, lexicon: Lexicon
) -> Iterator[Fault]:
    """What is wrong with saying that there is none of it."""
    phrase = text.said(match.start, match.end)
    named = [reading.concept for reading in match.readings if reading.kind == "instrument"]
    there = any(concept in allowed["instrument"] for concept in named)
    if any(lexicon.vocal(concept) for concept in named):
        if sung(facts, lexicon):
            yield Fault("contradiction", f"says that there is no `{phrase}`, but there are vocals")
        elif facts.sung is None:
            yield Fault("vocals", f"says that there is no `{phrase}`, which is not known")
    elif there:
        yield Fault("contradiction", f"says that there is no `{phrase}`, but there is")
    else:
        yield Fault("instrument", f"says that there is no `{phrase}`; say only what is there")


def _instrumental(text: Prose, facts: Facts, lexicon: Lexicon) -> Iterator[Fault]:
    """What is wrong with `instrumental` and other words for music without vocals."""
    if silenced(facts, lexicon):
        return
    for index, word in enumerate(text.words):
        after = text.key(index + 1)
        if word.key not in ("instrumental", "instrumentals", "voiceless", "unsung"):
            continue
        if after in _PART or (after == "in" and text.key(index + 2).endswith("ing")):
            continue
        if any(_inside(text, index, genre) for genre in facts.genres):
            continue
        if sung(facts, lexicon):
            yield Fault("contradiction", f"says `{word.key}`, but there are vocals")
        else:
            yield Fault("vocals", f"says `{word.key}`, but whether anybody sings is not known")


def _inside(text: Prose, index: int, genre: str) -> bool:
    """Whether the word is one of a genre's: `instrumental hip hop`."""
    words = genre.lower().replace("-", " ").split()
    if text.key(index) not in words:
        return False
    start = index - words.index(text.key(index))
    return [text.key(i) for i in range(start, start + len(words))] == words
