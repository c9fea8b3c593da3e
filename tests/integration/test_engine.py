"""The process pool under work that crashes, hangs, eats memory; and a driver that dies."""

import contextlib
import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import misbehave
import psutil
import pytest
import rig
from crashing import Crashing
from misbehave import Task

from curate import api
from curate.engine import Lost
from curate.engine.local import AHEAD, LocalEngine
from curate.errors import CurateError

pytestmark = pytest.mark.integration

CULPRITS = {
    "segfault": "worker_crashed",
    "abort": "worker_crashed",
    "exit": "worker_crashed",
    "exit quietly": "worker_timeout",  # pebble takes an exit code of 0 for a good sign
    "killed": "worker_memory",
    "terminated": "worker_crashed",
    "hang": "worker_timeout",
    "stuck in C": "worker_timeout",
    "memory": "worker_memory",
}
TIMEOUT = 1.0


@pytest.fixture(autouse=True)
def nobody_left() -> Iterator[None]:
    """After every test this process has no children but multiprocessing's tracker."""
    yield
    deadline = time.monotonic() + 5
    while left := [p for p in workers() if p.is_running()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def workers(of: int | None = None) -> list[psutil.Process]:
    """Children that are workers, zombies included."""
    found = []
    for child in psutil.Process(of).children(recursive=True):
        try:
            if "resource_tracker" not in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            pass
    return found


def runs(log: Path, name: str) -> list[float]:
    """When a task was begun."""
    lines = (log / name).read_text().splitlines()
    return [float(line.split()[1]) for line in lines if not line.startswith("end")]


def ends(log: Path, name: str) -> list[float]:
    lines = (log / name).read_text().splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith("end")]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pids: list[int], within: float) -> bool:
    deadline = time.monotonic() + within
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Mixed:
    """One run of all culprits among good jobs."""

    def __init__(self, log: Path) -> None:
        self.log = log
        tasks = []
        for number, kind in enumerate(CULPRITS):
            tasks += [Task(f"good{number}", "good", log), Task(kind, kind, log)]
        tasks += [Task(f"last{number}", "good", log) for number in range(4)]
        started = time.monotonic()
        engine = LocalEngine(2, TIMEOUT, memory_bytes=1 << 30)
        self.done = {done.job.name: done.result for done in engine.map(misbehave.run, tasks)}
        self.seconds = time.monotonic() - started
        self.tasks = tasks


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Mixed:
    return Mixed(tmp_path_factory.mktemp("mixed"))


def test_every_job_is_done_once(mixed: Mixed) -> None:
    assert sorted(mixed.done) == sorted(task.name for task in mixed.tasks)


def test_the_good_are_not_harmed(mixed: Mixed) -> None:
    good = [task.name for task in mixed.tasks if task.kind == "good"]
    assert [mixed.done[name] for name in good] == good
    assert [len(runs(mixed.log, name)) for name in good] == [1] * len(good)


@pytest.mark.parametrize("kind", CULPRITS)
def test_culprit_is_lost_with_its_code(mixed: Mixed, kind: str) -> None:
    result = mixed.done[kind]
    assert isinstance(result, Lost)
    assert result.code == CULPRITS[kind]
    assert result.reason


@pytest.mark.parametrize("kind", CULPRITS)
def test_culprit_is_run_once_more_alone(mixed: Mixed, kind: str) -> None:
    assert len(runs(mixed.log, kind)) == 2
    _, again = runs(mixed.log, kind)
    good = [task.name for task in mixed.tasks if task.kind == "good"]
    assert again > max(end for name in good for end in ends(mixed.log, name))


def test_time_limits_hold(mixed: Mixed) -> None:
    assert mixed.seconds < 40


def test_all_workers_crash_at_once(tmp_path: Path) -> None:
    tasks = [Task(f"t{n}", "exit" if n < 4 else "good", tmp_path) for n in range(8)]
    done = {d.job.name: d.result for d in LocalEngine(2, 10).map(misbehave.run, tasks)}
    lost = [name for name, result in done.items() if isinstance(result, Lost)]
    assert sorted(lost) == [f"t{n}" for n in range(4)]
    assert all(len(runs(tmp_path, name)) == 2 for name in lost)


def test_big_results_come_back_whole(tmp_path: Path) -> None:
    tasks = [Task(f"t{n}", "big", tmp_path) for n in range(4)]
    for done in LocalEngine(2, 30).map(misbehave.run, tasks):
        assert done.result == bytes(50_000_000)


def test_a_bug_is_raised_and_not_hidden(tmp_path: Path) -> None:
    tasks = [Task("slow", "slow", tmp_path), Task("bug", "raise", tmp_path)]
    with pytest.raises(KeyError, match="a bug"):
        list(LocalEngine(2, 30).map(misbehave.run, tasks))


