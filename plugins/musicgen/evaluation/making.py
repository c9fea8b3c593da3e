"""Clips made by models: once, and kept for whoever asks for the same."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from curate import jsonio, names
from curate.progress import Progress

from ..listening import pairs
from ..listening.pairs import Prompt
from . import material, subjects
from .options import Options

if TYPE_CHECKING:
    from ..generation.generating import Model, Settings


def generate(
    model: "Model",
    prompts: Sequence[Prompt],
    settings: "Settings",
    cache: Path,
    progress: Progress,
    *,
    title: str,
    batch: int | None = None,
) -> Path:
    """A set of clips by a model, below the cache; what is there stays. Gives its folder."""
    from ..generation.generating import generate_set

    parameter = next(model.lm.parameters())
    way = names.digest(model.hash, str(parameter.dtype), jsonio.encode(settings).decode())
    folder = cache / "clips" / f"{names.slug(Path(model.name).name)[:40]}-{way[:12]}"
    with progress.stage(f"{title}: clips", len(prompts)) as stage:
        made_s = 0.0

        def tell(seconds: float) -> None:
            nonlocal made_s
            before = int(made_s / settings.seconds + 1e-6)
            made_s += seconds
            for _ in range(int(made_s / settings.seconds + 1e-6) - before):
                stage.advance("", settings.seconds)

        size = batch or (8 if parameter.is_cuda else 2)
        generate_set(model, prompts, folder, settings, batch=size, tell=tell)
    return folder


def sets(given: Sequence[str], options: Options, count: int, progress: Progress) -> list[Path]:
    """Folders of clips for a listening test: those that are given, or made of the same prompts.

    Args:
        given: Subjects.
        options: How clips are made; the prompts come from a given folder that has some, else from
            the data.
        count: How many prompts, where they come from the data.
        progress: Told of it.

    Raises:
        TrainingError: See `evaluate`.
    """
    from ..generation.generating import Settings, open_model

    found = subjects.find(given)
    own = [Path(one.name).expanduser() for one in found if one.kind == "clips"]
    told = [said for one in own if (said := pairs.read_prompts(one)) is not None]
    if told:
        prompts = list(told[0].values())
    else:
        drawn = material.read(options.data, count, options.seed).items
        prompts = [item.prompt for item in drawn]
    seconds = Settings().seconds if options.seconds is None else options.seconds
    settings = replace(Settings(), seconds=seconds, seed=options.seed)
    folders = []
    for one in found:
        if one.kind == "clips":
            folders.append(Path(one.name).expanduser())
            continue
        model = open_model(one.name, base=options.base, device=options.device)
        folders.append(generate(model, prompts, settings, options.cache, progress, title=one.title))
    return folders
