"""select: which tracks and clips are used, by what is asserted of them. No audio is touched."""

from dataclasses import replace
from typing import TypeVar

from curate.building.work import Complete
from curate.config import Config
from curate.errors import AudioError, ConfigError
from curate.filters import expression
from curate.filters.expression import Expression, ExpressionError, Kind
from curate.labels.fields import Fields
from curate.labels.statements import Statements
from curate.records import Rejection, Track

NAME = "select"

T = TypeVar("T")

NAMES: dict[str, Kind] = {
    "genre": "words",
    "mood": "words",
    "instrument": "words",
    "keyword": "words",
    "key": "text",
    "voice": "text",
    "danceable": "text",
    "artist": "text",
    "title": "text",
    "description": "text",
    "bpm": "number",
    "year": "number",
    "onset_rate": "number",
    "dynamic_complexity": "number",
    "danceability": "number",
    "approachability": "number",
    "engagement": "number",
    "arousal": "number",
    "valence": "number",
    "loudness": "number",
}
"""What `where` in artists.yaml may ask of a clip."""


def condition(config: Config) -> Expression | None:
    """`where` of artists.yaml.

    Raises:
        ConfigError: It cannot be understood.
    """
    if config.where is None:
        return None
    try:
        return expression.compile(config.where, NAMES)
    except ExpressionError as error:
        raise ConfigError(f"where: {error}") from None


def track(said: Statements, config: Config) -> None:
    """Turns away a track for what is asserted of the whole of it.

    Raises:
        AudioError: `has_vocals`.
    """
    if config.vocals == "drop_tracks" and said.track.sung:
        reason = "it has vocals; set `vocals: keep` to use it, or say better in labels.csv"
        raise AudioError("has_vocals", reason)


def clips(
    item: Track, known: Complete, said: Statements, where: Expression
) -> tuple[Complete, Statements]:
    """A track with only the clips of which the condition holds; the others become rejections."""
    holds = [where.holds(_values(item, fields)) for fields in said.fields]
    chunks = known.chunked.chunks
    left_out = [
        Rejection(
            id=chunk.id,
            stage=NAME,
            code="filtered",
            reason=f"clip at {chunk.start_s:g} s: `where: {where.text}` does not hold of it",
            artist=item.artist,
            title=item.title,
            uri=item.uri,
        )
        for chunk, used in zip(chunks, holds, strict=True)
        if not used
    ]
    chunked = replace(
        known.chunked,
        chunks=_where(chunks, holds),
        rejections=(*known.chunked.rejections, *left_out),
    )
    kept = replace(said, clips=_where(said.clips, holds), fields=_where(said.fields, holds))
    return replace(known, chunked=chunked), kept


def _values(item: Track, fields: Fields) -> dict[str, object]:
    same = {name: getattr(fields, name) for name in NAMES if name in Fields.__slots__}
    return same | {
        "genre": fields.genres,
        "mood": fields.moods,
        "instrument": fields.instruments,
        "keyword": fields.phrases,
        "artist": item.artist,
        "title": fields.title or item.title,
        "loudness": fields.loudness_lufs,
        "voice": {True: "vocals", False: "instrumental", None: ""}[fields.sung],
    }


def _where(values: tuple[T, ...], holds: list[bool]) -> tuple[T, ...]:
    return tuple(value for value, used in zip(values, holds, strict=True) if used)
