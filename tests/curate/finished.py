"""Tracks with everything that is known of them, and a build's counts, for the last stages."""

from dataclasses import replace

from curate import jsonio
from curate.captions.facts import facts
from curate.captions.names import Names
from curate.config import Artist, Config, LabelOptions
from curate.labels import statements, vocabulary
from curate.labels.statements import Manually, Statements
from curate.records import (
    BuildInfo,
    Caption,
    CaptionCounts,
    Captions,
    Chunk,
    Chunked,
    Counts,
    Fetched,
    Inspection,
    Label,
    Origin,
    Split,
    SplitCount,
    Tags,
    Track,
)
from curate.stages.classify import NOTHING
from curate.stages.write import Finished

CONFIG = Config("kayo", "made by a test", (Artist("YOASOBI", ("music",)),))

TAGS = Tags(
    title="夜に駆ける",
    artists=("YOASOBI", "幾田りら"),
    album="THE BOOK",
    year=2019,
    isrc="JPAB11912345",
    genres=("J-Pop", "City Pop"),
    moods=("Dark",),
    instruments=("piano", "bass"),
    licence="CC BY 4.0",
)

LABELS = (
    Label("key", "C minor", "signal.bgate", 0.8),
    Label("tempo", 130.04, "signal.degara", 0.9, (65.02, 260.08)),
    Label("genre", "J-Pop", "tag"),
    Label("genre", "City, Pop", "tag"),
    Label("mood", "Dark", "tag"),
    Label("instrument", "piano", "tag"),
    Label("instrument", "bass", "tag"),
    Label("year", 2019.0, "tag"),
)


SPLITS = {
    "train": SplitCount(8, 100, 0.8),
    "valid": SplitCount(1, 20, 0.1),
    "test": SplitCount(1, 12, 0.1),
}
INFO = BuildInfo(
    name="kayo",
    fingerprint="a" * 64,
    built_at="2026-01-01T00:00:00+00:00",
    complete=True,
    config=jsonio.builtins(CONFIG),
    versions={"numpy": "2.0"},
    models={},
    counts=Counts(11, 10, 132, 1.0, {"silent": 1}, SPLITS),
    captions=CaptionCounts({"template.1": 132}),
)


def finished(number: int = 0, split: Split = "train", clips: int = 2) -> Finished:
    """A finished track with clips of 30 s."""
    identity = f"{number:012x}"
    track = Track(identity, "files", f"music/{number}.flac", "YOASOBI", f"{number} yoru")
    folder = f"audio/yoasobi/yoru-{identity[:6]}"
    chunks = tuple(
        Chunk(
            id=f"{identity}_{index:03d}",
            index=index,
            start_s=30.0 * index,
            duration_s=30.0,
            padded_s=0.0,
            path=f"{folder}/yoru_chunk{index:03d}.flac",
            size_bytes=10,
            sha256=f"{number}-{index}",
            amplitude=0.5,
            loudness_lufs=-14.0,
            silence_share=0.0,
            clipping_share=0.0,
            labels=(Label("loudness", -14.0, "signal.ebur128"),),
        )
        for index in range(clips)
    )
    captions = tuple(Caption(each.id, (f"A {each.index}. clip.",), "template.1") for each in chunks)
    found = said(LABELS, chunks)
    return Finished(
        track,
        Origin(track.uri),
        Fetched("aa" * 32, 5, 7, "flac", TAGS),
        Inspection(60.0, 44100, 2, -14.0, -1.0, 0.0, 0.0, 20000.0, 0.0, 0),
        found,
        Chunked(chunks, ()),
        tuple(facts(each, Names(), vocabulary.load()) for each in found.fields),
        Captions(captions),
        identity,
        split,
    )


def untagged(number: int, split: Split) -> Finished:
    """A track of which nothing is said."""
    made = finished(number, split, clips=1)
    nothing = said((), made.chunked.chunks)
    return replace(made, fetched=replace(made.fetched, tags=Tags()), said=nothing)


def said(labels: tuple[Label, ...], chunks: tuple[Chunk, ...]) -> Statements:
    """What the dataset says where this is said of the track, by tags and analysis alone."""
    nobody = Manually((), ((),) * len(chunks))
    words = vocabulary.load()
    return statements.gather(labels, NOTHING, nobody, chunks, LabelOptions(), words)
