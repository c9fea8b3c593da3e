"""What becomes of what a model says, through the real client and a local server."""

import asyncio
import json
from collections.abc import Callable, Iterator

import llmsite
import llmtools
import pytest
from llmsite import Object
from llmtools import Bench, clip, clips

from curate.captions.llm import ACCEPTED, MISSING, REFUSED, REPAIRED
from curate.captions.names import Names

Reply = Callable[[Object, int], str]


@pytest.fixture
def at() -> Iterator[Bench]:
    with llmtools.bench() as made:
        yield made


def test_a_server_that_knows_the_schema(at: Bench) -> None:
    assert at.write([clip()]) == [(ACCEPTED, 3)]
    body = at.site.bodies[0]
    assert body["model"] == "test"
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["strict"] is True
    captions = body["response_format"]["json_schema"]["schema"]["properties"]["captions"]
    assert (captions["minItems"], captions["maxItems"]) == (3, 3)
    assert body["max_tokens"] == 2000
    assert "temperature" not in body
    assert json.loads(body["messages"][1]["content"]) == {
        "genres": ["jazz"],
        "instruments": ["piano"],
        "tempo_bpm": 60,
    }
    tally = at.tally
    assert (tally.clips, tally.requests, tally.answered, tally.cached) == (1, 1, 1, 0)
    assert (tally.accepted, tally.missing, tally.stopped) == (1, 0, "")
    assert tally.input_tokens > 100
    assert tally.output_tokens > 10


def test_captions_are_what_was_said(at: Bench) -> None:
    at.write([clip()])
    written = at.captioner().captions(clip())
    assert list(written.texts) == llmsite.sentences(llmsite.facts_of(at.site.bodies[0]), 3)
    assert written.faults == ()


def fenced(facts: Object, wanted: int) -> str:
    return f"Sure! Here you are:\n```json\n{llmsite.fine(facts, wanted)}\n```\nEnjoy."


def bare_list(facts: Object, wanted: int) -> str:
    return json.dumps(llmsite.sentences(facts, wanted))


def prose_around(facts: Object, wanted: int) -> str:
    return f"I thought of {{this}} first. {llmsite.fine(facts, wanted)} Do you like it?"


def thinking(facts: Object, wanted: int) -> str:
    return f'<think>{{"captions": ["no"]}}</think>\n{llmsite.fine(facts, wanted)}'


def other_key(facts: Object, wanted: int) -> str:
    return json.dumps({"variants": llmsite.sentences(facts, wanted)})


@pytest.mark.parametrize("reply", [fenced, bare_list, prose_around, thinking, other_key])
def test_a_server_that_ignores_the_schema(at: Bench, reply: Reply) -> None:
    at.site.reply = reply
    assert at.write([clip()]) == [(ACCEPTED, 3)]
    assert len(at.site.bodies) == 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (lambda facts, wanted: '{"captions": ["A jazz track', "unreadable"),
        (lambda facts, wanted: "A jazz track with piano.", "unreadable"),
        (lambda facts, wanted: "I'm sorry, but I can't help with that.", "refusal"),
        (lambda facts, wanted: "", "empty"),
        (lambda facts, wanted: '{"captions": ["", " "]}', "empty"),
        (lambda facts, wanted: json.dumps(llmsite.sentences(facts, 1)), "too_few"),
        (lambda facts, wanted: json.dumps(llmsite.sentences(facts, 1) * 3), "repeated"),
    ],
)
def test_an_answer_of_no_use_is_repaired_by_a_second_request(
    at: Bench, bad: Reply, code: str
) -> None:
    at.site.reply, at.site.repair = (
        bad,
        lambda facts, n: json.dumps({"captions": llmsite.sentences(facts, n, first=3)}),
    )
    assert at.write([clip()]) == [(REPAIRED, 3)]
    assert code in at.tally.faults
    assert at.tally.repaired == 1
    first, second = at.site.bodies
    assert second["messages"][:2] == first["messages"]
    assert [said["role"] for said in second["messages"]] == [
        *("system", "user", "assistant", "user"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A jazz track with piano and a banjo.", "instrument"),
        ("A jazz track with piano, as Zorblatt Quux would play it.", "name"),
        ("ジャズの曲です。ピアノが聞こえます。", "wrong_language"),
        ("A jazz track with piano in the key of F sharp minor.", "key"),
    ],
)
def test_captions_that_say_too_much_are_asked_for_again_alone(
    at: Bench, text: str, code: str
) -> None:
    at.site.reply = lambda facts, n: json.dumps(
        {"captions": [*llmsite.sentences(facts, n - 1), text]}
    )
    at.site.repair = lambda facts, n: json.dumps({"captions": llmsite.sentences(facts, n, first=4)})
    assert at.write([clip()]) == [(REPAIRED, 3)]
    assert code in at.tally.faults
    asked = at.site.bodies[1]["messages"][-1]["content"]
    assert "Caption 3 " in asked
    assert "Write one caption" in asked
    schema = at.site.bodies[1]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["captions"]["maxItems"] == 1
    assert text not in at.captioner().captions(clip()).texts
    assert "Zorblatt" not in asked
    assert "Fnord" not in asked


