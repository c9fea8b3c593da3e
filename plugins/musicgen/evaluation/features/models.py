"""The weights that metrics need from outside: which there are, where they lie, how they are had.

    python -m plugins.musicgen.evaluation.features.models [--models DIR]

fetches Essentia's VGGish and discogs-effnet into the models folder of `curate models`, with the
same downloads and checks. CLAP is not fetched: it comes from a folder, or from what `hf download`
has put into the cache of the Hub. Nothing is downloaded while a model is evaluated.
"""

import argparse
import hashlib
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.errors import CurateError
from curate.labels.models import weights, zoo
from curate.labels.models.weights import Files
from curate.labels.models.zoo import Model

from ..metrics.outcome import Checkpoint, NotRun

VGGISH = Model(
    "audioset-vggish-3",
    "feature-extractors/vggish",
    "",
    "embedding",
    "",
    16000,
    "model/Placeholder",
    "model/vggish/embeddings",
    288.0,
    "S. Hershey et al.: CNN Architectures for Large-Scale Audio Classification, ICASSP 2017",
    {},
)
"""AudioSet's VGGish as Essentia distributes it; its hash is recorded at the first fetch."""

EFFNET = zoo.BY_NAME[zoo.EFFNET]

CLAP = "laion/clap-htsat-unfused"
MUQ = "OpenMuQ/MuQ-MuLan-large"

PROBE_S = 120.0
"""Longest a try of a graph may take."""

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names of the weights in a folder of transformers; the safer first."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where weights are.

    Attributes:
        essentia: The models folder of `curate models`; None for the usual one.
        clap: A folder in the format of transformers, or a name on the Hub.
        muq: Likewise.
        compression: The base's compression model (audiocraft's), for EnCodec's embeddings.
    """

    essentia: Path | None = None
    clap: str = CLAP
    muq: str = MUQ
    compression: Any = None


def essentia(models: tuple[Model, ...], place: Path | None) -> tuple[Files, ...]:
    """The files of models of Essentia's, checked as `curate` does.

    Raises:
        NotRun: One is missing, cut off, changed or another file.
    """
    folder, onnx = weights.folder(place), weights.onnx_available()
    try:
        for state in weights.states(models, folder):
            if state.problem:
                name = state.model.name
                why = f"the weights of {name} cannot be used: {state.problem} (in {folder})"
                raise NotRun(why, _command(state.model, folder, onnx=onnx))
        return weights.find(models, folder, onnx=onnx)
    except CurateError as error:
        raise NotRun(str(error)) from None


def checkpoint(files: Files) -> Checkpoint:
    """What to say of such files."""
    return Checkpoint(files.weights.name, files.sha256)


_PROBE = """
import sys, numpy
from pathlib import Path
from curate.labels.models.runners import Graph, Unfit
path, takes, gives, *shape = sys.argv[1:]
try:
    Graph(Path(path), takes, (gives,)).run(numpy.zeros((1, *map(int, shape)), numpy.float32))
except Unfit as why:
    sys.exit(f"UNFIT {why}")
"""


def probe(files: Files, shape: tuple[int, ...]) -> None:
    """Tries a TensorFlow graph on zeros of this shape, in a process of its own.

    A file that is no graph can crash the process that reads it, and with it a training. Of files
    whose hash is pinned that cannot be.

    Raises:
        NotRun: It does not run.
    """
    if files.backend != "pb" or files.model.pinned.get("pb") == files.sha256:
        return
    model = files.model
    words = [str(files.weights), model.input, model.output, *map(str, shape)]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, *words],
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotRun(f"{files.weights} could not be tried: {error}") from None
    if done.returncode:
        said = next((x[6:] for x in done.stderr.splitlines() if x.startswith("UNFIT ")), "")
        why = said or "crashes TensorFlow"
        folder, onnx = files.weights.parent, weights.onnx_available()
        again = f"{files.weights} {why}; remove it"
        raise NotRun(again, _command(model, folder, onnx=onnx))


def _command(model: Model, folder: Path, *, onnx: bool) -> str:
    if model != VGGISH:
        return weights.command(folder, [model.name], onnx=onnx)
    named = "" if folder == weights.folder() else f" --models {shlex.quote(str(folder))}"
    return f"python -m plugins.musicgen.evaluation.features.models{named}"


def hub(name: str, what: str) -> tuple[Path, Checkpoint]:
    """The folder of a model in the format of transformers, and what to say of its weights.

    Args:
        name: A folder, or a name on the Hub: then its files must be in the Hub's cache.
        what: The model's kind, for messages.

    Raises:
        NotRun: It is not there, or its weights are cut off.
    """
    folder, fetch = Path(name).expanduser(), ""
    if not folder.is_dir():
        if name.startswith((".", "/", "~")) or name.count("/") != 1:
            raise NotRun(f"{what}: there is no folder {name}, and it is no name on the Hub")
        folder, fetch = _cached(name, what), f"hf download {name}"
    found = [folder / file for file in WEIGHTS if (folder / file).is_file()]
    if not found or not (folder / "config.json").is_file():
        raise NotRun(f"{what}: {folder} lacks config.json or {' and '.join(WEIGHTS)}", fetch)
    with found[0].open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    told = found[0].resolve().name  # in the Hub's cache files are called by their hash
    if re.fullmatch("[0-9a-f]{64}", told) and told != sha256:
        why = f"{what}: {found[0]} is cut off or changed"
        raise NotRun(why, f"hf download --force-download {name}")
    return folder, Checkpoint(name, sha256)


def _cached(name: str, what: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        why = f"{what}: the weights of {name} are not on this machine"
        raise NotRun(why, f"hf download {name}") from None
    except HFValidationError as error:
        raise NotRun(f"{what}: {name!r} is no name on the Hub: {error}") from None


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    from curate.labels.models import fetching

    parser = argparse.ArgumentParser(
        prog="python -m plugins.musicgen.evaluation.features.models",
        description="Fetches VGGish and discogs-effnet, which evaluation embeds clips with.",
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="the models folder")
    given = parser.parse_args(arguments)
    folder = weights.folder(given.models)
    try:
        done = fetching.fetch((VGGISH, EFFNET), folder)
    except CurateError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    sys.stdout.write(f"{folder}: {len(done.written)} files fetched, {done.models} models whole\n")


if __name__ == "__main__":
    main()
