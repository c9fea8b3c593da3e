"""Where tracks come from.

A source lists an artist's tracks cheaply and gets the audio of one of them; `source.Source` says
how. `open_sources` holds every one, by the name that stands in `Track.source`.
"""

from pathlib import Path

from curate.sources.files import Files
from curate.sources.source import Source

NAMES = ("files",)
"""Every source there is: what `Track.source` may be."""


def open_sources(base: Path) -> dict[str, Source]:
    """Every source, ready to list.

    Args:
        base: Folder of artists.yaml; relative paths in it start here.
    """
    return {source.name: source for source in (Files(base),)}
