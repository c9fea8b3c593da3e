"""Who had a part in a track and what it is called: from its tags and its title.

Splits by artist need the people, captions need all names in order to say none of them.
"""

import re

from curate.captions.names import Names
from curate.labels.fields import Fields
from curate.names import normalise
from curate.records import Tags, Track

_SEPARATORS = re.compile(
    r"\s*(?:;|,|\uff0c|\u3001|\s(?:feat\.?|ft\.?|featuring|with|vs\.?|x|\u00d7)\s)\s*",
    re.IGNORECASE,
)
_IN_TITLE = re.compile(
    r"[(\[\uff08]\s*(?:feat\.?|ft\.?|featuring|with)\s+([^)\]\uff09]+)[)\]\uff09]"
    r"|\s(?:feat\.?|ft\.?|featuring)\s+(.+)$",
    re.IGNORECASE,
)


def featured(track: Track, tags: Tags) -> tuple[str, ...]:
    """Artists named in tags or title beside the one the track is listed under.

    `A feat. B`, `A × B`, `A, B` and `Title (feat. B)` each give B. A name that holds a separator
    itself (`Earth, Wind & Fire`) is not cut where it is the listed artist.
    """
    own = normalise(track.artist)
    named = [part for name in tags.artists for part in _parts(name, own)]
    for match in _IN_TITLE.finditer(tags.title or track.title):
        named += _parts(match[1] or match[2], own)
    found: dict[str, str] = {}
    for name in named:
        if normalise(name) != own:
            found.setdefault(normalise(name), name)
    return tuple(found.values())


def title(track: Track, tags: Tags) -> str:
    """The best title known: the tag's, else the listed one."""
    return tags.title or track.title


def names_of(track: Track, tags: Tags, chosen: Fields) -> Names:
    """Every name of a track that is known.

    Args:
        track: As listed.
        tags: Of its file.
        chosen: What is asserted of the whole track.
    """
    return Names.known(
        artists=(track.artist, *tags.artists, *featured(track, tags)),
        titles=(track.title, tags.title, chosen.title),
        albums=(tags.album, chosen.album),
    )


def _parts(name: str, own: str) -> list[str]:
    if normalise(name) == own:
        return [name]
    return [part for part in _SEPARATORS.split(name) if part.strip()]
