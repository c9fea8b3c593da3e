"""The datasheet of a dataset: DATASHEET.md, for people.

It follows "Datasheets for Datasets" (Gebru et al., https://arxiv.org/abs/1803.09010). What the
build knows is filled in; what only people know is asked for, and answered under `datasheet:` in
artists.yaml. The same dataset gives the same text.

    counting   one pass over tracks.jsonl: who, where from, under which licence, said by whom
    questions  what only people can answer
    sections   the seven sections
    markdown   text from outside, made harmless
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from curate import jsonio, licences
from curate.records import BuildInfo, TrackLine
from curate.stages.datasheet import sections
from curate.stages.datasheet.counting import Counted, count
from curate.stages.datasheet.markdown import link, text
from curate.stages.datasheet.questions import QUESTIONS

__all__ = ["QUESTIONS", "write"]


def write(out: Path, info: BuildInfo) -> None:
    """Writes DATASHEET.md from `tracks.jsonl` and what the build counted, line by line."""
    chunk: Any = info.config["chunk"]
    counted = count(_tracks(out), float(chunk["seconds"]))
    with (
        jsonio.replacing(out / "DATASHEET.md") as partial,
        partial.open("w", encoding="utf-8", newline="\n") as file,
    ):
        every = itertools.chain(sections.lines(info, counted), _attributions(out, counted))
        file.writelines(f"{line}\n" for line in _tidy(every))


def _tidy(lines: Iterable[str]) -> Iterator[str]:
    """Without a second empty line after one, and none at the end."""
    waiting = False
    for line in lines:
        if line:
            if waiting:
                yield ""
            yield line
        waiting = not line


def _tracks(out: Path) -> Iterator[TrackLine]:
    return jsonio.read_lines(out / "tracks.jsonl", TrackLine)


def _attributions(out: Path, counted: Counted) -> Iterator[str]:
    """A line for each work whose licence asks for one. They come last, for they may be many."""
    if not counted.attributed:
        return
    yield ""
    yield "## Attribution"
    yield ""
    yield (
        "These works are used under the licences named, as claimed. They were cut into clips, "
        "mixed to the channels and brought to the sample rate named above."
    )
    yield ""
    for line in _tracks(out):
        name = licences.normalise(line.licence)
        if licences.needs_attribution(name):
            terms = text(licences.title(name))
            where = licences.address(name)
            terms = f"{terms} ({link(where)})" if where else f"{terms} (version not stated)"
            place = link(line.origin.address)
            yield f'- "{text(line.title)}" by {text(line.artist)}, {place}, {terms}'
