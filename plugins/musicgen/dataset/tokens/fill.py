"""Fills the cache: which files it lacks, and who encodes them.

Every process goes through all files, each from another place, and leaves out what is there by the
time it comes by. So processes that train together share the work without talking, experiments that
start at once do not wait for each other, and a killed one begins where it was. At worst two encode
the same file, and the one rename replaces the other.
"""

import hashlib
import json
import logging
import os
import random
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import TrainingError
from .crops import Tokens, reach
from .encode import Grid, encode, grid_of, model_hash, read_sound
from .store import DamagedError, Entry, Store, writing
from .telling import Telling

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

HEAD = 1024
"""Bytes of an entry besides its codes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run needs of a file.

    Attributes:
        path: As in the manifest.
        duration_s: As in the manifest, in seconds.
        segment_s: Length of the crops, in seconds.
        ratio: audiocraft's `min_segment_ratio`.
    """

    path: str
    duration_s: float
    segment_s: float
    ratio: float


@dataclass(frozen=True, slots=True)
class _Job:
    path: str
    sha256: str
    claimed: bool  # by the sidecar; not yet compared with the file
    reach: int
    padded: bool

    @property
    def keys(self) -> list[str]:
        """Where its codes may be: with silence behind, where the file turns out to be shorter."""
        long = f"{self.sha256}-{self.reach}"
        return [long] if self.padded else [self.sha256, long]


def default_folder() -> Path:
    """Where the cache is if nobody says where: among the user's."""
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "musicgen-curate"


def fill(
    wishes: Sequence[Wish],
    compression: Any,
    device: str,
    folder: Path,
    *,
    ours: bool,
    workers: int = 2,
    quiet: bool = False,
) -> Tokens:
    """Encodes what the cache lacks, and gives what a dataset reads of it.

    Args:
        wishes: What the run needs; one path may be there twice if its wishes are the same.
        compression: The base's compression model.
        device: Where it is.
        folder: Of the cache.
        ours: The dataset is of `curate build`: its sidecars say the files' SHA-256.
        workers: Threads that read files ahead.
        quiet: Tell nothing: another process does.

    Raises:
        TrainingError: A file cannot be read or is not the one the sidecar tells of, or the
            folder's disk is full.
    """
    store, grid = Store(folder / "tokens", model_hash(compression)), grid_of(compression)
    store.sweep()
    jobs = _jobs(wishes, grid, folder, ours, workers)
    keys: dict[str, str] = {}
    missing = []
    for job in jobs:
        found = _ready(store, grid, job)
        if found is None:
            missing.append(job)
        else:
            keys[job.path] = found
    if missing:
        need = _check_space(missing, store, grid, compression.num_codebooks)
        start = random.SystemRandom().randrange(len(missing))
        ordered = missing[start:] + missing[:start]
        with Telling(len(jobs), len(missing), need, store.folder, quiet) as telling:
            for job, sound in _ahead(ordered, store, grid, max(1, workers)):
                keys[job.path] = _keep(job, sound, store, grid, compression, device)
                telling.step()
    return Tokens(store, grid, keys)


def _jobs(wishes: Sequence[Wish], grid: Grid, folder: Path, ours: bool, workers: int) -> list[_Job]:
    single = list({wish.path: wish for wish in wishes}.values())
    claims = {wish.path: _claim(wish.path) for wish in single} if ours else {}
    paths = [wish.path for wish in single if claims.get(wish.path) is None]
    hashes = _hashes(paths, folder / "seen", workers) if paths else {}
    jobs = []
    for wish in single:
        claim = claims.get(wish.path)
        end = reach(wish.duration_s, wish.segment_s, wish.ratio, grid.sample_rate)
        padded = end > round(wish.duration_s * grid.sample_rate)
        sha256 = claim or hashes[wish.path]
        jobs.append(_Job(wish.path, sha256, claim is not None, end, padded))
    return jobs


