"""Sets of clips on disk, and the pairs that two of them make.

A set is a folder with `<id>.wav` or `<id>.flac`, one a prompt, and `prompts.jsonl`:

    {"id": "piano", "prompt": "a slow piano piece in D minor"}

Whoever generates for a test writes this layout (`write_prompts`); a folder that is filled by hand
does as well. A set without `prompts.jsonl` takes its prompts from the data folder: from its
`prompts.jsonl`, else from the clips of its test split, by the stem of their files.
"""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from curate import jsonio

from ..errors import TrainingError

PROMPTS = "prompts.jsonl"
SUFFIXES = (".wav", ".flac")
LONGEST_PROMPT = 2000
"""Characters: about what MusicGen's text encoder reads."""

SHOWN = 10
"""Ids and faults that a message quotes."""


class ListeningError(TrainingError):
    """A listening test that cannot be held: the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A line of `prompts.jsonl`.

    Attributes:
        id: Name of its clips, without the suffix.
        prompt: The text the clips were generated from.
    """

    id: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two clips from the same prompt.

    Attributes:
        prompt: What both were asked for.
        a: File of the first set.
        b: File of the second set.
    """

    prompt: Prompt
    a: Path
    b: Path


def write_prompts(folder: Path, prompts: Iterable[Prompt]) -> None:
    """Writes `prompts.jsonl` of a set, atomically."""
    jsonio.write_lines(folder / PROMPTS, prompts)


def read_prompts(folder: Path) -> dict[str, Prompt] | None:
    """The prompts of a set by id, in the file's order; None where it has no `prompts.jsonl`.

    Args:
        folder: Of the set, or a file like its `prompts.jsonl` by itself.

    Raises:
        ListeningError: A line is no prompt, an id is there twice or can be no file's name.
    """
    path = folder if folder.is_file() else folder / PROMPTS
    if not path.is_file():
        return None
    found: dict[str, Prompt] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        prompt = _prompt(line, f"{path}:{number}")
        if prompt.id in found:
            raise ListeningError(
                f"{path}:{number}: the id {prompt.id!r} is there twice; rename one"
            )
        found[prompt.id] = prompt
    if not found:
        raise ListeningError(f'{path} is empty; expected lines like {{"id": "1", "prompt": "..."}}')
    return found


def _prompt(line: bytes, place: str) -> Prompt:
    try:
        prompt = jsonio.decode(line, Prompt)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ListeningError(
            f'{place}: no prompt ({error}); expected {{"id": "...", "prompt": "..."}}'
        ) from None
    if not _is_name(prompt.id):
        raise ListeningError(
            f"{place}: the id {prompt.id!r} cannot name a file; expected a text without / and \\ "
            "that does not start with a dot"
        )
    if not 0 < len(prompt.prompt.strip()) <= LONGEST_PROMPT:
        raise ListeningError(
            f"{place}: the prompt of {prompt.id!r} has to be a text of 1 to {LONGEST_PROMPT} "
            "characters"
        )
    return prompt


def _is_name(text: str) -> bool:
    """Whether it can be the stem of a file in a folder, and of no file elsewhere."""
    plain = text.isprintable() and not set(text) & set('/\\:*?"<>|')
    return plain and 0 < len(text) <= 200 and not text.startswith(".")


def find(a: Path, b: Path, data: Path | None = None) -> list[Pair]:
    """All pairs of two sets, in the order of their prompts.

    Args:
        a: Folder of the first set.
        b: Folder of the second set.
        data: Where prompts come from that the sets do not tell.

    Raises:
        ListeningError: A folder is no set, a pair is not whole, or the sets were generated from
            different prompts.
    """
    for folder in (a, b, *([data] if data else [])):
        if not folder.is_dir():
            raise ListeningError(f"{folder}: there is no such folder")
    if a.resolve() == b.resolve():
        raise ListeningError(f"{a}: both sets are this folder; a comparison needs two")
    files = (_clips(a), _clips(b))
    prompts = _agreed(a, b, data, files[0].keys() | files[1].keys())
    for folder, clips in zip((a, b), files, strict=True):
        missing = [name for name in prompts if name not in clips]
        if missing:
            raise ListeningError(
                f"{folder}: no clip for {_quoted(missing)} (of {len(prompts)} prompts); expected "
                f"files like {missing[0]}.wav: generate them, or take the prompts out of both sets"
            )
    return [Pair(prompt, files[0][name], files[1][name]) for name, prompt in prompts.items()]


def choose(pairs: list[Pair], count: int, seed: int) -> list[Pair]:
    """So many of the pairs, drawn by chance but the same for a seed, in their order; or all."""
    if len(pairs) <= count:
        return pairs
    places = random.Random(seed).sample(range(len(pairs)), count)
    return [pairs[place] for place in sorted(places)]


def _clips(folder: Path) -> dict[str, Path]:
    """The audio files of a set by stem."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise ListeningError(
                f"{folder}: {found[path.stem].name} and {path.name} are both clips of "
                f"{path.stem!r}; keep one"
            )
        found[path.stem] = path
    if not found:
        raise ListeningError(
            f"{folder}: no clips; expected <id>.wav or <id>.flac and {PROMPTS} in it"
        )
    return found


