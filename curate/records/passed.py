"""What stages pass on: tracks, files, measurements, labels, clips, captions, rejections."""

from dataclasses import dataclass
from typing import Literal

Seconds = float
Hertz = int
Bpm = float
Lufs = float
Decibels = float
Share = float

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")

LABEL_UNITS: dict[str, str] = {
    "key": "tonic and mode, e.g. 'F# minor'",
    "tempo": "BPM",
    "loudness": "LUFS",
    "onset_rate": "onsets per second",
    "danceability": "0 (not danceable) to about 3",
    "dynamic_complexity": "dB, mean deviation from the loudness of the whole",
    "genre": "word",
    "mood": "word",
    "instrument": "word",
    "voice": "word: who or nobody sings",
    "danceable": "word",
    "approachability": "0 (niche) to 1 (easy to like)",
    "engagement": "0 (background) to 1 (calls for attention)",
    "arousal": "1 (calm) to 9 (excited)",
    "valence": "1 (negative) to 9 (positive)",
    "non_music": "0..1, how likely it is speech or noise",
    "keyword": "word or phrase",
    "year": "year of release",
    "album": "text",
    "isrc": "International Standard Recording Code",
    "licence": "text",
    "title": "text",
    "description": "text",
}
"""Every kind of label there is, with the unit of its value."""


@dataclass(frozen=True, slots=True)
class Label:
    """One statement about audio, by one source.

    Attributes:
        kind: A key of `LABEL_UNITS`.
        value: A word or a number in the kind's unit.
        source: Who says so: `tag` (the file), `signal.<method>` (analysis), later models, people.
        score: How sure the source is, 0..1; None when it does not say.
        alternatives: Other values the source holds possible (tempo: half and double).
    """

    kind: str
    value: str | float
    source: str
    score: float | None = None
    alternatives: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """One recording as a source lists it: cheap to make, nothing has been read yet.

    Attributes:
        id: 12 hex digits, from source and uri: the same recording keeps it in every build.
        source: Name of the source, e.g. `files`.
        uri: What the source needs to fetch it; for files a path relative to artists.yaml's folder
            where it lies below it, else absolute.
        artist: The name in artists.yaml.
        title: The best that is known before fetching; tags may say better.
        start_s: Where it starts in its file, if it is a part of it.
        end_s: Where it ends there; None where the file ends.
        labels: What the source says of it, each with the source's name as its `source`.
    """

    id: str
    source: str
    uri: str
    artist: str
    title: str
    start_s: Seconds = 0.0
    end_s: Seconds | None = None
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a track's audio came from and on what terms, as told when it was retrieved.

    Attributes:
        address: A page that a person can open, or the file's path.
        uploader: Who put it there.
        licence: As claimed there, word for word.
        licence_source: Who claims it: `youtube`, `tag`, `table`.
        retrieved_at: When the audio was fetched: ISO 8601, UTC.
        extractor: What read the site, e.g. yt-dlp's extractor.
        version: Its version.
        match: How sure it is that this is the track that was asked for, 0..1, where audio and track
            come from different places; else None.
    """

    address: str
    uploader: str | None = None
    licence: str | None = None
    licence_source: str | None = None
    retrieved_at: str | None = None
    extractor: str | None = None
    version: str | None = None
    match: Share | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What is known of a track's audio beyond its bytes.

    Attributes:
        origin: Where it came from and on what terms.
        labels: What that place says of it.
    """

    origin: Origin
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Tags:
    """What the file says of itself, cleaned but not interpreted."""

    title: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    year: int | None = None
    isrc: str | None = None
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    bpm: Bpm | None = None
    key: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The audio file of a track, at hand.

    Attributes:
        sha256: Of the file's bytes: the input of every later stage's fingerprint.
        size_bytes: Size of the file.
        mtime_ns: Time of its last change; with the size, it tells an untouched file unread.
        suffix: Lower-case file extension without the dot.
        tags: What the file says of itself.
    """

    sha256: str
    size_bytes: int
    mtime_ns: int
    suffix: str
    tags: Tags


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was measured of a track's sound, to judge it by.

    Attributes:
        duration_s: Of the decoded audio.
        sample_rate: Of the file.
        channels: Of the file.
        loudness_lufs: Integrated loudness, EBU R128; -70 where nothing passes the gate.
        true_peak_dbtp: Highest peak after 4x oversampling, dB re full scale.
        clipping_share: Share of samples inside runs of 3 or more at full scale (0.999 or more).
        silence_share: Share of 100 ms blocks below -60 dBFS.
        bandwidth_hz: Frequency above which there is nothing: a sharp ceiling tells upsampled or
            lossy audio.
        dc_offset: Largest absolute mean of a channel, full scale 1.
        nonfinite_samples: NaN and infinite samples (counted as zero elsewhere).
    """

    duration_s: Seconds
    sample_rate: Hertz
    channels: int
    loudness_lufs: Lufs
    true_peak_dbtp: Decibels
    clipping_share: Share
    silence_share: Share
    bandwidth_hz: float
    dc_offset: float
    nonfinite_samples: int


