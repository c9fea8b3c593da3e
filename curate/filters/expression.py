"""Filters that people write: `'low quality' not in caption and bpm >= 90`. Nothing is executed.

Names are compared with texts in quotes, numbers, `true`, `false`, `null`, lists in brackets and
each other by `== != < <= > >= in`, comparisons are joined by `and`, `or`, `not` and parentheses. A
name that is more than letters and digits stands in backticks. What differs from Python:

- Text is compared without regard to case, width and kinds of space: `Violin` is `violin`. In a
  comparison with `exact(caption)` every character counts.
- Of a list, one item is enough: `instrument == "violin"` holds if one of the instruments is the
  violin, `!=` if none is. `in` looks for a part of a text, and for a whole item of a list.
- What is not known (`null`, "", an empty list, NaN, a word where a number is needed) decides
  nothing: a comparison with it is neither true nor false, nor is its `not`, and a filter holds only
  if it is true. `x == null` asks for just that.
- Texts that are numbers are compared as numbers where a number or `<` is involved, for a CSV has
  nothing but texts. A name alone is a condition: it holds if it is `true`.
- `len(x)` counts characters or items, 0 where nothing is known. There are no other functions.
"""

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, NoReturn

from curate.errors import ConfigError
from curate.filters.conditions import (
    Compare,
    Condition,
    Constant,
    Joined,
    Length,
    Name,
    Not,
    Operand,
    Scalar,
    Truth,
    Unknown,
    fold,
)

Kind = Literal["text", "number", "words", "truth", "any"]
"""What a name stands for: `words` are a list of texts, `any` is found out value by value."""

MAX_CHARACTERS = 2000
MAX_DEPTH = 32
"""Of parentheses and `not` inside one another."""

_MAX_DIGITS = 30


