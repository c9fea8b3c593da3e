"""One build at a time asks one question; a dead one holds nobody up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from curate.captions.llm.claims import Claims

ROOT = Path(__file__).resolve().parents[2]
ONE, OTHER = b"\x01" * 32, b"\x02" * 32

CHILD = """\
import sys, time
sys.path[:0] = [sys.argv[1]]
from pathlib import Path
from curate.captions.llm.claims import Claims
with Claims(Path(sys.argv[2])).claim(bytes.fromhex(sys.argv[3])) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


def test_a_request_is_one_builds_while_it_is_under_way(tmp_path: Path) -> None:
    first, second = Claims(tmp_path / "locks"), Claims(tmp_path / "locks")
    with first.claim(ONE) as ours:
        assert ours
        with second.claim(ONE) as theirs:
            assert not theirs
        with second.claim(ONE) as theirs:
            assert not theirs, "the one that was refused has taken nothing away"
        with second.claim(OTHER) as theirs:
            assert theirs
    with second.claim(ONE) as theirs:
        assert theirs
    assert list((tmp_path / "locks").iterdir()) == []


def test_what_a_killed_build_had_under_way_is_free_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(ROOT), str(tmp_path), ONE.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"True\n"
        with Claims(tmp_path).claim(ONE) as ours:
            assert not ours
        os.kill(child.pid, signal.SIGKILL)
        child.wait(timeout=30)
    with Claims(tmp_path).claim(ONE) as ours:
        assert ours


def test_where_there_can_be_no_locks_everybody_asks(tmp_path: Path) -> None:
    (tmp_path / "locks").write_bytes(b"no folder")
    with Claims(tmp_path / "locks").claim(ONE) as ours:
        assert ours
