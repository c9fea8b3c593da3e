"""The file of answers: kept whole, shared by processes, refused where it is damaged."""

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import llmtools
import pytest

from curate.captions.llm.answers import Answer, Answers, Batch, Bill, Spent
from curate.errors import CurateError

KEY = bytes(32)
ANSWER = Answer("語 \U0001f3b7 \x00", "no", "stop", 7, 9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "captions.sqlite"


@pytest.fixture
def answers(path: Path) -> Iterator[Answers]:
    with Answers(path) as opened:
        yield opened


def bill(reserved: int = 0, cost: int | None = 5, answer: Answer = ANSWER) -> Bill:
    return Bill("jpop", reserved, cost, answer)


def test_what_is_put_is_there_again(answers: Answers, path: Path) -> None:
    assert answers.get(KEY) is None
    answers.put(KEY, bill())
    assert answers.get(KEY) == ANSWER
    answers.put(KEY, bill(answer=Answer("another")))
    assert answers.get(KEY) == ANSWER
    answers.close()
    with Answers(path) as again:
        assert again.get(KEY) == ANSWER
        assert again.spent("jpop") == Spent(10, 2, 0, 7, 9)


def test_reserved_settled_released(answers: Answers) -> None:
    assert answers.reserve("jpop", 60, 100)
    assert not answers.reserve("jpop", 41, 100)
    assert answers.reserve("jpop", 40, 100)
    answers.release("jpop", 40)
    assert answers.spent("jpop").pico_usd == 60
    answers.put(KEY, bill(60, 11))
    assert answers.spent("jpop").pico_usd == 11
    assert answers.spent("other") == Spent()
    answers.put(b"x" * 32, bill(0, None))
    assert answers.spent("jpop").unpriced == 1


def test_answers_to_questions_with_a_sources_words_are_forgotten(
    answers: Answers, path: Path
) -> None:
    mine, plain, shared, mended = (bytes([number]) * 32 for number in range(4))
    for key in (mine, plain, shared, mended):
        answers.put(key, bill(answer=Answer(f"planted {key[0]} words")))
    spotify = frozenset({"spotify"})
    answers.attribute(plain, "jpop", frozenset())
    for key in (mine, shared, mended):
        answers.attribute(key, "jpop", spotify)
    answers.attribute(shared, "other", spotify)
    answers.attribute(mended, "jpop", frozenset())  # the same question, no word of it by now
    assert answers.forget("nobody", "spotify") == 0
    assert answers.forget("jpop", "spotify") == 1
    assert [answers.get(key) is None for key in (mine, plain, shared, mended)] == [
        True, False, False, False
    ]  # fmt: skip
    files = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    assert not any(b"planted 0 words" in data for data in files)
    assert any(b"planted 1 words" in data for data in files)
    assert answers.forget("other", "spotify") == 1
    assert answers.get(shared) is None


def test_processes_share_one_budget(answers: Answers, path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        taken = pool.starmap(llmtools.reserve, [(path, 100)] * 3)
    assert sum(taken) == 1000 // 7
    assert answers.spent("jpop").pico_usd == 7 * (1000 // 7)


def test_batches_are_remembered_until_they_are_collected(answers: Answers, path: Path) -> None:
    keys = [(bytes([number]) * 32, 10) for number in range(5)]
    assert answers.begin_batch("mark", "jpop", b"here", keys, 45) == 4
    assert answers.spent("jpop").pico_usd == 40
    assert answers.batches("jpop", b"here") == [Batch("mark", "", "")]
    assert answers.batches("jpop", b"elsewhere") == answers.batches("rock", b"here") == []
    answers.name_batch("mark", file="f")
    answers.name_batch("mark", id_="b")
    with Answers(path) as again:
        assert again.batches("jpop", b"here") == [Batch("mark", "b", "f")]
    assert answers.waiting("mark") == dict(keys[:4])
    for _ in range(2):
        answers.collect("mark", [(keys[0][0], bill(10, 3)), (keys[4][0], bill(10, 3))])
    assert answers.get(keys[0][0]) == ANSWER
    assert answers.get(keys[4][0]) is None
    assert answers.spent("jpop").pico_usd == 33
    answers.end_batch("mark")
    assert answers.spent("jpop").pico_usd == 3
    assert answers.batches("jpop", b"here") == []
    assert answers.waiting("mark") == {}


def test_a_batch_beyond_the_budget_is_not_written(answers: Answers) -> None:
    assert answers.begin_batch("mark", "jpop", b"", [(KEY, 10)], 9) == 0
    assert answers.batches("jpop", b"") == []
    assert answers.begin_batch("mark", "jpop", b"", [(KEY, 10)], None) == 1
    answers.end_batch("mark", keep_reserved=True)
    assert answers.spent("jpop").pico_usd == 10


def test_a_later_format_is_not_touched(path: Path) -> None:
    Answers(path).close()
    with sqlite3.connect(path) as file:
        file.execute("pragma user_version = 99")
    with pytest.raises(CurateError, match="format 99"):
        Answers(path)


def test_a_file_of_something_else_is_not_touched(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.execute("create table theirs (x)")
    with pytest.raises(CurateError, match="format 0"):
        Answers(path)


@pytest.mark.parametrize("data", [b"no database at all, but some text" * 9, b"SQLite format 3\0no"])
def test_a_damaged_file_is_named(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(CurateError, match="captions") as found:
        Answers(path)
    assert "move the file away" in str(found.value)
    assert path.read_bytes() == data


def test_damage_that_is_met_later_is_named(path: Path) -> None:
    with Answers(path) as opened:
        for number in range(2000):
            opened.put(number.to_bytes(32, "big"), bill(answer=Answer("x" * 500)))
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 400_000)
    keys = [number.to_bytes(32, "big") for number in range(2000)]
    with Answers(path) as opened, pytest.raises(CurateError, match="damaged"):
        list(map(opened.get, keys))


def test_an_answer_that_is_none_is_named(answers: Answers, path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("insert into answers values (?, 'nonsense')", (KEY,))
    with pytest.raises(CurateError, match="damaged"):
        answers.get(KEY)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CurateError, match="captions"):
        Answers(tmp_path / "file" / "captions.sqlite")
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(CurateError, match="folder"):
        Answers(tmp_path / "folder.sqlite")
