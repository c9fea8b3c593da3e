"""The plot page: the whole overview in one figure, as SVG or PNG.

Drawn through matplotlib's figure, without pyplot and its global state. Nothing on the page depends
on the day or on where the dataset is, so the same dataset gives the same file.
"""

import io
import warnings
from pathlib import Path
from typing import Any

from curate import jsonio
from curate.errors import CurateError
from curate.overview import fonts, wording
from curate.overview.bands import MARGIN, WIDTH, bands
from curate.overview.counting import Overview
from curate.overview.panels import Sheet

SUFFIXES = (".svg", ".png")
DPI = 150
"""Of a PNG: 1980 pixels wide."""

_BETWEEN = 0.4
"""Between bands, inches."""


def write(overview: Overview, path: Path) -> str:
    """See `curate.overview.plot`."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise CurateError(f"{path}: a plot page ends in {' or '.join(SUFFIXES)}")
    data, missing = render(overview, kind.removeprefix("."))
    jsonio.write_atomically(path, data)
    return missing


def render(overview: Overview, kind: str) -> tuple[bytes, str]:
    """The page as bytes of an `svg` or `png`, and the characters it has no font for."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        return _render(overview, kind, mpl.rcParams)


def _render(overview: Overview, kind: str, settings: Any) -> tuple[bytes, str]:
    from matplotlib.figure import Figure

    listed = bands(overview)
    height = 2 * MARGIN + sum(band.height for band in listed) + _BETWEEN * (len(listed) - 1)
    settings["text.parse_math"] = False  # A$AP is a name, not a formula
    settings["svg.fonttype"] = "none"
    settings["svg.hashsalt"] = "curate"
    settings["font.sans-serif"] = [fonts.BASE, "Verdana"]  # as wide; an SVG's viewer has that
    settings["axes.unicode_minus"] = False
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    sheet = Sheet(figure, WIDTH, height)
    top = MARGIN
    for band in listed:
        band.draw(sheet, top)
        top += band.height + _BETWEEN
    missing = _choose_fonts(figure) if kind == "png" else ""
    title = f"Labels of {wording.fit(overview.name, 80)}"
    metadata = {"Title": title, "Date": None, "Creator": None} if kind == "svg" else {
        "Title": title, "Software": None
    }  # fmt: skip
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue(), missing


def _choose_fonts(figure: Any) -> str:
    from matplotlib.text import Text

    texts: list[Any] = figure.findobj(Text)
    chosen = fonts.choose("".join(text.get_text() for text in texts))
    for text in texts:
        if not chosen.foreign.isdisjoint(text.get_text()):
            text.set(fontfamily=list(chosen.families), fontweight="normal")  # few are there in bold
    return chosen.missing
