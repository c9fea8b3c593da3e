"""The guard of conftest.py: a test that reaches beyond this machine fails, even if it hides it."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")

TRIES = """\
import socket
import urllib.request

def test_connect():
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    except OSError:
        pass

def test_connect_by_ipv6():
    with socket.socket(socket.AF_INET6) as opened:
        opened.settimeout(1)
        opened.connect_ex(("2001:db8::1", 80))

def test_send_a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        try:
            opened.sendto(b"x", ("192.0.2.1", 53))
        except OSError:
            pass

def test_look_up_a_name():
    try:
        urllib.request.urlopen("http://musicgen-curate.invalid/", timeout=1)
    except OSError:
        pass
"""


def run_pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)


def test_a_swallowed_error_still_fails_the_test(tmp_path: Path) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_tries.py").write_text(TRIES)
    done = run_pytest(tmp_path)
    assert done.returncode == 1, done.stdout
    assert f"{TRIES.count('def test')} failed" in done.stdout
    assert "passed" not in done.stdout
    for place in ("192.0.2.1", "2001:db8::1", "musicgen-curate.invalid"):
        assert "reached beyond this machine: socket." in done.stdout
        assert place in done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_may_be_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port), timeout=5) as client:
            client.sendall(b"here")
            assert server.accept()[0].recv(4) == b"here"


def test_unix_sockets_may_be_used() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"here")
        assert other.recv(4) == b"here"
