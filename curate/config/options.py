"""Every option of artists.yaml, its default and its meaning, as frozen dataclasses.

Defaults live here only; a test holds them and `schemas/artists.schema.json` together.
"""

from dataclasses import dataclass, field
from typing import Literal

from curate.records import Hertz, Lufs, Seconds, Share


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """How tracks are cut.

    Attributes:
        seconds: Length of a clip. MusicGen trains on 30.
        tail: What becomes of the rest of a track: dropped, covered by a last clip that ends where
            the track ends (`align`, overlaps its neighbour), or padded with silence (`pad`).
        sample_rate: Of the clips in Hz. MusicGen's is 32000.
        channels: 1 mixes down to mono; 2 doubles mono.
        format: `flac` (lossless, half the size) or `wav`, both 16 bit.
    """

    seconds: Seconds = 30.0
    tail: Literal["drop", "align", "pad"] = "drop"
    sample_rate: Hertz = 32000
    channels: int = 1
    format: Literal["flac", "wav"] = "flac"


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How groups of tracks are dealt out; near-duplicates always stay together.

    Attributes:
        by: `track`, or `artist`: no artist, featured ones counted, on two sides.
        valid: Share of the clips for validation.
        test: Share of the clips for evaluation.
        seed: Another seed, another deal.
    """

    by: Literal["track", "artist"] = "track"
    valid: Share = 0.1
    test: Share = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrackLimits:
    """Tracks beyond these are rejected, with the measured value.

    Attributes:
        min_seconds: Shorter tracks; null means `chunk.seconds`.
        max_seconds: Longer tracks (mixes, whole concerts); also bounds a worker's memory.
        min_sample_rate: Lower rates hold no music above half of it, Hz.
        max_channels: More would need a mix-down that only a person can choose.
        min_loudness_lufs: Quieter tracks are as good as silent.
        max_silence_share: More silence than this.
        max_clipping_share: More clipped samples than this.
        min_bandwidth_hz: Nothing above this frequency; 0 is off, for old recordings have little.
        max_dc_offset: A larger constant offset is a broken recording, full scale 1.
    """

    min_seconds: Seconds | None = None
    max_seconds: Seconds = 1800.0
    min_sample_rate: Hertz = 16000
    max_channels: int = 2
    min_loudness_lufs: Lufs = -50.0
    max_silence_share: Share = 0.5
    max_clipping_share: Share = 0.02
    min_bandwidth_hz: float = 0.0
    max_dc_offset: float = 0.1


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """Clips beyond these are rejected, with the measured value; the rest of the track stays."""

    min_loudness_lufs: Lufs = -50.0
    max_silence_share: Share = 0.5
    max_clipping_share: Share = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """What audio must be like to be in the dataset."""

    track: TrackLimits = field(default_factory=TrackLimits)
    chunk: ChunkLimits = field(default_factory=ChunkLimits)


@dataclass(frozen=True, slots=True)
class Words:
    """When a model's words of one kind are asserted.

    Attributes:
        threshold: Least score.
        most: At most so many words, those of tags and models together.
    """

    threshold: Share
    most: int = 4


@dataclass(frozen=True, slots=True)
class Sure:
    """When a statement that can only be right or wrong is asserted.

    Attributes:
        threshold: Least score or confidence.
    """

    threshold: Share


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """What is labelled, and how sure a label must be to be asserted.

    Thresholds act late: other ones need no audio work.

    Attributes:
        models: Kinds of labels that models give (`zoo.KINDS`). Signal analysis, tags and manual
            labels are always there.
        floor: Scores below it are not even kept.
        genre: Essentia's usual 0.1; of 400 styles few pass.
        mood: Moods score low: 0.05.
        instrument: As for genres.
        voice: Vocals or instrumental.
        danceable: Danceable or not.
        key: Least strength of a key.
        tempo: Least confidence in a tempo.
        vocabulary: File of the user's own words, relative to artists.yaml.
    """

    models: tuple[str, ...] = ()
    floor: Share = 0.01
    genre: Words = field(default_factory=lambda: Words(0.1))
    mood: Words = field(default_factory=lambda: Words(0.05))
    instrument: Words = field(default_factory=lambda: Words(0.1))
    voice: Sure = field(default_factory=lambda: Sure(0.7))
    danceable: Sure = field(default_factory=lambda: Sure(0.7))
    key: Sure = field(default_factory=lambda: Sure(0.4))
    tempo: Sure = field(default_factory=lambda: Sure(0.3))
    vocabulary: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD per million tokens.

    Attributes:
        input: Of tokens sent.
        output: Of tokens that come back, those of hidden reasoning among them.
    """

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class LlmOptions:
    """How a language model writes captions. Keys are read from the environment only.

    Attributes:
        model: Name of the model, as its server has it.
        base_url: Address of a server that speaks the OpenAI protocol (Ollama, llama.cpp, vLLM ...),
            without a password or a query; null is OpenAI.
        variants: Captions a clip; the trainer samples among them.
        style: Name of a prompt that comes with curate, or a file of one's own, relative to
            artists.yaml.
        concurrency: Requests at a time.
        budget_usd: Most that may be spent on this dataset, over all its builds; it is counted by
            the dataset's name, so datasets of one name share it. Null is no limit.
        price: What the model costs; needed for a budget where curate does not know it.
        batch: By the Batch API: half the price, within a day.
        on_failure: What to do where the server fails for good: `template` captions for what is
            missing, or `stop`.
        timeout_s: Longest wait for one answer.
        retries: How often a fault that may pass is tried again, with growing waits.
        temperature: Null is the server's own.
        max_tokens: Longest answer, hidden reasoning included.
    """

    model: str
    base_url: str | None = None
    variants: int = 3
    style: str = "natural"
    concurrency: int = 8
    budget_usd: float | None = None
    price: Price | None = None
    batch: bool = False
    on_failure: str = "template"
    timeout_s: Seconds = 60.0
    retries: int = 4
    temperature: float | None = None
    max_tokens: int = 2000


