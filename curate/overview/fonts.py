"""Which fonts the plot page is written in: matplotlib's own has no Japanese, Chinese or Korean."""

from collections.abc import Iterable
from dataclasses import dataclass

BASE = "DejaVu Sans"
"""Comes with matplotlib; Latin, Greek, Cyrillic and most signs."""

PREFERRED = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "Hiragino Sans",
    "Hiragino Kaku Gothic ProN",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "IPAexGothic",
    "IPAGothic",
    "TakaoGothic",
    "VL Gothic",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "NanumGothic",
    "Arial Unicode MS",
)
"""Sans-serif fonts of the systems there are: tried before whatever else is installed."""

MAX_FONTS = 4
"""Fonts that are taken at most; a page in more scripts than that is rare."""


@dataclass(frozen=True, slots=True)
class Fonts:
    """The fonts of a page.

    Attributes:
        families: Tried one after the other for every character.
        foreign: Characters that the first of them lacks.
        missing: Characters that none of them has.
    """

    families: tuple[str, ...]
    foreign: frozenset[str]
    missing: str


def choose(text: str, files: Iterable[tuple[str, str]] | None = None) -> Fonts:
    """The installed fonts that together have every character of a text, as far as there are any.

    Args:
        text: All that is to be written.
        files: Family and file of the fonts to choose from; all that are installed by default.
    """
    places = _installed() if files is None else dict(files)
    foreign = frozenset(c for c in text if not c.isspace()) - _characters(places.get(BASE))
    open_ = set(foreign)
    families = [BASE]
    ranked = [name for name in PREFERRED if name in places]
    for name in (*ranked, *sorted(set(places) - set(ranked) - {BASE})):
        if not open_ or len(families) > MAX_FONTS:
            break
        found = open_ & _characters(places[name])
        if found:
            families.append(name)
            open_ -= found
    return Fonts(tuple(families), foreign, "".join(sorted(open_)))


def _installed() -> dict[str, str]:
    from matplotlib import font_manager

    regular = [
        font
        for font in font_manager.fontManager.ttflist
        if font.style == "normal"
        and font.weight in (400, "normal", "regular", "book", "medium")
        and not font.name.startswith("Last Resort")  # has a box for everything
    ]
    return {font.name: font.fname for font in sorted(regular, key=lambda f: f.fname, reverse=True)}


def _characters(file: str | None) -> set[str]:
    from matplotlib import ft2font

    if file is None:
        return set()
    try:
        return {chr(code) for code in ft2font.FT2Font(file).get_charmap()}
    except (OSError, RuntimeError):  # removed since the list was made, or no font after all
        return set()