def _claim(path: str) -> str | None:
    """The SHA-256 that a clip's sidecar says."""
    try:
        value = json.loads(Path(path).with_suffix(".json").read_bytes())["audio_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) and len(value) == 64 else None


def _hashes(paths: list[str], folder: Path, workers: int) -> dict[str, str]:
    """SHA-256 of files, computed again only for those that changed in size or time."""
    name = hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()[:20]
    memo = folder / f"{name}.json"
    try:
        known = json.loads(memo.read_bytes())
    except (OSError, ValueError):
        known = {}
    now = {path: _stamp(path) for path in paths}
    found = {
        path: known[path][1] for path in paths if known.get(path, [None])[0] == list(now[path])
    }
    rest = [path for path in paths if path not in found]
    if rest:
        with ThreadPoolExecutor(max(1, workers)) as pool:
            found |= dict(zip(rest, pool.map(_sha256, rest), strict=True))
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            waiting = memo.with_name(f"{memo.name}.{os.getpid()}")
            waiting.write_text(json.dumps({path: [now[path], found[path]] for path in paths}))
            waiting.replace(memo)
    return found


def _stamp(path: str) -> tuple[int, int]:
    try:
        about = Path(path).stat()
    except OSError as error:
        raise TrainingError(f"clip {path}: {error.strerror}") from error
    return about.st_size, about.st_mtime_ns


def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ready(store: Store, grid: Grid, job: _Job) -> str | None:
    """Key of a clip's codes, if they are there and good."""
    for key in job.keys:
        try:
            entry = store.read(key)
        except DamagedError as error:
            logger.warning("Token cache: %s; it is made anew", error)
            store.remove(key)
            continue
        if entry is None or entry.codes.shape[1] < grid.frames(job.reach):
            continue
        if entry.size != _stamp(job.path)[0]:
            raise _changed(job)
        return key
    return None


def _changed(job: _Job) -> TrainingError:
    return TrainingError(
        f"clip {job.path}: it is not the file that its sidecar's audio_sha256 tells of; build the "
        "dataset again"
    )


def _check_space(missing: list[_Job], store: Store, grid: Grid, codebooks: int) -> int:
    """Bytes that the missing codes will take.

    Raises:
        TrainingError: There is not so much room.
    """
    each = codebooks * (2 if grid.card <= 2**15 else 4)
    need = sum(grid.frames(job.reach) * each + HEAD for job in missing)
    with writing(store.folder):
        (store.folder / store.model).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(store.folder).free
    if need > free:
        raise TrainingError(
            f"token_cache.folder={store.folder}: the codes of {len(missing):,} clips need "
            f"{need / 2**20:,.0f} MiB, its disk has {free / 2**20:,.0f} MiB free; name another "
            "folder with token_cache.folder=DIR, or do without by token_cache.use=false"
        )
    return need


def _ahead(
    jobs: list[_Job], store: Store, grid: Grid, workers: int
) -> "Iterator[tuple[_Job, torch.Tensor | None]]":
    """The jobs in order, their files read by other threads in the meantime."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[_Job, Future[torch.Tensor | None]]] = deque()
        for job in jobs:
            waiting.append((job, pool.submit(_load, job, store, grid)))
            if len(waiting) > 2 * workers:
                first, sound = waiting.popleft()
                yield first, sound.result()
        for first, sound in waiting:
            yield first, sound.result()


def _load(job: _Job, store: Store, grid: Grid) -> "torch.Tensor | None":
    """Sound of a file; None where another process encoded it by now."""
    if _ready(store, grid, job) is not None:
        return None
    if job.claimed and _sha256(job.path) != job.sha256:
        raise _changed(job)
    return read_sound(job.path, grid)


def _keep(
    job: _Job,
    sound: "torch.Tensor | None",
    store: Store,
    grid: Grid,
    compression: Any,
    device: str,
) -> str:
    """Encodes a clip, unless another process did. Returns the key of its codes."""
    import torch.nn.functional as F

    found = _ready(store, grid, job)
    if found is not None:
        return found
    if sound is None:
        sound = read_sound(job.path, grid)
    samples = sound.shape[-1]
    key = job.keys[0]
    if job.padded or grid.frames(samples) < grid.frames(job.reach):
        key = job.keys[-1]
        sound = F.pad(sound, (0, max(0, job.reach - samples)))
    codes = encode(sound, compression, device)
    store.write(key, Entry(codes.numpy(), samples, _stamp(job.path)[0]))
    return key
