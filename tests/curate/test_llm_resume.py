"""A run that is killed and goes on: no answered request is sent again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import llmtools
import pytest
from llmtools import Bench, clips

from curate.captions.llm import ACCEPTED

ROOT = Path(__file__).resolve().parents[2]
COUNT = 120

CHILD = """\
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
import llmtools
from curate.captions.llm import Answers, Captioner
from curate.config import LlmOptions, Price
from curate.labels import vocabulary

options = LlmOptions(
    "test", base_url=sys.argv[3], concurrency=8, price=Price(1.0, 10.0), budget_usd=100.0
)
with Answers(Path(sys.argv[4])) as answers:
    captioner = Captioner(
        options, Path(), answers, "dataset", vocabulary.load(), key="none"
    )
    captioner.write(llmtools.clips(int(sys.argv[5])), lambda count: None)
"""


@pytest.fixture
def at() -> Iterator[Bench]:
    with llmtools.bench() as made:
        yield made


def start(at: Bench) -> "subprocess.Popen[bytes]":
    paths = (str(ROOT), str(ROOT / "tests" / "curate"))
    file = str(at.folder / "captions.sqlite")
    command = [sys.executable, "-c", CHILD, *paths, at.site.address, file, str(COUNT)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


@pytest.mark.integration
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_killed_half_way_and_gone_on_with(at: Bench, blow: signal.Signals) -> None:
    at.site.delay_s = 0.05
    first = start(at)
    deadline = time.monotonic() + 60
    while len(at.site.bodies) < COUNT // 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(first.pid, blow)
    _, said = first.communicate(timeout=60)
    assert first.returncode != 0
    assert (blow is signal.SIGINT) == (b"KeyboardInterrupt" in said)
    sent, put_down = at.site.counted(), at.spent
    known = at.outcomes(clips(COUNT)).count(ACCEPTED)
    assert COUNT // 2 - 20 < known < COUNT
    assert sum(sent.values()) - known <= 8  # those that were under way
    second = start(at)
    assert second.communicate(timeout=60) == (None, b"")
    assert second.returncode == 0
    counted = at.site.counted()
    assert len(counted) == COUNT
    repeated = sum(counted.values()) - COUNT
    assert repeated == sum(sent.values()) - known
    assert set(at.outcomes(clips(COUNT))) == {ACCEPTED}
    books = at.answers.spent("dataset")
    answered = (books.input_tokens * 1.0 + books.output_tokens * 10.0) / 1e6
    assert at.spent >= answered
    assert put_down > 0


@pytest.mark.integration
def test_two_processes_at_once_pay_for_nothing_twice(at: Bench) -> None:
    at.site.delay_s = 0.03
    both = [start(at), start(at)]
    for process in both:
        assert process.communicate(timeout=120) == (None, b"")
    counted = at.site.counted()
    assert len(counted) == sum(counted.values()) == COUNT
    assert set(at.outcomes(clips(COUNT))) == {ACCEPTED}
    assert list((at.folder / "locks").iterdir()) == []
