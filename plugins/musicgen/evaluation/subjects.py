"""What is evaluated: models, which make their clips here, and folders of clips that are there.

A model is an experiment by its signature, or an adapter, an exported or a base model by folder or
by name on the Hub. Any other folder is one of clips: with `prompts.jsonl` (`listening.pairs`), or
any audio. A clip is paired with the real one of its prompt: by its id, else by its prompt's text.

Clips of models are kept below a cache, in a folder for each model and way of making them, and
hard-linked where they are wanted; one that is there is not made again, whoever asked for it.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from curate import audio, jsonio, names
from curate.errors import AudioError
from curate.records import Seconds

from ..errors import TrainingError
from ..listening import pairs
from ..listening.pairs import Prompt
from ..models import base as bases
from .features.sounds import Sound

if TYPE_CHECKING:
    from ..generation.generating import Model

AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff")

ADAPTER = "adapter_config.json"
"""What makes a folder an adapter's; the name is PEFT's."""

MODEL_FILES = (ADAPTER, *bases.OFFICIAL, "config.json")

SHORT_S: Seconds = 0.05
"""So much longer than asked for a clip may be and is taken as it is."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated.

    Attributes:
        name: As it was given.
        title: What it is called in results; different for all.
        kind: `model`, or `clips` for a folder of audio.
    """

    name: str
    title: str
    kind: Literal["model", "clips"]


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips of a subject.

    Attributes:
        subject: Whose.
        sounds: By keys that pair them; see `material.Item`.
        texts: What each was asked for, where that is known.
        notes: What a reader of the results should know.
        hash: Of the model.
        base: Name of what the model was trained from.
    """

    subject: Subject
    sounds: tuple[Sound, ...]
    texts: Mapping[str, str]
    notes: tuple[str, ...] = ()
    hash: str = ""
    base: str = ""


def find(given: Sequence[str]) -> list[Subject]:
    """The subjects of a command; opens no model.

    Raises:
        TrainingError: One is nothing that can be evaluated, or is there twice.
    """
    kinds = [_kind(name) for name in given]
    same = [name for name in given if given.count(name) > 1]
    if same:
        raise TrainingError(f"{same[0]}: given twice; a comparison needs different ones")
    return [
        Subject(name, title, kind)
        for name, title, kind in zip(given, titles(given), kinds, strict=True)
    ]


