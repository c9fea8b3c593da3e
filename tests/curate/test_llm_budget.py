"""What asking costs: the estimate, the budget that is never exceeded, the books."""

import json
from collections.abc import Iterator
from dataclasses import replace

import llmsite
import llmtools
import pytest
from llmsite import Object
from llmtools import Bench, clip, clips

from curate.captions.llm import ACCEPTED, MISSING, Answers, pricing
from curate.captions.names import Names
from curate.config import LlmOptions, Price
from curate.errors import ConfigError

PRICE = Price(1.0, 10.0)
BANJO = json.dumps({"captions": ["A track with a banjo."]})


@pytest.fixture
def at() -> Iterator[Bench]:
    with llmtools.bench() as made:
        yield made


def test_prices_of_openai_and_of_ones_own() -> None:
    known = LlmOptions("gpt-4o-mini")
    assert pricing.rate(known) == pricing.Rate(150_000, 600_000)
    assert pricing.rate(replace(known, model="gpt-4o-mini-2024-07-18")) == pricing.rate(known)
    assert pricing.rate(replace(known, batch=True)) == pricing.Rate(75_000, 300_000)
    assert pricing.rate(replace(known, price=PRICE)) == pricing.Rate(1_000_000, 10_000_000)
    assert pricing.rate(replace(known, base_url="http://127.0.0.1/v1")) is None
    assert pricing.rate(LlmOptions("nobody-knows-it")) is None
    assert pricing.rate(LlmOptions("mine", price=Price(0, 0))) == pricing.Rate(0, 0)


def test_a_budget_needs_a_price(at: Bench) -> None:
    with pytest.raises(ConfigError, match="add `price:"):
        at.captioner(budget_usd=1.0)
    at.captioner(budget_usd=1.0, price=Price(0, 0))


def test_an_estimate_is_what_is_sent_then_and_bounds_what_is_spent(at: Bench) -> None:
    at.site.reply = lambda facts, wanted: BANJO
    requests = [*clips(7), *clips(7), *[clip(n, Names(albums=("Wuggly",))) for n in range(3)]]
    before = at.captioner(price=PRICE).estimate(requests)
    assert (before.clips, before.requests, before.cached, before.spent_usd) == (17, 7, 0, 0)
    assert at.site.paths == []
    at.write(requests, price=PRICE)
    firsts = [body for body in at.site.bodies if len(body["messages"]) == 2]
    assert len(firsts) == before.requests
    assert before.usd is not None
    assert before.most_usd is not None
    assert at.tally.usd is not None
    assert 0 < at.tally.usd < before.most_usd
    assert before.usd < before.most_usd
    assert at.tally.spent_usd == at.tally.usd == at.spent
    after = at.captioner(price=PRICE).estimate(requests)
    assert (after.requests, after.usd, after.most_usd) == (0, 0, 0)
    assert after.spent_usd == at.spent


def test_an_estimate_after_an_interruption_counts_the_repairs_that_are_due(at: Bench) -> None:
    at.site.reply = lambda facts, wanted: BANJO
    at.site.faults += [None]
    at.site.always = llmsite.status(500)
    at.write(clips(4), retries=0, concurrency=1)
    estimate = at.captioner().estimate(clips(4))
    assert (estimate.requests, estimate.cached, estimate.usd) == (4, 1, None)


def test_worst_cases_are_never_below_the_truth(at: Bench) -> None:
    odd = llmtools.Request(
        replace(clip().facts, genres=("🎷" * 300, "日本語" * 99), moods=("a" * 500,) * 40),
        llmtools.NAMES,
    )
    payload = at.captioner()._prompts.first(odd.facts)
    body = sum(len(message["content"].encode()) for message in payload.messages)
    assert body < payload.input_bound < 6000


def test_books_are_kept_by_the_servers_count(at: Bench) -> None:
    at.write(clips(3), price=PRICE)
    tokens = (at.tally.input_tokens, at.tally.output_tokens)
    assert at.tally.usd == pytest.approx((tokens[0] * 1.0 + tokens[1] * 10.0) / 1e6, abs=1e-12)
    books = at.answers.spent("dataset")
    assert (books.input_tokens, books.output_tokens, books.requests, books.unpriced) == (
        *tokens,
        3,
        0,
    )
    spending = at.captioner(price=PRICE).spent()
    assert (spending.requests, spending.usd) == (3, at.tally.usd)
    assert (spending.input_tokens, spending.output_tokens) == tokens
    at.write(clips(5))
    assert at.tally.usd is None
    assert at.captioner(price=PRICE).spent().usd is None
    assert at.answers.spent("dataset").unpriced == 2


