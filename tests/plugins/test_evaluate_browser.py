"""The report in a real browser, from a file: headless Chromium as for the listening page."""

from pathlib import Path

import pytest
from test_evaluation_parts import evaluation
from test_listen_browser import CHROMIUM, Browser

from plugins.musicgen.evaluation.reports import page, players

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Google Chrome on the machine"),
]


@pytest.mark.parametrize("phone", [False, True])
def test_players_play_and_plots_show(tmp_path: Path, phone: bool) -> None:
    found = evaluation(tmp_path)
    packed = len(players.mp3(tmp_path / "clips/0/one.wav")) * 4 // 3 + 8
    path = tmp_path / "index.html"
    path.write_text(page.render(found, tmp_path, most=packed))  # one clip in it, one beside it
    with Browser(tmp_path / "profile", phone) as browser:
        browser.open(path.as_uri())
        browser.wait("document.readyState === 'complete' && !!document.querySelector('audio')")
        assert browser.ask("document.querySelectorAll('audio').length") == 2
        play = (
            "window.ends = 0; for (const a of document.querySelectorAll('audio')) {"
            "a.onended = () => window.ends++; a.playbackRate = 4; a.play()}"
        )
        browser.call("Runtime.evaluate", expression=play, userGesture=True)
        browser.wait("window.ends === 2")
        boxes = browser.ask(
            "[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect())"
            ".map(b => b.width > 200 && b.height > 40)"
        )
        assert boxes == [True] * 4
        assert browser.ask("document.documentElement.scrollWidth <= innerWidth")
        texts = "[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect())"
        assert browser.ask(f"Math.min(...{texts}.map(b => b.height))") > 9  # readable
        assert browser.ask(f"{texts}.every(b => b.left >= 0 && b.right <= innerWidth)")
        wide = "[...document.querySelectorAll('table')].every(t => t.scrollWidth <= innerWidth)"
        assert not phone or browser.ask(wide)
        assert browser.ask("getComputedStyle(document.querySelector('circle.c1')).fill") == (
            "rgb(208, 102, 28)"
        )
        asked = [
            one["params"]["request"]["url"]
            for one in browser.said
            if one.get("method") == "Network.requestWillBeSent"
        ]
        assert all(url.startswith(("file:", "data:", "about:")) for url in asked)
        assert not [one for one in browser.said if one.get("method") == "Log.entryAdded"]
