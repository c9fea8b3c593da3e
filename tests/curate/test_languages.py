"""A language is one file in captions/template: with it, everything else knows the language."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import llmtools
import pytest
from llmtools import clip

from curate import cli, config
from curate.captions import template
from curate.captions.author import Author
from curate.captions.checking import Checker
from curate.captions.llm import ACCEPTED
from curate.captions.llm.prompting import Prompts
from curate.captions.names import Names
from curate.config import CaptionOptions, LlmOptions
from curate.errors import ConfigError
from curate.labels import vocabulary
from curate.records import Facts

LATIN = """\
import random

from curate.captions.template.said import Said

CODE, NAME = "la", "Latin"
LONGEST = 200
CHARACTERS, WORDS = (10, 300), (3, 60)
TOKENS = 50


def tags(said: Said, draw: random.Random) -> str:
    return ", ".join(["musica", *said.words, *([f"{said.bpm} BPM"] if said.bpm else [])])


def short(said: Said, draw: random.Random) -> str:
    return f"Musica est {draw.choice(('cum', 'et'))} {' et '.join(said.words)}."


def full(said: Said, draw: random.Random) -> str:
    return f"Haec est musica: {', '.join(said.words)}. Celeritas est {said.bpm} BPM."


def reads(text: str) -> bool:
    return "est" in text.lower().split() or text.startswith("musica")
"""

FACTS = Facts(genres=("jazz",), instruments=("piano",), bpm=120)


@pytest.fixture
def latin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "latin.py").write_text(LATIN)
    monkeypatch.setattr(template, "__path__", [*template.__path__, str(tmp_path)])
    yield "la"
    sys.modules.pop("curate.captions.template.latin", None)


def recipe(folder: Path, code: str) -> Path:
    path = folder / "artists.yaml"
    path.write_text(
        f"name: x\nrights: r\nartists: [{{name: A, files: [a]}}]\ncaptions:\n  language: {code}\n"
    )
    return path


def test_it_stands_in_artists_yaml(latin: str, tmp_path: Path) -> None:
    assert config.load(recipe(tmp_path, latin)).captions.language == "la"
    assert config.captions({"language": "la"}, "captions").language == "la"
    assert list(template.languages()) == ["en", "ja", "la"]


@pytest.mark.parametrize("style", ["tags", "short", "full", "mixed"])
def test_templates_write_it_and_the_check_reads_it(latin: str, style: str) -> None:
    options = CaptionOptions(style=style, language=latin)
    made = Author(options).write("x_000", FACTS, Names())
    assert made.source == "template.3.la"
    assert "jazz" in made.texts[0]
    checker = Checker(vocabulary.load())
    assert checker.faults(made.texts[0], FACTS, Names(), latin) == ()
    (other,) = checker.faults("A jazz track with a piano at 120 BPM.", FACTS, Names(), latin)
    assert (other.code, other.detail) == ("wrong_language", "is not in Latin")
    wrong = checker.faults("Musica est cum violin et jazz.", FACTS, Names(), latin)
    assert {fault.code for fault in wrong} == {"instrument"}


def test_a_model_is_asked_for_it(latin: str) -> None:
    asked = Prompts(LlmOptions("m"), Path(), latin).first(FACTS)
    assert "Latin" in asked.messages[0]["content"]
    with llmtools.bench() as at:
        said = ("Musica est {}.", "Est haec musica {}.", "Haec est musica {}.")
        at.site.reply = lambda facts, wanted: json.dumps(
            {"captions": [text.format(facts["genres"][0]) for text in said]}
        )
        assert at.captioner(language=latin).estimate(iter([clip()])).output_tokens > 50
        assert [outcome for outcome, _ in at.write([clip()], language=latin)] == [ACCEPTED]


def test_one_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, "la")
    with pytest.raises(ConfigError, match="no language 'la'; there are en, ja") as told:
        config.load(path)
    assert str(told.value).startswith(f"{path}:5: captions.language: ")
    with pytest.raises(ConfigError, match=r"x\.language: no language 'la'"):
        config.captions({"language": "la"}, "x")
    assert cli.main(["validate", str(path)]) == 2
    assert "there are en, ja" in capsys.readouterr().err
