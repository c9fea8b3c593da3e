"""What audiocraft 1.3.0 makes of a sidecar, told without importing it (it needs torch).

Each function is its namesake's equal, quirks included; tests/curate/test_validate_upstream.py
compares them with the installed audiocraft. Upstream: `audiocraft/data/info_audio_dataset.py`
(`get_string`, `get_keyword`, `get_keyword_list`) and `audiocraft/data/music_dataset.py`
(`get_musical_key`, `get_bpm`, `MusicInfo.attribute_getter`, `MusicInfo.from_dict`).
"""

import math
import re
from collections.abc import Callable
from typing import Any


def get_string(value: Any) -> str | None:
    """`info_audio_dataset.get_string`: stripped; what is not text, empty or 'None' is None."""
    if not isinstance(value, str) or len(value) == 0 or value == "None":
        return None
    return value.strip()


def get_keyword(value: Any) -> str | None:
    """`info_audio_dataset.get_keyword`: as `get_string`, lower-cased."""
    if not isinstance(value, str) or len(value) == 0 or value == "None":
        return None
    return value.strip().lower()


def get_keyword_list(values: Any) -> list[str] | None:
    """`info_audio_dataset.get_keyword_list`: a string is cut at commas and white space."""
    if isinstance(values, str):
        values = [v.strip() for v in re.split(r"[,\s]", values)]
    elif isinstance(values, float) and math.isnan(values):
        values = []
    if not isinstance(values, list):
        values = [str(values)]
    kept = [k for k in (get_keyword(v) for v in values) if k is not None]
    return kept or None


def get_musical_key(value: Any) -> str | None:
    """`music_dataset.get_musical_key`: lower-cased; with a comma in it, None."""
    if not isinstance(value, str) or len(value) == 0 or value == "None" or "," in value:
        return None
    return value.strip().lower()


def get_bpm(value: Any) -> float | None:
    """`music_dataset.get_bpm`: `float(value)`, None where that is a ValueError.

    Raises:
        TypeError: For a list or an object, as upstream.
        OverflowError: For an integer beyond floats, as upstream.
    """
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


GETTERS: dict[str, Callable[[Any], Any]] = {
    "title": get_string,
    "artist": get_string,
    "key": get_musical_key,
    "bpm": get_bpm,
    "genre": get_keyword,
    "moods": get_keyword_list,
    "keywords": get_keyword_list,
    "description": get_string,
    "name": get_keyword,
    "instrument": get_keyword,
}
"""`MusicInfo.attribute_getter`, for every field a sidecar fills."""

REQUIRED = tuple(name for name in GETTERS if name != "keywords")
"""What a sidecar must have, `info_fields_required` being true by default."""

MERGED = ("key", "bpm", "genre", "moods", "instrument", "keywords")
"""Fields `music_dataset.augment_music_info_description` may add to the text on the train split."""

MANIFEST_REQUIRED = ("path", "duration", "sample_rate")
"""Fields of `audio_dataset.AudioMeta` without a default."""

MANIFEST_NAMES = ("data.jsonl", "data.jsonl.gz")
"""What `AudioDataset.from_meta` looks for in a folder, in its order."""

SEGMENT_DURATION = 30.0
"""Seconds; `dataset.segment_duration` in `config/solver/musicgen/default.yaml`."""


def music_info(sidecar: dict[str, Any]) -> dict[str, Any]:
    """`MusicInfo.from_dict(sidecar, fields_required=True)`, for the fields of `GETTERS`.

    Raises:
        KeyError: A required field is missing.
        TypeError: A bpm is a list or an object.
        OverflowError: A bpm is an integer beyond floats.
    """
    for name in REQUIRED:
        if name not in sidecar:
            raise KeyError(f"Unexpected missing key: {name}")
    return {name: get(sidecar[name]) for name, get in GETTERS.items() if name in sidecar}
