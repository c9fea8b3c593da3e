"""Whether audiocraft will see what was meant: the sidecar, held against audiocraft's own parsing.

What counts is what `audiocraft.data.music_dataset.MusicInfo.from_dict` makes of a value
(`curate.validate.upstream`). A value that says nothing ("" or null or []) may stay nothing; one
that says something must arrive.
"""

from typing import Any

from curate.validate import upstream
from curate.validate.entries import Entry
from curate.validate.report import Collector, shown
from curate.validate.text import number

_LISTS = ("moods", "keywords")


def check_line(entry: Entry, collector: Collector) -> None:
    """What `audio_dataset.AudioMeta.from_dict` and the sampling need of the manifest line."""
    document, flagged = entry.document, entry.flagged
    for name in upstream.MANIFEST_REQUIRED:
        if name not in document:
            entry.add(collector, "field_missing", f"'{name}' is missing", name)
    path = document.get("path")
    if "path" in document and (not isinstance(path, str) or not path):
        message = f"path is {shown(path)}, expected the path of an audio file"
        entry.add(collector, "field_type", message, "path")
    for name in ("duration", "sample_rate", "weight", "amplitude"):
        value = document.get(name)
        optional = name in ("weight", "amplitude") and value is None
        if name not in document or optional or name in flagged:
            continue
        if number(value) is None:
            message = f"{name} is {shown(value)}, expected a number"
            entry.add(collector, "field_type", message, name)
    _check_numbers(entry, collector)
    info_path = document.get("info_path")
    if info_path is not None and not (isinstance(info_path, str) and info_path.count(":") == 1):
        message = f"info_path is {shown(info_path)}, expected null"
        entry.add(collector, "info_path_crashes", message, "info_path")


def _check_numbers(entry: Entry, collector: Collector) -> None:
    duration = number(entry.document.get("duration"))
    if duration is not None and duration <= 0 and "duration" not in entry.flagged:
        message = f"duration is {duration:g} s, expected more than 0 s"
        entry.add(collector, "duration_invalid", message, "duration")
    weight = number(entry.document.get("weight"))
    if weight is not None and weight < 0 and "weight" not in entry.flagged:
        message = f"weight is {weight:g}, expected 0 or more"
        entry.add(collector, "weight_invalid", message, "weight")


def check_sidecar(entry: Entry, collector: Collector) -> None:
    """Every field of the sidecar that audiocraft reads; fills `entry.seen`."""
    sidecar = entry.sidecar
    if sidecar is None:
        return
    for name in upstream.REQUIRED:
        if name not in sidecar:
            message = f"'{name}' is missing; audiocraft stops with KeyError at this clip"
            entry.add(collector, "field_missing", message, name, sidecar=True)
    for name, get in upstream.GETTERS.items():
        if name not in sidecar or name in entry.flagged:
            continue
        value = sidecar[name]
        try:
            seen = get(value)
        except (TypeError, OverflowError) as error:
            message = f"{name} {shown(value)}: audiocraft stops with {type(error).__name__}"
            entry.add(collector, "bpm_crashes", message, name, sidecar=True)
            continue
        entry.seen[name] = seen
        fault = _fault(name, value, seen)
        if fault:
            entry.add(collector, fault[0], f"{name} {fault[1]}", name, sidecar=True)


def _fault(name: str, value: Any, seen: Any) -> tuple[str, str] | None:
    """What is lost between `value` and what audiocraft sees."""
    if value == "None":
        return "none_literal", "is the text 'None', expected ''"
    if name == "description" and not seen and (value is None or isinstance(value, str)):
        return "description_empty", "is empty"
    if value is None or value == "" or value == []:
        return None
    if name == "bpm":
        return _bpm_fault(value, seen)
    if name in _LISTS:
        return _list_fault(value, seen)
    if isinstance(value, list):
        return "list_for_string", f"is the list {shown(value)}; audiocraft makes it None"
    if not isinstance(value, str):
        return "value_lost", f"is {shown(value)}, expected text; audiocraft makes it None"
    if name == "key" and "," in value:
        return "key_with_comma", f"is {shown(value)}; audiocraft makes it None"
    return None


def _bpm_fault(value: Any, seen: float | None) -> tuple[str, str] | None:
    if isinstance(value, bool):
        return "value_lost", f"is {shown(value)}, expected a number; audiocraft reads {seen:g}"
    if seen is None:
        return "value_lost", f"is {shown(value)}, expected a number; audiocraft makes it None"
    if seen != seen or seen in (float("inf"), float("-inf")):
        return "not_finite", f"is {shown(value)}, which audiocraft reads as the number {seen}"
    return None


def _list_fault(value: Any, seen: list[str] | None) -> tuple[str, str] | None:
    if isinstance(value, str):
        meant = [part.strip().lower() for part in value.split(",") if part.strip()]
        if (seen or []) != meant:
            return "string_for_list", f"is the text {shown(value)}; audiocraft reads {shown(seen)}"
        return None
    if not isinstance(value, list):
        return "value_lost", f"is {shown(value)}, expected a list; audiocraft reads {shown(seen)}"
    lost = [item for item in value if upstream.get_keyword(item) is None]
    if lost:
        return "value_lost", f"holds {shown(lost[0])}, which audiocraft drops"
    return None


def check_equal(entry: Entry, collector: Collector) -> None:
    """Sidecar and manifest line say the same, field by field, where both say something."""
    if entry.sidecar is None:
        return
    for name, value in entry.document.items():
        if name in entry.flagged or name not in entry.sidecar:
            continue
        if not collector.ours and name not in upstream.GETTERS:
            continue
        beside = entry.sidecar[name]
        if beside != value or isinstance(beside, bool) != isinstance(value, bool):
            message = f"{name} is {shown(value)} in the line and {shown(beside)} in the sidecar"
            entry.add(collector, "sidecar_differs", message, name)
    if collector.ours:
        _check_captions(entry, collector)


def _check_captions(entry: Entry, collector: Collector) -> None:
    """The description, which audiocraft reads, is the first of all captions."""
    first, every = entry.document.get("description"), entry.document.get("descriptions")
    if not (isinstance(first, str) and first.strip() and isinstance(every, list) and every):
        return
    if every[0] != first and "description" not in entry.flagged:
        message = f"description is {shown(first)}, the first of descriptions {shown(every[0])}"
        entry.add(collector, "descriptions_differ", message, "descriptions")
