"""What a caption may say of a clip, and nothing else.

Every way of writing captions (templates, language models) and the check of what they wrote start
from here, so they cannot come apart. Names of people, titles and albums are no facts: tags that
hold one (`Beatles` among the genres) are left out. A word of the vocabulary stays one (`house`),
whatever title it may be as well.
"""

from collections.abc import Iterable

from curate.captions.names import Names
from curate.labels.fields import Fields
from curate.labels.vocabulary import Vocabulary
from curate.records import Facts

__all__ = ["Facts", "facts"]

STEADY_DB, WIDE_DB = 2.0, 6.0
"""Essentia's dynamic complexity up to which dynamics are steady, and from which they are wide."""

SPARSE, DENSE = 1.2, 6.0
"""Onsets a second up to which a rhythm is sparse, and from which it is dense."""


def facts(fields: Fields, names: Names, words: Vocabulary) -> Facts:
    """What the captions of a clip may say.

    Args:
        fields: What the dataset asserts of the clip.
        names: Of the track, none of which is ever said.
        words: What is a word, and no name.
    """

    def unnamed(kind: str, said: Iterable[str]) -> tuple[str, ...]:
        return tuple(w for w in said if words.knows(kind, w) or not names.mentioned(w))

    return Facts(
        genres=unnamed("genre", fields.genres),
        moods=unnamed("mood", fields.moods),
        instruments=unnamed("instrument", fields.instruments),
        sung=fields.sung,
        bpm=None if fields.bpm is None else round(fields.bpm),
        key=fields.key,
        decade=None if fields.year is None else fields.year // 10 * 10,
        dynamics=_beyond(fields.dynamic_complexity, STEADY_DB, WIDE_DB, "steady", "wide"),
        density=_beyond(fields.onset_rate, SPARSE, DENSE, "sparse", "dense"),
        danceable=bool(fields.danceable),
    )


def _beyond(value: float | None, low: float, high: float, below: str, above: str) -> str:
    """What to call a value at one of the ends; in between nothing is worth saying."""
    if value is None or low < value < high:
        return ""
    return below if value <= low else above
