"""Where tracks come from.

A source lists an artist's tracks cheaply and gets the audio of one of them; `source.Source` says
how. `open_sources` holds every one, by the name that stands in `Track.source`.
"""

from pathlib import Path

from curate.config import Config
from curate.labels.vocabulary import Vocabulary
from curate.sources.cache import Cache
from curate.sources.files import Files
from curate.sources.source import Source

NAMES = ("files", "web", "table", "spotify")
"""Every source there is: what `Track.source` may be."""


def open_sources(
    base: Path, config: Config, words: Vocabulary, cache: Cache, *, offline: bool = False
) -> dict[str, Source]:
    """Every source that artists.yaml uses, ready to list.

    Args:
        base: Folder of artists.yaml; relative paths in it start here.
        config: Its options.
        words: What to call things.
        cache: Where what is fetched is kept.
        offline: Whether nothing may be asked that is not there.

    Raises:
        ConfigError: An option is wrong that only its source can judge.
    """
    found: list[Source] = [Files(base)]
    used = {name for artist in config.artists for name in artist.sources}
    if used & {"web", "table", "spotify"}:
        from curate.sources.web import Web

        longest = config.limits.track.max_seconds
        web = Web(base, config.web, longest, cache, offline=offline)
        found.append(web)
        if "table" in used:
            from curate.sources.table import Tables

            found.append(Tables(base, web, words, config.web.homes))
        if "spotify" in used:
            from curate.sources.spotify import Spotify

            found.append(Spotify(base, config.spotify, cache, offline, web.search, web.fetch))
    return {source.name: source for source in found}
