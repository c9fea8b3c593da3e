"""What is wrong with a caption."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a caption.

    Attributes:
        code: `empty`, `too_long`, `too_short`, `wrong_language`, `markup`, `name`, `instrument`,
            `genre`, `mood`, `key`, `tempo`, `vocals`, `era` or `contradiction`.
        detail: The rest of a sentence that begins with "The caption", for a repair request:
            "mentions `violin`, which is not among the instruments: piano, drums".
    """

    code: str
    detail: str