class ExpressionError(ConfigError):
    """An expression that says nothing.

    Attributes:
        position: The character where it goes wrong, from 1.
        reason: What is there, what may stand there, and the nearest right name where one is near.
    """

    def __init__(self, text: str, position: int, reason: str) -> None:
        super().__init__(text, position, reason)
        self.text = text
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        start = max(0, self.position - 41)
        near = " ".join(self.text[start : start + 60].split())
        return f"`{near}`: character {self.position}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Expression:
    """A filter, ready to be asked.

    Attributes:
        text: As it was written.
        names: The names that stand in it; `holds` looks at no others.
        condition: What it says.
    """

    text: str
    names: frozenset[str]
    condition: Condition

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether it is true of these values; a name without a value is not known."""
        return self.condition.holds(values) is True


def compile(text: str, names: Collection[str] | Mapping[str, Kind]) -> Expression:
    """Reads an expression.

    Args:
        text: As in artists.yaml.
        names: The names it may use; a mapping tells what each stands for, so that comparing a
            number with a word is found here.

    Raises:
        ExpressionError: It is not understood; the message names the place and what is wrong there.
    """
    if len(text) > MAX_CHARACTERS:
        long = f"it has {len(text)} characters, expected at most {MAX_CHARACTERS}; shorten it"
        raise ExpressionError(text, 1, long)
    kinds = names if isinstance(names, Mapping) else dict.fromkeys(names, "any")
    reader = _Reader(text, kinds)
    return Expression(text, frozenset(reader.used), reader.condition)


class _Token(NamedTuple):
    """A piece of the text: what kind of piece, itself, and where it starts, from 1."""

    kind: str
    text: str
    position: int


_TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.])"
    r"|(?P<name>[^\W\d]\w*|`[^`]+`)"
    r"|(?P<sign>==|!=|<=|>=|<(?![<>])|>(?!>)|[()\[\],-])",
    re.DOTALL,
)

_QUOTES = dict.fromkeys("“”‘’「」´", "straight quotes: ' or \"")
_MEANT = {"=": "==", "&": "and", "|": "or", "!": "not", "<": "!=", "~": "not"} | _QUOTES
_MAY = "names, texts in quotes, numbers, == != < <= > >= in and or not, ( ) [ ]"


def _tokens(text: str) -> list[_Token]:
    found = []
    start = 0
    while start < len(text):
        match = _TOKENS.match(text, start)
        if match is None:
            raise ExpressionError(text, start + 1, _no_token(text[start]))
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match[0], start + 1))
        start = match.end()
    return [*found, _Token("end", "", len(text) + 1)]


def _no_token(character: str) -> str:
    if character in "'\"`":
        return f"this {character} is never closed; close it"
    if character.isdigit() or character == ".":
        return "this is neither a number nor a name; write a number as 12 or 0.5"
    meant = _MEANT.get(character)
    return f"{character!r} means nothing; " + (f"write {meant}" if meant else f"there are {_MAY}")


_WORDS = ("and", "or", "not", "in")
_CONSTANTS: dict[str, tuple[Scalar, ...]] = {"true": (True,), "false": (False,), "null": ()}
_CONSTANTS |= {"True": (True,), "False": (False,), "None": ()}
_SIGNS = ("==", "!=", "<=", ">=", "<", ">", "in", "not")

_Node = Operand | Condition


class _Reader:
    """Reads an expression from left to right, once."""

    def __init__(self, text: str, kinds: Mapping[str, str]) -> None:
        self._text = text
        self._kinds = kinds
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self.used: set[str] = set()
        self.condition = self._condition(self._any(), self._tokens[0])
        if self._here.kind != "end":
            more = f"{self._here.text} is one too many; join conditions by 'and' or 'or'"
            self._fail(self._here, more)

    @property
    def _here(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> str:
        """Goes on if this is one of those signs or words, else gives ""."""
        if self._here.kind not in {"sign", "name"} or self._here.text not in texts:
            return ""
        self._at += 1
        return self._tokens[self._at - 1].text

    def _fail(self, token: _Token, reason: str) -> NoReturn:
        raise ExpressionError(self._text, token.position, reason)

    def _any(self) -> _Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(self._here, f"nested more than {MAX_DEPTH} deep; write it flatter")
        found = self._joined("or", lambda: self._joined("and", self._negated))
        self._depth -= 1
        return found

    def _joined(self, word: str, part: Callable[[], _Node]) -> _Node:
        token, found = self._here, part()
        if self._here.text != word:
            return found
        parts = [self._condition(found, token)]
        while self._take(word):
            token, found = self._here, part()
            parts.append(self._condition(found, token))
        return Joined(tuple(parts), decides=word == "or")

    def _negated(self) -> _Node:
        turned = 0
        while self._take("not"):
            turned += 1
        token, found = self._here, self._comparison()
        if not turned:
            return found
        condition = self._condition(found, token)
        return Not(condition) if turned % 2 else Not(Not(condition))

    def _comparison(self) -> _Node:
        """Operands with a sign between each two: `90 <= bpm < 130` are two comparisons."""
        token, left = self._here, self._operand()
        parts: list[Condition] = []
        while self._here.text in _SIGNS and self._here.kind in {"sign", "name"}:
            sign = self._sign()
            other, right = self._here, self._operand()
            parts.append(self._compare(sign, (token, left), (other, right)))
            token, left = other, right
        if not parts:
            return left
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), decides=False)

    def _sign(self) -> _Token:
        token = self._here
        if self._take("not"):
            if not self._take("in"):
                self._fail(token, "'not' stands before a condition, or is 'not in'")
            return token._replace(text="not in")
        self._at += 1
        return token

    def _compare(
        self, sign: _Token, left: tuple[_Token, _Node], right: tuple[_Token, _Node]
    ) -> Condition:
        one, other = (self._value(node, token) for token, node in (left, right))
        for (token, _), value, against in ((left, one, other), (right, other, one)):
            if isinstance(value, Constant) and not value.plain:
                if sign.text not in {"==", "!="}:
                    self._fail(token, "null is compared by == or != only")
                return Unknown(against) if sign.text == "==" else Not(Unknown(against))
        self._check(sign, one, left[0], other)
        self._check(sign, other, right[0], one)
        exact = any(isinstance(value, Name) and value.exact for value in (one, other))
        if sign.text in {">", ">="}:
            return Compare(sign.text.replace(">", "<"), other, one, exact)
        if sign.text in {"!=", "not in"}:
            return Not(Compare("==" if sign.text == "!=" else "in", one, other, exact))
        return Compare(sign.text, one, other, exact)

    def _check(self, sign: _Token, value: Operand, token: _Token, against: Operand) -> None:
        """Refuses a constant that what it is compared with can never be."""
        if not isinstance(value, Constant):
            return
        kind = "number" if isinstance(against, Length) else "any"
        if isinstance(against, Name):
            kind = self._kinds[against.name]
        if sign.text[0] in "<>" and (value.bracketed or isinstance(value.plain[0], bool)):
            self._fail(token, "only numbers and texts have an order; compare by == or in")
        wanted = {"number": float, "truth": bool, "text": str, "words": str}.get(kind)
        if wanted and any(not isinstance(item, wanted) for item in value.plain):
            words = {float: "a number", bool: "true or false", str: "a text in quotes"}
            named = against.name if isinstance(against, Name | Length) else "it"
            self._fail(token, f"{named} is compared with {words[wanted]}, and this is none")

    def _condition(self, node: _Node, token: _Token) -> Condition:
        """A condition, or a value that is one."""
        if not isinstance(node, Constant | Name | Length):
            return node  # type: ignore[return-value] # all other nodes are conditions
        if isinstance(node, Constant):
            fits = len(node.plain) == 1 and isinstance(node.plain[0], bool)
        else:
            named = isinstance(node, Name) and not node.exact
            fits = named and self._kinds[node.name] in {"truth", "any"}
        if not fits:
            what = token.text or "nothing"
            self._fail(token, f"{what} is no condition; compare it, as in genre == 'jazz'")
        return Truth(node)

    def _value(self, node: _Node, token: _Token) -> Operand:
        if isinstance(node, Constant | Name | Length):
            return node
        return self._fail(token, "a condition cannot be compared; join it by 'and' or 'or'")

    def _operand(self) -> _Node:
        token = self._here
        if self._take("("):
            found = self._any()
            self._close(")", token)
            return found
        if self._take("["):
            return self._list(token)
        if token.kind in {"text", "number"} or token.text == "-" or token.text in _CONSTANTS:
            items = self._constant()
            return Constant(items, fold(items))
        if token.kind == "name" and token.text not in _WORDS:
            self._at += 1
            return self._call(token) if self._here.text == "(" else self._name(token)
        found_text = token.text or "the end"
        return self._fail(token, f"{found_text} where a value should be; there are {_MAY}")

    def _close(self, sign: str, opened: _Token) -> None:
        if not self._take(sign):
            self._fail(self._here, f"'{sign}' is missing for the one at {opened.position}")

    def _list(self, opened: _Token) -> Constant:
        items: list[Scalar] = []
        while True:
            token, found = self._here, self._constant()
            if not found:
                self._fail(token, "null cannot be in a list; ask for it by `== null`")
            items += found
            if not self._take(","):
                break
        self._close("]", opened)
        return Constant(tuple(items), fold(tuple(items)), bracketed=True)

    def _constant(self) -> tuple[Scalar, ...]:
        minus = bool(self._take("-"))
        token = self._here
        self._at += token.kind != "end"
        if token.kind == "number":
            if len(token.text) > _MAX_DIGITS or abs(number := float(token.text)) == float("inf"):
                self._fail(token, f"expected a number of at most {_MAX_DIGITS} digits")
            return (-number if minus else number,)
        if minus:
            self._fail(token, "a number should follow '-'; nothing is calculated here")
        if token.kind == "text":
            return (self._unescaped(token),)
        if token.kind == "name" and token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        return self._fail(token, f"{token.text or 'the end'} where a text or number should be")

    def _unescaped(self, token: _Token) -> str:
        inside = token.text[1:-1]
        odd = [found for found in re.findall(r"\\(.)", inside, re.DOTALL) if found not in "\\'\""]
        if odd:
            self._fail(token, f"\\{odd[0]} in a text; \\ stands before a quote or another \\ only")
        if not inside.strip():
            self._fail(token, "an empty text is as good as null; compare by `== null`")
        return re.sub(r"\\(.)", r"\1", inside, flags=re.DOTALL)

    def _call(self, token: _Token) -> Operand:
        opened = self._here
        self._at += 1
        if token.text not in {"exact", "len"}:
            self._fail(token, f"there is no function {token.text}, only exact and len")
        inner = self._here
        self._at += inner.kind != "end"
        if inner.kind != "name" or inner.text in _WORDS or inner.text in _CONSTANTS:
            self._fail(inner, f"a name should stand in {token.text}( )")
        name = self._name(inner)
        self._close(")", opened)
        return Length(name.name) if token.text == "len" else replace(name, exact=True)

    def _name(self, token: _Token) -> Name:
        name = token.text.strip("`")
        if name not in self._kinds:
            known = sorted(self._kinds)[:500]
            near = difflib.get_close_matches(name[:60], known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known[:40])}"
            self._fail(token, f"unknown name '{name[:60]}'; {hint}")
        self.used.add(name)
        return Name(name)
