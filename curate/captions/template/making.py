"""A caption in the making: what is still to be said of a clip."""

import random
from dataclasses import fields, replace

from curate.captions.template.said import Said

_NOTHING = Said()


class Making:
    """What is left to say, and the draw that chooses the words.

    Args:
        said: Everything there is to say.
        draw: Chooses; equal draws make equal texts.

    Attributes:
        left: What is not said yet.
        noun: What the caption calls the clip (`track`), once it has said so.
        counted: Whether that noun takes an article.
        subject: How the last sentence began that could begin in several ways.
        opened: The frame of the first sentence.
        styled: Whether it has said which years it sounds like: `80s`.
    """

    def __init__(self, said: Said, draw: random.Random) -> None:
        self.left, self.draw = said, draw
        self.noun, self.counted = "", True
        self.subject = self.opened = ""
        self.styled = False

    def take(self, *names: str) -> Said:
        """Only these facts of what is left; they are said then."""
        others = {f.name: getattr(_NOTHING, f.name) for f in fields(Said) if f.name not in names}
        taken = replace(self.left, **others)
        self.left = replace(self.left, **{name: getattr(_NOTHING, name) for name in names})
        return taken

    def chance(self, share: float) -> bool:
        """True in this share of the draws."""
        return self.draw.random() < share


def some(said: Said, draw: random.Random) -> Said:
    """The facts of a short caption: what it is, and at most three kinds of others."""
    kept = Making(said, draw).take("eras", "genres", "decade")
    if draw.random() < 0.3 and (kept.genres or kept.eras):
        kept = replace(kept, decade=None)
    kinds = [("moods",), ("instruments", "voices"), ("bpm",), ("key",), ("sung",)]
    kinds += [("dynamics",), ("density",), ("danceable",)]
    known = [kind for kind in kinds if any(getattr(said, n) != getattr(_NOTHING, n) for n in kind)]
    wanted = draw.sample(known, min(len(known), draw.choice((2, 3, 3))))
    values = {name: getattr(said, name) for kind in wanted for name in kind}
    values |= {name: values[name][:most] for name, most in _SHORT.items() if name in values}
    return replace(kept, genres=kept.genres[:2], **values)


_SHORT = {"moods": 2, "instruments": 3, "voices": 1}
"""So many words of a kind, the surest."""