def test_what_cannot_be_repaired_leaves_the_good_captions_and_goes_on(at: Bench) -> None:
    def half(facts: Object, wanted: int) -> str:
        if facts["genres"] == ["rock"]:
            return json.dumps({"captions": ["A rock track with a banjo."] * wanted})
        good = llmsite.sentences(facts, 1)
        return json.dumps({"captions": [*good, "It has a banjo.", "And a harp."]})

    at.site.reply = half
    assert at.write(clips(3)) == [(REPAIRED, 1), (REFUSED, 0), (REPAIRED, 1)]
    assert (at.tally.repaired, at.tally.refused) == (2, 1)
    assert at.told == [1, 1, 1]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (llmsite.says(None, refusal="I will not do that."), "refusal"),
        (llmsite.says("", finish="content_filter"), "refusal"),
        (llmsite.says('{"captions": ["A ja', finish="length"), "cut"),
        (llmsite.says(None, finish="length"), "cut"),
        (llmsite.refuse(400, "Filtered by policy", name="content_filter"), "refusal"),
    ],
)
def test_refusals_and_cut_answers_are_repaired(at: Bench, fault: llmsite.Fault, code: str) -> None:
    at.site.faults.append(fault)
    assert at.write(clips(2)) == [(REPAIRED, 3), (ACCEPTED, 3)]
    assert at.tally.faults == {code: 1}
    assert any("max_tokens" in note for note in at.tally.notes) is (code == "cut")


def test_content_in_parts(at: Bench) -> None:
    text = llmsite.fine({"genres": ["jazz"], "instruments": ["piano"], "tempo_bpm": 60}, 3)
    answer = llmsite.message(None)
    answer["choices"][0]["message"]["content"] = [{"type": "text", "text": text}]
    at.site.faults.append(llmsite.raw(json.dumps(answer).encode()))
    assert at.write([clip()]) == [(ACCEPTED, 3)]


def test_a_server_that_refuses_the_schema_is_asked_without_it_once_for_all(at: Bench) -> None:
    llmsite.knows_not(at.site, "response_format")
    assert {outcome for outcome, _ in at.write(clips(6))} == {ACCEPTED}
    with_schema = [body for body in at.site.bodies if "response_format" in body]
    assert (len(with_schema), len(at.site.bodies)) == (1, 7)


@pytest.mark.parametrize(
    "text", ["Unsupported response_format type - json_schema", "json_schema is not implemented"]
)
def test_servers_that_break_at_the_schema(at: Bench, text: str) -> None:
    at.site.faults.append(llmsite.refuse(500, text))
    assert at.write([clip()]) == [(ACCEPTED, 3)]
    assert "response_format" not in at.site.bodies[1]


@pytest.mark.parametrize("known", ["max_completion_tokens", "max_tokens"])
def test_both_names_of_the_longest_answer(at: Bench, known: str) -> None:
    other = {"max_tokens", "max_completion_tokens"} - {known}
    llmsite.knows_not(at.site, *other)
    assert {outcome for outcome, _ in at.write(clips(3))} == {ACCEPTED}
    assert {known in body for body in at.site.bodies[-3:]} == {True}
    assert len(at.site.bodies) <= 4


def test_equal_facts_share_a_request_and_equal_clips_are_counted_once(at: Bench) -> None:
    others = [clip(0, Names(artists=(f"Blorpo {n}",))) for n in range(5)]
    requests = [clip()] * 10 + others
    assert at.write(requests) == [(ACCEPTED, 3)] * 15
    assert len(at.site.bodies) == 1
    assert (at.tally.clips, at.tally.accepted) == (15, 6)
    assert sum(at.told) == 15