@dataclass(frozen=True, slots=True)
class TrackLabels:
    """What analysis says of the whole track, and its acoustic fingerprint.

    Attributes:
        labels: Labels of the whole track.
        fingerprint: Chromaprint, compressed and base64url-coded as AcoustID exchanges it.
    """

    labels: tuple[Label, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model says of a stretch of audio, before any threshold.

    Attributes:
        model: Name of the model, e.g. `mtg_jamendo_moodtheme-discogs-effnet-1`.
        scores: By the model's own class name, the mean over the patches that overlap the stretch;
            of probabilities only those at or above the floor, the largest first. Classes of a tempo
            model are whole BPM as text.
    """

    model: str
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Classified:
    """What models say of a track.

    Attributes:
        whole: Of the whole track, an answer a model; a model that cannot be asked (audio too short)
            gives none.
        windows: Of every window of the track, whether or not its clip is in the dataset.
    """

    whole: tuple[Answer, ...]
    windows: tuple[tuple[Answer, ...], ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One clip of a track, written as an audio file.

    Attributes:
        id: `<track id>_<index, 3 digits>`.
        index: Place among the track's windows; rejected windows leave a gap.
        start_s: Where it starts in the track.
        duration_s: Its length, padding included.
        padded_s: Silence added at its end (`tail: pad`), else 0.
        path: Of the audio file, relative to the dataset's folder, with `/`.
        size_bytes: Of the audio file.
        sha256: Of the audio file's bytes.
        amplitude: Largest absolute sample, at most 1: resampling can overshoot full scale, and a
            16-bit file holds such samples at it.
        loudness_lufs: Integrated loudness of the clip.
        silence_share: As in `Inspection`, over the clip.
        clipping_share: As in `Inspection`, over the clip.
        labels: Labels of the clip itself, where analysis says something of it.
        gain_db: By how much it was made louder (`normalize`), 0 if it was not.
    """

    id: str
    index: int
    start_s: Seconds
    duration_s: Seconds
    padded_s: Seconds
    path: str
    size_bytes: int
    sha256: str
    amplitude: float
    loudness_lufs: Lufs
    silence_share: Share
    clipping_share: Share
    labels: tuple[Label, ...]
    gain_db: Decibels = 0.0


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an item is not in the dataset; also a line of `rejected.jsonl`.

    Attributes:
        id: Of the track or chunk.
        stage: The stage that dropped it.
        code: Short, stable name of the reason (table in schemas/README.md).
        reason: One sentence: the value, what was expected, what to do.
        artist: As in artists.yaml.
        title: Best known title.
        uri: Where the track came from.
        value: The measured value, where there is one.
        limit: What it was held against.
    """

    id: str
    stage: str
    code: str
    reason: str
    artist: str = ""
    title: str = ""
    uri: str = ""
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Chunked:
    """The clips of a track, and the windows that fell short."""

    chunks: tuple[Chunk, ...]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a caption may say of a clip, in the vocabulary's words. Unknown is "" or () or None.

    Attributes:
        genres: Most certain first.
        moods: Likewise.
        instruments: Likewise.
        sung: Whether there are vocals.
        bpm: Tempo in whole beats per minute.
        key: `A minor`.
        decade: First year of the decade of release, 1990.
        dynamics: `steady` or `wide`.
        density: `sparse` or `dense`: of onsets.
        danceable: Whether that one can dance to it is asserted.
    """

    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    sung: bool | None = None
    bpm: int | None = None
    key: str = ""
    decade: int | None = None
    dynamics: str = ""
    density: str = ""
    danceable: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """The descriptions of a chunk.

    Attributes:
        chunk_id: The chunk they describe.
        texts: At least one, all different; the first is the `description`.
        source: Who wrote them: `manual`, the source of the track, `template.<version>`,
            `llm.<model>`; with `.fallback` behind it, who stood in for a model that failed.
    """

    chunk_id: str
    texts: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Captions:
    """The captions of a track's chunks, in their order."""

    captions: tuple[Caption, ...]
