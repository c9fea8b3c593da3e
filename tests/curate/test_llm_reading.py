"""Captions out of answers of any shape."""

import json

import pytest

from curate.captions.llm.answers import Answer
from curate.captions.llm.reading import captions

TWO = ("A calm song.", "A slow song.")
LIST = json.dumps(TWO)
WHOLE = json.dumps({"captions": TWO})


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        LIST,
        f"```json\n{WHOLE}\n```",
        f"```\n{LIST}\n```",
        f"Here they are:\n{WHOLE}\nHave fun!",
        f"I use {{braces}} and [brackets]. {LIST}",
        f"<think>What about [1, 2]?</think>{WHOLE}",
        f"<thinking>{json.dumps({'captions': ['No.']})}</thinking>\n\n{WHOLE}",
        json.dumps({"result": TWO}),
        json.dumps({"captions": {"captions": TWO}}),
        json.dumps({"captions": {"caption_1": TWO[0], "caption_2": TWO[1]}}),
        json.dumps({"caption1": TWO[0], "caption2": TWO[1]}),
        json.dumps({"captions": [{"text": TWO[0]}, {"caption": TWO[1]}]}),
        json.dumps({"captions": [f'"{TWO[0]}"', f"  {TWO[1]}\n"]}),
        json.dumps({"captions": ["A calm\nsong.", "A\u200b slow\tsong."]}),
        json.dumps({"captions": [TWO[0], 7, None, TWO[1], ""]}),
    ],
)
def test_what_is_understood(text: str) -> None:
    found, fault = captions(Answer(text))
    assert fault == ""
    assert found == TWO


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(""), "empty"),
        (Answer(" \n"), "empty"),
        (Answer("<think>and never an answer"), "empty"),
        (Answer(json.dumps({"captions": []})), "empty"),
        (Answer(json.dumps({"captions": ["  "]})), "empty"),
        (Answer(WHOLE, refusal="No."), "refusal"),
        (Answer(WHOLE, finish="content_filter"), "refusal"),
        (Answer("I'm sorry, but I cannot help."), "refusal"),
        (Answer("I can’t write about that."), "refusal"),
        (Answer("申し訳ありませんが、できません。"), "refusal"),
        (Answer("A calm song with a piano."), "unreadable"),
        (Answer('{"captions": ["A calm'), "unreadable"),
        (Answer('{"captions": ["A calm', finish="length"), "cut"),
        (Answer("", finish="length"), "cut"),
        (Answer("[" * 100_000), "unreadable"),
        (Answer('{"a":' * 50_000), "unreadable"),
        (Answer("7"), "unreadable"),
        (Answer("null"), "unreadable"),
        (Answer('"A calm song."'), "unreadable"),
        (Answer(json.dumps({"error": "no"})), "unreadable"),
        (Answer(json.dumps({"a": ["x"], "b": ["y"]})), "unreadable"),
    ],
)
def test_what_is_not(answer: Answer, fault: str) -> None:
    assert captions(answer) == ((), fault)


def test_a_cut_answer_that_is_whole_is_taken() -> None:
    assert captions(Answer(WHOLE, finish="length")) == (TWO, "")


def test_quotation_marks_within_stay() -> None:
    said = json.dumps(['"Slow" and "calm"', "“Slow”"])
    assert captions(Answer(said))[0] == ('"Slow" and "calm"', "Slow")


def test_many_are_cut() -> None:
    assert len(captions(Answer(json.dumps(["x y"] * 10_000)))[0]) == 50
