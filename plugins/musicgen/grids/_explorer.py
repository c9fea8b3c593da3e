"""What all grids show of an experiment."""

from typing import Any

import treetable  # type: ignore[import-untyped]
from dora.explore import Explorer

from plugins.musicgen import curves


class FinetuneExplorer(Explorer):
    """A table with the loss of the last epoch, and of the epoch that validated best."""

    def get_grid_metrics(self) -> list[Any]:
        """Columns, beside those Dora has itself."""
        loss = ".3f"
        train = treetable.group("train", [treetable.leaf("epoch"), treetable.leaf("ce", loss)])
        names = ("ce", "best", "at")
        forms = (loss, loss, None)
        columns = [treetable.leaf(*one) for one in zip(names, forms, strict=True)]
        return [train, treetable.group("valid", columns)]

    def process_history(self, history: curves.History) -> dict[str, Any]:
        """One experiment's row; empty before its first epoch is done."""
        found: dict[str, Any] = {"train": {"epoch": len(history)}, "valid": {}}
        if history:
            found["train"]["ce"] = history[-1]["train"]["ce"]
            found["valid"]["ce"] = history[-1]["valid"]["ce"]
        if (best := curves.best(history)) is not None:
            found["valid"]["at"], found["valid"]["best"] = best
        return found
