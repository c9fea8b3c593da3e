"""Tracks that Spotify lists: `spotify:` in artists.yaml, off unless `spotify: {use: [...]}` is set.

Section III.14 of Spotify's Developer Policy forbids training machine-learning models on Spotify
content, so every field that comes from there is a label with the source `spotify`, and a dataset
can be rebuilt without any of them. No audio comes from Spotify.

    links       ids from URIs and addresses
    connection  the Web API through spotipy: token, waits, faults
    client      what can be asked of it; answers are kept
    shapes      Spotify's JSON, in its old and new forms, to records and labels
    matching    whether audio found elsewhere is a track
    local       the artist's own files as such audio
    source      the source
"""

from curate.sources.spotify.source import Spotify

POLICY = (
    "Spotify's Developer Policy (section III.14) forbids the use of Spotify content to train "
    "machine-learning or AI models. Data from Spotify is therefore never used unless asked for "
    "(`spotify: {use: [...]}` in artists.yaml). Every field that comes from there is marked "
    "`source: spotify`, and `curate build --without-source spotify` rebuilds the dataset without "
    "any of them."
)
"""For README and datasheet."""

__all__ = ["POLICY", "Spotify"]