@dataclass(frozen=True, slots=True)
class CaptionOptions:
    """How labels become sentences.

    Attributes:
        style: `tags`, `short`, `full`, or `mixed`: a different one for each clip and variant.
        language: Its code, `en` or `ja`: a file of `captions/template`. MusicGen's text encoder
            was trained on English.
        variants: Captions a clip; the trainer samples among them.
        seed: Another seed, another wording of the same facts.
        llm: A language model that writes them instead; null is none.
    """

    style: str = "mixed"
    language: str = "en"
    variants: int = 1
    seed: int = 0
    llm: LlmOptions | None = None


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How the web is asked, by yt-dlp. The defaults are polite.

    Attributes:
        sleep_s: Pause between two downloads from one host.
        request_sleep_s: Pause between two requests while something is read.
        rate_limit_kib_s: Most KiB a second; null is no limit.
        retries: How often a fault that may pass is tried again, with growing waits.
        max_wait_s: Longest pause that a host asks for and gets; with a longer one the build goes on
            without that host, and a later build asks again.
        refresh_hours: A listing younger than this is not asked for again.
        cookies: File with cookies (Netscape format), relative to artists.yaml.
        proxy: Address of a proxy without a password; HTTPS_PROXY may have one.
        country: Two letters: what to say where a site asks from which country one comes.
        homes: Addresses on this machine or in the house that the rows of tables may lead to.
    """

    sleep_s: Seconds = 10.0
    request_sleep_s: Seconds = 0.75
    rate_limit_kib_s: int | None = None
    retries: int = 3
    max_wait_s: Seconds = 300.0
    refresh_hours: float = 24.0
    cookies: str | None = None
    proxy: str | None = None
    country: str | None = None
    homes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpotifyOptions:
    """What Spotify is asked for. Nothing by default: its terms forbid training on its content.

    Attributes:
        use: `tracks` (titles, artists, albums, years), `genres` (of artists), `features` (tempo,
            key and the like, where the app still may ask for them).
        match: Where the audio of its tracks comes from: the artist's `files`, or a search on
            `youtube`.
        max_seconds_apart: Audio that differs more in length is not the track.
        min_title_match: Likeness of titles, 0..1, below which it is not the track.
        max_wait_s: Longest pause that Spotify asks for and gets.
        refresh_hours: Answers younger than this are not asked for again.
    """

    use: tuple[Literal["tracks", "genres", "features"], ...] = ()
    match: Literal["files", "youtube"] = "files"
    max_seconds_apart: Seconds = 3.0
    min_title_match: Share = 0.8
    max_wait_s: Seconds = 60.0
    refresh_hours: float = 720.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a row for each track.

    Attributes:
        file: CSV, TSV, jsonl or Parquet; relative to artists.yaml.
        preset: `musiccaps` knows that table's columns.
        columns: What is in which column: meaning (`curate.sources.table.MEANINGS`) to name.
        where: Rows that are used, e.g. `'low quality' not in caption`.
    """

    file: str
    preset: Literal["musiccaps"] | None = None
    columns: dict[str, str] = field(default_factory=dict)
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Artist:
    """One artist and where the recordings are.

    Attributes:
        name: As it will stand in the dataset.
        files: Globs, folders, audio files or m3u/m3u8 playlists; relative to artists.yaml.
        playlists: Addresses for yt-dlp: of playlists, channels, albums, videos, feeds, files.
        spotify: Artists, albums, playlists or tracks there, as URIs or addresses.
        table: A table of tracks.
        limit: At most this many tracks.
    """

    name: str
    files: tuple[str, ...] = ()
    playlists: tuple[str, ...] = ()
    spotify: tuple[str, ...] = ()
    table: Table | None = None
    limit: int | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources that list tracks of this artist.

        Where Spotify lists them, `files` are where their audio is looked for.
        """
        given = {
            "files": self.files and not self.spotify,
            "web": self.playlists,
            "table": self.table,
            "spotify": self.spotify,
        }
        return tuple(name for name, entries in given.items() if entries)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole artists.yaml.

    Attributes:
        name: Of the dataset.
        rights: On what ground this audio is used; goes into the datasheet.
        artists: In the order of the file.
        labels: `signal`, `all`, a list of kinds, or options.
        dedupe: `drop` keeps the best copy of a recording, `keep` keeps all in one split.
        licences: Only tracks that claim one of these are used (`curate.licences`); () is all.
        where: Only clips of whose fields this holds are used, e.g. `instrument == "violin"`.
        vocals: `drop_tracks` leaves out tracks with vocals, `separate` takes them away (Demucs).
        denoise: Whether steady noise is taken away.
        normalize: Whether clips are brought to -14 LUFS.
        datasheet: Answers that only a person can give, by question.
        web: How `playlists:` are fetched.
        spotify: What Spotify is asked for.
    """

    name: str
    rights: str
    artists: tuple[Artist, ...]
    chunk: ChunkOptions = field(default_factory=ChunkOptions)
    split: SplitOptions = field(default_factory=SplitOptions)
    limits: Limits = field(default_factory=Limits)
    labels: LabelOptions = field(default_factory=LabelOptions)
    captions: CaptionOptions = field(default_factory=CaptionOptions)
    dedupe: Literal["drop", "keep"] = "drop"
    licences: tuple[str, ...] = ()
    where: str | None = None
    vocals: Literal["keep", "drop_tracks", "separate"] = "keep"
    denoise: bool = False
    normalize: bool = False
    datasheet: dict[str, str] = field(default_factory=dict)
    web: WebOptions = field(default_factory=WebOptions)
    spotify: SpotifyOptions = field(default_factory=SpotifyOptions)

    @property
    def min_seconds(self) -> Seconds:
        """Shortest track that is used."""
        if self.limits.track.min_seconds is not None:
            return self.limits.track.min_seconds
        return self.chunk.seconds if self.chunk.tail != "pad" else 1.0
