"""caption: labels become the description that conditions MusicGen. No audio is touched."""

from curate import jsonio
from curate.captions import template
from curate.config import CaptionOptions
from curate.labels import fields
from curate.labels.statements import Statements
from curate.names import digest
from curate.records import Caption, Captions, Chunk

NAME = "caption"
VERSION = 1


def fingerprint(said: Statements, chunks: tuple[Chunk, ...], options: CaptionOptions) -> str:
    """Names the captions of clips of which this is asserted."""
    shape = (VERSION, fields.VERSION, template.VERSION)
    clips = [chunk.id for chunk in chunks]
    return digest(NAME, *shape, clips, jsonio.encode((said.fields, options)).decode())


def caption(said: Statements, chunks: tuple[Chunk, ...], options: CaptionOptions) -> Captions:
    """One caption a chunk: that of a person or of the source, else the template's."""
    made = []
    for chunk, chosen in zip(chunks, said.fields, strict=True):
        if chosen.description:
            made.append(Caption(chunk.id, chosen.description, chosen.description_source))
        else:
            text = template.caption(chosen, chunk.id, options.seed)
            made.append(Caption(chunk.id, text, template.SOURCE))
    return Captions(tuple(made))
