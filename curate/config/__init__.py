"""artists.yaml: read, checked, and its options as frozen dataclasses (`options`).

The file is checked against `schemas/artists.schema.json` (types, ranges, unknown keys); what is
left to code is stated in `_cross_check`.
"""

from pathlib import Path
from typing import Any

import msgspec

from curate import safeyaml, schema
from curate.config.options import (
    Artist,
    CaptionOptions,
    ChunkLimits,
    ChunkOptions,
    Config,
    LabelOptions,
    Limits,
    LlmOptions,
    Price,
    SplitOptions,
    SpotifyOptions,
    Sure,
    Table,
    TrackLimits,
    WebOptions,
    Words,
)
from curate.errors import ConfigError
from curate.labels import asked
from curate.labels.models import zoo

__all__ = [
    "Artist",
    "CaptionOptions",
    "ChunkLimits",
    "ChunkOptions",
    "Config",
    "LabelOptions",
    "Limits",
    "LlmOptions",
    "Price",
    "SplitOptions",
    "SpotifyOptions",
    "Sure",
    "Table",
    "TrackLimits",
    "WebOptions",
    "Words",
    "captions",
    "load",
]


def load(path: Path) -> Config:
    """Reads and checks an artists.yaml.

    Raises:
        ConfigError: With every fault found, in the order of the file, one a line: `file:line:
            place: what is wrong, remedy`.
    """
    document = safeyaml.load(path)
    faults = list(schema.check(document.value, schema.load("artists")))
    if isinstance(document.value, dict):
        faults += _check_language(document.value.get("captions"), "captions")
    if not faults:
        try:
            config = msgspec.convert(_plain(document.value), Config, strict=False)  # 30.0 may be 30
        except msgspec.ValidationError as error:  # the schema lets something through: say so
            raise ConfigError(f"{path}: {error}") from None
        faults = _cross_check(config)
        faults += asked.faults(document.value.get("labels"), config.labels, path.parent)
    if faults:
        faults.sort(key=lambda fault: document.line(fault.path))
        lines = [f"{path}:{document.line(f.path)}: {f.where}: {f.message}" for f in faults]
        raise ConfigError("\n".join(lines))
    return config


def captions(document: dict[str, Any], place: str) -> CaptionOptions:
    """Caption options out of a mapping as artists.yaml has it under `captions`.

    Args:
        document: The mapping.
        place: Where it stands, for messages.

    Raises:
        ConfigError: With every fault found, one a line.
    """
    rules = schema.load("artists")["properties"]["captions"]
    faults = [
        f"{place}.{fault.where}: {fault.message}" if fault.path else f"{place}: {fault.message}"
        for fault in schema.check(document, rules)
    ]
    faults += [f"{place}.{fault.where}: {fault.message}" for fault in _check_language(document)]
    if faults:
        raise ConfigError("\n".join(faults))
    return msgspec.convert(document, CaptionOptions, strict=False)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """The short forms of `labels` written out: a word, a list, half of a kind's options."""
    found = document.get("labels", {})
    options = dict(found) if isinstance(found, dict) else {"models": found}
    for kind, default in msgspec.to_builtins(LabelOptions()).items():
        if isinstance(default, dict):
            options[kind] = default | options.get(kind, {})
    named = options.get("models", ())
    if isinstance(named, str):
        options["models"] = zoo.KINDS if named == "all" else ()
    return {**document, "labels": options, "split": _shares(document.get("split", {}))}


def _shares(split: dict[str, Any]) -> dict[str, Any]:
    """`fractions` of train, valid and test as the shares that they are."""
    parts = split.get("fractions")
    if parts is None:
        return split
    rest = {key: value for key, value in split.items() if key != "fractions"}
    return {"valid": parts[1], "test": parts[2], **rest}


def _cross_check(config: Config) -> list[schema.Fault]:
    faults = []
    seen: dict[str, int] = {}
    for index, artist in enumerate(config.artists):
        faults += _check_sources(config, artist, index)
        if artist.name in seen:
            message = f"'{artist.name}' is listed twice; put all its files under one entry"
            faults.append(schema.Fault(("artists", index, "name"), message))
        seen.setdefault(artist.name, index)
    if config.split.valid + config.split.test >= 1:
        message = f"valid {config.split.valid} + test {config.split.test} leave nothing to train on"
        faults.append(schema.Fault(("split",), f"{message}; their sum must be below 1"))
    track = config.limits.track
    if config.min_seconds > track.max_seconds:
        message = f"min_seconds {config.min_seconds:g} is above max_seconds {track.max_seconds:g}"
        faults.append(schema.Fault(("limits", "track"), message))
    return faults


def _check_language(captions: object, *path: str) -> list[schema.Fault]:
    """Whether captions can be written in that language: a file says so, no schema."""
    from curate.captions.template import spoken  # which itself needs the options

    code = captions.get("language") if isinstance(captions, dict) else None
    fault = spoken.unknown(code) if isinstance(code, str) else None
    return [] if fault is None else [schema.Fault((*path, "language"), fault)]


def _check_sources(config: Config, artist: Artist, index: int) -> list[schema.Fault]:
    if not (artist.files or artist.playlists or artist.spotify or artist.table):
        message = f"'{artist.name}' has no source; give files, playlists, spotify or a table"
        return [schema.Fault(("artists", index), message)]
    if artist.spotify and not config.spotify.use:
        message = (
            "Spotify is not asked unless `spotify: {use: [tracks]}` says so; its terms forbid "
            "training on its content"
        )
        return [schema.Fault(("artists", index, "spotify"), message)]
    if artist.spotify and config.spotify.match == "files" and not artist.files:
        message = "tracks from Spotify need audio; give `files:`, or set spotify.match: youtube"
        return [schema.Fault(("artists", index, "spotify"), message)]
    return []
