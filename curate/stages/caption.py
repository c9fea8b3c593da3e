"""caption: labels become the descriptions that condition MusicGen. No audio is touched."""

from collections.abc import Iterator
from dataclasses import dataclass

from curate import jsonio
from curate.captions import template
from curate.captions.author import Author
from curate.captions.facts import facts
from curate.captions.names import Names
from curate.config import CaptionOptions
from curate.labels import fields
from curate.labels.fields import Fields
from curate.labels.statements import Statements
from curate.labels.vocabulary import Vocabulary
from curate.names import digest
from curate.records import Captions, Chunk, Facts

NAME = "caption"
VERSION = 2


@dataclass(frozen=True, slots=True)
class Sayable:
    """What captions may say of the clips of a track.

    Attributes:
        clips: The ids.
        fields: What is asserted of each.
        facts: What a caption may say of each.
        names: What none may say.
    """

    clips: tuple[str, ...]
    fields: tuple[Fields, ...]
    facts: tuple[Facts, ...]
    names: Names

    def untold(self) -> Iterator[Facts]:
        """Of the clips that nobody has described."""
        for chosen, known in zip(self.fields, self.facts, strict=True):
            if not chosen.description:
                yield known


def sayable(
    said: Statements, chunks: tuple[Chunk, ...], names: Names, words: Vocabulary
) -> Sayable:
    """What captions may say of a track's clips."""
    known = tuple(facts(chosen, names, words) for chosen in said.fields)
    return Sayable(tuple(chunk.id for chunk in chunks), said.fields, known, names)


def fingerprint(about: Sayable, options: CaptionOptions) -> str:
    """Names the captions that a template or a person gives clips."""
    shape = (VERSION, fields.VERSION, template.VERSION)
    told = [(chosen.description, chosen.description_source) for chosen in about.fields]
    said = jsonio.encode((about.clips, about.facts, told, options)).decode()
    return digest(NAME, *shape, said)


def caption(about: Sayable, author: Author) -> Captions:
    """The captions of every clip of a track."""
    clips = zip(about.clips, about.fields, about.facts, strict=True)
    return Captions(tuple(author.caption(*clip, about.names) for clip in clips))
