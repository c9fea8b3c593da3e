"""Errors taken apart, and how long a server wants to be left alone."""

import email.utils
import json

import pytest

from curate.captions.llm import trouble
from curate.captions.llm.trouble import Kind

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": email.utils.formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": email.utils.formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "x", "retry-after": "4"}, 4.0),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert trouble.wait(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("body", "text", "code", "param"),
    [
        ({"error": {"message": "m", "code": "c", "param": "p"}}, "m", "c", "p"),
        ({"error": {"message": "m", "type": "t"}}, "m", "t", ""),
        ({"error": "plain"}, "plain", "", ""),
        ({"detail": "of FastAPI"}, "of FastAPI", "", ""),
        ({"message": "of vLLM", "type": "BadRequestError", "code": 400}, "of vLLM", "", ""),
        ({"detail": [{"loc": ["body"], "msg": "m"}]}, "[{'loc': ['body'], 'msg': 'm'}]", "", ""),
        ({"error": {"message": "m", "type": "insufficient_quota"}}, "m", "insufficient_quota", ""),
        ("words", "words", "", ""),
        ([], "[]", "", ""),
        (None, "None", "", ""),
    ],
)
def test_errors_of_many_servers(body: object, text: str, code: str, param: str) -> None:
    for form in (body, json.dumps(body).encode()):
        found = trouble.refusal(400, form)
        assert (found.text, found.code, found.param) == (text, code, param)


def test_errors_that_are_no_json() -> None:
    assert trouble.refusal(502, b"<html>\xff</html>").text == "<html>\ufffd</html>"
    assert len(trouble.refusal(502, b"x" * 10**6).text) == 2000
    assert trouble.refusal(500, b"[" * 10**5).status == 500


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "", Kind.REQUEST),
        (413, "", Kind.REQUEST),
        (422, "", Kind.REQUEST),
        (400, "model_not_found", Kind.SETUP),
        (401, "", Kind.SETUP),
        (402, "", Kind.SPENT),
        (403, "", Kind.SETUP),
        (404, "", Kind.SETUP),
        (301, "", Kind.SETUP),
        (307, "", Kind.SETUP),
        (408, "", Kind.AGAIN),
        (409, "", Kind.AGAIN),
        (429, "", Kind.LIMIT),
        (429, "rate_limit_exceeded", Kind.LIMIT),
        (429, "insufficient_quota", Kind.SPENT),
        (429, "billing_hard_limit_reached", Kind.SPENT),
        (500, "", Kind.AGAIN),
        (503, "", Kind.AGAIN),
        (529, "", Kind.AGAIN),
    ],
)
def test_what_is_to_be_done(status: int, code: str, kind: Kind) -> None:
    error = trouble.Refusal(status, "said so", code)
    found = trouble.of(error, {}, "host", "model", "THE_KEY", "")
    assert (found.kind, found.status, found.free) == (kind, status, True)
    assert "host answered" in found.message
    assert "said so" in found.message


def test_a_full_server_that_says_when_is_one_with_a_limit() -> None:
    error = trouble.Refusal(503, "busy")
    found = trouble.of(error, {"retry-after": "9"}, "host", "model", "THE_KEY", "")
    assert (found.kind, found.wait_s) == (Kind.LIMIT, 9.0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fine", "fine"),
        ("two\nlines\x1b[31m\x00", "two lines [31m"),
        ("key sk-abcdef123456 here", "key *** here"),
        ("key sk-proj-abc*******xyz", "key ***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("my secret7 word", "my *** word"),
        ("x" * 500, "x" * 200 + "…"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert trouble.shown(text, "secret7") == shown