def test_jobs_are_drawn_as_there_is_room(tmp_path: Path) -> None:
    drawn = 0

    def tasks() -> Iterator[Task]:
        nonlocal drawn
        for number in range(30):
            drawn += 1
            yield Task(f"t{number}", "good", tmp_path)

    finished = 0
    for _ in LocalEngine(2, 30).map(misbehave.run, tasks()):
        finished += 1
        assert drawn - finished <= 2 * AHEAD
    assert finished == 30


def test_no_process_is_started_for_nothing() -> None:
    before = multiprocessing.active_children()
    assert list(LocalEngine(2, 30).map(misbehave.run, [])) == []
    assert multiprocessing.active_children() == before


@pytest.mark.parametrize("kind", ["hang", "stuck in C"])
def test_closing_the_iterator_stops_the_workers_at_once(tmp_path: Path, kind: str) -> None:
    tasks = [Task("good", "good", tmp_path), *(Task(f"t{n}", kind, tmp_path) for n in range(4))]
    finished = LocalEngine(2, 60).map(misbehave.run, tasks)
    assert next(finished).job.name == "good"
    while len(list(tmp_path.glob("t*"))) < 2:
        time.sleep(0.02)
    pids = [process.pid for process in workers()]
    started = time.monotonic()
    finished.close()
    assert time.monotonic() - started < 2
    assert gone(pids, 1)


def test_an_error_of_the_jobs_stops_the_workers(tmp_path: Path) -> None:
    def tasks() -> Iterator[Task]:
        yield Task("hang", "hang", tmp_path)
        yield Task("good", "good", tmp_path)
        raise CurateError("the listing broke")

    with pytest.raises(CurateError, match="listing"):
        list(LocalEngine(2, 60).map(misbehave.run, tasks()))


DRIVER = """\
import sys
from pathlib import Path
import misbehave
from curate.engine.local import LocalEngine
tasks = [misbehave.Task(f"t{n}", sys.argv[2], Path(sys.argv[1])) for n in range(4)]
list(LocalEngine(2, 60).map(misbehave.run, tasks))
"""


@pytest.mark.parametrize("kind", ["hang", "stuck in C", "deaf"])
def test_workers_die_with_their_driver(tmp_path: Path, kind: str) -> None:
    script = [sys.executable, "-c", DRIVER, str(tmp_path), kind]
    path = f"{rig.ROOT}:{Path(__file__).parent}"
    driver = subprocess.Popen(script, env=rig.environment(PYTHONPATH=path))
    try:
        while len(list(tmp_path.glob("t*"))) < 2:
            assert driver.poll() is None
            time.sleep(0.02)
        pids = [process.pid for process in psutil.Process(driver.pid).children(recursive=True)]
        assert len(pids) >= 2
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    assert gone(pids, 2)


def test_workers_without_any_memory_are_no_hang(tmp_path: Path) -> None:
    tasks = [Task(f"t{n}", "big", tmp_path) for n in range(3)]
    with contextlib.suppress(CurateError):  # no worker can start: right as well
        done = list(LocalEngine(2, 60, memory_bytes=1 << 20).map(misbehave.run, tasks))
        assert [d.result.code for d in done if isinstance(d.result, Lost)] == ["worker_memory"] * 3


def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    rig.song(tmp_path / "song.flac", 1)
    artists = rig.recipe(tmp_path, {"A": ["song.flac"]})
    script = tmp_path / "script.py"
    script.write_text(f"import curate\ncurate.build({str(artists)!r}, jobs=1)\n")
    done = subprocess.run(
        [sys.executable, script],
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "if __name__ == '__main__'" in done.stderr.strip().splitlines()[-1]


def test_a_track_that_kills_its_worker_costs_only_itself(tmp_path: Path) -> None:
    kinds = {"segfault": "worker_crashed", "killed": "worker_memory"}
    for number, name in enumerate([*kinds, "one", "two", "three"]):
        rig.song(tmp_path / f"{name}.flac", number)
    artists = rig.recipe(tmp_path, {"A": ["*.flac"]})
    engine = Crashing(2, 60.0)
    result = api.build(artists, engine=engine)
    assert result.counts.tracks == 3
    about = {row["title"]: row for row in rig.rejected(result.out)}
    assert {title: row["code"] for title, row in about.items()} == kinds
    assert {row["stage"] for row in about.values()} == {"worker"}
    assert api.validate(result.out, deep=True).ok

    healed = rig.Counting()
    again = api.build(artists, engine=healed)
    assert sorted(job.track.title for job in healed.jobs) == sorted(kinds)
    assert again.counts.tracks == 5
