"""The files of a built dataset: sidecars, lines of its manifests and tables, build.json."""

from dataclasses import dataclass

from curate.records.passed import Bpm, Facts, Hertz, Inspection, Label, Origin, Seconds, Split, Tags


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The `.json` beside a chunk, in the types `audiocraft.data.music_dataset.MusicInfo` reads.

    `genre`, `instrument` and `name` are single strings (audiocraft turns a list into None), `moods`
    and `keywords` lists (a string would be cut at its spaces), `key` holds one key without a comma,
    `bpm` is finite. An unknown value is "" or [] or null: never a guess.
    """

    key: str
    artist: str
    file_extension: str
    description: str
    descriptions: tuple[str, ...]
    keywords: tuple[str, ...]
    bpm: Bpm | None
    genre: str
    title: str
    name: str
    instrument: str
    moods: tuple[str, ...]
    duration: Seconds
    sample_rate: Hertz
    track_id: str
    start: Seconds
    split: Split
    description_source: str
    facts: Facts
    audio_sha256: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One line of `manifests/<split>/data.jsonl`: audiocraft's `AudioMeta`, then the clip's own."""

    path: str
    duration: Seconds
    sample_rate: Hertz
    amplitude: float | None
    weight: float | None
    info_path: str | None
    key: str
    artist: str
    file_extension: str
    description: str
    descriptions: tuple[str, ...]
    keywords: tuple[str, ...]
    bpm: Bpm | None
    genre: str
    title: str
    name: str
    instrument: str
    moods: tuple[str, ...]
    track_id: str
    start: Seconds
    split: Split


@dataclass(frozen=True, slots=True)
class TrackLine:
    """One line of `tracks.jsonl`: where a track came from, what is known of it, where it went."""

    id: str
    artist: str
    featured: tuple[str, ...]
    title: str
    album: str | None
    year: int | None
    isrc: str | None
    source: str
    uri: str
    origin: Origin
    sha256: str
    rights: str
    licence: str | None
    licence_source: str | None
    tags: Tags
    inspection: Inspection
    labels: tuple[Label, ...]
    group: str
    split: Split
    chunks: int


@dataclass(frozen=True, slots=True)
class SplitCount:
    """How much a split holds."""

    tracks: int
    chunks: int
    hours: float


@dataclass(frozen=True, slots=True)
class LlmCounts:
    """What became of the captions that a language model was asked for, in clips.

    Attributes:
        model: Which model.
        accepted: Described by its first answer.
        repaired: By its second, after it was told what was wrong.
        refused: Neither was fit to be used.
        missing: No answer: the server failed or the budget was spent.
        requests: Answers that are paid for, by any model, over all builds of datasets of this name.
        input_tokens: Of these.
        output_tokens: Of these.
        usd: Spent on these; None where the price of some is not known.
    """

    model: str
    accepted: int
    repaired: int
    refused: int
    missing: int
    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class CaptionCounts:
    """Who wrote the captions.

    Attributes:
        clips: Clips by `description_source`.
        llm: Of the language model, where there is one.
    """

    clips: dict[str, int]
    llm: LlmCounts | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a build found and kept."""

    listed: int
    tracks: int
    chunks: int
    hours: float
    rejected: dict[str, int]
    splits: dict[str, SplitCount]


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """`build.json`: how the dataset was made.

    Attributes:
        name: From artists.yaml.
        fingerprint: Hash of the data: every manifest line with paths relative to the dataset, and
            every audio file's hash. Two datasets with the same fingerprint train the same.
        built_at: ISO 8601, UTC.
        complete: False where `--limit` left tracks out.
        config: The resolved configuration, defaults filled in.
        versions: Of this tool and of the libraries that shaped the data.
        models: SHA-256 of each model that labelled, by name.
        counts: What was found and kept.
        captions: Who wrote the captions.
        without: Sources whose words were left out (`--without-source`).
    """

    name: str
    fingerprint: str
    built_at: str
    complete: bool
    config: dict[str, object]
    versions: dict[str, str]
    models: dict[str, str]
    counts: Counts
    captions: CaptionCounts
    without: tuple[str, ...] = ()
