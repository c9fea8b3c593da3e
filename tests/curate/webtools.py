"""What the tests of the web source share."""

from pathlib import Path

import mediasite
import pytest
import sounds

from curate.config import Artist, WebOptions
from curate.records import Rejection, Track
from curate.sources.source import SourceError
from curate.sources.web import Web, hosts

FAST = WebOptions(sleep_s=0.0, request_sleep_s=0.0)

FETCH = """
import sys
from pathlib import Path
from curate.config import Artist, WebOptions
from curate.sources.cache import Cache
from curate.sources.web import Web
web = Web(Path("."), WebOptions(sleep_s=0, request_sleep_s=0), 60.0, Cache(Path(sys.argv[1])))
(track,) = web.list_tracks(Artist("Someone", playlists=(sys.argv[2],)))
def tell(done, total):
    if done > 50_000:
        print(done, flush=True)
web.get(track, tell)
"""
"""Lists one address and fetches the only track there: `python -c FETCH <cache> <address>`."""


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits, and no proxy of this machine's."""
    monkeypatch.setattr(hosts, "WAIT_S", 0.02)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def tones(folder: Path) -> dict[str, bytes]:
    """Three seconds of sound in every format, by extension."""
    tone = sounds.sine(440, 3.0)
    return {kind: mediasite.encoded(folder / f"tone.{kind}", tone) for kind in sounds.FORMATS}


def quiet(done: int, total: int | None) -> None:
    """Told of a download; says nothing."""


def listed(web: Web, *addresses: str) -> list[Track | Rejection]:
    """All that is listed there."""
    return list(web.list_tracks(Artist("Someone", playlists=addresses)))


def tracks_of(web: Web, *addresses: str) -> list[Track]:
    """All that is listed there, which has to be tracks."""
    found = listed(web, *addresses)
    assert all(isinstance(track, Track) for track in found), found
    return [track for track in found if isinstance(track, Track)]


def refusal(web: Web, track: Track) -> SourceError:
    """Why a track cannot be had, which has to be so."""
    with pytest.raises(SourceError) as caught:
        web.get(track, quiet)
    return caught.value
