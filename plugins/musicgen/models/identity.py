"""What a base is called on every machine: a name, and the hash of its files.

The path of a folder means nothing elsewhere, and says whose machine it was. So what is handed on
holds the name on the Hub, or the folder's last part, and a fingerprint that tells whether a base is
the one that is wanted. Where a base with a fingerprint lay when it was last opened on this machine
is noted in the cache, and only there.
"""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curate import jsonio, names

from ..errors import TrainingError

DIGITS = 12
"""Hex digits of a fingerprint, as of a dataset's."""

SETTLED_S = 2.0
"""A file that was changed less long ago may change again without its time saying so."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a model is called.

    Attributes:
        name: On the Hub; else the last part of its folder, or an experiment's signature.
        fingerprint: Of its files, 12 hex digits; empty where it is not known.
        same_as: Fingerprint of a model that this one is in another form: what the export command
            read when it wrote this one. Empty where there is none.
    """

    name: str
    fingerprint: str = ""
    same_as: str = ""

    def __str__(self) -> str:
        """`mono (0123456789ab)`."""
        return " ".join(
            part for part in (self.name, self.fingerprint and f"({self.fingerprint})") if part
        )

    def serves(self, wanted: "Identity") -> bool:
        """Whether this is the model that is wanted; what does not say its hash wants any."""
        return not wanted.fingerprint or wanted.fingerprint in {self.fingerprint, self.same_as}


NOBODY = Identity("")
"""What nothing is known of."""


def on_hub(name: str) -> bool:
    """Whether a name has the form of those on the Hub: `facebook/musicgen-small`."""
    parts = name.split("/")
    return len(parts) == 2 and all(re.fullmatch(r"\w[\w.-]*", part, re.ASCII) for part in parts)


def of_folder(folder: Path) -> str:
    """What a folder is called elsewhere: its last part, or where it is the Hub's, the name there.

    The cache of the Hub has its models in models--OWNER--NAME/snapshots/REVISION.
    """
    whole = Path(os.path.abspath(folder))
    place = whole.parent.parent.name.split("--")
    if whole.parent.name == "snapshots" and len(place) == 3 and place[0] == "models":
        return "/".join(place[1:])
    return whole.name


def fingerprint(files: Sequence[Path]) -> str:
    """The hash of files by their names and all of their bytes.

    A gigabyte takes a second or two; what was read once is remembered until the file changes.

    Raises:
        TrainingError: One cannot be read.
    """
    try:
        parts = [f"{path.name} {_sha256(path)}" for path in sorted(files)]
    except OSError as error:
        raise TrainingError(f"{error.filename}: cannot be read ({error.strerror})") from error
    return names.digest(*parts)[:DIGITS]


def _sha256(path: Path) -> str:
    state = path.stat()
    seen = (path.resolve(), state.st_ino, state.st_size, state.st_mtime_ns)
    note = cache() / "hashes" / names.digest(*seen)[:32]
    with contextlib.suppress(OSError):
        known = note.read_text("ascii")
        if re.fullmatch("[0-9a-f]{64}", known):
            return known
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if time.time() - state.st_mtime > SETTLED_S:
        _note(note, found)
    return found


def remember(one: Identity, place: str) -> None:
    """Notes where a base lies on this machine; see `recall`."""
    _note(cache() / "bases" / one.fingerprint, place)


def recall(wanted: Identity) -> str | None:
    """Where a base lay when it was last opened here; whether it still does is for the caller."""
    if not re.fullmatch("[0-9a-f]+", wanted.fingerprint):
        return None
    try:
        return (cache() / "bases" / wanted.fingerprint).read_text("utf-8")
    except OSError:
        return None


def _note(path: Path, text: str) -> None:
    with contextlib.suppress(OSError):  # a cache that cannot be written costs only time
        jsonio.write_atomically(path, text.encode(), sync=False)


def cache() -> Path:
    """The folder of what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "musicgen-curate"


def check(wanted: Identity, given: Identity, who: str) -> None:
    """Refuses a base that is not the one that is wanted.

    Args:
        wanted: What was trained from.
        given: What is there.
        who: Whose base it is, to begin the message with.

    Raises:
        TrainingError: They are two different models.
    """
    if not given.serves(wanted):
        raise TrainingError(
            f"{who} was trained from the base {wanted}; the base given, {given}, is another: name "
            "the right one by --base (in the same form: a folder of official files and one of "
            "transformers differ)"
        )
