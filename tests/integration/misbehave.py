"""Work that goes wrong in every way a worker can. Workers import it, so it is light."""

import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """What to do, and the folder where every run is noted."""

    name: str
    kind: str
    log: Path


def run(task: Task) -> object:
    """Does it; leaves a line `pid start` for each time it is begun, and `end` when it is over."""
    log = task.log / task.name
    with log.open("a") as file:
        file.write(f"{os.getpid()} {time.monotonic()}\n")
    result = KINDS[task.kind]()
    with log.open("a") as file:
        file.write(f"end {time.monotonic()}\n")
    return task.name if result is None else result


def _segfault() -> None:
    ctypes.string_at(0)


def _signal(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(10)


def _stuck_in_c() -> None:
    sum(range(10**13))  # never looks whether a signal came


def _stuck_against_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def _allocate() -> None:
    held = []
    while True:
        held.append(bytes(64 << 20))  # asked for, not written to: at the limit within milliseconds


def _fail() -> None:
    raise KeyError("a bug")


KINDS = {
    "good": lambda: time.sleep(0.02),
    "slow": lambda: time.sleep(1.0),
    "segfault": _segfault,
    "abort": lambda: os.abort(),
    "exit": lambda: os._exit(3),
    "exit quietly": lambda: os._exit(0),
    "system exit": lambda: (_ for _ in ()).throw(SystemExit(5)),
    "killed": lambda: _signal(signal.SIGKILL),
    "terminated": lambda: _signal(signal.SIGTERM),
    "hang": lambda: time.sleep(3600),
    "stuck in C": _stuck_in_c,
    "deaf": _stuck_against_signals,
    "memory": _allocate,
    "raise": _fail,
    "big": lambda: bytes(50_000_000),
}