def _agreed(a: Path, b: Path, data: Path | None, there: Iterable[str]) -> dict[str, Prompt]:
    """What the sets say they were generated from, which has to be the same for both."""
    told = [(folder, said) for folder in (a, b) if (said := read_prompts(folder)) is not None]
    if data is not None and (said := read_prompts(data)) is not None:
        told.append((data, _only(said, there)))  # it may hold more than was generated
    if not told:
        return _of_test_split(a, b, data, there)
    every: dict[str, Prompt] = {}
    first: dict[str, Path] = {}
    for folder, prompts in told:
        for name, prompt in prompts.items():
            known = every.setdefault(name, prompt)
            place = first.setdefault(name, folder)
            if known.prompt.strip() != prompt.prompt.strip():
                raise ListeningError(
                    f"the prompt {name!r} is {known.prompt!r} in {place / PROMPTS} but "
                    f"{prompt.prompt!r} in {folder / PROMPTS}; only clips from the same prompts "
                    "can be compared: generate one set again"
                )
    if not every:
        raise ListeningError(f"{data}: no prompt of {PROMPTS} has clips in {a} or {b}")
    return every


def _only(prompts: Mapping[str, Prompt], names: Iterable[str]) -> dict[str, Prompt]:
    kept = set(names)
    return {name: prompt for name, prompt in prompts.items() if name in kept}


def _of_test_split(a: Path, b: Path, data: Path | None, there: Iterable[str]) -> dict[str, Prompt]:
    """Descriptions of a dataset's test clips, for sets whose clips are named after those."""
    if data is None:
        raise ListeningError(
            f"{a} and {b} have no {PROMPTS}: name the folder with the prompts by --data DIR"
        )
    described = _described(data)
    found = _only(described, there)
    if not found:
        raise ListeningError(
            f"{data}: none of its {len(described)} test clips has the name of a clip in {a} or "
            f"{b}; write {PROMPTS} into both sets"
        )
    return found


def _described(data: Path) -> dict[str, Prompt]:
    from curate.validate import layout

    manifests = [m.path for m in layout.find(data).manifests if m.split == "test"]
    if len(manifests) != 1:
        raise ListeningError(
            f"{data}: {len(manifests)} manifests of a test split and no {PROMPTS}; expected a "
            "dataset that `curate build` made, or a folder with prompts"
        )
    found: dict[str, Prompt] = {}
    for line in manifests[0].read_bytes().splitlines():
        path = Path(json.loads(line)["path"])
        sidecar = path.with_suffix(".json")
        if sidecar.is_file() and (text := jsonio.load_json(sidecar).get("description")):
            found[path.stem] = Prompt(path.stem, str(text))
    return found


def _quoted(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(name) for name in names[:SHOWN]) + more
