"""The fingerprint of a dataset: two with the same one train the same, wherever they lie."""

import hashlib
from dataclasses import replace

from curate import jsonio
from curate.records import SPLITS, ManifestLine


class Fingerprint:
    """Takes manifest lines split by split, in their order, and names them all.

    Each line counts with its path made relative to the dataset (`/` between parts) and the sha256
    of its audio file, so moving a dataset changes nothing and changing a sample or a word does.
    """

    def __init__(self) -> None:
        self._splits = {split: hashlib.sha256() for split in SPLITS}

    def add(self, line: ManifestLine, relative_path: str, audio_sha256: str) -> None:
        """Adds the next line of its split."""
        told = jsonio.encode(replace(line, path=relative_path))
        self._splits[line.split].update(told + b"\n" + audio_sha256.encode() + b"\n")

    def hexdigest(self) -> str:
        """64 hex digits."""
        parts = "".join(self._splits[split].hexdigest() for split in SPLITS)
        return hashlib.sha256(parts.encode()).hexdigest()
