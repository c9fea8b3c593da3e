"""No key is anywhere but in the header it belongs into, and goes to nobody but its server."""

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import llmsite
import llmtools
import pytest
from llmsite import KEY, OPENAI_KEY
from llmtools import Bench, clip, clips

from curate.captions.llm.client import Server
from curate.config import LlmOptions
from curate.errors import CurateError


@pytest.fixture
def at() -> Iterator[Bench]:
    with llmtools.bench() as made:
        yield made


def everything(at: Bench, caplog: pytest.LogCaptureFixture, error: BaseException | None) -> str:
    """All that a run leaves behind."""
    said = [caplog.text, repr(at.tally), *map(repr, caplog.records)]
    said += [str(record.args) for record in caplog.records]
    if error is not None:
        said += traceback.format_exception(error)
        said += [repr(vars(error)), repr(error.args)]
    said += [path.read_bytes().decode("latin-1") for path in at.folder.rglob("*") if path.is_file()]
    return "\n".join(said)


FAULTS = {
    "echo": llmsite.echo,
    "echo at 401": llmsite.refuse(401, f"Incorrect API key provided: {KEY}"),
    "echo of half": llmsite.refuse(401, "Incorrect API key provided: sk-plant***********NTED"),
    "echo at 500": llmsite.refuse(500, f"Authorization: Bearer {KEY}"),
    "echo as text": llmsite.raw(f"<html>{KEY}</html>".encode()),
    "echo as answer": llmsite.says(f'{{"captions": ["{KEY}", "{KEY} jazz", "a {KEY}"]}}'),
    "echo as refusal": llmsite.says(None, refusal=f"I do not like {KEY}"),
    "limit": llmsite.refuse(429, f"Too many for {KEY}", Retry_After="2"),
    "moved": llmsite.moved(f"http://127.0.0.1:9/{KEY}"),
    "cut": llmsite.cut,
    "reset": llmsite.reset,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_no_secret_in_any_output(
    at: Bench, caplog: pytest.LogCaptureFixture, fault: llmsite.Fault
) -> None:
    caplog.set_level(logging.DEBUG)
    at.site.always = fault
    error: BaseException | None = None
    try:
        at.write(clips(2), retries=1, on_failure="stop")
    except CurateError as found:
        error = found
    assert {sent["authorization"] for sent in at.site.headers} == {f"Bearer {KEY}"}
    left = everything(at, caplog, error)
    assert "planted" not in left.lower()
    assert "plant***" not in left


def test_the_key_of_openai_goes_to_openai_only(at: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", OPENAI_KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-planted")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-planted")
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", OPENAI_KEY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Mine: {OPENAI_KEY}\nAuthorization: planted")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.delenv("CURATE_LLM_API_KEY", raising=False)
    at.write([clip()], key=None)
    assert len(at.site.headers) == 1
    sent = str(at.site.headers)
    assert "planted" not in sent.lower()
    assert "x-mine" not in sent
    assert "authorization" not in at.site.headers[0]


def test_the_own_key_comes_from_the_environment(at: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    monkeypatch.setenv("CURATE_LLM_API_KEY", f" {KEY}\n")
    at.write([clip()], key=None)
    assert at.site.headers[0]["authorization"] == f"Bearer {KEY}"


def test_openai_is_openai_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    server = Server(LlmOptions("gpt-5-mini"), OPENAI_KEY)
    assert str(server.openai.base_url) == "https://api.openai.com/v1/"
    assert server.openai.api_key == OPENAI_KEY


def test_redirects_are_not_followed(at: Bench) -> None:
    with llmsite.serving() as elsewhere:
        at.site.always = llmsite.moved(f"{elsewhere.address}/chat/completions")
        with pytest.raises(CurateError, match="base_url"):
            at.write([clip()])
        assert elsewhere.headers == []


def test_no_proxy_stands_before_this_machine(at: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert at.write([clip()]) == [("accepted", 3)]


def test_no_name_leaves_and_no_path(at: Bench) -> None:
    at.site.reply = lambda facts, wanted: "nonsense"
    at.write(clips(3))
    sent = str(at.site.bodies) + str(at.site.headers)
    for secret in ("Zorblatt", "Fnord", str(at.folder), str(Path.home())):
        assert secret not in sent


def test_the_client_is_not_loaded_before_it_is_needed(at: Bench) -> None:
    import subprocess

    code = "import sys, curate.captions.llm; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
