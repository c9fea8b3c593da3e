"""How names and numbers are written, in the terminal and on the page alike."""

import unicodedata

from curate.overview.counting import Overview, Side
from curate.overview.distributions import Distribution, Part

TITLES = {
    "genre": "genre",
    "mood": "mood",
    "instrument": "instrument",
    "keyword": "other keywords",
    "voice": "vocals",
    "key": "key",
    "tempo": "tempo, BPM",
    "year": "year",
    "loudness": "clip loudness, LUFS",
    "caption_words": "caption length, words",
    "caption_source": "captions by",
}

FROM_SIDECARS = ("loudness", "caption_source")
"""What is known from sidecars only, so perhaps of a sample."""

_CONTROL = ("C", "Zl", "Zp")
"""Unicode categories that would break a line, or the terminal, or an XML file."""


def cells(text: str) -> int:
    """Width in a terminal: a kanji is two cells wide."""
    from rich.cells import cell_len

    return cell_len(text)


def fit(text: str, width: int) -> str:
    """A name as it can be shown: no control characters, at most `width` cells."""
    kept = "".join("\ufffd" if unicodedata.category(c).startswith(_CONTROL) else c for c in text)
    if cells(kept) <= width:
        return kept
    shown, used = "", 1
    for character in kept:
        used += cells(character)
        if used > width:
            break
        shown += character
    return f"{shown.rstrip()}…"


def artist(name: str) -> str:
    """An artist's name, also where none is named."""
    return name or "(no artist)"


def percent(share: float) -> str:
    """A share of 0..1 as whole percent."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return "99%"
    return f"{share:.0%}"


def known(name: str, overview: Overview) -> str:
    """Of how many clips a field is known."""
    part = overview.distributions[name].whole
    if not part.clips:
        return "no sidecar to tell" if name in FROM_SIDECARS else "not told"
    said = f"{part.labelled:,} of {part.clips:,} clips"
    return f"{said} sampled" if name in FROM_SIDECARS and overview.sidecars.sampled else said


def values(part: Part) -> str:
    """How many different values there are."""
    count = len(part.counts)
    return "1 value" if count == 1 else f"{count:,} values"


def middle(found: Distribution) -> str:
    """Where the numbers of a field lie; "" where it has none."""
    if found.spread is None:
        return ""
    lower, median, upper = (
        f"{value:.0f}" for value in (found.spread.lower, found.spread.median, found.spread.upper)
    )
    return f"median {median}, half of them {lower} to {upper}"


def listed(part: Part, top: int) -> tuple[list[str], int, int]:
    """The first values, how many there are beyond, and how often those occur."""
    values = list(part.counts)
    if len(values) == top + 1:
        top += 1  # a line for one other value says less than the value
    rest = values[top:]
    return values[:top], len(rest), sum(part.counts[value] for value in rest)


def side(found: Side) -> str:
    """How much a split holds, in one line."""
    tracks = f", {found.tracks:,} tracks" if found.tracks > 1 else ", 1 track"
    return f"{found.clips:,} clips, {found.hours:,.2f} h" + (tracks if found.tracks else "")


def size(overview: Overview) -> str:
    """How much there is, in one line."""
    artists = sum(1 for name in overview.artists if name)
    parts = [f"{overview.clips:,} clips", f"{overview.hours:,.2f} h"]
    parts += [f"{overview.tracks:,} tracks"] if overview.tracks else []
    parts += [f"{artists:,} artists" if artists != 1 else "1 artist"] if artists else []
    return ", ".join(parts)
