"""What a language model is asked: a prompt from a file, one clip's facts as JSON, a schema.

A prompt is a text with the places `{variants}` and `{language}`; those that come with curate are in
`prompts/`, and `captions.llm.style` may name a file of the user's own. The facts go along as data,
in one fixed form, and nothing else does: no name, no path, no id.
"""

import functools
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.captions import template
from curate.captions.facts import Facts
from curate.config import LlmOptions
from curate.errors import ConfigError

OPENAI = "https://api.openai.com/v1"

FOLDER = Path(__file__).with_name("prompts")
REPAIR = "repair"
"""The prompt that asks again; no style of its own."""

MAX_BYTES = 32 * 1024
"""Of a prompt."""

_PLACES = ("variants", "language")
_MOST_WORDS, _WORD_LENGTH = 12, 80
_BRIEF_BYTES, _FAULTS_BYTES = 1000, 1500
_PLACE = re.compile(r"\{([a-z_]+)\}")

Message = dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Payload:
    """One request.

    Attributes:
        key: Hash of all that decides on its answer.
        messages: In order.
        variants: Captions that are asked for.
        input_bound: Tokens it has at most: no tokeniser makes more of a text than it has bytes.
        sources: See `dialogue.Request`; nothing that is sent.
    """

    key: bytes
    messages: tuple[Message, ...]
    variants: int
    input_bound: int
    sources: frozenset[str] | None = None


class Prompts:
    """Requests under one configuration.

    Args:
        options: Model, style, variants and the like.
        base: Folder that a file of the user's own is relative to.
        language: Of the captions, see `template.languages`.

    Raises:
        ConfigError: There is no such style or language, or the user's file is no prompt.
    """

    def __init__(self, options: LlmOptions, base: Path, language: str) -> None:
        self._options = options
        self._language = template.language(language).NAME
        self._system = _filled(
            _style(options.style, base), variants=options.variants, language=self._language
        )
        self._repair = _read(FOLDER / f"{REPAIR}.md")
        self._server = (options.base_url or OPENAI).rstrip("/")

    def first(self, facts: Facts, sources: frozenset[str] | None = None) -> Payload:
        """Asks for all captions of a clip. `sources`: see `Payload`."""
        system: Message = {"role": "system", "content": self._system}
        user: Message = {"role": "user", "content": described(facts)}
        return self._payload((system, user), self._options.variants, sources)

    def again(self, first: Payload, said: str, faults: Sequence[str], wanted: int) -> Payload:
        """Asks once more, naming what is wrong with the answer.

        Args:
            first: What was asked.
            said: What was answered.
            faults: A sentence each.
            wanted: Captions that are still wanted.
        """
        listed = _cut("\n".join(f"- {fault}" for fault in faults), _FAULTS_BYTES)
        text = _filled(
            self._repair, faults=listed, wanted=_counted(wanted), language=self._language
        )
        answered = _cut(said.strip(), self._answer_bytes) or "(nothing)"
        assistant: Message = {"role": "assistant", "content": answered}
        user: Message = {"role": "user", "content": text}
        return self._payload((*first.messages, assistant, user), wanted, first.sources)

    def repair_bound(self, first: Payload) -> int:
        """Input tokens that `again` has at most."""
        added = self._answer_bytes + _FAULTS_BYTES + len(self._repair.encode()) + 2 * _OVERHEAD
        return first.input_bound + added + 4 * _OVERHEAD

    @property
    def _answer_bytes(self) -> int:
        return _BRIEF_BYTES * (1 + self._options.variants)

    def _payload(
        self, messages: tuple[Message, ...], variants: int, sources: frozenset[str] | None
    ) -> Payload:
        asked = {
            "model": self._options.model,
            "base_url": self._server,
            "messages": messages,
            "schema": schema(variants),
            "temperature": self._options.temperature,
            "max_tokens": self._options.max_tokens,
        }
        form = json.dumps(asked, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        key = hashlib.sha256(form.encode()).digest()
        sizes = (len(message["content"].encode()) for message in messages)
        bound = sum(sizes) + _OVERHEAD * (len(messages) + 1) + len(json.dumps(schema(variants)))
        return Payload(key, messages, variants, bound, sources)


_OVERHEAD = 16
"""Tokens that frame a message, at most."""


@functools.cache
def schema(variants: int) -> dict[str, Any]:
    """JSON Schema of an answer."""
    strings = {
        "type": "array",
        "items": {"type": "string"},
        "minItems": variants,
        "maxItems": variants,
    }
    return {
        "type": "object",
        "properties": {"captions": strings},
        "required": ["captions"],
        "additionalProperties": False,
    }


def described(facts: Facts) -> str:
    """The facts as one line of JSON: always the same order, what is unknown left out."""
    said = {
        "genres": _words(facts.genres),
        "moods": _words(facts.moods),
        "instruments": _words(facts.instruments),
        "vocals": facts.sung,
        "tempo_bpm": facts.bpm,
        "key": facts.key[:_WORD_LENGTH],
        "decade": None if facts.decade is None else f"{facts.decade}s",
        "dynamics": facts.dynamics,
        "rhythm": facts.density,
        "danceable": facts.danceable or None,
    }
    known = {name: value for name, value in said.items() if value not in (None, "", [])}
    return json.dumps(known, ensure_ascii=False)


def _words(words: tuple[str, ...]) -> list[str]:
    """Tags come from anywhere: neither many nor long ones make a request dear."""
    return [" ".join(_cut(word[:_WORD_LENGTH], MAX_BYTES).split()) for word in words[:_MOST_WORDS]]


def _counted(number: int) -> str:
    return "one caption" if number == 1 else f"{number} captions"


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")


def _filled(text: str, **places: object) -> str:
    """The text with its places filled in, in one go: what is filled in is never read as a place."""
    return _PLACE.sub(lambda found: str(places.get(found[1], found[0])), text)


def styles() -> tuple[str, ...]:
    """The prompts that come with curate."""
    return tuple(sorted(p.stem for p in FOLDER.glob("*.md") if p.stem != REPAIR))


def _style(style: str, base: Path) -> str:
    """The text of a style, checked."""
    if style in styles():
        return _read(FOLDER / f"{style}.md")
    path = base / style
    if path.suffix not in (".md", ".txt") or not path.is_file():
        raise ConfigError(
            f"captions.llm.style: '{style}' is neither one of {', '.join(styles())} nor a file of "
            f"your own (.md or .txt) in {base}"
        )
    text = _read(path)
    places = set(_PLACE.findall(text))
    for place in _PLACES:
        if place not in places:
            raise ConfigError(
                f"{path}: the prompt has no {{{place}}}; write where it goes, as in the prompts "
                f"that come with curate"
            )
    if odd := sorted(places - set(_PLACES)):
        raise ConfigError(
            f"{path}: nothing goes into {{{odd[0]}}}; there are {{variants}} and {{language}}"
        )
    return text


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: the prompt cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: the prompt has more than {MAX_BYTES} bytes; shorten it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    if "\0" in text or not text.strip():
        raise ConfigError(f"{path}: the prompt is empty or no text")
    return text.strip() + "\n"
