"""What a run learns from: found, checked before the first step, and read in a fixed order.

Which clip comes at which step, where it is cut and what text it gets depend only on the seed and
the place in the run, so a run that was killed goes on as if nothing had been.
"""

import contextlib
import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TrainingError

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

STAGES = {"train": "train", "valid": "valid", "evaluate": "test", "generate": "test"}
"""Which split each stage of a run reads."""

SHOWN = 5
"""Findings that a message quotes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder to learn from.

    Attributes:
        folder: As given, absolute.
        ours: True if `curate build` made it.
        manifests: The manifest of each split there is: train, valid, test.
    """

    folder: Path
    ours: bool
    manifests: dict[str, Path]


@dataclass(frozen=True, slots=True)
class Split:
    """What one split holds.

    Attributes:
        clips: How many.
        hours: Their length.
        shortest_s: Length of the shortest clip, in seconds.
        longest_s: Length of the longest clip, in seconds.
        lowest_hz: Lowest sample rate.
    """

    clips: int
    hours: float
    shortest_s: float
    longest_s: float
    lowest_hz: int


def locate(folder: str | None) -> Source:
    """Finds the manifests of a dataset; opens nothing.

    Raises:
        TrainingError: There is no such folder, or no manifest of a training split in it.
    """
    from curate.validate import layout

    if not folder:
        raise TrainingError(
            "data= is missing: name a dataset that `curate build` made, or a folder with "
            "audiocraft's manifests in train/, valid/ and test/"
        )
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise TrainingError(f"data={folder}: there is no such folder")
    found = layout.find(root)
    manifests: dict[str, Path] = {}
    for manifest in found.manifests:
        if manifest.split is None:
            continue
        if manifest.split in manifests:
            raise TrainingError(
                f"data={folder}: two manifests of the split {manifest.split}: "
                f"{manifests[manifest.split]} and {manifest.path}; name the folder of one dataset"
            )
        manifests[manifest.split] = manifest.path
    for split in ("train", "valid"):
        if split not in manifests:
            raise TrainingError(
                f"data={folder}: no manifest of the split {split}; expected "
                f"{split}/data.jsonl in it or in its manifests/"
            )
    return Source(found.root, found.ours, manifests)


def fingerprint(source: Source) -> str:
    """Names the content: 12 hex digits, part of an experiment's signature.

    Of our datasets the one in build.json; of others a hash of their manifests, of what lies beside
    the clips, and of the clips' sizes. Moving a folder, with the paths in its manifests, changes
    neither.
    """
    if source.ours:
        try:
            own = json.loads((source.folder / "build.json").read_bytes())["fingerprint"]
            return str(own)[:12]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"data={source.folder}: build.json does not say the dataset's fingerprint "
                f"({error!r}); run curate build again"
            ) from error
    lines = {split: _lines(path) for split, path in sorted(source.manifests.items())}
    paths = [_whole(line["path"]) for some in lines.values() for line in some if "path" in line]
    root = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    digest = hashlib.sha256()
    for split, some in lines.items():
        digest.update(f"{split}\n".encode())
        for line in some:
            digest.update(_content(line, root))
    return digest.hexdigest()[:12]


def _content(line: dict[str, Any], root: Path) -> bytes:
    """What a line of a manifest says and leads to, wherever its files are."""
    told, beside, size = line, b"", -1
    if "path" in line:
        path = _whole(line["path"])
        told = line | {"path": path.relative_to(root).as_posix()}
        with contextlib.suppress(OSError):  # what is missing, `check` finds
            size = path.stat().st_size
        with contextlib.suppress(OSError):
            beside = path.with_suffix(".json").read_bytes()
    said = json.dumps([told, size], sort_keys=True).encode()
    return said + hashlib.sha256(beside).digest()


