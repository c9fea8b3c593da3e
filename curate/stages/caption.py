"""caption: labels become the description that conditions MusicGen. No audio is touched."""

from curate import jsonio
from curate.captions import template
from curate.config import CaptionOptions
from curate.labels import fields, tags, vocabulary
from curate.names import digest
from curate.records import Caption, Captions, Chunk, Label, Tags, TrackLabels

NAME = "caption"
VERSION = 1


def fingerprint(known: str, options: CaptionOptions) -> str:
    """Names the captions made of what the fingerprint `known` names."""
    words = vocabulary.load().fingerprint
    shape = (VERSION, fields.VERSION, template.VERSION, tags.VERSION, words)
    return digest(NAME, *shape, known, jsonio.encode(options).decode())


def track_labels(labels: TrackLabels, found: Tags) -> tuple[Label, ...]:
    """Everything said of the whole track: by analysis, then by the file's tags."""
    return (*labels.labels, *tags.labels(found))


def caption(
    whole: tuple[Label, ...], chunks: tuple[Chunk, ...], options: CaptionOptions
) -> Captions:
    """One caption a chunk."""
    made = []
    for chunk in chunks:
        chosen = fields.choose(whole, chunk.labels)
        text = template.caption(chosen, chunk.id, options.seed)
        made.append(Caption(chunk.id, text, template.SOURCE))
    return Captions(tuple(made))
