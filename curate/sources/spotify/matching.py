"""Whether audio that was found elsewhere is the track that was asked for.

It is where its length differs by no more than `Limits.max_seconds_apart`, its title is as like as
`Limits.min_title_match`, and its artist is not another one. A word that makes another recording of
it (live, remix, cover, karaoke …), a part's number or the name of a version on one side only is no
match, however alike the rest: better to miss a track than to take a wrong one. Everything here is a
pure function of text and numbers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from curate.records import Seconds, Share
from curate.sources.spotify import titles
from curate.sources.spotify.titles import Tokens

MIN_ARTIST_MATCH: Share = 0.5
"""Likeness of artists below which it is another artist."""

UNNAMED_ARTIST: Share = 0.9
"""The score of a file that names no artist is lowered to so much of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The track that is looked for.

    Attributes:
        title: Its title.
        artists: Its artists, in every spelling that is known.
        duration_s: Its length, None where it is not known.
        isrc: International Standard Recording Code.
    """

    title: str
    artists: tuple[str, ...]
    duration_s: Seconds | None = None
    isrc: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Audio that may be it.

    Attributes:
        place: Names it for the caller: an address or a path.
        titles: What it may be called; the likest counts.
        artists: Artists as tagged, or who put it there.
        duration_s: Its length, None where it is not known.
        isrc: As tagged.
        own: It is among the artist's own files, so that the artist need not be named.
    """

    place: str
    titles: tuple[str, ...]
    artists: tuple[str, ...] = ()
    duration_s: Seconds | None = None
    isrc: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still the track.

    Attributes:
        max_seconds_apart: Audio that differs more in length is not.
        min_title_match: Likeness of titles, 0..1, below which it is not.
    """

    max_seconds_apart: Seconds
    min_title_match: Share


@dataclass(frozen=True, slots=True)
class Match:
    """How a candidate compares.

    Attributes:
        score: How sure it is that it is the track, 0..1: 1 for the same ISRC, else the likeness of
            the titles, lowered to half of it at the greatest difference in length; 0 where it is
            not.
        title: Likeness of the titles, 0..1.
        seconds_apart: Difference in length, None where one of them is not known.
        fault: Why it is not the track, "" where it is.
    """

    score: Share
    title: Share
    seconds_apart: Seconds | None
    fault: str = ""


def best(
    wanted: Wanted, candidates: Iterable[Candidate], limits: Limits
) -> tuple[Candidate, Match] | None:
    """The candidate that is surely the track, else the one that comes closest: see `Match.fault`.

    Of equals, the first. None where there is no candidate.
    """
    every = list(candidates)
    near = [one for one in every if _is_near(_apart(wanted, one), limits)]
    for some in (near, every):  # the others' titles are only worth a look to say what was closest
        found = [(one, judge(wanted, one, limits)) for one in some]
        closest = min(found, key=lambda pair: _order(pair[1]), default=None)
        if closest is not None and not closest[1].fault:
            return closest
    return closest


def judge(wanted: Wanted, candidate: Candidate, limits: Limits) -> Match:
    """How one candidate compares."""
    apart = _apart(wanted, candidate)
    near = _is_near(apart, limits)
    if wanted.isrc is not None and wanted.isrc == candidate.isrc and (near or apart is None):
        return Match(1.0, 1.0, apart)
    title, fault = _title(wanted, candidate)
    artist = _artist(wanted.artists, candidate)
    if apart is None:
        fault = "its length is not known"
    elif not near:
        fault = f"its length differs by {apart:.1f} s"
    elif fault or title < limits.min_title_match:
        fault = fault or "it has another title"
    elif (artist is None and not candidate.own) or (
        artist is not None and artist < MIN_ARTIST_MATCH
    ):
        fault = "it is by another artist"
    else:
        far = apart / limits.max_seconds_apart if apart else 0.0
        score = title * (1.0 - 0.5 * far) * (UNNAMED_ARTIST if artist is None else 1.0)
        return Match(round(score, 3), title, apart)
    return Match(0.0, title, apart, fault)


def likeness(title: str, other: str, artists: tuple[str, ...] = ()) -> tuple[Share, str]:
    """Likeness of two titles, 0..1, and what makes them different recordings, if anything does.

    Args:
        title: As it is asked for.
        other: As it was found.
        artists: Names that may stand around them.
    """
    names = tuple(filter(None, map(_name, artists)))
    asked, found = titles.read(title, names), titles.read(other, names)
    if asked.versions != found.versions:
        odd = (asked.versions - found.versions) + (found.versions - asked.versions)
        return 0.0, f"it is another version ({', '.join(sorted(odd))})"
    if asked.numbers != found.numbers:
        return 0.0, "it has another number in its title"
    return max(titles.ratio(a, b) for a in asked.readings for b in found.readings), ""


def _apart(wanted: Wanted, candidate: Candidate) -> Seconds | None:
    if wanted.duration_s is None or candidate.duration_s is None:
        return None
    return abs(wanted.duration_s - candidate.duration_s)


def _is_near(apart: Seconds | None, limits: Limits) -> bool:
    return apart is not None and apart <= limits.max_seconds_apart


def _order(match: Match) -> tuple[bool, float, float, float]:
    apart = float("inf") if match.seconds_apart is None else match.seconds_apart
    return bool(match.fault), -match.score, -match.title, apart


def _title(wanted: Wanted, candidate: Candidate) -> tuple[Share, str]:
    names = tuple(dict.fromkeys(wanted.artists + candidate.artists))
    found = [likeness(wanted.title, title, names) for title in candidate.titles]
    like, fault = max(found, default=(0.0, "it has no title"), key=lambda pair: pair[0])
    told = titles.said(titles.plain(" | ".join(candidate.artists)), titles.CHANNELS)
    if told - titles.said(titles.plain(" | ".join(wanted.artists)), titles.CHANNELS):
        return 0.0, f"it is by those who play what others recorded ({', '.join(sorted(told))})"
    return like, fault


def _artist(names: tuple[str, ...], candidate: Candidate) -> Share | None:
    """Likeness of artists, 0..1; None where the candidate names none that could be compared."""
    wanted = [words for words in map(_name, names) if words]
    credited = [words for words in map(_name, candidate.artists) if words]
    called = [_name(title) for title in candidate.titles]
    for name in wanted:
        if any(titles.contains(words, name) for words in credited + called):
            return 1.0
        if any(_of_channel(words) == "".join(name) for words in credited):
            return 1.0
    like = max((titles.ratio(name, words) for name in wanted for words in credited), default=None)
    if like is not None and like < MIN_ARTIST_MATCH and not _comparable(wanted, credited):
        return None
    return like


def _name(text: str) -> Tokens:
    return titles.tokens(titles.plain(text))


def _of_channel(words: Tokens) -> str:
    """`queen` of `QueenVEVO` and `Official Queen`."""
    return _CHANNEL.sub("", "".join(words))


_CHANNEL = re.compile(
    r"^official|(?:official|youtube|vevo|topic|channel|music|tv|公式|チャンネル)+$"
)


def _comparable(names: list[Tokens], others: list[Tokens]) -> bool:
    """Whether some are in one script: 米津玄師 may well be Kenshi Yonezu."""

    def scripts(every: list[Tokens]) -> set[str]:
        return {titles.script(word) for words in every for word in words}

    return bool(scripts(names) & scripts(others))
