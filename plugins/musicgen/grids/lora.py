"""LoRA over rank and learning rate, from the recipe for a T4.

    DATA=datasets/demo/build dora grid lora --dry_run --no_monitoring

DATA is the dataset, as `data=` is for `dora run`; BASE the base, where it is not the preset's. This
only lists the experiments; without `--dry_run` they are given to Slurm. Where there is none, add
`--init`, and `dora run -f SIG` runs each.
"""

import os
from typing import Any

from plugins.musicgen.dataset import data
from plugins.musicgen.errors import one_message
from plugins.musicgen.grids._explorer import FinetuneExplorer

RANKS = (4, 16, 64)
RATES = (1e-4, 2e-4, 4e-4)


@FinetuneExplorer
def explorer(launcher: Any) -> None:
    """Nine experiments; the scale alpha / rank stays 1, so a learning rate means the same."""
    folder = os.environ.get("DATA", "datasets/demo/build")
    with one_message():  # once, not by each of the processes that compose the experiments
        data.locate(folder)
    launcher.bind_("preset=t4", {"data": folder})
    if "BASE" in os.environ:
        launcher.bind_({"base": os.environ["BASE"]})
    for rank in RANKS:
        ranked = launcher.bind({"adapter.rank": rank, "adapter.alpha": rank})
        for rate in RATES:
            ranked({"optim.lr": rate})
