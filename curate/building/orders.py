"""What a build is told beside artists.yaml, and what it answers: records that all may import."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curate.labels.models.weights import Files
from curate.records import CaptionCounts, Counts
from curate.treatments.separation import Separator

if TYPE_CHECKING:
    from curate.captions.llm import Captioner


@dataclass(frozen=True, slots=True)
class Options:
    """What a build is told beside artists.yaml.

    Attributes:
        limit: Use only the first so many tracks.
        models: Files of the models that are asked.
        separator: What takes vocals away, if they are to be.
        cache: Folder of what is fetched; None is the usual one.
        offline: Ask nothing of the network.
        keep_downloads: Keep what was fetched after it has been worked on.
        without: Sources whose statements are left out.
        retry: Try again what failed for good.
        captioner: The language model that writes captions, if one is to.
    """

    limit: int | None = None
    models: tuple[Files, ...] = ()
    separator: Separator | None = None
    cache: Path | None = None
    offline: bool = False
    keep_downloads: bool = True
    without: frozenset[str] = frozenset()
    retry: bool = False
    captioner: "Captioner | None" = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build would do, in numbers of tracks.

    Attributes:
        listed: All that the sources list.
        to_do: Audio work is left.
        known: Nothing is left to do.
        rejected: Known to be left out, by code.
    """

    listed: int
    to_do: int
    known: int
    rejected: dict[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """What a build came to.

    Attributes:
        out: The dataset's folder.
        counts: What was found and kept.
        captions: Who wrote the captions.
        decoded_tracks: Tracks whose audio was decoded in this run.
        decoded_s: Seconds of audio decoded in this run.
        notes: What a user should know, in sentences.
        cache: Where what was fetched lies, None where no source fetches.
        cache_bytes: How much lies there, of all datasets.
    """

    out: Path
    counts: Counts
    captions: CaptionCounts
    decoded_tracks: int
    decoded_s: float
    notes: tuple[str, ...]
    cache: Path | None = None
    cache_bytes: int = 0
