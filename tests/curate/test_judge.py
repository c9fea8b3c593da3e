"""Every limit turns away what is beyond it, with code, value and remedy, and nothing else."""

import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from curate.audio import Header
from curate.config import Artist, ChunkLimits, ChunkOptions, Config, Limits, TrackLimits
from curate.records import Chunk, Inspection
from curate.stages import judge

GOOD = Inspection(
    duration_s=30.0,
    sample_rate=16000,
    channels=2,
    loudness_lufs=-50.0,
    true_peak_dbtp=3.0,
    clipping_share=0.02,
    silence_share=0.5,
    bandwidth_hz=4000.0,
    dc_offset=0.1,
    nonfinite_samples=0,
)
"""Exactly at every limit of the default configuration."""

CLIP = Chunk("a_000", 0, 0, 30, 0, "p", 1, "s", 0.5, -50.0, 0.5, 0.05, ())

WIDE = Limits(TrackLimits(min_bandwidth_hz=4000.0))


def config(limits: Limits = WIDE, **chunk: object) -> Config:
    return Config("x", "r", (Artist("A", ("a",)),), chunk=ChunkOptions(**chunk), limits=limits)


def beyond(check: Callable[[], None]) -> judge.Beyond:
    with pytest.raises(judge.Beyond) as caught:
        check()
    return caught.value


def test_what_is_exactly_at_the_limits_is_good() -> None:
    judge.track(GOOD, config())
    judge.clip(CLIP, ChunkLimits())
    judge.track(replace(GOOD, duration_s=1800.0), config())
    judge.header(Header(16000, 2, 30 * 16000, exact=True), config())


@pytest.mark.parametrize(
    ("field", "value", "code", "limit", "words"),
    [
        ("duration_s", 29.96, "too_short", 30.0, "30.0 s of audio, need at least 30 s"),
        ("duration_s", 1800.5, "too_long", 1800.0, "at most 1800 s are used"),
        ("loudness_lufs", -50.1, "too_quiet", -50.0, "-50.1 LUFS, need at least -50"),
        ("silence_share", 0.51, "silent", 0.5, "51% of it is silence, at most 0.5 is allowed"),
        ("clipping_share", 0.021, "clipped", 0.02, "2.1% of the samples clipped, at most 0.02"),
        ("bandwidth_hz", 3999.0, "narrow_band", 4000.0, "nothing above 3999 Hz"),
        ("dc_offset", 0.11, "dc_offset", 0.1, "constant offset of 0.110 of full scale"),
        ("nonfinite_samples", 7, "nonfinite", 0, "7 NaN or infinite samples"),
    ],
)
def test_a_track_beyond_a_limit_is_turned_away(
    field: str, value: float, code: str, limit: float, words: str
) -> None:
    found = beyond(lambda: judge.track(replace(GOOD, **{field: value}), config()))
    assert (found.code, found.value, found.limit) == (code, value, limit)
    assert words in found.reason


@pytest.mark.parametrize("bound", judge.TRACK, ids=lambda bound: bound.code)
def test_the_remedy_names_the_option(bound: judge.Bound) -> None:
    worse = 1e6 if bound.option.startswith("max_") else -1e6
    change = "raise" if bound.option.startswith("max_") else "lower"
    found = beyond(lambda: judge.track(replace(GOOD, **{bound.field: worse}), config()))
    assert found.code == bound.code
    assert f"; {change} limits.track.{bound.option} to use it" in found.reason


@pytest.mark.parametrize(
    ("field", "value", "code", "limit"),
    [
        ("loudness_lufs", -50.1, "chunk_too_quiet", -50.0),
        ("silence_share", 0.51, "chunk_silent", 0.5),
        ("clipping_share", 0.051, "chunk_clipped", 0.05),
    ],
)
def test_a_clip_beyond_a_limit_is_turned_away(
    field: str, value: float, code: str, limit: float
) -> None:
    found = beyond(lambda: judge.clip(replace(CLIP, **{field: value}), ChunkLimits()))
    assert (found.code, found.value, found.limit) == (code, value, limit)
    assert "limits.chunk." in found.reason


@pytest.mark.parametrize(
    ("header", "code", "value"),
    [
        (Header(44100, 3, None, True), "too_many_channels", 3),
        (Header(15999, 1, None, True), "low_sample_rate", 15999),
        (Header(44100, 1, 44100 * 1801, True), "too_long", 1801),
        (Header(44100, 1, 44100 * 29, True), "too_short", 29),
    ],
)
def test_a_header_alone_can_rule_a_file_out(header: Header, code: str, value: float) -> None:
    found = beyond(lambda: judge.header(header, config()))
    assert (found.code, found.value) == (code, value)


@pytest.mark.parametrize("seconds", [1, 10_000])
def test_a_guessed_length_rules_nothing_out(seconds: int) -> None:
    judge.header(Header(44100, 2, 44100 * seconds, exact=False), config())
    judge.header(Header(44100, 2, None, exact=True), config())


@pytest.mark.parametrize(
    ("made", "remedy"),
    [
        (config(), "lower chunk.seconds or set chunk.tail=pad"),
        (config(tail="pad"), "use a longer recording"),
        (config(Limits(TrackLimits(min_seconds=5.0))), "lower limits.track.min_seconds"),
    ],
)
def test_the_remedy_for_a_short_track_would_help(made: Config, remedy: str) -> None:
    found = beyond(lambda: judge.track(replace(GOOD, duration_s=0.5), made))
    assert found.reason.endswith(remedy)


def test_the_verdict_survives_the_way_between_processes() -> None:
    sent = judge.Beyond("silent", "51% of it", 0.51, 0.5)
    found = pickle.loads(pickle.dumps(sent))
    assert type(found) is judge.Beyond
    assert (found.code, found.reason, found.value, found.limit) == (
        "silent",
        "51% of it",
        0.51,
        0.5,
    )
