"""An adapter in a folder: `adapter_model.safetensors` and `adapter_config.json`, PEFT's layout.

Names and configuration are those of the transformers port, with queries, keys and values as layers
of their own, so one folder serves both worlds: `load` here, and
`PeftModel.from_pretrained(MusicgenForConditionalGeneration.from_pretrained(base), folder)` there.
What PEFT has no field for is in the header of the safetensors file. An adapter that PEFT trained on
the transformers port loads here too.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audiocraft.models.lm import LMModel
from torch import Tensor

from curate.jsonio import write_atomically

from ..errors import TrainingError
from ..porting import audiocraft_name, transformers_name
from .adapter import Adapter, attach
from .options import AdapterError, AdapterOptions, parse_options

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_HEADER = "musicgen_adapter"
_PREFIX = "base_model.model."
_NO_MODULES = "dummy-target-modules"
"""What PEFT takes for `target_modules` when there are only `modules_to_save`."""


def save(
    adapter: Adapter, folder: Path, *, base: str, notes: Mapping[str, Any] | None = None
) -> None:
    """Writes an adapter; files of an earlier one in the folder are replaced.

    Args:
        adapter: What to write.
        folder: Made if it is not there.
        base: Name of the base model on the Hub, or its folder: goes into the configuration.
        notes: Anything else worth keeping (JSON values), read back by `read_notes`.
    """
    from safetensors.torch import save as serialize

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        _PREFIX + _file_name(name): tensor.cpu().contiguous().clone()
        for name, tensor in adapter.state_dict().items()
    }
    header = {"options": asdict(adapter.options), "base": base, "notes": dict(notes or {})}
    data = serialize(tensors, {"format": "pt", _HEADER: json.dumps(header)})
    write_atomically(folder / WEIGHTS, data)
    config = json.dumps(_peft_config(adapter, base), indent=2) + "\n"
    write_atomically(folder / CONFIG, config.encode())


def load(lm: LMModel, folder: Path) -> Adapter:
    """Attaches the adapter of a folder to a language model that has its base's weights.

    Raises:
        AdapterError: There is no adapter, its kind is not known here, or it is of another base.
    """
    tensors, header = _read(folder)
    if header is not None:
        adapter = attach(lm, parse_options(header["options"]))
    else:
        adapter = attach(lm, _options_of_peft(folder, tensors))
    try:
        adapter.load_state_dict(tensors)
    except AdapterError as error:
        adapter.remove_()
        raise AdapterError(f"{folder}: {error}") from None
    return adapter


def read_base(folder: Path) -> str:
    """Returns the name of the base model an adapter was trained on; empty if it does not say."""
    return str(_read_config(folder).get("base_model_name_or_path") or "")


def read_notes(folder: Path) -> dict[str, Any]:
    """Returns the notes `save` was given."""
    _, header = _read(folder)
    return dict(header["notes"]) if header is not None else {}


def _file_name(name: str) -> str:
    """Name of a tensor in the file; what transformers' MusicGen lacks keeps audiocraft's."""
    try:
        return transformers_name(name)
    except TrainingError:
        return name


def _own_name(name: str) -> str:
    name = name.removeprefix(_PREFIX)
    try:
        return audiocraft_name(name)
    except TrainingError:
        return name


def _peft_config(adapter: Adapter, base: str) -> dict[str, Any]:
    options = adapter.options
    names = [_file_name(matrix.name) for matrix in adapter.matrices]
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": base,
        "inference_mode": True,
        "bias": "none",
        "fan_in_fan_out": False,
    }
    if options.kind == "head":
        return config | {"target_modules": _NO_MODULES, "modules_to_save": names}
    return config | {
        "r": options.rank,
        "lora_alpha": int(options.alpha) if options.alpha == int(options.alpha) else options.alpha,
        "lora_dropout": options.dropout,
        "use_rslora": options.rslora,
        "use_dora": options.dora,
        "init_lora_weights": "gaussian" if options.init == "gaussian" else True,
        "target_modules": _short(names, adapter),
        "modules_to_save": None,
    }


def _short(names: list[str], adapter: Adapter) -> list[str]:
    """What is adapted in every layer by one name (`self_attn.q_proj`), the rest in full."""
    layers = len(adapter.lm.transformer.layers)
    within = {name: re.sub(r"^.*\.layers\.\d+\.", "", name) for name in names}
    counts = list(within.values())
    short = {name if counts.count(part) < layers else part for name, part in within.items()}
    return sorted(short)


def _read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """Returns the tensors by audiocraft's names, and our own header where there is one."""
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    if not path.is_file():
        raise AdapterError(f"{folder}: no {WEIGHTS} there; expected a folder with an adapter")
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            tensors = {_own_name(name): file.get_tensor(name) for name in names}
            text = (file.metadata() or {}).get(_HEADER)
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"{path}: broken ({error}); save the adapter again") from error
    return tensors, None if text is None else json.loads(text)


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise AdapterError(f"{folder / CONFIG}: cannot be read ({error})") from error
    if not isinstance(config, dict):
        raise AdapterError(f"{folder / CONFIG}: expected an object")
    return config


def _options_of_peft(folder: Path, tensors: Iterable[str]) -> AdapterOptions:
    """Reads the options of an adapter that PEFT wrote.

    Raises:
        AdapterError: It uses something of PEFT that is not known here.
    """
    config = _read_config(folder)
    usual: dict[str, Any] = {
        "peft_type": "LORA",
        "bias": "none",
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "lora_bias": False,
        "fan_in_fan_out": False,
    }
    strange = [key for key, value in usual.items() if config.get(key, value) != value]
    if strange:
        raise AdapterError(f"{folder / CONFIG}: {strange[0]}={config[strange[0]]} is not supported")
    names = {re.sub(r"\.lora_[A-Za-z_]+(\.weight)?$", "", name) for name in tensors}
    return AdapterOptions(
        targets=tuple(f"^{re.escape(name)}$" for name in sorted(names)),
        rank=config["r"],
        alpha=config["lora_alpha"],
        dropout=config.get("lora_dropout", 0.0),
        rslora=config.get("use_rslora", False),
        dora=config.get("use_dora", False),
    )
