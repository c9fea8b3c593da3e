"""CONTRIBUTING.md leads to every module and to nothing that is gone."""

import re
from pathlib import Path

import curate

PACKAGE = Path(curate.__file__).parent
ROOT = PACKAGE.parent


def places() -> set[str]:
    """What the map's first column names, from the checkout's top."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    part = text.split("## Where everything lives")[1].split("\n## ")[0]
    found = set()
    for line in part.splitlines():
        if line.startswith("| `"):
            names = re.findall("`([^`]+)`", line.split("|")[1])
            above = names[0].rpartition("/")[0] if not names[0].endswith("/") else ""
            found |= {name if "/" in name else f"{above}/{name}" for name in names}
    return found


def test_every_module_stands_in_the_map() -> None:
    modules = {f"curate/{path.name}" for path in PACKAGE.glob("[a-z]*.py")}
    modules |= {f"curate/{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert modules - places() == set()


def test_the_map_leads_to_what_is_there() -> None:
    assert {name for name in places() if not (ROOT / name).exists()} == set()
