"""Articles, lists, agreement and numbers of English captions."""

import random
import re
import unicodedata
from collections.abc import Sequence

from curate.captions.template import english_words as words

_ENGLISH = frozenset(
    """a an and the with of in at is are it by on for to over this that its from music track song
    has as into while no""".split()
)
_OTHERS = frozenset(
    """le la les des une avec du dans sur pour et est der die das und mit ein eine ist auf von im
    el los las con una es por en un de il che di della um uma com os na dem een het van
    på och med""".split()
)


def article(phrase: str) -> str:
    """`a` or `an`, by the sound of the first word."""
    first = phrase.split()[0]
    number = re.match(r"\d+", first)
    if number is not None:  # eight, eleven, eighteen; years as they are read
        spoken = number[0]
        teens = len(spoken) in {2, 4} and spoken.startswith(("11", "18"))
        return "an" if spoken.startswith("8") or teens else "a"
    lower = unicodedata.normalize("NFD", first.lower())
    letters = first.isupper() and len(first) in range(2, 5)
    if letters or re.match(r"[a-z](?:-|&|$)", lower) or lower in {"rnb", "edm", "mpb", "fm", "mc"}:
        return "an" if lower[0] in "aefhilmnorsx" else "a"  # as the letter is called
    if re.match(r"uni[cfoqstv]|us(?!h)|ut[io]|eu|ewe|one(?![ir])|once|uk|ura|ubi|ufo", lower):
        return "a"
    if re.match(r"hour|honest|heir|honou?r", lower):
        return "an"
    return "an" if lower[0] in "aeiouæœø" else "a"


def join(phrases: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def listed(instruments: Sequence[str], draw: random.Random) -> str:
    """Instruments in a sentence: with articles where they can be counted, or all without."""
    bare = draw.random() < 0.4 or not _known(instruments)
    return join([word if bare else _counted(word) for word in instruments])


def agrees(instruments: Sequence[str]) -> str:
    """`is` or `are`; "" of one tag of which that is not known."""
    if len(instruments) > 1 or words.PLURAL.issuperset(instruments):
        return "are"
    return "is" if _known(instruments) else ""


def speed(bpm: int) -> Sequence[str]:
    """Words for how fast that is."""
    return next(names for bound, names in words.TEMPO if bpm < bound)


def decade(year: int, draw: random.Random) -> str:
    """`1980s`, or `80s` where that can only be one decade."""
    return draw.choice((f"{year}s", f"{year % 100}s")) if 1950 <= year < 2000 else f"{year}s"


def sentence(clause: str) -> str:
    """With a capital and a full stop."""
    return f"{clause[0].upper()}{clause[1:]}."


def clashes(phrase: str, genres: Sequence[str]) -> bool:
    """Whether words that only stand together by chance read as another genre."""
    meant = [span for genre in genres for span in _spans(genre, phrase)]
    return any(
        not any(start <= found[0] and found[1] <= end for start, end in meant)
        for clash in words.CLASHES
        for found in _spans(clash, phrase)
    )


def _spans(words_: str, phrase: str) -> list[tuple[int, int]]:
    pattern = rf"(?<![\w-]){re.escape(words_)}(?![\w-])"
    return [found.span() for found in re.finditer(pattern, phrase)]


def _known(instruments: Sequence[str]) -> bool:
    return (words.PLURAL | words.MASS | words.COUNTED).issuperset(instruments)


def _counted(instrument: str) -> str:
    return f"{article(instrument)} {instrument}" if instrument in words.COUNTED else instrument


def reads(text: str) -> bool:
    """Whether a text is in English: its letters, and more of our small words than of others'."""
    letters = [character for character in text if character.isalpha()]
    if sum(character.isascii() for character in letters) < 0.9 * len(letters):
        return False
    words = re.findall(r"[^\W\d_]+", text.lower())
    english, others = (sum(word in known for word in words) for known in (_ENGLISH, _OTHERS))
    return others <= max(english, 1)
