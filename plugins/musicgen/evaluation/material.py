"""What a dataset gives to an evaluation: prompts, the real clips they are of, what was trained on.

Prompts are the descriptions of the test split's clips, as validation reads them (`text.elsewhere`);
a clip's key is its file's stem. What a prompt asks for is the `facts` of the sidecar, or, in a
dataset that something else made, its plain fields.
"""

import gzip
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from curate import names
from curate.config import LabelOptions
from curate.labels import vocabulary
from curate.labels.vocabulary import Vocabulary
from curate.records import Facts, Seconds

from ..dataset import data, text
from ..errors import TrainingError
from ..listening.pairs import LONGEST_PROMPT, Prompt
from .features.sounds import Sound

USUAL_S: Seconds = 10.0
"""Length of a generated clip that nobody chose: what CLAP hears at once."""

_NO_NAME = set('/\\:*?"<>|')


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt and the real clip it describes.

    Attributes:
        prompt: Its id is the key of all clips made of it.
        real: The clip in the test split.
        facts: What is known of the clip; a prompt asks for what of this it says.
    """

    prompt: Prompt
    real: Path
    facts: Facts


@dataclass(frozen=True, slots=True)
class Material:
    """A dataset as an evaluation sees it.

    Attributes:
        source: Where it is.
        fingerprint: Of its content, 12 hex digits.
        split: `test`, or `valid` where there is no test split.
        manifest: Of that split.
        items: The prompts, in the order of the manifest.
        test: Every clip of that split, whole.
        train: Every clip of the training split, whole.
        shortest_s: Length of the shortest clip of `test`.
        longest_train_s: Length of the longest training clip.
        options: When the dataset asserts a label.
        words: In which words.
        notes: What a reader of the results should know.
    """

    source: data.Source
    fingerprint: str
    split: str
    manifest: Path
    items: tuple[Item, ...]
    test: tuple[Sound, ...]
    train: tuple[Sound, ...]
    shortest_s: Seconds
    longest_train_s: Seconds
    options: LabelOptions
    words: Vocabulary
    notes: tuple[str, ...]

    @property
    def seconds(self) -> Seconds:
        """How long generated clips are that nobody chose a length for."""
        return min(USUAL_S, self.shortest_s)


def read(folder: Path, limit: int = 0, seed: int = 0) -> Material:
    """Reads a dataset; no audio is opened.

    Args:
        folder: One that `curate build` made, or with audiocraft's manifests.
        limit: So many prompts are drawn; 0: all.
        seed: Of the draw.

    Raises:
        TrainingError: There is no dataset, or no description in its test split.
    """
    source = data.locate(str(folder))
    splits = data.measure(source)
    split = "test" if "test" in splits else "valid"
    manifest = source.manifests[split]
    entries, train = _entries(manifest), _entries(source.manifests["train"])
    test = _sounds(entries)
    items = tuple(_items(test))
    if not items:
        raise TrainingError(
            f"data={folder}: none of the {len(test)} clips of the split {split} has a description; "
            "prompts are made of these: describe the clips, as `curate build` does"
        )
    notes = [] if split == "test" else ["there is no test split: valid stands in for it"]
    if len(items) < len(test):
        notes.append(f"{len(test) - len(items)} clips of {split} have no description to prompt by")
    options, words, said = _labels(source)
    return Material(
        source=source,
        fingerprint=data.fingerprint(source),
        split=split,
        manifest=manifest,
        items=_drawn(items, limit, seed),
        test=test,
        train=_sounds(train),
        shortest_s=splits[split].shortest_s,
        longest_train_s=splits["train"].longest_s,
        options=options,
        words=words,
        notes=(*notes, *said),
    )


def facts_of(sidecar: Mapping[str, Any]) -> Facts:
    """What a sidecar says of its clip."""
    try:
        return msgspec.convert(sidecar.get("facts"), Facts)
    except msgspec.ValidationError:
        pass
    bpm = sidecar.get("bpm")
    return Facts(
        genres=_words(sidecar.get("genre")),
        moods=_words(sidecar.get("moods")),
        instruments=_words(sidecar.get("instrument")),
        bpm=round(bpm) if isinstance(bpm, int | float) and 1 <= bpm <= 1000 else None,
        key=str(sidecar.get("key") or ""),
    )


def _words(value: object) -> tuple[str, ...]:
    every = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(word for one in every if (word := str(one).strip()))


def _entries(manifest: Path) -> list[dict[str, Any]]:
    raw = manifest.read_bytes()
    lines = (gzip.decompress(raw) if manifest.suffix == ".gz" else raw).splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _sounds(entries: list[dict[str, Any]]) -> tuple[Sound, ...]:
    """Clips by the stems of their files, made different, and fit to name files."""
    found: dict[str, Path] = {}
    for entry in entries:
        path = Path(entry["path"])
        key = path.stem if fit(path.stem) and path.stem not in found else names.slug(path.stem)
        own, number = key, 2
        while key in found:
            key, number = f"{own}-{number}", number + 1
        found[key] = path
    return tuple(Sound(key, path) for key, path in found.items())


def fit(stem: str) -> bool:
    """Whether an id can be the stem of a file, and so of a prompt's clips."""
    plain = stem.isprintable() and not set(stem) & _NO_NAME
    return plain and 0 < len(stem) <= 200 and not stem.startswith(".")


def _items(test: tuple[Sound, ...]) -> list[Item]:
    found = []
    for sound in test:
        beside = sound.path.with_suffix(".json")
        sidecar = json.loads(beside.read_bytes()) if beside.exists() else {}
        said = text.elsewhere(sidecar, text.TextOptions())
        if said and len(said) <= LONGEST_PROMPT:
            found.append(Item(Prompt(sound.key, said), sound.path, facts_of(sidecar)))
    return found


def _drawn(items: tuple[Item, ...], limit: int, seed: int) -> tuple[Item, ...]:
    if not 0 < limit < len(items):
        return items
    places = random.Random(seed).sample(range(len(items)), limit)
    return tuple(items[place] for place in sorted(places))


def _labels(source: data.Source) -> tuple[LabelOptions, Vocabulary, list[str]]:
    """Thresholds and words of a dataset; of one that is not ours the usual ones."""
    options, notes = LabelOptions(), []
    if source.ours:
        from curate import dataset
        from curate.errors import CurateError

        try:
            said = dataset.load(source.folder).build.config.get("labels", {})
            options = msgspec.convert(said, LabelOptions)
        except (CurateError, msgspec.ValidationError) as error:
            notes.append(f"build.json does not tell how labels are chosen ({error}): as usual")
    own = options.vocabulary
    if not own:
        return options, vocabulary.load(), notes
    beside = [folder / own for folder in (source.folder, source.folder.parent)]
    there = next((path for path in beside if path.is_file()), None)
    if there is None:
        notes.append(f"the vocabulary {own} is not beside the dataset: words are curate's own")
        return replace(options, vocabulary=None), vocabulary.load(), notes
    return options, vocabulary.load(there), notes
