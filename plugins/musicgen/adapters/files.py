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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from audiocraft.models.lm import LMModel
from torch import Tensor

from curate.jsonio import write_atomically

from ..errors import TrainingError
from ..models.identity import Identity
from ..models.porting import audiocraft_name, transformers_name
from ..models.provenance import Facts
from .adapter import Adapter, attach
from .options import AdapterError, AdapterOptions, parse_options

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_HEADER = "musicgen_adapter"
_PREFIX = "base_model.model."
_NO_MODULES = "dummy-target-modules"
"""What PEFT takes for `target_modules` when there are only `modules_to_save`."""


def save(
    adapter: Adapter, folder: Path, *, base: Identity, notes: Mapping[str, Any] | None = None
) -> None:
    """Writes an adapter; files of an earlier one in the folder are replaced.

    Args:
        adapter: What to write.
        folder: Made if it is not there.
        base: The base model: its name goes into the configuration, its hash is kept beside it.
        notes: Anything else worth keeping (JSON values), read back by `read_notes`.
    """
    from safetensors.torch import save as serialize

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        _PREFIX + _file_name(name): tensor.cpu().contiguous().clone()
        for name, tensor in adapter.state_dict().items()
    }
    header = {
        "options": asdict(adapter.options),
        "base": base.name,
        "base_fingerprint": base.fingerprint,
        "notes": dict(notes or {}),
    }
    data = serialize(tensors, {"format": "pt", _HEADER: json.dumps(header)})
    write_atomically(folder / WEIGHTS, data)
    config = json.dumps(_peft_config(adapter, base.name), indent=2) + "\n"
    write_atomically(folder / CONFIG, config.encode())


def load(lm: LMModel, folder: Path) -> Adapter:
    """Attaches the adapter of a folder to a language model that has its base's weights.

    Raises:
        AdapterError: There is no adapter, its kind is not known here, or it is of another base.
    """
    tensors, header = _read(folder)
    options = _options_of_peft(folder, tensors) if header is None else header.options
    adapter = attach(lm, options)
    try:
        adapter.load_state_dict(tensors)
    except AdapterError as error:
        adapter.remove_()
        raise AdapterError(f"{folder}: {error}") from None
    return adapter


def read_base(folder: Path) -> Identity:
    """Returns the base model an adapter was trained on, as far as it says.

    Raises:
        AdapterError: There is no adapter, or it is broken.
    """
    named = _read_config(folder).get("base_model_name_or_path") or ""
    _, header = _read(folder)
    return Identity(str(named), "" if header is None else header.base_fingerprint)


def read_notes(folder: Path) -> dict[str, Any]:
    """Returns the notes `save` was given."""
    _, header = _read(folder)
    return {} if header is None else header.notes


def read_facts(folder: Path) -> Facts:
    """Returns what the notes tell of the training."""
    told = read_notes(folder).get("facts", {})
    try:
        return msgspec.convert(told, Facts)
    except msgspec.ValidationError as error:
        raise AdapterError(f"{folder / WEIGHTS}: its header is broken ({error})") from error


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


@dataclass(frozen=True, slots=True)
class _Header:
    """What the header of our own files says."""

    options: AdapterOptions
    base_fingerprint: str
    notes: dict[str, Any]


def _read(folder: Path) -> tuple[dict[str, Tensor], _Header | None]:
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
    return tensors, None if text is None else _read_header(path, text)


def _read_header(path: Path, text: str) -> _Header:
    try:
        read = json.loads(text)
        options = parse_options(read["options"])
        return _Header(options, str(read.get("base_fingerprint") or ""), dict(read["notes"]))
    except AdapterError as error:
        raise AdapterError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AdapterError(f"{path}: its header is broken ({error!r})") from error


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
    if "r" not in config or "lora_alpha" not in config:
        raise AdapterError(f"{folder / CONFIG}: r and lora_alpha are missing in it")
    names = {re.sub(r"\.lora_[A-Za-z_]+(\.weight)?$", "", name) for name in tensors}
    return AdapterOptions(
        targets=tuple(f"^{re.escape(name)}$" for name in sorted(names)),
        rank=config["r"],
        alpha=config["lora_alpha"],
        dropout=config.get("lora_dropout", 0.0),
        rslora=config.get("use_rslora", False),
        dora=config.get("use_dora", False),
    )
