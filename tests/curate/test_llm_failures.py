"""Servers that fail: what is tried again, what ends it all, and that the rest goes on."""

import email.utils
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import llmsite
import llmtools
import pytest
from llmtools import Bench, RealClock, clip, clips

from curate.captions.llm import ACCEPTED, MISSING
from curate.errors import ConfigError, CurateError


@pytest.fixture
def at() -> Iterator[Bench]:
    with llmtools.bench() as made:
        yield made


FINE = (ACCEPTED, 3)
NONE = (MISSING, 0)


@pytest.mark.parametrize(
    "fault",
    [
        llmsite.status(500),
        llmsite.status(502),
        llmsite.refuse(503, "The engine is overloaded"),
        llmsite.status(408),
        llmsite.limited(),
        llmsite.limited("nonsense"),
        llmsite.cut,
        llmsite.reset,
        llmsite.raw(b"<html>Please log in</html>", Content_Type="text/html"),
        llmsite.raw(b""),
        llmsite.raw(b"null"),
        llmsite.raw(b'{"choices": []}'),
        llmsite.raw(b'{"choices": [{"message": "hello"}]}'),
        llmsite.raw(b'{"choices": [{"message": {"content": 7}}]}'),
        llmsite.raw(b'{"choices": {"0": 1}}'),
        llmsite.raw(b"[" * 100_000),
        llmsite.raw(b"\xff\xfe{"),
        llmsite.raw(b"\x1f\x8b\x08\x00", Content_Encoding="gzip"),
        llmsite.huge(32 * 1024 * 1024),
    ],
)
def test_faults_that_may_pass_are_tried_again(at: Bench, fault: llmsite.Fault) -> None:
    at.site.faults += [None, fault, fault]
    assert at.write(clips(5)) == [FINE] * 5
    assert len(at.site.bodies) == 7
    assert at.tally.requests == 7
    assert at.clock.slept
    assert max(at.clock.slept) <= 2.0


def test_an_answer_without_usage(at: Bench) -> None:
    at.site.usage = False
    assert at.write(clips(2)) == [FINE] * 2
    assert (at.tally.input_tokens, at.tally.output_tokens) == (0, 0)


@pytest.mark.parametrize("usage", [None, 3, {"prompt_tokens": -5}, {"prompt_tokens": "many"}, []])
def test_odd_usage(at: Bench, usage: object) -> None:
    text = llmsite.fine({"genres": ["jazz"], "instruments": ["piano"]}, 3)
    answer = {**llmsite.message(text), "usage": usage}
    at.site.faults.append(llmsite.raw(json.dumps(answer).encode()))
    assert at.write([clip()]) == [FINE]


@pytest.mark.parametrize("misbehave", [llmsite.hang, llmsite.trickle])
def test_a_server_that_hangs(at: Bench, misbehave: Callable[[llmsite.Site], Any]) -> None:
    at.site.faults += [None, misbehave(at.site), misbehave(at.site)]
    started = time.monotonic()
    assert at.write(clips(4), timeout_s=0.4) == [FINE] * 4
    assert time.monotonic() - started < 10
    assert len(at.site.bodies) == 6


def test_the_servers_own_waits(at: Bench) -> None:
    at.site.faults += [None, llmsite.limited(7), None, llmsite.limited(150)]
    assert at.write(clips(6), concurrency=1) == [FINE] * 6
    assert [round(seconds) for seconds in at.clock.slept] == [7, 150]


def test_a_wait_until_a_date(at: Bench) -> None:
    at.site.faults += [llmsite.limited(email.utils.formatdate(time.time() + 300, usegmt=True))]
    assert at.write([clip()]) == [FINE]
    assert 295 < at.clock.slept[0] <= 300


def test_a_real_second(at: Bench) -> None:
    at.site.faults += [llmsite.limited(1)]
    started = time.monotonic()
    assert at.write([clip()], clock=RealClock()) == [FINE]
    assert time.monotonic() - started >= 1.0


def test_a_wait_of_hours_is_not_waited_for(at: Bench) -> None:
    at.site.faults += [None, None, llmsite.limited(20_000)]
    found = at.write(clips(8), concurrency=1)
    assert found == [FINE] * 2 + [NONE] * 6
    assert "20000 s" in at.tally.stopped
    assert at.tally.notes == (f"captions: 6 clips or more are without: {at.tally.stopped}",)
    assert at.clock.slept == []
    assert sum(at.told) == 8


def test_all_pause_and_fewer_go_at_once_where_it_is_too_much(at: Bench) -> None:
    at.site.delay_s = 0.01
    at.site.faults += [None] * 9 + [llmsite.limited(3)] * 2
    assert at.write(clips(60), concurrency=8) == [FINE] * 60
    assert len(at.site.bodies) == 62
    assert min(at.clock.slept) > 2.5


def test_a_tight_limit_shared_by_many_loses_no_clip(at: Bench) -> None:
    at.site.faults += [None, *[llmsite.limited(1), llmsite.limited(1), None] * 30]
    assert at.write(clips(40), concurrency=8, retries=2) == [FINE] * 40


def test_one_request_that_always_fails_does_not_stop_the_others(at: Bench) -> None:
    def broken(handler: Any) -> None:
        body = handler.body  # type: ignore[attr-defined]
        if llmsite.facts_of(body)["genres"] == ["folk"]:
            llmsite.status(500)(handler)
        else:
            llmsite.send(handler, json.dumps(llmsite.completion(at.site, body)).encode())

    at.site.always = broken
    found = at.write(clips(8), concurrency=1, retries=2)
    assert found == [FINE] * 3 + [NONE] + [FINE] * 4
    assert (at.tally.missing, at.tally.stopped) == (1, "")
    assert "answered 500" in at.tally.notes[0]
    assert len(at.site.bodies) == 7 + 3
    assert at.write(clips(8), concurrency=1, retries=2) == found  # asked again by a later run
    assert at.tally.cached == 7