def is_model(name: str) -> bool:
    """Whether a name is a model's: a folder with its files, an experiment, a name on the Hub.

    What leads nowhere is none: whoever wants a folder of it says that it is not there.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return any((folder / file).is_file() for file in MODEL_FILES)
    if name.startswith((".", "/", "~")):
        return False
    return "/" in name or experiment(name) is not None


def _kind(name: str) -> Literal["model", "clips"]:
    folder = Path(name).expanduser()
    if folder.is_dir():
        if is_model(name):
            return "model"
        if not _audio(folder):
            raise TrainingError(
                f"{name}: neither a model nor clips: expected {', '.join(MODEL_FILES)}, or audio"
            )
        return "clips"
    if name.startswith((".", "/", "~")):
        raise TrainingError(f"{name}: there is no such folder")
    if "/" not in name:
        _check_experiment(name)
    return "model"


def _check_experiment(signature: str) -> None:
    from ..train import main

    folder = experiment(signature)
    if folder is None:
        raise TrainingError(
            f"{signature}: no folder, and no experiment with a checkpoint in "
            f"{main.dora.dir / main.dora.xps}; AUDIOCRAFT_DORA_DIR says where experiments are"
        )


def experiment(signature: str) -> Path | None:
    """The folder of an experiment with a checkpoint; None where there is none of this name."""
    from ..train import main

    folder = main.dora.dir / main.dora.xps / signature
    fine = bool(signature) and "/" not in signature and (folder / "checkpoint.th").is_file()
    return folder if fine else None


def titles(given: Sequence[str]) -> list[str]:
    """Short names: so much of the ends of paths as tells them apart."""
    parts = [Path(name).expanduser().absolute().parts if "/" in name else (name,) for name in given]
    found = [one[-1] for one in parts]
    for length in range(2, max(map(len, parts), default=0) + 1):
        same = {title for title in found if found.count(title) > 1}
        if not same:
            break
        ends = ["/".join(one[-length:]) for one in parts]
        found = [end if title in same else title for end, title in zip(ends, found, strict=True)]
    return found


def of_model(model: "Model", subject: Subject, prompts: Sequence[Prompt], folder: Path) -> Clips:
    """The clips in a folder that `generate` filled."""
    return Clips(
        subject,
        tuple(Sound(prompt.id, folder / f"{prompt.id}.wav") for prompt in prompts),
        {prompt.id: prompt.prompt for prompt in prompts},
        (),
        model.hash,
        model.base,
    )


def of_folder(subject: Subject, prompts: Sequence[Prompt], seconds: Seconds, cache: Path) -> Clips:
    """The clips of a folder, those of the prompts where there are any, cut to a length.

    Raises:
        TrainingError: No clip is whole.
    """
    folder = Path(subject.name).expanduser()
    own = pairs.read_prompts(folder) or {}
    files, broken = _whole(_audio(folder))
    if not files:
        raise TrainingError(f"{subject.name}: none of its clips can be read: {broken[0]}")
    found, texts, strange = _paired(files, own, prompts)
    notes = []
    if broken:
        notes.append(f"{len(broken)} broken clips were left out, such as {broken[0]}")
    paired = {prompt.id for prompt in prompts} & found.keys()
    if paired and len(paired) < len(prompts):
        notes.append(f"{len(prompts) - len(paired)} of {len(prompts)} prompts have no clip")
    if not paired:
        notes.append("none of its clips is of these prompts: nothing is compared clip by clip")
    cut, short = _cut(found, seconds, cache)
    if short:
        notes.append(f"{short} clips are shorter than {seconds:g} s")
    if strange and paired:
        notes.append(f"{strange} clips of other prompts were left out")
    return Clips(subject, cut, texts, tuple(notes))


def _paired(
    files: Mapping[str, Path], own: Mapping[str, Prompt], prompts: Sequence[Prompt]
) -> tuple[dict[str, Path], dict[str, str], int]:
    """Clips by key, their texts, and how many are of no prompt."""
    by_text: dict[str, list[str]] = {}
    for prompt in prompts:
        by_text.setdefault(prompt.prompt.strip(), []).append(prompt.id)
    asked = {prompt.id: prompt.prompt for prompt in prompts}
    paired: dict[str, Path] = {}
    others: dict[str, tuple[Path, str]] = {}
    for stem, path in files.items():
        said = own[stem].prompt.strip() if stem in own else None
        if stem in asked and said in (None, asked[stem].strip()):
            paired[stem] = path
        else:
            others[stem] = (path, said or "")
    for stem, (path, said) in list(others.items()):
        free = [key for key in by_text.get(said, ()) if key not in paired]
        if free:
            paired[free[0]] = path
            del others[stem]
    if paired:
        order = [key for key in asked if key in paired]
        found = {key: paired[key] for key in order}
        return found, {key: asked[key] for key in order}, len(others)
    keys = {stem: f"{stem}-own" if stem in asked else stem for stem in others}
    found = {keys[stem]: path for stem, (path, _) in others.items()}
    return found, {keys[stem]: said for stem, (_, said) in others.items() if said}, len(others)


def _audio(folder: Path) -> dict[str, Path]:
    """The audio files of a folder, or where there are none those below it, by different names."""
    files = _named(folder.iterdir()) or _named(folder.rglob("*"))
    found: dict[str, Path] = {}
    for path in files:
        key, number = path.stem, 2
        while key in found:
            key, number = f"{path.stem}-{number}", number + 1
        found[key] = path
    return found


def _whole(files: Mapping[str, Path]) -> tuple[dict[str, Path], list[str]]:
    """The files that hold sound and nothing but numbers, and what is wrong with the others.

    One that is broken would cost every metric of every subject, for they share what they compute.
    """
    found, broken = {}, []
    for key, path in files.items():
        try:
            samples = audio.read(path).samples
            why = "" if len(samples) and np.isfinite(samples).all() else "holds no sound"
        except (OSError, AudioError) as error:
            why = str(error)
        if why:
            broken.append(f"{path.name}: {why}")
        else:
            found[key] = path
    return found, broken


def _named(paths: Any) -> list[Path]:
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in AUDIO and not path.name.startswith(".") and path.is_file()
    )


def sounds_of(folder: Path) -> tuple[tuple[Sound, ...], int]:
    """Every audio file in or below a folder, for a reference, and how many more are broken.

    Raises:
        TrainingError: There is no such folder, or no audio in it.
    """
    if not folder.is_dir():
        raise TrainingError(f"--reference {folder}: there is no such folder")
    every = _named(folder.rglob("*"))
    found = {str(path.relative_to(folder)): path for path in every if _opens(path)}
    if not found:
        raise TrainingError(f"--reference {folder}: no audio in it")
    return tuple(Sound(key, path) for key, path in found.items()), len(every) - len(found)


def _opens(path: Path) -> bool:
    """Whether a file says that it holds sound; a reference may be large, so it is not decoded."""
    try:
        with audio.Reader(path) as reader:
            return reader.header.duration_s != 0
    except (OSError, AudioError):
        return False


def excerpts(files: Mapping[str, Path], seconds: Seconds, cache: Path) -> tuple[Sound, ...]:
    """Clips not longer than this: the starts of those that are.

    Raises:
        TrainingError: A clip is broken.
    """
    broken = [path for path in files.values() if not path.is_file() or not _opens(path)]
    if broken:
        raise TrainingError(
            f"{broken[0]}: no sound can be read from this test clip ({len(broken)} such); "
            "`curate validate --deep` tells all that is wrong with the dataset"
        )
    return _cut(files, seconds, cache)[0]


def _cut(files: Mapping[str, Path], seconds: Seconds, cache: Path) -> tuple[tuple[Sound, ...], int]:
    """The clips, and how many are too short."""
    found, short = [], 0
    for key, path in files.items():
        try:
            with audio.Reader(path) as reader:
                length = reader.header.duration_s or 0.0
            if length > seconds + SHORT_S:
                path = _start(path, seconds, cache)
        except (OSError, AudioError) as error:
            raise TrainingError(f"{path}: {error}; take it out, or make it again") from None
        short += length < seconds - SHORT_S
        found.append(Sound(key, path))
    return tuple(found), short


def _start(path: Path, seconds: Seconds, cache: Path) -> Path:
    """The start of a clip as a file of its own."""
    state = path.stat()
    name = names.digest(path.absolute(), state.st_size, state.st_mtime_ns, seconds)[:24]
    start = cache / "starts" / f"{name}.flac"
    if not start.is_file():
        decoded = audio.read(path)
        kept = decoded.samples[: round(seconds * decoded.sample_rate)]
        with jsonio.replacing(start) as partial:
            audio.write(partial, kept, decoded.sample_rate, "flac")
    return start


def gather(clips: Clips, folder: Path) -> dict[str, Path]:
    """Puts the clips beside a report, as a set that the listening test takes; gives their paths."""
    if any(sound.path.parent.resolve() == folder.resolve() for sound in clips.sounds):
        return {sound.key: sound.path for sound in clips.sounds}  # it is the set that was given
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}
    for sound in clips.sounds:
        place = folder / f"{sound.key}{sound.path.suffix.lower()}"
        found[sound.key] = place
        if place.exists() and place.samefile(sound.path):
            continue
        place.unlink(missing_ok=True)
        try:
            os.link(sound.path, place)
        except OSError:  # another disk, or one without links
            with jsonio.replacing(place) as partial:
                shutil.copyfile(sound.path, partial)
    kept = {path.name for path in found.values()}
    for path in folder.iterdir():
        if path.suffix.lower() in AUDIO and path.name not in kept:
            path.unlink()
    said = [Prompt(key, text) for key, text in clips.texts.items() if key in found]
    if said:
        pairs.write_prompts(folder, said)
    else:
        with contextlib.suppress(FileNotFoundError):
            (folder / pairs.PROMPTS).unlink()
    return found
