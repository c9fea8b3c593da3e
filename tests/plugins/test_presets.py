"""The presets: whole recipes, each of known keys only, and each trains."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.musicgen.train import _names, main

Start = Callable[..., Any]
CONFIG = Path(main.full_config_path)
PRESETS = sorted(path.stem for path in (CONFIG / "preset").glob("*.yaml"))
TREE = sorted(path for path in CONFIG.glob("*/*.yaml") if path.parent.name != "teams")


def leaves(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Values by dotted name."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= leaves(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def own(path: Path) -> dict[str, Any]:
    """What a file of the tree sets."""
    values = yaml.safe_load(path.read_text())
    values.pop("defaults", None)
    return leaves(values)


def test_there_are_these() -> None:
    assert PRESETS == ["jpop", "musiccaps", "t4", "violin"]


@pytest.mark.parametrize("path", TREE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_file_opens_with_its_command(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[1].startswith("# dora run ")
    assert f"{path.parent.name}={path.stem}" in lines[1]


@pytest.mark.parametrize("path", TREE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_key_exists(path: Path) -> None:
    """A key that config.yaml lacks would be read by nobody."""
    known = set(_names(main._base_cfg)) | {f"model.shape.{one}" for one in SHAPE}
    assert own(path).keys() <= known


SHAPE = ("dim", "num_heads", "num_layers", "hidden_scale")


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_preset_says_is_what_a_run_gets(name: str) -> None:
    cfg = main.get_xp([f"preset={name}"]).cfg
    for key, value in own(CONFIG / "preset" / f"{name}.yaml").items():
        got = cfg
        for part in key.split("."):
            got = got[part]
        number = float(value) if isinstance(value, str) and value[0].isdigit() else value
        assert got == number, key


def test_the_published_recipe_key_by_key() -> None:
    """The table of the J-pop fine-tune."""
    cfg = main.get_xp(["preset=jpop"]).cfg
    assert cfg.base == "facebook/musicgen-small"
    assert cfg.adapter.kind is None
    assert cfg.dataset.batch_size == 2
    assert cfg.dataset.num_workers == 2
    assert cfg.dataset.valid.num_samples == 1
    assert cfg.optim.optimizer == "adamw"
    assert cfg.optim.lr == 1e-4
    assert cfg.optim.adam.weight_decay == 0.01
    assert cfg.schedule.lr_scheduler == "cosine"
    assert cfg.schedule.cosine.warmup == 8
    assert cfg.optim.updates_per_epoch == 2000
    assert cfg.optim.epochs == 3


def test_a_preset_is_part_of_the_name_and_may_be_changed() -> None:
    plain, t4 = main.get_xp([]), main.get_xp(["preset=t4"])
    assert plain.sig != t4.sig
    changed = main.get_xp(["preset=violin", "adapter=lora", "optim.epochs=2"])
    assert changed.cfg.adapter.kind == "lora"
    assert changed.cfg.optim.lr == 2e-4
    assert changed.cfg.optim.epochs == 2
    larger = main.get_xp(["preset=musiccaps", "size=musiccaps2"]).cfg.model.shape
    assert dict(larger) == {"dim": 2048, "num_heads": 16, "num_layers": 16, "hidden_scale": 2}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_trains(start: Start, name: str) -> None:
    """One update of a tiny base; what the machine cannot hold is made small."""
    small = {
        "jpop": ("dataset.valid.num_samples=1",),
        "musiccaps": (
            "model.shape={dim: 16, num_heads: 2, num_layers: 1, hidden_scale: 2}",
            "dataset.batch_size=2",
            "optim.accumulate=2",
        ),
    }
    more = small.get(name, ())
    solver = start(f"preset={name}", "optim.updates_per_epoch=1", "optim.epochs=1", *more)
    loader = solver.loader("train")
    loader.dataset.current_epoch = 1
    solver.optimizer.param_groups[0]["lr"] = 1e-3  # the first step of a warmup is none
    before = [one.detach().clone() for one in solver.trained]
    solver.model.train()
    metrics = solver.update(next(iter(loader)))
    assert float(metrics["ce"]) > 0
    assert any(not bool((a == b).all()) for a, b in zip(before, solver.trained, strict=True))