def test_a_dead_server_is_given_up(at: Bench) -> None:
    at.site.faults += [None] * 3
    at.site.always = llmsite.status(500)
    found = at.write(clips(200), retries=2)
    assert found.count(FINE) == 3
    assert found.count(NONE) == 197
    assert "in a row failed" in at.tally.stopped
    assert "500" in at.tally.stopped
    assert len(at.site.bodies) < 60
    assert (sum(at.told), at.tally.missing) == (200, 197)


def test_nobody_listens(at: Bench) -> None:
    found = at.write(clips(30), base_url="http://127.0.0.1:9/v1", retries=1)
    assert found == [NONE] * 30
    assert "127.0.0.1:9 cannot be reached" in at.tally.stopped
    assert sum(at.told) == 30


def test_stop_says_what_failed_and_keeps_what_was_answered(at: Bench) -> None:
    at.site.faults += [None] * 3
    at.site.always = llmsite.status(500)
    with pytest.raises(CurateError, match="on_failure: template"):
        at.write(clips(50), retries=1, on_failure="stop", concurrency=2)
    known = at.outcomes(clips(50))
    assert known.count(ACCEPTED) == 3
    assert len(at.site.bodies) <= 3 + 4 * 2 * 2
    at.site.always = None
    assert at.write(clips(50), on_failure="stop") == [FINE] * 50
    assert at.tally.cached == 3


def test_no_credit_left_is_not_tried_again(at: Bench) -> None:
    text = "You exceeded your current quota, please check your plan and billing details."
    broke = llmsite.refuse(429, text, kind="insufficient_quota", name="insufficient_quota")
    at.site.faults += [None, None]
    at.site.always = broke
    found = at.write(clips(20), concurrency=1)
    assert found == [FINE] * 2 + [NONE] * 18
    assert len(at.site.bodies) == 3
    assert "no credit left" in at.tally.stopped
    with pytest.raises(CurateError, match="no credit left"):
        at.write(clips(20), concurrency=1, on_failure="stop")


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (llmsite.refuse(401, "Incorrect API key"), "CURATE_LLM_API_KEY"),
        (llmsite.refuse(403, "Project has no access to the model"), "may not use 'test'"),
        (llmsite.refuse(404, "The model `test` does not exist"), "captions.llm.model 'test'"),
        (llmsite.refuse(400, "no such model", name="model_not_found"), "captions.llm.model"),
        (llmsite.status(404), "captions.llm.base_url"),
        (llmsite.status(405), "captions.llm.base_url"),
        (llmsite.moved("http://127.0.0.1:9/v1/chat/completions"), "captions.llm.base_url"),
        (llmsite.refuse(400, "does not support 0.7", param="temperature"), "temperature"),
    ],
)
@pytest.mark.parametrize("on_failure", ["template", "stop"])
def test_what_no_request_would_pass_stops_at_once_with_the_remedy(
    at: Bench, fault: llmsite.Fault, remedy: str, on_failure: str
) -> None:
    at.site.always = fault
    with pytest.raises(ConfigError) as found:
        at.write(clips(50), temperature=0.7, on_failure=on_failure)
    assert remedy in str(found.value)
    assert len(at.site.bodies) == 1


@pytest.mark.parametrize(("at_once", "most"), [(1, 6), (4, 9)])
def test_a_key_that_is_withdrawn_meanwhile(at: Bench, at_once: int, most: int) -> None:
    at.site.faults += [None] * 5
    at.site.always = llmsite.refuse(401, "Key revoked")
    with pytest.raises(ConfigError, match="Key revoked"):
        at.write(clips(50), concurrency=at_once)
    known = at.outcomes(clips(50)).count(ACCEPTED)
    assert known == 5 or (at_once > 1 and 1 <= known < 5)  # others on their way are given up
    assert len(at.site.bodies) <= most


def test_a_missing_key_of_openais(at: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("CURATE_LLM_API_KEY", "of-another-server")
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
        at.write([clip()], key=None, base_url=None, model="gpt-5-mini")


def test_requests_too_long_for_the_model_end_soon(at: Bench) -> None:
    text = "This model's maximum context length is 512 tokens. However, you requested 2600 tokens"
    at.site.always = llmsite.refuse(400, text, param="messages", name="context_length_exceeded")
    assert at.write(clips(60), concurrency=1) == [NONE] * 60
    assert len(at.site.bodies) == 5
    assert "maximum context length" in at.tally.stopped


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("ftp://127.0.0.1/v1", "no address of a server"),
        ("127.0.0.1:8000", "no address of a server"),
        ("http://", "no address of a server"),
        ("http://127.0.0.1:99999/v1", "no address of a server"),
        ("http://user:hunter22@127.0.0.1/v1", "password or a query"),
        ("http://127.0.0.1/v1?token=hunter22", "password or a query"),
    ],
)
def test_addresses_that_are_none(at: Bench, base_url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as found:
        at.captioner(base_url=base_url)
    assert "hunter22" not in str(found.value)


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\nb"])
def test_keys_that_are_none_are_not_shown(at: Bench, key: str) -> None:
    with pytest.raises(ConfigError, match="copy it again") as found:
        at.write([clip()], key=key)
    assert key not in str(found.value)
