"""What artists.yaml asks of labels, as far as no schema can check it.

A threshold for what no model is asked, a floor that takes away what a threshold would let through
and a file of words that is not there would change nothing or too much, without a word.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.errors import ConfigError
from curate.labels import vocabulary
from curate.schema import Fault

if TYPE_CHECKING:
    from curate.config import LabelOptions

MODELLED = ("genre", "mood", "instrument", "voice", "danceable")
"""Kinds of `labels:` whose thresholds are held against the scores of models only."""


def faults(given: object, options: "LabelOptions", base: Path) -> list[Fault]:
    """What is wrong with `labels:`.

    Args:
        given: As it stands in the file, right by the schema.
        options: The same with its defaults.
        base: Folder of artists.yaml.
    """
    found = [*_idle(given, options)] if isinstance(given, dict) else []
    least = {kind: getattr(options, kind).threshold for kind in MODELLED if kind in options.models}
    above = [f"{kind} ({share:g})" for kind, share in least.items() if options.floor > share]
    if above:
        message = f"{options.floor:g} is above the threshold of {', '.join(above)}"
        remedy = "scores between are not kept, so none is asserted; lower the floor"
        found.append(Fault(("labels", "floor"), f"{message}: {remedy}"))
    if options.vocabulary is not None:
        try:
            vocabulary.load(base / options.vocabulary)
        except ConfigError as error:
            found.append(Fault(("labels", "vocabulary"), str(error)))
    return found


def _idle(given: dict[str, Any], options: "LabelOptions") -> list[Fault]:
    """Thresholds for what no model is asked. With `models: signal` that is on purpose."""
    if given.get("models") in ("signal", []):
        return []
    idle = [
        ("labels", kind, "threshold")
        for kind in MODELLED
        if "threshold" in given.get(kind, {}) and kind not in options.models
    ]
    if "models" in given:
        return [Fault(p, f"no model is asked for {p[1]}; add it to labels.models") for p in idle]
    places = [*idle, *([("labels", "floor")] if "floor" in given else [])]
    return [Fault(p, "no model is asked; add `models: all` beside it, or a list") for p in places]
