"""Holding measurements against the limits of artists.yaml, for tracks and clips alike.

Nothing is measured here, so other limits cost no audio work. Each row of `TRACK` and `CLIP` is one
limit: its rejection code, the measured field, the option it is held against, and the words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from curate import audio
from curate.config import ChunkLimits, Config, TrackLimits
from curate.errors import AudioError
from curate.records import Chunk, Inspection, Origin, Tags


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit.

    Attributes:
        code: Of the rejection.
        field: Measured value, an attribute of the record that is judged.
        option: Attribute of the limits; `max_` ones are upper bounds, `min_` ones lower.
        words: What to say of the value.
    """

    code: str
    field: str
    option: str
    words: str


TRACK = (
    Bound("dc_offset", "dc_offset", "max_dc_offset", "constant offset of {:.3f} of full scale"),
    Bound("silent", "silence_share", "max_silence_share", "{:.0%} of it is silence"),
    Bound("too_quiet", "loudness_lufs", "min_loudness_lufs", "{:.1f} LUFS"),
    Bound("clipped", "clipping_share", "max_clipping_share", "{:.1%} of the samples clipped"),
    Bound("narrow_band", "bandwidth_hz", "min_bandwidth_hz", "nothing above {:.0f} Hz"),
)
CLIP = (
    Bound("chunk_silent", "silence_share", "max_silence_share", "{:.0%} of the clip is silence"),
    Bound("chunk_too_quiet", "loudness_lufs", "min_loudness_lufs", "{:.1f} LUFS"),
    Bound("chunk_clipped", "clipping_share", "max_clipping_share", "{:.1%} of samples clipped"),
)


class Beyond(AudioError):
    """A measurement beyond its limit.

    Attributes:
        value: What was measured.
        limit: What it was held against.
    """

    def __init__(self, code: str, reason: str, value: float, limit: float) -> None:
        super().__init__(code, reason)
        self.args = (code, reason, value, limit)
        self.value = float(value)
        self.limit = float(limit)


def licence(origin: Origin, tags: Tags, config: Config) -> None:
    """Holds the licence that is claimed against those that are accepted.

    Raises:
        AudioError: `licence_not_allowed`.
    """
    if not config.licences:
        return
    from curate import licences

    claimed = origin.licence or tags.licence
    if not licences.allowed(claimed, config.licences):
        said = f"the licence claimed is '{claimed}'" if claimed else "no licence is claimed"
        accepted = ", ".join(config.licences)
        raise AudioError(
            "licence_not_allowed", f"{said}, accepted are {accepted}; change `licences` to use it"
        )


def header(found: audio.Header, config: Config, *, part: bool = False) -> None:
    """Turns away what the header alone rules out, before any decoding.

    Args:
        found: Of the file.
        config: Of the build.
        part: Whether the track is a part of the file, whose length then says nothing.

    Raises:
        Beyond: With code, value and limit.
    """
    limits = config.limits.track
    if found.channels > limits.max_channels:
        reason = (
            f"{found.channels} channels, at most {limits.max_channels} are used; mix it down "
            "yourself or raise limits.track.max_channels"
        )
        raise Beyond("too_many_channels", reason, found.channels, limits.max_channels)
    if found.sample_rate < limits.min_sample_rate:
        reason = (
            f"{found.sample_rate} Hz, need at least {limits.min_sample_rate}; get a better copy or "
            "lower limits.track.min_sample_rate"
        )
        raise Beyond("low_sample_rate", reason, found.sample_rate, limits.min_sample_rate)
    if found.duration_s is not None and found.exact and not part:
        _length(found.duration_s, config)


def track(found: Inspection, config: Config) -> None:
    """Holds a track's measurements against the limits.

    Raises:
        Beyond: For the first limit that does not hold.
    """
    if found.nonfinite_samples:
        reason = (
            f"{found.nonfinite_samples} NaN or infinite samples; the file is broken, replace it"
        )
        raise Beyond("nonfinite", reason, found.nonfinite_samples, 0)
    _length(found.duration_s, config)
    _hold(found, config.limits.track, TRACK, "limits.track")


def clip(found: Chunk, limits: ChunkLimits) -> None:
    """Holds a clip's measurements against the limits.

    Raises:
        Beyond: For the first limit that does not hold.
    """
    _hold(found, limits, CLIP, "limits.chunk")


def _hold(
    record: Inspection | Chunk,
    limits: TrackLimits | ChunkLimits,
    bounds: Iterable[Bound],
    place: str,
) -> None:
    for bound in bounds:
        value, limit = getattr(record, bound.field), getattr(limits, bound.option)
        upper = bound.option.startswith("max_")
        if (value > limit) if upper else (value < limit):
            need = f"at most {limit:g} is allowed" if upper else f"need at least {limit:g}"
            change = "raise" if upper else "lower"
            reason = (
                f"{bound.words.format(value)}, {need}; {change} {place}.{bound.option} to use it"
            )
            raise Beyond(bound.code, reason, value, limit)


def _length(seconds: float, config: Config) -> None:
    most, least = config.limits.track.max_seconds, config.min_seconds
    if seconds > most:
        reason = f"{seconds:.0f} s of audio, at most {most:g} s are used; raise "
        raise Beyond("too_long", f"{reason}limits.track.max_seconds", seconds, most)
    if seconds < least:
        remedy = "lower chunk.seconds or set chunk.tail=pad"
        if config.limits.track.min_seconds is not None:
            remedy = "lower limits.track.min_seconds"
        elif config.chunk.tail == "pad":
            remedy = "use a longer recording"
        reason = f"{seconds:.1f} s of audio, need at least {least:g} s; {remedy}"
        raise Beyond("too_short", reason, seconds, least)
