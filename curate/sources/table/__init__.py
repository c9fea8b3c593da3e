"""Tables of tracks: MusicCaps and others (`table:` in artists.yaml)."""

from curate.sources.table.columns import MEANINGS, PRESETS
from curate.sources.table.source import NAME, Tables

__all__ = ["MEANINGS", "NAME", "PRESETS", "Tables"]
