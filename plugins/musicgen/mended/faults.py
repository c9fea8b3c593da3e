"""Every fault of audiocraft 1.3.0 that is mended here, one by one; `upstream.mend` checks them all.

Each says what goes wrong and which module of ours sets it right.
"""

from dataclasses import dataclass

VERSION = "1.3.0"
"""The audiocraft that these mends were made for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in audiocraft.

    Attributes:
        name: Short.
        where: Module and name of what is at fault.
        sha256: Of its source text, the first 16 hex digits, as it is in `VERSION`.
        story: What goes wrong and what is done about it.
    """

    name: str
    where: tuple[str, str]
    sha256: str
    story: str


FAULTS = (
    Fault(
        "teams",
        ("audiocraft.environment", "AudioCraftEnvironment.__init__"),
        "aa647f682a08bf9c",
        "Every dataset reads config/teams/default.yaml, which the wheel lacks: AUDIOCRAFT_CONFIG "
        "names ours. (Upstream's own needs USER too, which Colab does not set.)",
    ),
    Fault(
        "t5",
        ("audiocraft.modules.conditioners", "T5Conditioner.__init__"),
        "5432296902043c6c",
        "T5 may only have one of 14 names: `know_t5` adds a local folder to them.",
    ),
    Fault(
        "ffmpeg",
        ("audiocraft.data.audio", "_piping_to_ffmpeg"),
        "bdc6c48ebe7dda15",
        "Samples are written by a program called ffmpeg: where there is none on the PATH, the one "
        "of imageio-ffmpeg does it.",
    ),
    Fault(
        "demucs",
        ("audiocraft.modules.conditioners", "ChromaStemConditioner.__init__"),
        "e11d88432064685e",
        "The melody conditioner downloads its separator and runs whatever its file says: "
        "`separator` reads one that lies beside the base or in the models folder of `curate`, as "
        "weights only.",
    ),
    Fault(
        "backend",
        ("audiocraft.modules.transformer", "set_efficient_attention_backend"),
        "da76fdd075a880e0",
        "The check looks at the old value, so a wrong name passes: `attention_backend` checks.",
    ),
    Fault(
        "dataset",
        ("audiocraft.data.audio_dataset", "AudioDataset.sample_file"),
        "94237a5acbcae2b9",
        "Validation draws clips with replacement: `clips.ClipDataset` takes each once.",
    ),
    Fault(
        "crop",
        ("audiocraft.data.audio_dataset", "AudioDataset.__getitem__"),
        "9d68d9aa5ec0e1d1",
        "Opens a file whose codes are known: `clips.ClipDataset.place` draws the same crop.",
    ),
    Fault(
        "merge",
        ("audiocraft.data.music_dataset", "augment_music_info_description"),
        "4010ed7782cb0feb",
        "Its drop_other_p is how often a field is kept: `text.in_training` says so.",
    ),
    Fault(
        "encoder",
        ("audiocraft.modules.conditioners", "T5Conditioner.forward"),
        "5281b54daba0baf0",
        "Reads the same texts in every epoch: `textcache` remembers what it made of them.",
    ),
    Fault(
        "text",
        ("audiocraft.data.music_dataset", "MusicDataset.__getitem__"),
        "81602a09eb2deb80",
        "Texts depend on the state of the process's random numbers, and a clip without a sidecar "
        "is trained without text: `clips` seeds by place, `data.check` refuses.",
    ),
    Fault(
        "step",
        ("audiocraft.solvers.musicgen", "MusicGenSolver.run_step"),
        "87652e79125f65fc",
        "A step waits for the GPU and cannot accumulate: `solver.update`, `steps`.",
    ),
    Fault(
        "conditions",
        ("audiocraft.solvers.musicgen", "MusicGenSolver._prepare_tokens_and_attributes"),
        "b97a688e416c498b",
        "Encodes every clip anew and copies sound that nobody hears: `solver.prepare`.",
    ),
    Fault(
        "loss",
        ("audiocraft.solvers.musicgen", "MusicGenSolver._compute_cross_entropy"),
        "1168611582e96b49",
        "Gathers logits by boolean masks: `steps.surprise` gives the same without.",
    ),
    Fault(
        "forward",
        ("audiocraft.models.lm", "LMModel.forward"),
        "624e525dc5cff8cd",
        "Stacks the logits of all codebooks: `steps.hidden` is its first half.",
    ),
    Fault(
        "predictions",
        ("audiocraft.models.lm", "LMModel.compute_predictions"),
        "b05dc40ff325ec84",
        "Lays logits back by the pattern: `steps.lay_out` lays the targets out instead.",
    ),
    Fault(
        "epoch",
        ("audiocraft.solvers.base", "StandardSolver.common_train_valid"),
        "bd2fe4ca52dfa39f",
        "An interrupted epoch starts again, and batches of unequal size weigh the same: "
        "`solver.train`, `solver.common_train_valid`.",
    ),
    Fault(
        "load",
        ("audiocraft.solvers.base", "StandardSolver.load_checkpoints"),
        "aac7c0c2425e6153",
        "Its checkpoints hold omegaconf's objects, which torch refuses to load: ours are plain.",
    ),
    Fault(
        "average",
        ("audiocraft.optim.ema", "ModuleDictEMA.step"),
        "438887c82b1b396a",
        "Averages frozen parameters too: `ema.Average`.",
    ),
    Fault(
        "hash",
        ("audiocraft.utils.utils", "model_hash"),
        "832ec3947428fb19",
        "Copies all weights to the CPU for a line of the log, and cannot do it with bf16: "
        "`quick_hash` is of their sums.",
    ),
)