def test_names_are_checked_for_each_clip(at: Bench) -> None:
    text = "A jazz track with piano, after Blorpo Wibble."
    at.site.reply = lambda facts, n: json.dumps({"captions": [*llmsite.sentences(facts, 2), text]})
    theirs = clip(0, Names(artists=("Blorpo Wibble",)))
    at.site.repair = lambda facts, n: json.dumps({"captions": llmsite.sentences(facts, n, first=4)})
    at.write([theirs])
    assert not any("Blorpo" in said for said in at.captioner().captions(theirs).texts)
    assert at.captioner().captions(theirs).outcome == REPAIRED


def test_a_second_run_asks_nothing(at: Bench) -> None:
    at.site.reply = lambda facts, n: json.dumps({"captions": ["A track with a banjo."]})
    first = at.write(clips(5))
    sent = len(at.site.bodies)
    assert at.write(clips(5)) == first
    assert len(at.site.bodies) == sent
    assert (at.tally.requests, at.tally.answered, at.tally.cached) == (0, 0, sent)
    assert (at.tally.input_tokens, at.tally.output_tokens) == (0, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "other"},
        {"variants": 2},
        {"style": "musiccaps"},
        {"temperature": 0.5},
        {"max_tokens": 900},
        {"language": "ja"},
    ],
)
def test_other_options_are_other_requests(at: Bench, changed: dict[str, object]) -> None:
    at.write([clip()])
    at.write([clip()], **changed)
    assert len(at.site.bodies) >= 2


@pytest.mark.parametrize("changed", [{"concurrency": 1}, {"timeout_s": 5.0}, {"retries": 0}])
def test_how_it_is_asked_changes_no_answer(at: Bench, changed: dict[str, object]) -> None:
    at.write([clip()])
    at.write([clip()], **changed)
    assert len(at.site.bodies) == 1


def test_japanese(at: Bench) -> None:
    said = [
        "ジャズの曲です。ピアノが聞こえます。",
        "ピアノのジャズです。",
        "ピアノが入ったジャズの曲。",
    ]
    at.site.reply = lambda facts, n: json.dumps({"captions": said}, ensure_ascii=False)
    assert at.write([clip()], language="ja") == [(ACCEPTED, 3)]
    assert "in Japanese" in at.site.bodies[0]["messages"][0]["content"]


def test_nothing_asked_is_missing(at: Bench) -> None:
    written = at.captioner().captions(clip())
    assert (written.outcome, written.texts) == (MISSING, ())
    assert at.site.paths == []


def test_requests_go_at_once_up_to_the_limit(at: Bench) -> None:
    at.site.delay_s = 0.05
    at.write(clips(60), concurrency=16)
    assert at.site.most == 16


def test_clips_are_pulled_lazily(at: Bench) -> None:
    pulled = ahead = 0

    def endless() -> Iterator[llmtools.Request]:
        nonlocal pulled, ahead
        for number in range(200):
            pulled += 1
            ahead = max(ahead, pulled - len(at.told))
            yield clip(number)

    at.site.delay_s = 0.002
    at.tally = at.captioner().write(endless(), at.told.append)
    assert at.tally.accepted == 200
    assert ahead <= 4 * 4 + 1


def test_within_a_running_loop_as_in_a_notebook(at: Bench) -> None:
    async def cell() -> list[tuple[str, int]]:
        found = at.write(clips(3))
        await asyncio.sleep(0)
        assert asyncio.get_running_loop().is_running()
        return found

    assert asyncio.run(cell()) == [(ACCEPTED, 3)] * 3


def test_errors_of_the_caller_come_through_as_they_are(at: Bench) -> None:
    def broken() -> Iterator[llmtools.Request]:
        yield clip()
        raise LookupError("the catalog is gone")

    with pytest.raises(LookupError, match="the catalog is gone"):
        at.captioner().write(broken(), at.told.append)


def test_ctrl_c_keeps_what_was_answered(at: Bench) -> None:
    def tell(count: int) -> None:
        at.told.append(count)
        if len(at.told) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        at.captioner().write(clips(40), tell)
    known = at.outcomes(clips(40)).count(ACCEPTED)
    assert 5 <= known < 40
    assert at.write(clips(40)) == [(ACCEPTED, 3)] * 40
    assert at.tally.cached == known
