"""Fine-tunes MusicGen on a curated dataset: `dora run solver=finetune data=DIR base=NAME`.

Order of reading: `train` (the command), `base` (the model it starts from), `data` (what it learns
from), `solver` (the training), then what the solver is made of. `upstream` names every fault of
audiocraft that is mended here. `tiny` makes base models that train in seconds, without a network.

Nothing here imports torch or audiocraft when it is imported: `dora info` and errors are quick.
"""
