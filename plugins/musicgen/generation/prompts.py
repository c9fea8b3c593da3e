"""Prompts as people write them: lines of a file, or words of a command line."""

from collections.abc import Sequence
from pathlib import Path

from curate import names

from ..errors import TrainingError
from ..listening import pairs


def read(source: Path) -> list[pairs.Prompt]:
    """Prompts from a file: lines of JSON as in `prompts.jsonl`, or of plain text, one a line.

    Raises:
        TrainingError: There is no such file, it is empty, or a line is no prompt.
    """
    if source.is_dir() or source.suffix == ".jsonl":
        found = pairs.read_prompts(source)
        if found is None:
            raise TrainingError(
                f"--prompts {source}: there is no such file, and no {pairs.PROMPTS} in it"
            )
        return list(found.values())
    try:
        lines = source.read_text("utf-8").splitlines()
    except OSError as error:
        raise TrainingError(f"--prompts {source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TrainingError(
            f"--prompts {source}: no text in UTF-8 (byte {error.start}); expected a prompt a line"
        ) from error
    texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise TrainingError(f"--prompts {source}: there are no prompts in it; expected one a line")
    return named(texts)


def named(texts: Sequence[str]) -> list[pairs.Prompt]:
    """Prompts of plain texts; their ids are made from the words, and from a number where needed.

    Raises:
        TrainingError: A text is empty or too long.
    """
    found: dict[str, pairs.Prompt] = {}
    for text in texts:
        if not 0 < len(text.strip()) <= pairs.LONGEST_PROMPT:
            raise TrainingError(
                f"the prompt {text[:40]!r} has {len(text)} characters; expected 1 to "
                f"{pairs.LONGEST_PROMPT}"
            )
        own = names.slug(text)
        number = 2
        name = own
        while name in found:
            name, number = f"{own}-{number}", number + 1
        found[name] = pairs.Prompt(name, text)
    return list(found.values())
