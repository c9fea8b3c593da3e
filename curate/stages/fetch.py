"""fetch: the file of a track at hand: its hash, its size, its tags.

The hash of the bytes is what every later stage builds on, so a file that was touched but not
changed costs one read and no decoding, and a changed one is done again.
"""

import errno
import hashlib
import os
import stat
from pathlib import Path

from curate.errors import AudioError
from curate.labels import tags
from curate.names import digest
from curate.records import Fetched, Track

NAME = "fetch"
VERSION = 1


def look(path: Path) -> os.stat_result:
    """The file's size and times, without opening it.

    Raises:
        AudioError: `missing`, `not_a_file`, `empty_file` or `unreadable`.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        why = "a link to a file that is gone" if path.is_symlink() else "no such file"
        raise AudioError("missing", f"{why}; restore it or take it off the list") from None
    except OSError as error:
        why = "a link that leads to itself" if error.errno == errno.ELOOP else str(error.strerror)
        raise AudioError("unreadable", f"{why}; mend it or take it off the list") from None
    except ValueError as error:  # a null byte in a playlist's line
        raise AudioError("missing", f"not a possible path: {error}") from None
    if not stat.S_ISREG(state.st_mode):
        kind = "a folder" if stat.S_ISDIR(state.st_mode) else "a pipe or device"
        raise AudioError("not_a_file", f"{kind} where an audio file was expected")
    if state.st_size == 0:
        raise AudioError("empty_file", "the file has 0 bytes; get it again")
    return state


def fingerprint(state: os.stat_result) -> str:
    """Names the file's state on disk: the same one is not read again."""
    return digest(NAME, VERSION, tags.VERSION, state.st_size, state.st_mtime_ns)


def remote_fingerprint(track: Track) -> str:
    """Names the audio of a track that is fetched from elsewhere.

    What was fetched once stands for good: the same address is not asked again.
    """
    return digest(NAME, VERSION, tags.VERSION, "remote", track.uri)


def fetch(path: Path, state: os.stat_result) -> Fetched:
    """Reads hash and tags.

    Raises:
        AudioError: `unreadable` where the system refuses it.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AudioError("unreadable", f"cannot be read: {error.strerror}; mend that") from None
    suffix = path.suffix.lower().lstrip(".")
    return Fetched(sha256, state.st_size, state.st_mtime_ns, suffix, tags.read(path))
