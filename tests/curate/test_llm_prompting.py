"""What is asked: prompts, facts, hashes."""

import json
from dataclasses import replace
from pathlib import Path

import llmtools
import pytest

from curate.captions.facts import Facts
from curate.captions.llm.prompting import MAX_BYTES, Payload, Prompts, described, schema, styles
from curate.config import LlmOptions
from curate.errors import ConfigError

OPTIONS = LlmOptions("test")
FACTS = llmtools.clip().facts
GOOD = 'Write {variants} captions in {language}, as JSON: {"captions": []}.\n'


def test_styles_that_come_with_curate() -> None:
    assert styles() == ("musiccaps", "natural", "prompt")


@pytest.mark.parametrize("style", styles())
@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("ja", "Japanese")])
def test_every_style_says_what_matters(style: str, language: str, name: str) -> None:
    options = replace(OPTIONS, style=style, variants=4)
    text = Prompts(options, Path(), language).first(FACTS).messages[0]["content"]
    assert "Say only what the facts say" in text
    assert "Never name a person" in text
    assert f"in {name}" in text
    assert "exactly 4 strings" in text
    assert '{"captions": ["...", "..."]}' in text
    assert "{variants}" not in text


def test_facts_are_json_in_one_order_without_what_is_unknown() -> None:
    assert described(Facts()) == "{}"
    facts = Facts(
        genres=("city pop", "funk"),
        moods=("happy",),
        instruments=("piano",),
        sung=False,
        bpm=120,
        key="A minor",
        decade=1980,
        dynamics="steady",
        density="dense",
        danceable=True,
    )
    assert json.loads(described(facts)) == {
        "genres": ["city pop", "funk"],
        "moods": ["happy"],
        "instruments": ["piano"],
        "vocals": False,
        "tempo_bpm": 120,
        "key": "A minor",
        "decade": "1980s",
        "dynamics": "steady",
        "rhythm": "dense",
        "danceable": True,
    }


def test_odd_words_neither_break_nor_flood_a_request() -> None:
    words = ("a\ud800b", "x" * 10_000, 'quote " and \n line', "{variants}")
    facts = Facts(genres=words, moods=("m",) * 1000)
    payload = Prompts(OPTIONS, Path(), "en").first(facts)
    said = json.loads(payload.messages[1]["content"])
    assert said["genres"] == ["a?b", "x" * 80, 'quote " and line', "{variants}"]
    assert len(said["moods"]) == 12
    json.dumps(payload.messages, ensure_ascii=False).encode()


def test_the_hash_follows_all_that_decides_on_the_answer() -> None:
    def key(options: LlmOptions = OPTIONS, language: str = "en", facts: Facts = FACTS) -> bytes:
        return Prompts(options, Path(), language).first(facts).key

    others = [
        key(),
        key(replace(OPTIONS, model="other")),
        key(replace(OPTIONS, base_url="http://127.0.0.1/v1")),
        key(replace(OPTIONS, variants=2)),
        key(replace(OPTIONS, style="prompt")),
        key(replace(OPTIONS, temperature=0.1)),
        key(replace(OPTIONS, max_tokens=99)),
        key(language="ja"),
        key(facts=Facts(genres=("jazz",))),
    ]
    assert len(set(others)) == len(others)
    same = replace(OPTIONS, concurrency=3, retries=9, timeout_s=1.0, batch=True, budget_usd=9.0)
    assert key(same) == key()
    assert key(replace(OPTIONS, base_url="https://api.openai.com/v1/")) == key()


def test_a_repair_repeats_all_and_names_the_faults() -> None:
    prompts = Prompts(OPTIONS, Path(), "en")
    first = prompts.first(FACTS)
    again = prompts.again(first, "A banjo.", ["Caption 2 mentions `banjo` {faults}."], 2)
    assert again.messages[:2] == first.messages
    assert again.messages[2] == {"role": "assistant", "content": "A banjo."}
    assert "- Caption 2 mentions `banjo` {faults}." in again.messages[3]["content"]
    assert "2 captions" in again.messages[3]["content"]
    assert again.variants == 2
    assert again.key != first.key


@pytest.mark.parametrize("language", ["en", "ja"])
def test_repairs_stay_below_their_bound(language: str) -> None:
    prompts = Prompts(OPTIONS, Path(), language)
    first = prompts.first(FACTS)
    worst = prompts.again(first, "語" * 60_000, ["wrong " * 9000] * 99, OPTIONS.variants)
    assert worst.input_bound <= prompts.repair_bound(first)
    assert prompts.again(first, "", [], 1).messages[2]["content"] == "(nothing)"


def test_a_prompt_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("\ufeff" + GOOD, "utf-8")
    payload = first(tmp_path, "mine.md")
    assert payload.messages[0]["content"] == (
        'Write 3 captions in English, as JSON: {"captions": []}.\n'
    )


def first(folder: Path, style: str) -> Payload:
    return Prompts(replace(OPTIONS, style=style), folder, "en").first(FACTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no {variants}|empty"),
        ("Write captions in {language}.", "no {variants}"),
        ("Write {variants} captions.", "no {language}"),
        (GOOD + "{artist}", "nothing goes into {artist}"),
        (GOOD + "\0", "no text"),
        (GOOD + "x" * MAX_BYTES, "shorten it"),
    ],
)
def test_files_that_are_no_prompt(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.txt").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as found:
        first(tmp_path, "mine.txt")
    assert any(part in str(found.value) for part in said.split("|"))
    assert "mine.txt" in str(found.value)


@pytest.mark.parametrize("style", ["none", "none.md", "folder.md", "key.pem", "/etc/passwd", ""])
def test_what_is_no_style(tmp_path: Path, style: str) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "key.pem").write_text(GOOD)
    with pytest.raises(ConfigError, match=r"musiccaps, natural, prompt"):
        first(tmp_path, style)


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_bytes(b"\xff{variants}{language}")
    with pytest.raises(ConfigError, match="not UTF-8"):
        first(tmp_path, "mine.md")


def test_an_unknown_language() -> None:
    with pytest.raises(ConfigError, match="no language 'de'"):
        Prompts(OPTIONS, Path(), "de")


def test_the_schema_asks_for_as_many_strings() -> None:
    assert schema(2)["properties"]["captions"]["minItems"] == 2
    assert schema(2)["additionalProperties"] is False
