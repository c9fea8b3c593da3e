"""What this machine has of what curate needs, and what to do about the rest."""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether a build can do without anything being done about it.
        found: Version, place or state.
        remedy: What to do where it is not ok.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


PACKAGES = (
    ("numpy", "numpy"),
    ("scipy", "scipy"),
    ("soundfile", "soundfile"),
    ("soxr", "soxr"),
    ("av", "av"),
    ("mutagen", "mutagen"),
    ("essentia-tensorflow", "essentia"),
    ("jsonschema", "jsonschema"),
    ("jsonschema-rs", "jsonschema_rs"),
    ("msgspec", "msgspec"),
    ("PyYAML", "yaml"),
    ("pebble", "pebble"),
    ("psutil", "psutil"),
    ("rich", "rich"),
    ("matplotlib", "matplotlib"),
    ("yt-dlp", "yt_dlp"),
    ("spotipy", "spotipy"),
    ("openai", "openai"),
)
"""Distribution and module of everything that is imported."""

MIN_FREE_GB = 5.0


def examine() -> list[Check]:
    """Looks at everything. Takes a second or two: what is imported in a build is imported here."""
    return list(_checks())


def _checks() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Check("python", good, version, "use Python 3.11, 3.12 or 3.13")
    for distribution, module in PACKAGES:
        yield _package(distribution, module)
    yield _schemas()
    yield _ffmpeg()
    yield _decoding()
    yield _models()
    yield _onnxruntime()
    yield _javascript()
    yield _cache()
    yield _disk()
    memory = _memory_gib()
    if memory is not None:
        enough = memory >= 2.0
        yield Check(
            "memory", enough, f"{memory:.1f} GiB", "use --jobs 1: a worker takes about 1 GiB"
        )


def _package(distribution: str, module: str) -> Check:
    remedy = f"pip install {distribution}"
    try:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        importlib.import_module(module)
        return Check(distribution, True, metadata.version(distribution))
    except Exception as error:  # a broken binary wheel raises anything
        return Check(distribution, False, f"{type(error).__name__}: {error}", remedy)


def _schemas() -> Check:
    from curate import schema

    try:
        for name in schema.NAMES:
            schema.load(name)
        return Check("schemas", True, f"{len(schema.NAMES)} schemas")
    except (OSError, ValueError) as error:
        return Check("schemas", False, str(error), "reinstall musicgen-curate")


def _ffmpeg() -> Check:
    try:
        from curate import audio
    except ImportError as error:
        return Check("ffmpeg", False, f"cannot be looked for: {error}", "install what is missing")
    found = audio.ffmpeg()
    if found:
        return Check("ffmpeg", True, found)
    return Check("ffmpeg", False, "none", "pip install imageio-ffmpeg")


def _decoding() -> Check:
    """Writes and reads a second of sound in two formats: the libraries are there and work."""
    try:
        import numpy as np

        from curate import audio

        with tempfile.TemporaryDirectory() as folder:
            for kind in ("flac", "wav"):
                path = Path(folder, f"tone.{kind}")
                audio.write(path, np.zeros((32000, 1), np.float32), 32000, kind)
                audio.read(path)
        return Check("audio files", True, "flac and wav written and read")
    except Exception as error:
        return Check("audio files", False, str(error), "pip install --force-reinstall soundfile")


def _models() -> Check:
    """Signal labels need no model, so missing ones are no fault; broken ones are."""
    try:
        from curate.labels.models import weights, zoo

        place = weights.folder()
        states = list(weights.states(zoo.MODELS, place))
    except Exception as error:  # msgspec may be what is broken
        return Check("models", False, f"{type(error).__name__}: {error}", "mend what is above")
    usable = sum(1 for state in states if not state.problem)
    broken = [held for state in states for held in state.files if held.state == "broken"]
    found = f"{usable} of {len(states)} in {place}; signal labels need none"
    if not usable:
        found += "; `curate models fetch` brings them"
    remedy = "remove these files; `curate models fetch` brings what a build needs"
    if any(held.differs for held in broken):
        remedy += "; `curate models accept NAME` if another version is meant"
    return Check("models", not broken, "; ".join([found, *(h.problem for h in broken)]), remedy)


def _onnxruntime() -> Check:
    """Without it models run all the same, by Essentia; only one that is broken is a fault."""
    if importlib.util.find_spec("onnxruntime") is None:
        slow = "not installed: models run from .pb files, at a fraction of the speed"
        return Check("onnxruntime", True, f"{slow}; pip install onnxruntime")
    return _package("onnxruntime", "onnxruntime")


def _javascript() -> Check:
    """Only YouTube needs a runtime for its scripts, so a missing one is no fault."""
    try:
        from curate.sources.web import REMEDY, javascript_runtime

        found = javascript_runtime()
    except Exception as error:  # yt-dlp may be what is broken
        return Check("javascript", False, f"{type(error).__name__}: {error}", "mend what is above")
    return Check("javascript", True, found or f"none; YouTube needs one: {REMEDY}")


def _cache() -> Check:
    try:
        from curate.sources.cache import Cache

        cache = Cache()
        return Check("cache", True, f"{cache.size_bytes() / 1e9:.2f} GB in {cache.place}")
    except Exception as error:
        return Check("cache", False, str(error), "set CURATE_CACHE to a folder of yours")


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    remedy = f"free some space: an hour of clips takes about 0.1 GB, {MIN_FREE_GB:g} GB is little"
    return Check("disk", free >= MIN_FREE_GB, f"{free:.0f} GB free here", remedy)


def _memory_gib() -> float | None:
    try:
        import psutil
    except ImportError:
        return None
    return float(psutil.virtual_memory().available / 2**30)
