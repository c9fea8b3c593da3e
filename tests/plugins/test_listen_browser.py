"""The page in a real browser: headless Chromium, driven over its own debugging pipe.

Google Chrome or Chromium has to be on the machine; without one there is nothing to test here.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import soundfile

from plugins.musicgen.listening import pairs, preparing, results
from plugins.musicgen.listening.desk import Desk, read_box
from plugins.musicgen.listening.pairs import Prompt
from plugins.musicgen.listening.preparing import Trial
from plugins.musicgen.listening.server import Server

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Google Chrome on the machine"),
]

RATE = 16000
SECONDS = 2.0  # the page wants half of it to be heard
NASTY = '<img src=x onerror="document.title=1"><script>document.title=2</script>'


_LAUNCH = """
import fcntl, os, sys
# Away from 3 and 4 first, where they may be already.
high = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 100) for one in sys.argv[1:3]]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.closerange(5, 200)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page. Speaks the Chrome DevTools Protocol: JSON parted by NUL on descriptors 3 and 4."""

    def __init__(self, profile: Path, phone: bool) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        flags = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
            "--autoplay-policy=user-gesture-required", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        launch = [sys.executable, "-c", _LAUNCH, str(to_read), str(to_write), str(CHROMIUM), *flags]
        self._process = subprocess.Popen(
            launch, pass_fds=(to_read, to_write), stderr=subprocess.DEVNULL
        )
        os.close(to_read)
        os.close(to_write)
        self._number = 0
        self._rest = b""
        self.said: list[dict[str, Any]] = []
        target = self._call("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        given = {"targetId": target, "flatten": True}
        self._session: str = self._call("Target.attachToTarget", given, None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        if phone:
            size = {"width": 360, "height": 640, "deviceScaleFactor": 2, "mobile": True}
            self.call("Emulation.setDeviceMetricsOverride", **size)
            self.call("Emulation.setTouchEmulationEnabled", enabled=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        return self._call(method, given, self._session)

    def _call(self, method: str, given: dict[str, Any], session: str | None) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": given}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found
            self.said.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._read, 1 << 16)
            assert piece, "the browser has ended"
            self._rest += piece
        one, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def ask(self, expression: str) -> Any:
        given = {"expression": expression, "returnByValue": True}
        return self.call("Runtime.evaluate", **given)["result"].get("value")

    def wait(self, expression: str, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not self.ask(expression):
            assert time.monotonic() < end, f"not so after {seconds:g} s: {expression}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        code = f"Key{key.upper()}" if key.isalpha() and len(key) == 1 else key
        name = {"Enter": 13, "Backspace": 8}.get(key, ord(key[0].upper()))
        given = {"key": key, "code": code, "windowsVirtualKeyCode": name}
        if len(key) == 1:
            given["text"] = key
        self.call("Input.dispatchKeyEvent", type="keyDown", **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code)

    def tap(self, selector: str) -> None:
        """Scrolls there and taps its middle, as a finger does."""
        place = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        touch = [{"x": place[0], "y": place[1]}]
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=touch)
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def faults(self) -> list[Any]:
        """Errors of the page: exceptions, what its policy blocked, requests that failed."""
        self.ask("0")
        return [
            one["params"]
            for one in self.said
            if one.get("method") == "Runtime.exceptionThrown"
            or (
                one.get("method") == "Log.entryAdded" and one["params"]["entry"]["level"] == "error"
            )
        ]

    def requests(self) -> list[str]:
        return [
            one["params"]["request"]["url"]
            for one in self.said
            if one.get("method") == "Network.requestWillBeSent"
        ]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    time_s = np.arange(round(SECONDS * RATE)) / RATE
    for side, hertz in (("a", 330), ("b", 550)):
        (tmp_path / side).mkdir()
        prompts = [Prompt(f"p{n}", NASTY if n == 1 else f"tone {n}") for n in range(4)]
        pairs.write_prompts(tmp_path / side, prompts)
        for prompt in prompts:
            tone = (0.1 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)
            soundfile.write(tmp_path / side / f"{prompt.id}.wav", tone, RATE)
    found = pairs.find(tmp_path / "a", tmp_path / "b")
    return preparing.prepare(found, ("base", "tuned"), tmp_path / "test", SECONDS)


@pytest.fixture
def address(trial: Trial, tmp_path: Path) -> Iterator[str]:
    with Server(Desk(trial, tmp_path / "test"), "127.0.0.1", 0) as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.05,))
        thread.start()
        yield one.addresses()[0]
        one.shutdown()
        thread.join()


def title(browser: Browser, number: int) -> None:
    shown = "!document.getElementById('pair').hidden"
    text = "document.getElementById('pair-title').textContent"
    browser.wait(f"{shown} && {text} === 'Pair {number} of 4'")


INTRODUCED = "document.getElementById('intro') && !document.getElementById('intro').hidden"
READY = "!document.getElementById('next').disabled"
PLAYING = "document.querySelectorAll('.clip.playing').length === 1"
HEARD = "document.getElementById('hint').textContent.includes('{}')"


def test_a_whole_test_by_keyboard_with_a_reload_in_the_middle(
    address: str, trial: Trial, tmp_path: Path
) -> None:
    with Browser(tmp_path / "profile", phone=False) as browser:
        browser.open(address + "?listener=anna")
        browser.wait(INTRODUCED)
        browser.press("Enter")
        for number in range(1, 5):
            title(browser, number)
            if number == 3:
                browser.press("j")  # an answer that is lost: nothing was sent yet
                browser.call("Page.reload")
                browser.wait("document.querySelectorAll(':checked[type=radio]').length === 0")
                title(browser, 3)
            assert not browser.ask(READY)
            browser.press("1")
            browser.wait(PLAYING)
            browser.wait(HEARD.format("second clip"))
            browser.press("2")  # the first falls silent
            browser.wait(HEARD.format("Answer all"))
            assert browser.ask(PLAYING)
            browser.press("Enter")  # too early: it stays
            for key in "jkl":
                browser.press(key)
            browser.wait(READY)
            browser.press("Enter")
        browser.wait("!document.getElementById('done').hidden")
        assert browser.faults() == []
        assert all(one.startswith((address, "data:")) for one in browser.requests())
        assert browser.ask("document.title") == "Listening test"  # the nasty prompt did nothing
    box = read_box(trial, tmp_path / "test")
    found = results.summary(trial, box)
    assert (found["votes"], found["changed_votes"], found["complete_listeners"]) == (4, 0, 1)
    assert [(p.a, p.b, p.ties) for p in found["first_heard"].values()] == [
        (4, 0, 0),
        (0, 0, 4),
        (0, 4, 0),
    ]
    assert [(p.a, p.b) for p in found["questions"].values()] == [(2, 2), (0, 0), (2, 2)]
    assert all(min(vote.heard_s) >= SECONDS / 2 for vote in box.votes)


def test_a_pair_on_a_phone_with_a_change_of_mind(
    address: str, trial: Trial, tmp_path: Path
) -> None:
    with Browser(tmp_path / "profile", phone=True) as browser:
        browser.open(address)
        browser.wait(INTRODUCED)
        listener = browser.ask("new URLSearchParams(location.search).get('listener')")
        assert len(listener) == 16
        browser.tap("#start")
        title(browser, 1)
        assert browser.ask("document.documentElement.scrollWidth") == 360
        small = (
            "[...document.querySelectorAll('#pair button, .choices label')]"
            ".filter((e) => e.getBoundingClientRect().height < 44).length"
        )
        assert browser.ask(small) == 0  # a finger's width
        for number in (1, 2):
            browser.tap(f".clip:nth-child({number}) button")
            browser.wait(HEARD.format("second clip" if number == 1 else "Answer all"))
        for question in (1, 2, 3):
            browser.tap(f"fieldset:nth-child({question}) label:nth-child(3)")
        browser.wait(READY)
        browser.tap("#next")
        title(browser, 2)
        assert browser.ask("document.getElementById('progress').value") == 1
        browser.tap("#back")
        title(browser, 1)
        browser.tap("fieldset:nth-child(2) label:nth-child(2)")
        browser.tap("#next")
        title(browser, 2)
        browser.open(address)  # without a name: the browser remembers
        title(browser, 2)
        assert browser.ask("location.search") == f"?listener={listener}"
        assert browser.faults() == []
    box = read_box(trial, tmp_path / "test")
    assert (len(box.votes), box.changed, box.votes[0].listener) == (1, 1, listener)
    second = "b" if box.votes[0].first == "a" else "a"
    assert box.votes[0].answers == {"quality": second, "genre": "tie", "prompt": second}


def test_a_server_that_is_gone_loses_nothing(trial: Trial, tmp_path: Path) -> None:
    """The answers stay on the page, and are saved when the server is back."""
    with Browser(tmp_path / "profile", phone=False) as browser:
        with running(tmp_path, 0) as address:
            browser.open(address)
            browser.wait(INTRODUCED)
            browser.press("Enter")
            title(browser, 1)
            for key, hint in (("1", "second clip"), ("2", "Answer all")):
                browser.press(key)
                browser.wait(HEARD.format(hint))
            for key in "lll":
                browser.press(key)
            browser.wait(READY)
        browser.press("Enter")
        browser.wait("document.getElementById('failed').textContent.startsWith('Not saved')")
        assert browser.ask("document.querySelectorAll(':checked[type=radio]').length") == 3
        with running(tmp_path, int(address.rpartition(":")[2].rstrip("/"))):
            browser.press("Enter")
            title(browser, 2)
    assert len(read_box(trial, tmp_path / "test").votes) == 1


@contextlib.contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """The command as it is given, killed at the end; its address."""
    command = [
        sys.executable,
        "-m",
        "plugins.musicgen.listen",
        *map(str, (folder / "a", folder / "b")),
    ]
    given = ["--out", str(folder / "test"), "--seconds", str(SECONDS), "--port", str(port)]
    with subprocess.Popen([*command, *given], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(line.strip() for line in process.stdout if line.startswith("  http://"))
        finally:
            process.kill()