def _whole(path: str) -> Path:
    return Path(os.path.abspath(path))  # without looking: "a/../b" is "b"


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a manifest; those that are none by themselves, for `check` to find."""
    found: list[dict[str, Any]] = []
    try:
        raw = _raw(path)
    except (OSError, EOFError, zlib.error):
        raw = b""
    for text in raw.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        whole = isinstance(line, dict) and isinstance(line.get("path", ""), str)
        found.append(line if whole else {"text": text.hex()})
    return found


def check(source: Source) -> None:
    """Everything `curate validate` finds, before the first step.

    Raises:
        TrainingError: A split that is needed is empty, or the dataset has errors; the message
            quotes the first.
    """
    from curate import validate

    for split in ("train", "valid"):
        path = source.manifests[split]
        with contextlib.suppress(OSError, EOFError, zlib.error):  # what is broken, is found below
            if not _raw(path).strip():
                raise TrainingError(
                    f"data={source.folder}: the split {split} is empty ({path}); give it songs: "
                    f"a larger split.{split} in artists.yaml, or more music"
                )
    report = validate(source.folder)
    errors = [finding for finding in report.findings if finding.severity == "error"]
    if errors:
        lines = [f"  {one.file}:{one.line or ''} {one.code}: {one.message}" for one in errors]
        more = f"\n  and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        raise TrainingError(
            f"data={source.folder}: {len(errors)} findings; `curate validate {source.folder}` "
            "shows all:\n" + "\n".join(lines[:SHOWN]) + more
        )


def measure(source: Source) -> dict[str, Split]:
    """What the manifests say of each split; of one without clips nothing."""
    found: dict[str, Split] = {}
    for split, path in source.manifests.items():
        entries = _entries(path)
        if not entries:
            continue
        lengths = [float(entry["duration"]) for entry in entries]
        rates = [int(entry["sample_rate"]) for entry in entries]
        hours = sum(lengths) / 3600
        found[split] = Split(len(entries), hours, min(lengths), max(lengths), min(rates))
    return found


def _entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _raw(path).splitlines() if line.strip()]


def _raw(path: Path) -> bytes:
    import gzip

    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def fit(cfg: Any, source: Source, splits: dict[str, Split], given_segment: bool) -> None:
    """Fills in what the data decides: length of a crop, steps of an epoch, where to read.

    Args:
        cfg: The run's configuration, after `base.adopt`.
        source: The dataset.
        splits: From `measure`.
        given_segment: Whether the user chose the length of a crop.

    Raises:
        TrainingError: The data does not have the sound that the base needs.
    """
    from omegaconf import open_dict

    train = splits["train"]
    if train.lowest_hz < cfg.sample_rate:
        raise TrainingError(
            f"data={source.folder}: clips of {train.lowest_hz} Hz, the base needs "
            f"{cfg.sample_rate} Hz; build with chunk.sample_rate: {cfg.sample_rate}"
        )
    if cfg.channels == 2:
        _check_stereo(source, splits)
    with open_dict(cfg):
        if not given_segment:
            cfg.dataset.segment_duration = min(cfg.dataset.segment_duration, train.longest_s)
        if not cfg.optim.updates_per_epoch:
            each = cfg.dataset.batch_size * cfg.optim.accumulate
            cfg.optim.updates_per_epoch = math.ceil(train.clips / each)
        cfg.datasource = {
            "max_sample_rate": train.lowest_hz,
            "max_channels": cfg.channels,
            **{stage: str(manifest_of(source, splits, stage)) for stage in STAGES},
        }
        # Samples of an untrained model clip, and upstream would print a line for each.
        cfg.generate.audio.update({"sample_rate": cfg.sample_rate, "log_clipping": False})


def _check_stereo(source: Source, splits: dict[str, Split]) -> None:
    """Looks at the head of every file: audiocraft would take a mono one for two equal channels."""
    paths = [Path(one["path"]) for split in splits for one in _entries(source.manifests[split])]
    mono = [path for path in dict.fromkeys(paths) if _channels(path) < 2]
    if mono:
        raise TrainingError(
            f"data={source.folder}: {len(mono)} of {len(set(paths))} clips are mono, such as "
            f"{mono[0]}, and the base is stereo; build with chunk.channels: 2, or take a mono base"
        )


def _channels(path: Path) -> int:
    import soundfile

    try:
        return int(soundfile.info(path).channels)
    except soundfile.LibsndfileError:  # m4a, for one, which audiocraft can read
        from audiocraft.data.audio import audio_info

        return int(audio_info(path).channels)


def manifest_of(source: Source, splits: dict[str, Split], stage: str) -> Path:
    """The manifest a stage reads; valid stands in for a test split that is not there."""
    split = STAGES[stage]
    return source.manifests[split if split in splits else "valid"]


def sidecars(source: Source) -> Iterator[dict[str, Any]]:
    """What lies beside each training clip; empty where nothing does."""
    for entry in _entries(source.manifests["train"]):
        sidecar = Path(entry["path"]).with_suffix(".json")
        yield json.loads(sidecar.read_bytes()) if sidecar.exists() else {}


def loaders(cfg: Any, rank: int = 0, workers: int = 1) -> "dict[str, DataLoader[Any]]":
    """The loader of each stage: audiocraft's clips and texts, batched.

    Args:
        cfg: After `fit`.
        rank: Which of the processes that train together this is.
        workers: How many there are; the batch is a multiple of it, see `settings`.
    """
    from torch.utils.data import DataLoader

    batch = cfg.dataset.batch_size
    found = {}
    for stage in STAGES:
        dataset = _dataset(cfg, stage)
        each = batch // workers * (cfg.optim.accumulate if stage == "train" else 1)
        found[stage] = DataLoader(
            dataset,
            batch_size=each,
            sampler=Places(len(dataset), rank, workers),
            num_workers=cfg.dataset.num_workers,
            collate_fn=dataset.collater,
            pin_memory=cfg.device == "cuda",
        )
    return found


def _dataset(cfg: Any, stage: str) -> Any:
    from . import text
    from .clips import ClipDataset

    options = dict(cfg.dataset[stage])
    count = options.pop("num_samples", None)
    whole = ClipDataset.from_meta(
        cfg.datasource[stage],
        segment_duration=cfg.dataset.segment_duration,
        min_segment_ratio=cfg.dataset.min_segment_ratio,
        sample_rate=cfg.sample_rate,
        channels=cfg.channels,
        texts=text.parse_options(cfg.text),
        training=stage == "train",
        seed=cfg.seed,
        shuffle=options.pop("shuffle", False),
        sample_on_duration=options.pop("sample_on_duration", False),
        sample_on_weight=options.pop("sample_on_weight", False),
        **options,
    )
    if stage == "train":
        each = cfg.dataset.batch_size * cfg.optim.accumulate
        whole.num_samples = each * cfg.optim.updates_per_epoch
    else:
        whole.num_samples = min(count or len(whole.meta), len(whole.meta))
    return whole


class Places:
    """The places of an epoch this process reads, in order: a sampler.

    The dataset itself shuffles, by epoch and place; so a place always means the same clip.

    Attributes:
        skip: Places of the whole epoch, over all processes, that were done before.
    """

    def __init__(self, count: int, rank: int, workers: int) -> None:
        self.count = count
        self.rank = rank
        self.workers = workers
        self.skip = 0

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.skip + self.rank, self.count, self.workers))

    def __len__(self) -> int:
        return len(range(self.skip + self.rank, self.count, self.workers))
