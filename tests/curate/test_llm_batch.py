"""Captions by the Batch API of a local server, whatever becomes of the batches."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import llmsite
import llmtools
import pytest
from llmsite import KEY, Object, Site, answered, line
from llmtools import Bench, FastClock, clip, clips

from curate.captions.llm import ACCEPTED, MISSING, REPAIRED
from curate.captions.llm.batchfile import Limits
from curate.config import Price
from curate.errors import ConfigError, CurateError

FINE, NONE = (ACCEPTED, 3), (MISSING, 0)
PRICE = Price(2.0, 20.0)


@pytest.fixture
def at() -> Iterator[Bench]:
    with llmtools.bench() as made:
        yield made


def write(at: Bench, count: int, **options: Any) -> list[tuple[str, int]]:
    return at.write(clips(count), batch=True, **options)


def test_submitted_polled_collected(at: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    at.site.polls = 4
    assert write(at, 20) == [FINE] * 20
    assert at.site.bodies == []
    assert [batch["endpoint"] for batch in at.site.batches.values()] == ["/v1/chat/completions"]
    requests = at.site.submitted()
    assert len({request["custom_id"] for request in requests}) == 20
    assert {len(request["custom_id"]) for request in requests} == {64}
    assert {request["url"] for request in requests} == {"/v1/chat/completions"}
    assert "response_format" in requests[0]["body"]
    assert (at.tally.requests, at.tally.answered, at.tally.accepted) == (20, 20, 20)
    assert sum(at.told) == 20
    assert at.clock.slept == [5.0, 7.5, 11.25, 16.875]
    assert "same command" in caplog.text
    assert "20 of 20" in caplog.text


def test_a_second_run_asks_nothing(at: Bench) -> None:
    write(at, 5)
    before = len(at.site.paths)
    assert write(at, 5) == [FINE] * 5
    assert len(at.site.paths) == before
    assert at.write(clips(5)) == [FINE] * 5  # nor does one without batches


def test_repairs_go_into_a_second_batch(at: Bench) -> None:
    at.site.reply = lambda facts, wanted: json.dumps(
        {"captions": [*llmsite.sentences(facts, 2), "It has a banjo."]}
    )
    at.site.repair = lambda facts, wanted: json.dumps(
        {"captions": llmsite.sentences(facts, wanted, first=3)}
    )
    assert write(at, 6) == [(REPAIRED, 3)] * 6
    assert len(at.site.batches) == 2
    assert {len(request["body"]["messages"]) for request in at.site.submitted()[6:]} == {4}


@pytest.mark.parametrize("limits", [Limits(requests=10), Limits(file_bytes=20_000)])
def test_what_is_too_much_for_one_batch_goes_into_several(at: Bench, limits: Limits) -> None:
    assert write(at, 25, limits=limits) == [FINE] * 25
    assert len(at.site.batches) == 3
    for data in at.site.files.values():
        if b'"custom_id"' in data and b'"method"' in data:
            assert data.count(b"\n") <= 10 or len(data) <= limits.file_bytes
            assert len(data) <= limits.file_bytes


def partly(site: Site, requests: list[Object]) -> Object:
    """Of every five, one has an error that passes and one is refused."""
    good = [one for number, one in enumerate(requests) if number % 5 > 1]
    error = {"error": {"message": "The server had an error", "type": "server_error"}}
    bad = {"error": {"message": "Request too odd", "type": "invalid_request_error"}}
    site.plan = answered
    return {
        "output": answered(site, good)["output"],
        "error": [
            line(one, error if number % 5 == 0 else bad, 500 if number % 5 == 0 else 400)
            for number, one in enumerate(requests)
            if number % 5 < 2
        ],
    }


def test_partial_errors(at: Bench) -> None:
    at.site.plan = partly
    assert write(at, 10) == [FINE, NONE, FINE, FINE, FINE] * 2
    assert len(at.site.batches) == 2
    assert len(at.site.submitted()) == 12
    at.site.plan = partly
    with pytest.raises(CurateError, match="Request too odd"):
        write(at, 10, on_failure="stop")


def expired(site: Site, requests: list[Object]) -> Object:
    """Time is over after the first half."""
    half = len(requests) // 2
    site.plan = answered
    done = answered(site, requests[:half])["output"]
    late = [line(one, None, error="batch_expired") for one in requests[half:]]
    return {"status": "expired", "output": done, "error": late}


def cancelled(site: Site, requests: list[Object]) -> Object:
    """Somebody stopped it; of the rest there is no word."""
    site.plan = answered
    return {"status": "cancelled", "output": answered(site, requests[:3])["output"]}


@pytest.mark.parametrize("plan", [expired, cancelled])
def test_what_a_batch_left_goes_into_the_next(at: Bench, plan: Any) -> None:
    at.site.plan = plan
    assert write(at, 10, price=PRICE) == [FINE] * 10
    assert len(at.site.batches) == 2
    counted = [request["custom_id"] for request in at.site.submitted()[10:]]
    assert len(counted) < 10
    assert at.tally.spent_usd == pytest.approx(costs(at))


def costs(at: Bench) -> float:
    """USD by the tokens of the books, at half the price."""
    books = at.answers.spent("dataset")
    return (books.input_tokens * 1.0 + books.output_tokens * 10.0) / 1e6


def failed(site: Site, requests: list[Object]) -> Object:
    """It is not even begun."""
    return {
        "status": "failed",
        "errors": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}],
    }


def test_a_batch_that_is_not_taken(at: Bench) -> None:
    at.site.plan = failed
    assert write(at, 4, price=PRICE, budget_usd=5.0) == [NONE] * 4
    assert len(at.site.batches) == 1
    assert at.spent == 0
    with pytest.raises(CurateError, match="Enqueued token limit reached"):
        write(at, 4, on_failure="stop")


def test_what_the_queue_has_no_room_for_is_submitted_later(at: Bench) -> None:
    at.site.batch_faults = [None, llmsite.refuse(400, "Enqueued token limit reached")]
    assert write(at, 20, limits=Limits(requests=10)) == [FINE] * 20
    assert len(at.site.submitted()) == 20


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (llmsite.refuse(404, "Not found"), "captions.llm.batch: false"),
        (llmsite.refuse(401, "Incorrect API key"), "CURATE_LLM_API_KEY"),
        (llmsite.refuse(403, "No access"), "may not use"),
    ],
)
def test_a_server_without_batches_or_a_wrong_key(
    at: Bench, fault: llmsite.Fault, remedy: str
) -> None:
    at.site.file_faults = [fault]
    with pytest.raises(ConfigError) as found:
        write(at, 4, price=PRICE, budget_usd=5.0)
    assert remedy in str(found.value)
    assert at.spent == 0


def test_an_unknown_model_is_told_by_the_lines(at: Bench) -> None:
    def unknown(site: Site, requests: list[Object]) -> Object:
        error = {"error": {"message": "The model does not exist", "code": "model_not_found"}}
        return {"error": [line(one, error, 404) for one in requests]}

    at.site.plan = unknown
    with pytest.raises(ConfigError, match=r"captions\.llm\.model 'test'"):
        write(at, 4)


def test_lines_that_refuse_the_schema_are_sent_without_it(at: Bench) -> None:
    def refusing(site: Site, requests: list[Object]) -> Object:
        error = {"error": {"message": "Unsupported response_format", "param": "response_format"}}
        odd = [one for one in requests if "response_format" in one["body"]]
        good = [one for one in requests if "response_format" not in one["body"]]
        return {
            "output": answered(site, good)["output"] or answered(site, odd[:1])["output"],
            "error": [line(one, error, 400) for one in odd[1:]],
        }

    at.site.plan = refusing
    assert write(at, 6) == [FINE] * 6
    assert len(at.site.submitted()) == 6 + 5


def test_odd_lines_are_left_out(at: Bench) -> None:
    def odd(site: Site, requests: list[Object]) -> Object:
        site.plan = answered
        done = answered(site, requests[:2])["output"]
        foreign = {**done[0], "custom_id": "ab" * 32}
        return {"output": [*done, done[0], foreign, {}, [], "x", {**done[1], "custom_id": "?"}]}

    at.site.plan = odd
    assert write(at, 4, price=PRICE) == [FINE] * 4
    assert at.tally.answered == 4
    assert at.spent == pytest.approx(costs(at))


def test_answers_that_are_none_are_paid_for_and_repaired(at: Bench) -> None:
    def garbled(site: Site, requests: list[Object]) -> Object:
        site.plan = answered
        return {"output": [line(one, {"choices": []}) for one in requests]}

    at.site.plan = garbled
    assert write(at, 2) == [(REPAIRED, 3)] * 2


class Interrupting(FastClock):
    """Ctrl-C at the first look at the clock."""

    async def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt


def test_interrupted_while_waiting_and_gone_on_with(
    at: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(at, 10, clock=Interrupting(), price=PRICE, budget_usd=5.0)
    assert "batches that go on" in caplog.text
    put_down = at.spent
    assert put_down > 0
    assert write(at, 10, price=PRICE, budget_usd=5.0) == [FINE] * 10
    assert len(at.site.batches) == 1
    assert (at.tally.requests, at.tally.answered) == (0, 10)
    assert at.spent == pytest.approx(costs(at))
    assert at.spent < put_down


def test_new_clips_do_not_wait_for_what_is_under_way(at: Bench) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(at, 4, clock=Interrupting())
    assert write(at, 10) == [FINE] * 10
    assert [len(at.site.submitted()), len(at.site.batches)] == [10, 2]


@pytest.mark.parametrize("taken", [True, False])
def test_interrupted_while_submitting(
    at: Bench, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the file and the batch, or between the batch and its name in the books."""
    name_batch = at.answers.name_batch

    def interrupted(mark: str, *, id_: str = "", file: str = "") -> None:
        if file:
            name_batch(mark, file=file)
        if id_ or not taken:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(at.answers, "name_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(at, 5, price=PRICE, budget_usd=5.0)
    assert len(at.site.batches) == taken
    assert write(at, 5, price=PRICE, budget_usd=5.0) == [FINE] * 5
    assert len(at.site.batches) == 1
    assert at.spent == pytest.approx(costs(at))


def test_a_server_that_cannot_be_reached_for_a_while(at: Bench) -> None:
    at.site.polls = 2
    at.site.poll_faults = [None, llmsite.status(502), llmsite.reset, llmsite.limited(30)]
    at.site.file_faults = [llmsite.status(500)]
    assert write(at, 5) == [FINE] * 5
    assert len(at.site.batches) == 1
    assert 30.0 in at.clock.slept


def test_a_download_that_breaks_off_is_collected_whole(at: Bench) -> None:
    at.site.file_faults = [None, llmsite.cut, llmsite.status(500)]
    assert write(at, 5, price=PRICE) == [FINE] * 5
    assert at.spent == pytest.approx(costs(at))


def test_a_batch_that_is_gone(at: Bench) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(at, 4, clock=Interrupting(), price=PRICE)
    put_down = at.spent
    at.site.batches.clear()
    assert write(at, 4, price=PRICE) == [FINE] * 4
    assert at.spent > put_down  # nobody knows what it cost


def test_the_budget_is_put_down_at_half_the_price(at: Bench) -> None:
    captioner = at.captioner(batch=True, price=PRICE)
    most = captioner._purse.most(captioner._prompts.first(clip().facts)) / 10**12
    whole = at.captioner(price=PRICE)
    assert whole._purse.most(whole._prompts.first(clip().facts)) / 10**12 == pytest.approx(2 * most)
    at.site.reply = lambda facts, wanted: llmsite.fine(facts, wanted) + " word" * 1900
    budget = 6.5 * most
    found = write(at, 20, price=PRICE, budget_usd=budget)
    assert 6 <= len(at.site.submitted()) == found.count(FINE) <= 7
    assert "budget_usd" in at.tally.stopped
    assert at.spent <= budget
    assert at.tally.usd == pytest.approx(at.spent)


def test_what_cheap_answers_leave_of_the_budget_is_used(at: Bench) -> None:
    captioner = at.captioner(batch=True, price=PRICE)
    most = captioner._purse.most(captioner._prompts.first(clip().facts)) / 10**12
    assert write(at, 20, price=PRICE, budget_usd=8.5 * most) == [FINE] * 20
    assert len(at.site.batches) > 1
    assert at.spent < 8.5 * most
    assert at.tally.stopped == ""


def test_an_estimate_has_half_the_price(at: Bench) -> None:
    whole = at.captioner(price=PRICE).estimate(clips(5)).usd
    half = at.captioner(price=PRICE, batch=True).estimate(clips(5)).usd
    assert whole is not None
    assert half == pytest.approx(whole / 2)


def test_no_secret_in_any_output(at: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def telling(site: Site, requests: list[Object]) -> Object:
        error = {"error": {"message": f"bad key {KEY}"}}
        errors = [{"code": "x", "message": f"of {KEY}"}]
        lines = [line(one, error, 400) for one in requests]
        return {"status": "failed", "error": lines, "errors": errors}

    at.site.plan = telling
    with pytest.raises(CurateError) as found:
        write(at, 2, on_failure="stop")
    files = [path.read_bytes().decode("latin-1") for path in at.folder.iterdir()]
    assert "planted" not in (caplog.text + str(found.value) + str(at.tally) + str(files)).lower()
