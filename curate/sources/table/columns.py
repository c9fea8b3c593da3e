"""What the columns of a table mean, and what a cell says.

`MEANINGS` are the keys of `table.columns` in artists.yaml. A cell that says which audio is meant
and makes no sense costs the row (`Wrong`); one that describes it costs only that description.
"""

import math
import os
import re
import unicodedata
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from curate.config import Table
from curate.errors import ConfigError
from curate.filters.expression import Kind
from curate.labels.manual import columns as manual
from curate.labels.manual.sheet import Wrong
from curate.labels.vocabulary import Vocabulary
from curate.records import Label, Seconds
from curate.sources import files
from curate.sources.table.reading import nearest
from curate.sources.web.addresses import canonical
from curate.validate.report import shown
from curate.validate.text import number

MEANINGS: dict[str, Kind] = {
    "address": "text",
    "youtube": "text",
    "file": "text",
    "start": "number",
    "end": "number",
    "artist": "text",
    "title": "text",
    "caption": "text",
    "genre": "words",
    "mood": "words",
    "instrument": "words",
    "keyword": "words",
    "voice": "text",
    "key": "text",
    "tempo": "number",
    "year": "number",
    "album": "text",
    "isrc": "text",
    "licence": "text",
}
"""Everything a column can mean, with what it is in `where`. `youtube` is the id of a video."""

PLACES = ("file", "address", "youtube")
"""Columns that say where the audio is; the first that says anything counts."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A table that many know.

    Attributes:
        columns: Meaning to column.
        needed: What every row has to say.
    """

    columns: dict[str, str]
    needed: tuple[str, ...] = ()


PRESETS = {
    # https://www.kaggle.com/datasets/googleai/musiccaps: ten seconds of a video each
    "musiccaps": Preset(
        {
            "youtube": "ytid",
            "start": "start_s",
            "end": "end_s",
            "caption": "caption",
            "keyword": "aspect_list",
        },
        needed=("start", "end"),
    )
}

MAX_SECONDS = 1e6
MAX_ADDRESS = 2000
MAX_PHRASE = 200
MAX_PHRASES = 100
MAX_CLAIM = 1000
"""Characters of a licence as it is claimed."""

Cells = Mapping[str, object]


def mapped(table: Table, columns: tuple[str, ...], where: str) -> dict[str, str]:
    """The column of each meaning.

    Without `columns` and `preset` a column means what it is called; with them, only what they say.
    `columns` may change a preset, and leave out one of its columns by "".

    Args:
        table: From artists.yaml.
        columns: Of the file.
        where: The file, for messages.

    Raises:
        ConfigError: A meaning or a column that does not exist, or nothing says where the audio is.
    """
    said = dict(PRESETS[table.preset].columns) if table.preset else {}
    if not said and not table.columns:
        said = {meaning: meaning for meaning in MEANINGS if meaning in columns}
    said |= table.columns
    for meaning, column in said.items():
        if meaning not in MEANINGS:
            raise ConfigError(f"{where}: columns: '{meaning}': {nearest(meaning, MEANINGS)}")
        if column and column not in columns:
            by = "" if meaning in table.columns else f" (preset {table.preset})"
            message = f"no column '{column}' for {meaning}{by}"
            raise ConfigError(f"{where}: {message}; {nearest(column, columns)}")
    found = {meaning: column for meaning, column in said.items() if column}
    if not set(PLACES) & set(found):
        places = ", ".join(PLACES)
        message = f"no column says where the audio is; name one of {places} in `table.columns`"
        raise ConfigError(f"{where}: {message}; {nearest('address', columns)}")
    return found


# --- where the audio is --------------------------------------------------------------------------


def seconds(value: object) -> Seconds:
    """A time: seconds, `m:ss` or `h:mm:ss`.

    Raises:
        Wrong: It is none, or negative.
    """
    found = number(value)
    if isinstance(value, str):
        match = re.fullmatch(r"(?:([0-9]{1,3}):)?([0-9]{1,6}):([0-5]?[0-9](?:\.[0-9]*)?)", value)
        if match:
            found = int(match[1] or 0) * 3600.0 + int(match[2]) * 60.0 + float(match[3])
        elif re.fullmatch(r"[+-]?[0-9]{1,20}(?:[.,][0-9]*)?(?:[eE][+-]?[0-9]{1,2})?", value):
            found = float(value.replace(",", "."))
    if found is None:
        raise Wrong(f"{shown(value)} is no time; write seconds, or minutes:seconds")
    if not (math.isfinite(found) and 0 <= found <= MAX_SECONDS):
        raise Wrong(f"{found:g} s, expected 0 to {MAX_SECONDS:g}")
    return round(found, 6)


def address(value: object) -> str:
    """An address of the web in one spelling, without a fragment.

    Raises:
        Wrong: It is none, or holds a password, which would end up in the dataset.
    """
    text = value if isinstance(value, str) and len(value) <= MAX_ADDRESS else ""
    try:
        parts = urllib.parse.urlsplit(text)
        host, spelt = parts.hostname, canonical(urllib.parse.urldefrag(text).url)
    except ValueError:
        host, spelt = None, ""
    if host and (parts.username is not None or parts.password is not None):
        raise Wrong("the address holds a user name or password; take it out")
    plain = all(unicodedata.category(c)[0] not in "CZ" for c in text)
    if not (host and plain and parts.scheme.lower() in {"http", "https"}):
        raise Wrong(f"{shown(value)} is no address; write one that begins with https://")
    return spelt


