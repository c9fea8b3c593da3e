"""How a sentence uses a word: as a label of the music, in passing, or to say that it is not there.

`house` is a genre in "a house track" and none in "house lights"; `dark` labels the music in "a dark
mood" and describes a sound in "dark pads". These rules look at the words around, no further than
the sentence.
"""

from curate.captions.checking.lexicon import Match
from curate.captions.checking.prose import STOPS, Prose

MUSIC = frozenset(
    """track tracks song songs piece pieces tune tunes number composition compositions music
    recording anthem anthems banger jam genre style styles stylings sound sounds vibe vibes feel
    flavor flavour influence influences influenced inspired tinged infused flavored flavoured
    leaning oriented styled elements roots tradition production instrumental excerpt clip cut
    single loop band ensemble""".split()
)
"""What a genre stands before."""

GROOVES = frozenset("beat beats groove grooves rhythm rhythms riff riffs".split())
"""What a genre stands before as well."""

MOODS = frozenset(
    """track tracks song songs piece tune number composition music recording anthem jam mood moods
    atmosphere ambience ambiance vibe vibes feel feeling tone energy character spirit aura ballad
    mix blend fusion instrumental excerpt clip banger soundscape soundscapes genre
    style emotion""".split()
)
"""What a mood stands before."""

PACES = frozenset(
    """track tracks song songs piece tune number composition music tempo tempos pace speed beat
    rhythm groove ballad recording instrumental anthem jam bpm waltz march clip excerpt""".split()
)
"""What a tempo stands before."""

_IS = frozenset("is are feels feel sounds remains stays seems becomes turns was keeps runs".split())
_ADVERBS = frozenset(
    """very quite rather overall somewhat generally mostly always deeply both more too so slightly
    consistently distinctly fairly relatively undeniably and""".split()
)
_LEADS = frozenset(
    "mood atmosphere vibe tone feel feeling character tempo pace style genre".split()
)
_OF = frozenset(
    """elements element hints hint touches touch blend mix mixture fusion combination style flavor
    flavour genre genres influences influence roots traces shades strains fan sounds sound spirit
    tradition world realm""".split()
)
_NEGATORS = frozenset("no without lacks lacking sans zero minus".split())
_NEGATED_BY = frozenset("devoid free absence lack void".split())
_PASSING = frozenset(
    """any a an the of or nor and lead prominent audible human actual additional real obvious
    traditional recognizable discernible heavy distinct single sung live other percussive kind
    further added accompanying""".split()
)
"""Words that may stand between `no` and what there is none of."""


def is_label(text: Prose, match: Match, kind: str, genres: frozenset[int]) -> bool:
    """Whether a loose word is used as a label of the music.

    Args:
        text: The whole.
        match: The word.
        kind: Of its reading.
        genres: Words that belong to genres other than loose ones, which are music too.
    """
    if text.listed:
        return _alone(text, match)
    if kind == "instrument":
        return False
    nouns = {"genre": MUSIC | GROOVES, "mood": MOODS, "tempo": PACES}[kind]
    music = genres if kind != "genre" else frozenset()
    if _before(text, match.end, nouns, music) or _said_of(text, match.start, nouns):
        return True
    return kind == "genre" and (_named(text, match.start) or _beside(text, match, genres))


def negated(text: Prose, start: int, targets: frozenset[int]) -> bool:
    """Whether a sentence says that there is none of what stands at `start`.

    Args:
        text: The whole.
        start: The word.
        targets: Words of other phrases that mean something: "no drums or vocals".
    """
    index = start
    while index > 0 and not text.words[index].first:
        gap = text.words[index].gap
        if any(mark in gap for mark in ";:()") or ("," in gap and not _or_follows(text, index)):
            return False
        before = text.key(index - 1)
        if before in _NEGATORS:
            return not (before == "no" and text.key(index) in ("less", "more"))
        if before in ("of", "from") and text.key(index - 2) in _NEGATED_BY:
            return True
        if index - 1 not in targets and before not in _PASSING:
            return False
        index -= 1
    return False


def _or_follows(text: Prose, start: int) -> bool:
    """Whether a comma here goes on with an enumeration: "no drums, bass or vocals"."""
    for index in range(start, min(start + 6, len(text.words))):
        if index > start and text.words[index].first:
            return False
        if text.key(index) in ("or", "nor"):
            return True
    return False


def free_of(text: Prose, end: int) -> bool:
    """Whether "-free" or "-less" follows: "vocal-free"."""
    return text.key(end) in ("free", "less") and text.words[end].hyphened


def likened(text: Prose, end: int) -> bool:
    """Whether something is only likened to it: "bell-like", "harp-esque"."""
    return text.key(end) in ("like", "esque", "ish") and text.words[end].hyphened


def _before(text: Prose, end: int, nouns: frozenset[str], music: frozenset[int]) -> bool:
    """Whether adjectives lead from here to one of these nouns."""
    for index in range(end, min(end + 6, len(text.words))):
        word = text.words[index]
        if word.first or any(mark in word.gap for mark in ";:()") or word.key in STOPS:
            return False
        if word.key in nouns or index in music:
            return True
    return False


def _said_of(text: Prose, start: int, nouns: frozenset[str]) -> bool:
    """Whether "the mood is" or the like comes before, or "dark in mood" behind."""
    if text.key(start + 1) == "in" and text.key(start + 2) in _LEADS:
        return True
    index = start - 1
    while text.key(index) in _ADVERBS and index > 0:
        index -= 1
    if text.key(index) not in _IS:
        return False
    index -= 1
    while text.key(index) in _ADVERBS and index > 0:
        index -= 1
    return text.key(index) in nouns or text.key(index) in ("it", "this")


def _named(text: Prose, start: int) -> bool:
    """Whether "elements of" or "the genre is" comes before."""
    before = text.key(start - 1)
    return before in ("of", "from", "in") and text.key(start - 2) in _OF


def _beside(text: Prose, match: Match, genres: frozenset[int]) -> bool:
    """Whether another genre stands beside it: "jazz and soul", "house-techno"."""
    for step, near in ((-1, match.start - 1), (1, match.end)):
        if text.key(near) in ("and", "or", "meets"):
            near += step
        if (
            near in genres
            and not text.words[max(near, match.end if step > 0 else match.start)].first
        ):
            return True
    return False


def _alone(text: Prose, match: Match) -> bool:
    """Whether nothing else stands between the commas."""
    opens = match.start == 0 or bool(set(text.words[match.start].gap) & set(",;/|."))
    closes = match.end == len(text.words) or bool(set(text.words[match.end].gap) & set(",;/|."))
    return opens and (closes or text.key(match.end) in MOODS)
