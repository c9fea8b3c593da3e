"""Builds that are killed, stopped or run out of room, and go on as if nothing had been."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import rig

pytestmark = pytest.mark.integration

TRACKS = 6
SECONDS = 7.5
CLIPS = TRACKS * 7

COUNTED = """\
import os, signal, sys
left, name = int(sys.argv[1]), sys.argv[2]
real = getattr(os, name)
def counted(*args, **options):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)
setattr(os, name, counted)
from curate.cli import main
sys.exit(main(sys.argv[3:]))
"""
"""The command, but it is killed instead of calling a function of `os` once more than so often."""


class Home:
    """A folder with sources, where every dataset is built at the same path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "build"
        for number in range(TRACKS):
            rig.song(folder / f"{'ab'[number % 2]}/{number}.flac", number, SECONDS)
        self.artists = rig.recipe(
            folder,
            {"A": ["a/*.flac"], "B": ["b/*.flac"]},
            chunk={"seconds": 1},
            split={"valid": 0.2, "test": 0.2},
        )

    def start(self, *before: str, jobs: int = 2) -> subprocess.Popen[str]:
        """Starts a build in a session of its own."""
        arguments = ["build", "--artists", str(self.artists), "--jobs", str(jobs)]
        command = [sys.executable, *(before or ("-m", "curate.cli")), *arguments]
        return subprocess.Popen(
            command,
            env=rig.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def clips(self) -> int:
        return sum(1 for _ in self.out.glob("audio/*/*/[!.]*.flac"))


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> bool:
    """Waits for a condition; False when the process ended before."""
    while process.poll() is None:
        if condition():
            return True
        time.sleep(0.005)
    return False


def family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def assert_gone(processes: list[psutil.Process]) -> None:
    """All have ended within two seconds."""
    _, left = psutil.wait_procs(processes, timeout=2)
    assert left == []


def kill(process: subprocess.Popen[str]) -> bool:
    """SIGKILL to the driver alone; its workers have to follow. False if it was done before."""
    children = family(process.pid)
    process.kill()
    process.communicate()
    assert_gone(children)
    assert process.returncode in {0, -signal.SIGKILL}
    return process.returncode != 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def wanted(home: Home) -> dict[str, bytes]:
    """What an undisturbed build makes."""
    rig.build(home.artists)
    found = rig.content(home.out)
    assert home.clips() == CLIPS
    return found


@pytest.fixture
def fresh(home: Home, wanted: dict[str, bytes]) -> Home:
    """No dataset there."""
    shutil.rmtree(home.out, ignore_errors=True)
    return home


def assert_finishes_like(home: Home, wanted: dict[str, bytes]) -> None:
    rig.build(home.artists)
    assert rig.differences(rig.content(home.out), wanted) == []
    assert not [path for path in rig.walk(home.folder) if path.name.endswith(".partial")]


def test_one_worker_and_two_make_the_same(fresh: Home, wanted: dict[str, bytes]) -> None:
    process = fresh.start(jobs=1)
    said = "".join(process.communicate(timeout=120))
    assert process.returncode == 0, said
    assert rig.differences(rig.content(fresh.out), wanted) == []


def test_killed_while_writing(home: Home, wanted: dict[str, bytes]) -> None:
    """Before the first sidecar, among them, and before each of the tables' renames."""
    rig.build(home.artists)
    for name in wanted:
        if not name.endswith(".flac"):
            (home.out / name).unlink()
    tables = len([name for name in wanted if not name.startswith("audio/")])
    for renames in (0, CLIPS // 2, CLIPS // 2 - 1, 1, *[1] * (tables - 1)):
        process = home.start("-c", COUNTED, str(renames), "replace")
        said = "".join(process.communicate(timeout=60))
        assert process.returncode == -signal.SIGKILL, said
    assert_finishes_like(home, wanted)


def test_killed_while_sweeping(home: Home, wanted: dict[str, bytes]) -> None:
    rig.build(home.artists)
    recipe = home.artists.read_bytes()
    rig.recipe(home.folder, {"A": ["a/*.flac"]}, chunk={"seconds": 1})
    for unlinked in (0, 7, 20):
        process = home.start("-c", COUNTED, str(unlinked), "unlink")
        said = "".join(process.communicate(timeout=60))
        assert process.returncode == -signal.SIGKILL, said
    rig.build(home.artists)
    assert [path.name for path in (home.out / "audio").iterdir()] == ["a"]
    assert home.clips() == CLIPS // 2
    home.artists.write_bytes(recipe)


def test_killed_while_workers_work(fresh: Home, wanted: dict[str, bytes]) -> None:
    """At six moments: during the start, or some random time after some number of clips."""
    draw = random.Random(20)
    killed = 0
    while killed < 6:
        process = fresh.start(jobs=2 if killed % 4 == 1 else 1)
        if killed in {0, 3}:
            time.sleep(draw.uniform(0.05, 0.6))
        else:
            more = fresh.clips() + draw.randrange(1, 8)
            wait_for(lambda more=more: fresh.clips() >= more, process)  # type: ignore[misc]
            time.sleep(draw.uniform(0.0, 0.2))
        if kill(process):
            killed += 1
        else:
            assert rig.differences(rig.content(fresh.out), wanted) == []
            shutil.rmtree(fresh.out)
    assert_finishes_like(fresh, wanted)


@pytest.mark.parametrize(("whom", "number"), [("driver", signal.SIGTERM), ("group", signal.SIGINT)])
def test_stopped_by_hand(fresh: Home, whom: str, number: signal.Signals) -> None:
    process = fresh.start()
    assert wait_for(lambda: fresh.clips() >= 3, process)
    children = family(process.pid)
    started = time.monotonic()
    (os.kill if whom == "driver" else os.killpg)(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 2
    assert process.returncode == 130, err
    assert "same command goes on" in err
    assert "Traceback" not in out + err
    assert_gone(children)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3, 0.7])
def test_stopped_while_starting(fresh: Home, delay: float) -> None:
    """Ctrl-C goes to the workers too, and they may not be ready for it."""
    process = fresh.start()
    wait_for(lambda: (fresh.out / ".lock").exists(), process)
    time.sleep(delay)
    children = family(process.pid)
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 2
    assert process.returncode == 130, err
    assert "KeyboardInterrupt" not in out + err
    assert_gone(children)


def test_others_during_a_build(fresh: Home, wanted: dict[str, bytes]) -> None:
    first = fresh.start()
    assert wait_for(lambda: fresh.clips() >= 9, first)
    first.send_signal(signal.SIGSTOP)
    second = rig.curate("build", "--artists", fresh.artists)
    assert second.returncode == 2
    assert "another build is working here" in second.stderr
    assert rig.curate("status", fresh.out).returncode == 0
    assert rig.curate("build", "--dry-run", "--artists", fresh.artists).returncode == 0
    first.send_signal(signal.SIGCONT)
    said = "".join(first.communicate(timeout=120))
    assert first.returncode == 0, said
    assert rig.differences(rig.content(fresh.out), wanted) == []


@pytest.fixture
def small_disk(fresh: Home) -> Iterator[Callable[[int], None]]:
    """A file system of its own for the dataset; calling it gives it another size in KiB."""
    fresh.out.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(fresh.out), "-o", "size=300k"]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        fresh.out.rmdir()
        pytest.skip("no right to mount a small file system; test_repair fakes a full one")

    def resize(kib: int) -> None:
        remount = ["mount", "-o", f"remount,size={kib}k", str(fresh.out)]
        subprocess.run(remount, check=True)

    yield resize
    subprocess.run(["umount", str(fresh.out)], check=True)
    fresh.out.rmdir()


def test_full_disk(
    fresh: Home, wanted: dict[str, bytes], small_disk: Callable[[int], None]
) -> None:
    needed = sum(map(len, wanted.values())) // 1024
    small_disk(needed * 2 // 3)
    done = rig.curate("build", "--artists", fresh.artists, "--jobs", "2")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "space" in done.stderr or "full" in done.stderr
    assert "Traceback" not in done.stderr
    assert "report this" not in done.stderr
    small_disk(4 * needed + 4096)
    assert_finishes_like(fresh, wanted)
