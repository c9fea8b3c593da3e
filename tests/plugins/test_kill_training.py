"""Killed at any moment and started again, a training goes on as if nothing had been.

Each test trains twice by real `dora run` processes: once undisturbed, and once by processes that
SIGKILL ends, one after the other, at moments of chance and at those that are delicate. Afterwards
all that can be known of the two is the same, bit for bit: every update's loss in TensorBoard, the
history, the checkpoint with weights, optimizer, averages and scaler, and the generated sound.
"""

import json
import random
import signal
import socket
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from forked import Death, Forks, Order

pytestmark = pytest.mark.integration

EPOCHS, UPDATES = 2, 8

SETTINGS = (
    "solver=finetune",
    "device=cpu",
    "num_threads=1",
    "dataset.num_workers=0",
    "dataset.generate.num_samples=1",
    "generate.lm.gen_duration=0.5",
    f"optim.epochs={EPOCHS}",
    f"optim.updates_per_epoch={UPDATES}",
    "optim.lr=1e-2",
    "schedule.cosine.warmup=2",
    "checkpoint.every_updates=3",
)

TIMES = {"duration", "clips_per_s", "data_wait", "rtf"}
"""Metrics that are about this machine."""


@dataclass(frozen=True, slots=True)
class Lab:
    """Where runs are made.

    Attributes:
        folder: For them; each has a token cache of its own, to be filled.
        given: What they are told to learn from.
        forks: Starts their processes.
    """

    folder: Path
    given: tuple[str, str]
    forks: Forks

    def run(
        self, name: str, death: Death | None, arguments: Sequence[str], **options: Any
    ) -> list[int]:
        """Exit codes of the processes of a run, or of what is left of it."""
        home = {"XDG_CACHE_HOME": str(self.folder / name / "cache")}
        places = options.pop("environment", [{}])
        order = Order(
            str(self.folder / name),
            [*SETTINGS, *self.given, *arguments],
            str(self.folder / f"{name}.log"),
            death,
            environment=[home | place for place in places],
            **options,
        )
        return self.forks.run(order)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def finish(self, name: str, *arguments: str, **options: Any) -> Path:
        """Trains to the end. Returns the experiment's folder."""
        assert set(self.run(name, None, arguments, **options)) == {0}, self.log(name)[-5000:]
        (folder,) = (self.folder / name / "xps").iterdir()
        return folder

    def kill(self, name: str, death: Death, *arguments: str, **options: Any) -> None:
        """Trains until it dies."""
        ended = self.run(name, death, arguments, **options)
        what = (death, ended, self.log(name)[-5000:])
        if death.moment == "clip":  # it was a process of the run's loader
            assert ended == [1], what
            assert "is killed by signal: Killed" in self.log(name), what
        else:
            assert ended[death.rank] == -death.signal, what
            assert set(ended) <= {-death.signal, -signal.SIGKILL}, what


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, clips: Path, tiny_base: Path) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("runs")
    for split in ("train", "valid", "test"):
        path = folder / "data" / split / "data.jsonl"
        path.parent.mkdir(parents=True)
        lines = [own_clip(json.loads(line), folder) for line in manifest(clips, split)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Forks() as forks:
        yield Lab(folder, (f"data={folder / 'data'}", f"base={tiny_base}"), forks)


def manifest(data: Path, split: str) -> list[str]:
    return (data / split / "data.jsonl").read_text().splitlines()


def own_clip(line: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A clip's line, and its files anew: no two are equal, for equal ones share their codes."""
    old = Path(line["path"])
    path = folder / old.name
    sound, rate = soundfile.read(old)
    soundfile.write(path, sound * random.Random(old.name).uniform(0.2, 1), rate)
    path.with_suffix(".json").write_bytes(old.with_suffix(".json").read_bytes())
    return line | {"path": str(path)}


def curve(folder: Path) -> dict[tuple[str, int], set[float]]:
    """What TensorBoard shows within epochs: metric and update -> its values, more if redone."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found = defaultdict(set)
    for path in folder.glob("tensorboard/events*"):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                name = value.tag.removeprefix("step/")
                if name != value.tag and name not in TIMES:
                    found[name, event.step].add(float(make_ndarray(value.tensor)))
    return dict(found)


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Everything in a checkpoint or a history, by its place; not times."""
    if isinstance(value, dict):
        items = [(key, one) for key, one in value.items() if key not in TIMES]
    elif isinstance(value, list | tuple):
        items = list(enumerate(value))
    else:
        return {name: value}
    return {k: v for key, one in items for k, v in flat(one, f"{name}/{key}").items()}


def assert_equal(got: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        same = torch.equal if isinstance(value, torch.Tensor) else lambda one, other: one == other
        assert same(got[name], value), name


def assert_alike(killed: Path, whole: Path) -> None:
    """All that is known of two runs."""
    assert killed.name == whole.name
    wanted = curve(whole)
    assert {len(values) for values in wanted.values()} == {1}
    assert curve(killed) == wanted
    for read in (checkpoint, history, files):
        assert_equal(flat(read(killed)), flat(read(whole)))
    assert len(history(killed)) == EPOCHS


def checkpoint(folder: Path) -> Any:
    return torch.load(folder / "checkpoint.th", weights_only=True)


def history(folder: Path) -> Any:
    return json.loads((folder / "history.json").read_text())


def files(folder: Path) -> dict[str, bytes]:
    """The names of all files but TensorBoard's, and what is in the sounds."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.suffix == ".wav" else b""
        for path in folder.rglob("*")
        if path.is_file() and "tensorboard" not in path.parts
    }


def assert_goes_on(
    lab: Lab, name: str, deaths: Sequence[Death], *arguments: str, **options: Any
) -> Path:
    """A run that dies all these deaths, one after the other, ends like one that does not."""
    whole = lab.finish(f"{name}-whole", *arguments, **options)
    told = {update for _, update in curve(whole)}
    assert max(told) == EPOCHS * UPDATES
    assert len(told) >= EPOCHS * UPDATES / 2
    for death in deaths:
        lab.kill(name, death, *arguments, **options)
    killed = lab.finish(name, *arguments, **options)
    assert_alike(killed, whole)
    return killed


def test_all_parameters(lab: Lab) -> None:
    draw = random.Random(36)
    deaths = [
        Death("keeping codes", draw.randint(2, 11)),  # the token cache is being filled
        Death("update", draw.randint(1, 8)),
        Death("writing"),
        Death("update", draw.randint(2, 4), seconds=draw.uniform(0, 0.1)),
        Death("validating", 2),
        Death("next token", draw.randint(1, 12)),
        Death("history"),
        Death("update", draw.randint(2, 8)),
        Death("history"),  # of the last epoch
    ]
    assert_goes_on(lab, "all", deaths)


def test_an_adapter_with_dropout_and_accumulation(lab: Lab) -> None:
    """A line of the log is about two updates, a checkpoint comes after three."""
    draw = random.Random(37)
    deaths = [
        Death("encoding", draw.randint(2, 11)),
        Death("update", draw.randint(4, 8)),
        Death("scheduling", draw.randint(2, 6)),  # the optimizer has made its step
        Death("synced", draw.choice([1, 2])),  # before the checkpoint has its name, or just after
        Death("update", 2, seconds=draw.uniform(0, 0.1)),
        Death("sample"),
    ]
    adapter = ("adapter=lora", "adapter.dropout=0.2", "optim.accumulate=2")
    assert_goes_on(lab, "adapter", deaths, *adapter, "logging.log_updates=4")


def test_averages_dropped_words_and_a_loader_with_processes(lab: Lab) -> None:
    draw = random.Random(38)
    deaths = [
        Death("averaging", draw.randint(2, 4)),
        Death("clip", draw.randint(2, 4)),  # as where the machine's memory is full
        Death("update", draw.randint(2, 4), seconds=draw.uniform(0, 0.1)),
        Death("choosing the best"),
        Death("curves"),
        Death("writing", draw.randint(1, 2)),  # the checkpoint to keep, or the last
    ]
    average = ("optim.ema.use=true", "optim.ema.updates=2", "model.word_dropout=0.3")
    others = ("dataset.num_workers=2", "checkpoint.save_every=1")
    assert_goes_on(lab, "average", deaths, *average, *others)


def test_half_precision(lab: Lab) -> None:
    """The scaler has the scale of the undisturbed run, and has counted as many good updates."""
    draw = random.Random(39)
    deaths = [
        Death("update", draw.randint(4, 8)),
        Death("scheduling", draw.randint(2, 6)),  # the scaler has decided on the step
        Death("update", draw.randint(4, 8)),
    ]
    killed = assert_goes_on(lab, "half", deaths, half=3)
    scaler = checkpoint(killed)["scaler"]
    assert scaler["growth_interval"] == 3
    assert scaler["_growth_tracker"] > 0
    scales = [values for (name, _), values in curve(killed).items() if name == "grad_scale"]
    assert len(set.union(*scales)) > 2


def test_two_that_train_together(lab: Lab) -> None:
    """DDP, over gloo: one of them dies, and the other with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    meet = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    both = [meet | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
    draw = random.Random(40)
    deaths = [
        Death("update", draw.randint(4, 6), rank=1),
        Death("writing", 2),
        Death("update", draw.randint(2, 4), rank=draw.choice([0, 1])),
    ]
    assert_goes_on(lab, "together", deaths, environment=both)