def youtube(value: object) -> str:
    """The address of a YouTube video by its id.

    Raises:
        Wrong: That is no id.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{11}", value):
        raise Wrong(f"{shown(value)} is no id of a YouTube video, which has 11 letters and digits")
    return f"https://www.youtube.com/watch?v={value}"


def inside(value: object, folder: str, base: str) -> str:
    """The path of a file that a table names: below the table's folder, or below artists.yaml.

    A table may come from anyone, so it names no other files of this machine. Links are followed.

    Args:
        value: Relative to the table's folder.
        folder: The table's, absolute.
        base: Folder of artists.yaml, absolute.

    Raises:
        Wrong: It leads out of both.
    """
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_ADDRESS:
        raise Wrong(f"{shown(value)} is no path of a file")
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in value) or value.endswith("/"):
        raise Wrong(f"{shown(value)} is no path of a file")
    path = os.path.abspath(Path(folder, value))
    below = any(path.startswith(f"{place.rstrip('/')}/") for place in (folder, base))
    if Path(value).is_absolute() or path == folder or not below:
        raise Wrong(
            f"{shown(value)} leads out of the folders of table and artists.yaml; write a path "
            "relative to the table, or list the file under `files:`"
        )
    return path


# --- what it is like -----------------------------------------------------------------------------


def words(value: object) -> tuple[str, ...]:
    """The items of a list: a list, one written as Python or JSON do, or text between separators.

    `['a', "b's"]`, `["a", "b"]`, `a; b`, `a, b` and `a|b`; of separators the strongest counts, so
    that between semicolons a comma belongs to its item.
    """
    if isinstance(value, list | tuple):
        items = [str(item) for item in value if isinstance(item, str | int | float)]
    elif isinstance(value, str):
        items = _listed(value.strip())
    else:
        items = [] if value is None else [str(value)]
    plain = (" ".join(item.split()) for item in items)
    return tuple(dict.fromkeys(item for item in plain if item))


_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ITEM = re.compile(rf"\s*({_QUOTED})\s*(?:,|\Z)", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(000[0-9a-fA-F]{5})|(.))", re.DOTALL
)


def _listed(text: str) -> list[str]:
    if text[:1] + text[-1:] not in {"[]", "()"}:
        return re.split(_strongest(text), text)
    inner, items, at = text[1:-1], [], 0
    while found := _ITEM.match(inner, at):
        items.append(_unquoted(found[1]))
        at = found.end()
    if inner[at:].strip():  # not all in quotes
        return [item.strip(" '\"") for item in re.split(_strongest(inner), inner)]
    return items


def _unquoted(quoted: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        return (
            chr(int(code, 16)) if code else {"n": " ", "t": " ", "r": " "}.get(match[4], match[4])
        )

    text = _ESCAPE.sub(character, quoted[1:-1])
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # JSON's pairs


def _strongest(text: str) -> str:
    return next((sign for sign in ("[;；]", r"\|") if re.search(sign, text)), "[,，、]")


def labels(meaning: str, value: object, source: str, vocabulary: Vocabulary) -> tuple[Label, ...]:
    """What a describing cell says, as labels.

    Args:
        meaning: One of `MEANINGS`.
        value: The cell.
        source: Who says so.
        vocabulary: Knows words for voices and the like.

    Raises:
        Wrong: It cannot be read.
    """
    if isinstance(value, str) and value == "-":
        return ()
    if meaning in {"keyword", "licence", "album"}:
        items = words(value) if meaning == "keyword" else (value,)
        if len(items) > MAX_PHRASES:
            raise Wrong(f"{len(items)} items, expected at most {MAX_PHRASES}")
        most = MAX_CLAIM if meaning == "licence" else MAX_PHRASE
        said = (manual.text(item, most) for item in items)
        return tuple(Label(meaning, text, source) for text in said)
    if meaning == "isrc":
        return (Label(meaning, _isrc(value), source),)
    kind = "description" if meaning == "caption" else meaning
    if MEANINGS[meaning] == "words":
        value = list(words(value))
    found = manual.labels(kind, value, vocabulary)
    return tuple(replace(label, source=source) for label in found if label.value != "")


def _isrc(value: object) -> str:
    plain = re.sub(r"[\s-]", "", manual.text(value, MAX_PHRASE)).upper()
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", plain):
        raise Wrong(f"{shown(value)} is no ISRC, which is like JPAB01234567")
    return plain


def title_of(place: str) -> str:
    """What may serve as a title: the id of a video, else the last part of an address."""
    parts = urllib.parse.urlsplit(place)
    video = urllib.parse.parse_qs(parts.query).get("v", [""])[0]
    last = urllib.parse.unquote(parts.path.rstrip("/").rpartition("/")[2], errors="replace")
    name = f"{video or parts.hostname}.x" if video or not last else last
    return files.title_of(Path(name.replace("/", " ").replace("\0", " ")))
