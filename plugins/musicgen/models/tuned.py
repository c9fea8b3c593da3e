"""A model to use or to hand on: of an experiment, of an adapter's folder, or a base as it is."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TrainingError
from ..mended import upstream
from . import base as bases
from . import identity, places
from .identity import NOBODY, Identity
from .provenance import Facts as Facts

if TYPE_CHECKING:
    from audiocraft.models.lm import LMModel
    from torch import Tensor

    from ..adapters.adapter import Adapter


@dataclass(frozen=True, slots=True)
class Tuned:
    """A language model with all it needs beside it.

    Attributes:
        lm: With the trained weights; with its adapter attached where there is one.
        origin: The base model it was trained from.
        adapter: The handle on the adapter; None after full training.
        facts: For the model card.
        source: What the whole model, adapter and all, is as a base of others; empty if it is none.
    """

    lm: "LMModel"
    origin: bases.Base
    adapter: "Adapter | None" = None
    facts: Facts = field(default_factory=Facts)
    source: str = ""

    @property
    def identity(self) -> Identity:
        """What the whole model is called as a base of others."""
        return places.identify(self.source) if self.source else NOBODY

    def weights(self) -> "dict[str, Tensor]":
        """Weights of a plain language model that does the same, by audiocraft's names."""
        if self.adapter is not None:
            return self.adapter.merged_state_dict()
        state: dict[str, Tensor] = self.lm.state_dict()
        return state

    def base_weights(self) -> "dict[str, Tensor]":
        """The same without the adapter."""
        return self.weights() if self.adapter is None else self.adapter.base_state_dict()


def open_tuned(name: str, device: str = "cpu", *, base: str | None = None) -> Tuned:
    """Opens what a command was given.

    Args:
        name: Dora's signature of an experiment; a folder with an adapter; or a base model, by
            folder or by its name on the Hub.
        device: Where to put the language model.
        base: In place of the base that an adapter or an experiment names, if that was moved.

    Raises:
        TrainingError: There is no such thing, or it is broken.
    """
    folder = Path(name).expanduser()
    if folder.is_dir() or "/" in name:
        return _from_folder(name, folder, device, base)
    return _from_experiment(name, device, base)


def _from_folder(name: str, folder: Path, device: str, base: str | None) -> Tuned:
    upstream.mend()
    from ..adapters import files

    if not (folder / files.CONFIG).is_file():
        origin = bases.open_base(name)
        return Tuned(language_model(origin, device), origin, source=name)
    wanted, who = files.read_base(folder), f"the adapter in {folder}"
    origin = bases.open_base(base or places.find(wanted, who))
    identity.check(wanted, origin.identity, who)
    lm = language_model(origin, device)
    adapter = files.load(lm, folder)
    return Tuned(lm, origin, adapter, files.read_facts(folder))


def language_model(origin: bases.Base, device: str = "cpu") -> "LMModel":
    """Makes the language model of a base as it is, in evaluation mode, float32."""
    config = origin.config.copy()
    config.device, config.dtype = device, "float32"
    for conditioner in config.conditioners.values():
        if conditioner.get("model") == "t5":
            folder = text_encoder_folder(origin, conditioner.t5.name)
            if folder is not None:
                conditioner.t5.name = upstream.know_t5(folder)
        if conditioner.get("model") == "chroma_stem":
            conditioner.chroma_stem.cache_path = None
    lm: LMModel = bases.language_model(config, origin).to(device).eval()
    return lm


def text_encoder_folder(origin: bases.Base, name: str) -> Path | None:
    """The folder of a base's text encoder, where it lies beside the base or has a path of its own.

    None where it is known by its name on the Hub.
    """
    beside = origin.folder / name if origin.folder is not None else Path(name)
    return beside.absolute() if beside.is_dir() else None


def compression_model(origin: bases.Base, device: str = "cpu") -> Any:
    """The compression model of a base, for stereo wrapped, in evaluation mode."""
    config = origin.config.copy()
    config.device = device
    return bases.compression_model(config, origin)


def _from_experiment(signature: str, device: str, base: str | None) -> Tuned:
    from .. import train

    root = train.main.dora.dir / train.main.dora.xps
    if not (root / signature).is_dir():
        raise TrainingError(
            f"{signature}: no such experiment in {root}, and no such folder here; "
            "AUDIOCRAFT_DORA_DIR says where experiments are"
        )
    changes: dict[str, Any] = {"base": base} if base else {}
    solver = train.from_sig(signature, device=device, **changes)
    adapter = solver.adapter
    facts = Facts(
        signature=signature,
        method=_method(solver),
        metrics=_metrics(solver.history),
        **_data_facts(solver.cfg),
    )
    source = f"{places.EXPERIMENT}{signature}"
    return Tuned(solver.model.eval(), solver.origin, adapter, facts, source)


def _method(solver: Any) -> str:
    if solver.adapter is not None:
        return str(solver.adapter.describe().splitlines()[0])
    if solver.cfg.model.shape is not None:
        count = sum(one.numel() for one in solver.model.parameters())
        return f"a new language model of {count:,} parameters"
    return "all parameters"


def _metrics(history: list[dict[str, Any]]) -> dict[str, float]:
    """Cross entropy and perplexity, by stage, of the epoch whose weights are the best."""
    best = min(history, key=lambda epoch: epoch.get("valid", {}).get("ce", math.inf), default={})
    return {
        f"{stage} {name}": float(metrics[name])
        for stage, metrics in best.items()
        for name in ("ce", "ppl")
        if name in metrics
    }


def _data_facts(cfg: Any) -> dict[str, Any]:
    from curate import dataset
    from curate.errors import CurateError

    found = {"dataset": Path(cfg.data).name, "fingerprint": str(cfg.data_fingerprint or "")}
    try:
        build = dataset.load(Path(cfg.data)).build
    except CurateError:  # a folder of manifests that something else made
        return found
    counts = build.counts
    return found | {
        "dataset": build.name,
        "clips": counts.splits["train"].chunks if "train" in counts.splits else 0,
        "hours": counts.splits["train"].hours if "train" in counts.splits else 0.0,
        "rights": str(build.config.get("rights", "")),
    }