def most_of(at: Bench) -> float:
    """USD that one request costs at most."""
    captioner = at.captioner(price=PRICE)
    return captioner._purse.most(captioner._prompts.first(clip().facts)) / 10**12


def dear(facts: Object, wanted: int) -> str:
    """An answer that costs much."""
    return llmsite.fine(facts, wanted) + " word" * 1500


@pytest.mark.parametrize("concurrency", [1, 16])
def test_requests_at_once_never_exceed_the_budget(at: Bench, concurrency: int) -> None:
    at.site.reply, at.site.delay_s = dear, 0.005
    budget = 9.5 * most_of(at)
    found = at.write(clips(60), price=PRICE, budget_usd=budget, concurrency=concurrency)
    sent = len(at.site.bodies)
    assert found.count((ACCEPTED, 3)) == sent
    assert found.count((MISSING, 0)) == 60 - sent
    assert 9 <= sent < 20
    assert at.spent <= budget
    assert at.spent > budget - 1.1 * most_of(at)
    assert "budget_usd" in at.tally.stopped
    assert sum(at.told) == 60
    # a run after it has no more
    at.write(clips(60), price=PRICE, budget_usd=budget, concurrency=concurrency)
    assert len(at.site.bodies) == sent
    assert (at.tally.requests, at.tally.usd) == (0, 0.0)


def test_cheap_answers_give_back_what_was_put_down(at: Bench) -> None:
    budget = 2.5 * most_of(at)
    assert at.write(clips(20), price=PRICE, budget_usd=budget) == [(ACCEPTED, 3)] * 20
    assert at.spent < budget


def test_a_budget_too_small_for_one_request_sends_none(at: Bench) -> None:
    assert at.write(clips(3), price=PRICE, budget_usd=0.5 * most_of(at)) == [(MISSING, 0)] * 3
    assert at.site.paths == []
    assert at.spent == 0


def test_a_free_server_may_have_a_budget_of_nothing(at: Bench) -> None:
    assert at.write(clips(3), price=Price(0, 0), budget_usd=0.0) == [(ACCEPTED, 3)] * 3
    assert at.tally.usd == 0


def test_an_answer_without_usage_costs_all_that_was_put_down(at: Bench) -> None:
    at.site.usage = False
    at.write([clip()], price=PRICE)
    assert at.spent == pytest.approx(most_of(at))


@pytest.mark.parametrize(
    ("fault", "costs"),
    [(llmsite.cut, True), (llmsite.raw(b"{}"), True), (llmsite.status(500), False)],
)
def test_what_broke_off_may_have_cost_something(
    at: Bench, fault: llmsite.Fault, costs: bool
) -> None:
    at.site.faults.append(fault)
    at.write([clip()], price=PRICE, budget_usd=1.0)
    assert (at.spent > most_of(at)) is costs


def test_what_a_killed_run_had_sent_stays_spent(at: Bench) -> None:
    budget = 4.5 * most_of(at)
    with Answers(at.folder / "captions.sqlite") as killed:
        assert killed.reserve("dataset", round(3 * most_of(at) * 10**12), None)
    at.site.reply = dear
    at.write(clips(10), price=PRICE, budget_usd=budget, concurrency=1)
    assert len(at.site.bodies) == 1
    assert at.spent <= budget


def test_purses_are_separate(at: Bench) -> None:
    at.write(clips(2), price=PRICE)
    assert at.answers.spent("another").pico_usd == 0


def test_a_server_that_counts_more_than_was_asked_for_ends_it_soon(at: Bench) -> None:
    answer = llmsite.message(BANJO)
    answer["usage"] = {"prompt_tokens": 10**6, "completion_tokens": 10**6}
    at.site.always = llmsite.raw(json.dumps(answer).encode())
    at.write(clips(30), price=PRICE, budget_usd=10 * most_of(at), concurrency=1)
    assert len(at.site.bodies) == 1
    assert "budget_usd" in at.tally.stopped
