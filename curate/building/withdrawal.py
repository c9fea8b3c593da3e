"""What Spotify said is taken back: its policy lets nobody keep what is not used any more.

A dataset that is built `--without-source spotify` says nothing of it, but what it said still lies
where builds remember things: in the catalog, the cache, stored answers of language models, and in
files of earlier builds that the dataset does not name. Here it is deleted there. Ids, the audio,
and what was worked out from audio stay, so bringing Spotify back costs questions and no audio work.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from curate.building.catalog import Catalog
from curate.records import Chunked, Label, Rejection
from curate.sources.cache import Cache
from curate.stages import caption, chunk

SOURCE = "spotify"
"""The source whose words can be withdrawn."""

_NEVER_SAID = frozenset({"title", "album", "isrc"})
"""Labels that no question to a language model has in it."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was deleted.

    Attributes:
        cached: Answers in the cache.
        answers: Answers of language models to questions with its words in them.
    """

    cached: int
    answers: int

    @property
    def note(self) -> str:
        """The same in a sentence."""
        return (
            f"what Spotify said is deleted: {self.cached} of its answers in the cache, "
            f"{self.answers} of language models about its words, and all of it in this folder; "
            "a build that lists its tracks asks it again"
        )


def words_in(labels: Iterable[Label]) -> frozenset[str]:
    """Sources that can be withdrawn and that say some of this."""
    said = (label for label in labels if label.kind not in _NEVER_SAID)
    return frozenset(name for one in said if (name := one.source.split(".")[0]) == SOURCE)


def plain(dropped: Rejection) -> Rejection:
    """A rejection without the words of Spotify."""
    if not dropped.uri.startswith(f"{SOURCE}:"):
        return dropped
    clip = "_" in dropped.id  # of a clip, the reason is its own
    reason = dropped.reason if clip else f"track {dropped.id}: {dropped.code}"
    return replace(dropped, title="", reason=reason)


def withdraw(out: Path, name: str, catalog: Catalog, cache: Cache) -> Withdrawn:
    """Deletes what it said, after a dataset without it was written.

    Args:
        out: The dataset's folder.
        name: The dataset's name: answers of language models were paid for under it.
        catalog: Of that folder; knows which files the dataset names.
        cache: Of all datasets; others ask Spotify again.

    Raises:
        CurateError: Something cannot be deleted.
    """
    _from_files(out, catalog)
    _from_catalog(catalog)
    return Withdrawn(cache.drop_answers(SOURCE), _from_answers(cache.place, name))


def _from_files(out: Path, catalog: Catalog) -> None:
    """Sidecars of tracks that are away, which the next build with them writes anew; a page."""
    old = [path for path in catalog.unnamed_files() if path.endswith(".json")]
    for path in (*old, "labels.svg"):
        (out / path).unlink(missing_ok=True)
    catalog.forget_files(old)


def _from_catalog(catalog: Catalog) -> None:
    for item, failed in catalog.failures():
        if (told := plain(failed)) != failed:
            catalog.reword(item, told)
    for item, fingerprint, cut in catalog.stored(chunk.NAME, Chunked):
        told_clips = replace(cut, rejections=tuple(map(plain, cut.rejections)))
        if told_clips != cut:
            catalog.put(item, chunk.NAME, fingerprint, told_clips)
    catalog.forget_stage(caption.NAME)  # made again in no time
    catalog.scrub()


def _from_answers(place: Path, name: str) -> int:
    from curate.captions.llm.answers import Answers

    file = Answers.file(place)
    if not file.is_file():
        return 0
    with Answers(file) as answers:
        return answers.forget(name, SOURCE)
