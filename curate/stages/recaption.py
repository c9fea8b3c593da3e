"""recaption: the captions of a built dataset are written anew; audio and labels stay.

What captions may say stands in every sidecar (`facts`), so neither audio nor sources nor the
catalog are needed. Words of people and of sources stay. Sidecars are replaced one by one and the
manifests in the end: where this is stopped, the same command goes on.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate import config, dataset, jsonio
from curate.building import withdrawal
from curate.captions.author import Author, wrote
from curate.captions.names import Names
from curate.config import CaptionOptions
from curate.dataset import MANIFESTS, Clip, Dataset
from curate.errors import ConfigError
from curate.fingerprint import Fingerprint
from curate.names import chunk_id
from curate.progress import Progress
from curate.records import (
    SPLITS,
    BuildInfo,
    CaptionCounts,
    ManifestLine,
    Sidecar,
    Split,
    TrackLine,
)
from curate.stages import datasheet, report

if TYPE_CHECKING:
    from curate.captions.llm import Captioner, Request

NAME = "recaption"


@dataclass(frozen=True, slots=True)
class Recaptioned:
    """What came of it.

    Attributes:
        changed: Clips whose captions are others now.
        captions: Who wrote the captions of the dataset.
        notes: What a user should know, in sentences.
    """

    changed: int
    captions: CaptionCounts
    notes: tuple[str, ...]


def changed(info: BuildInfo, changes: dict[str, Any]) -> CaptionOptions:
    """How captions are to be: as they were, but for what changes (see `curate.caption_options`).

    Raises:
        ConfigError: A change is not what it may be.
    """
    before: Any = info.config.get("captions", {})
    model = changes.get("llm", {})
    own = {name: value for name, value in changes.items() if name != "llm"}
    if model is None:
        return config.captions({**before, **own, "llm": None}, "captions")
    if not model and not before.get("llm"):
        return config.captions({**before, **own}, "captions")
    if "model" not in model and not before.get("llm"):
        raise ConfigError(
            f"captions.llm.{next(iter(model))}: there is no language model here; name one: "
            "--llm MODEL, or `model` beside it"
        )
    for name in ("style", "variants"):  # of the model's captions, not of the templates'
        if name in own:
            model = {**model, name: own.pop(name)}
    earlier = before.get("llm") or {}
    if model.get("model", earlier.get("model")) != earlier.get("model"):
        earlier = {}  # another model: its server and its price are not this one's
    return config.captions({**before, **own, "llm": {**earlier, **model}}, "captions")


class Recaption:
    """New captions for one dataset, whose folder is locked by the caller.

    Args:
        folder: The dataset's.
        options: How captions are to be from now on.
        captioner: The language model, if one is to write.

    Raises:
        CurateError: The folder is no built dataset, it cannot be read, or it was copied or moved
            and its manifests still name the clips of another folder.
    """

    def __init__(
        self, folder: Path, options: CaptionOptions, captioner: "Captioner | None"
    ) -> None:
        self._dataset = dataset.load(folder)
        self._options = options
        self._captioner = captioner
        self._names = {track.id: _names(track) for track in self._dataset.tracks}
        for split in SPLITS:  # all of them, before anything is paid for or written
            for line in self._dataset.lines(split):
                self._dataset.relative(line)

    def requests(self) -> Iterator["Request"]:
        """What a language model is to be asked: clips that no person and no source describes."""
        from curate.captions.llm import Request

        for clip in self._dataset:
            if wrote(clip.description_source):
                sources = withdrawal.words_in(clip.labels)
                yield Request(clip.facts, self._named(clip), sources)

    def run(self, progress: Progress) -> Recaptioned:
        """Writes them."""
        total = len(self._dataset)
        notes: tuple[str, ...] = ()
        if self._captioner is not None:
            with progress.stage("captions", total) as tell:
                notes = self._captioner.write(self.requests(), tell.skip).notes
        author = Author(self._options, self._captioner)
        sources: Counter[str] = Counter()
        changed, data = 0, Fingerprint()
        with progress.stage("writing", total) as tell, _manifests(self._dataset) as put:
            for split in SPLITS:
                for line in self._dataset.lines(split):
                    clip = self._dataset.clip(line)
                    made = self._described(clip, author)
                    if made is not clip:
                        changed += 1
                        _write(made)
                    sources[made.description_source] += 1
                    line = replace(
                        line, description=made.description, descriptions=made.descriptions
                    )
                    put(split, line)
                    data.add(line, self._dataset.relative(line), clip.audio_sha256)
                    tell.skip()
            os.sync()  # one for all sidecars, before manifests name their words
        counts = CaptionCounts(dict(sorted(sources.items())), author.counts())
        self._tell(counts, data)
        return Recaptioned(changed, counts, notes)

    def _described(self, clip: Clip, author: Author) -> Clip:
        """The clip with its captions as they are to be; itself where nothing changes."""
        if not wrote(clip.description_source):
            return clip
        made = author.write(_id(clip), clip.facts, self._named(clip))
        if (made.texts, made.source) == (clip.descriptions, clip.description_source):
            return clip
        return replace(
            clip,
            description=made.texts[0],
            descriptions=made.texts,
            description_source=made.source,
        )

    def _tell(self, counts: CaptionCounts, data: Fingerprint) -> None:
        folder, build = self._dataset.folder, self._dataset.build
        resolved = build.config | {"captions": jsonio.builtins(self._options)}
        info = replace(
            build,
            config=resolved,
            captions=counts,
            fingerprint=data.hexdigest(),
            built_at=report.now(),
        )
        report.write_build(folder, info)
        datasheet.write(folder, info)

    def _named(self, clip: Clip) -> Names:
        return self._names.get(clip.track_id) or Names((clip.artist,), (clip.title,))


def _id(clip: Clip) -> str:
    """The clip's id, so that the same wording is drawn as in a build."""
    return chunk_id(clip.track_id, int(clip.path.stem.rpartition("_chunk")[2]))


def _names(track: TrackLine) -> Names:
    """Every name of a track, as far as tracks.jsonl knows it."""
    tags = track.tags
    return Names.known(
        artists=(track.artist, *tags.artists, *track.featured),
        titles=(track.title, tags.title),
        albums=(track.album, tags.album),
    )


def _write(clip: Clip) -> None:
    sidecar = Sidecar(**{f.name: getattr(clip, f.name) for f in fields(Sidecar)})
    jsonio.write_atomically(clip.path.with_suffix(".json"), jsonio.pretty(sidecar), sync=False)


@contextlib.contextmanager
def _manifests(data: Dataset) -> Iterator[Callable[[Split, ManifestLine], None]]:
    """Takes lines of the three manifests, which are replaced together at the end."""
    with contextlib.ExitStack() as stack:
        files = {
            split: stack.enter_context(
                stack.enter_context(jsonio.replacing(data.folder / MANIFESTS[split])).open("wb")
            )
            for split in SPLITS
        }

        def put(split: Split, line: ManifestLine) -> None:
            files[split].write(jsonio.encode(line) + b"\n")

        yield put
