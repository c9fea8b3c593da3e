"""What all tests share: no test reaches beyond this machine, and songs with known answers."""

import ipaddress
import signal
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

hypothesis.settings.register_profile("curate", deadline=None)  # a busy machine proves nothing
hypothesis.settings.load_profile("curate")

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

_beyond: list[str] = []
"""Where the running test tried to go; whoever caught the error, the test fails."""


def _is_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: Python asks it before every connection, whatever library makes it."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        opened, address = arguments
        if address is None or opened.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        host = address[0]
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    if not _is_here(host):
        _beyond.append(f"{event} {host}")
        raise PermissionError(f"a test may not reach beyond this machine: {event} {host}")


def pytest_configure() -> None:
    sys.addaudithook(_guard)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    _beyond.clear()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    result = yield
    if _beyond:
        pytest.fail(f"the test reached beyond this machine: {', '.join(_beyond)}", pytrace=False)
    return result


@pytest.fixture(scope="session")
def songs() -> dict[str, np.ndarray]:
    """Short renderings by the demo's synthesiser: float32 [T, 2] at 44.1 kHz, by name.

    `song` is a tune of 42 s; `faster`, `higher` and `again` are other performances of it: another
    tempo, another key, other players; `hana` and `rock` are other tunes.
    """
    from dataclasses import replace

    import styles
    import tunes
    from arrange import Piece, render

    song = Piece(tunes.MOMIJI, "F", 126.0, styles.CITY_POP, True, 0.0, 5, verses=1)
    pieces = {
        "song": song,
        "faster": replace(song, tempo_bpm=140.0),
        "higher": replace(song, tonic="G"),
        "again": replace(song, seed=99),
        "hana": replace(song, melody=tunes.HANA),
        "rock": replace(song, melody=tunes.FURUSATO, style=styles.ROCK),
    }
    return {name: np.ascontiguousarray(render(p).samples.T) for name, p in pieces.items()}


RECIPE = """\
name: small
rights: made by a test
chunk: {seconds: 5}
split: {valid: 0.25, test: 0.25}
artists:
  - {name: 紅葉, files: [music/a]}
  - {name: Rock & Roll, files: [music/b]}
  - {name: 花, files: [music/c, music/none.flac]}
"""


@pytest.fixture(scope="session")
def small_set(songs: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with artists.yaml, music, and what `curate.build` made of it. Not to be changed.

    Four songs of 12 s, one of them twice, and three files that cannot be used.
    """
    import sounds

    from curate import api

    folder = tmp_path_factory.mktemp("small")
    music = folder / "music"
    for name, file in (("song", "a/一.flac"), ("song", "b/copy.mp3"), ("again", "a/二.wav")):
        sounds.save(music / file, songs[name][: 12 * sounds.RATE])
    sounds.save(music / "b/rock.ogg", songs["rock"][: 12 * sounds.RATE])
    sounds.save(music / "c/hana.m4a", songs["hana"][: 12 * sounds.RATE])
    sounds.save(music / "c/short.flac", songs["hana"][: 2 * sounds.RATE])
    (music / "c/text.wav").write_text("words")
    (folder / "artists.yaml").write_text(RECIPE, "utf-8")
    api.build(folder / "artists.yaml", jobs=2)
    return folder
