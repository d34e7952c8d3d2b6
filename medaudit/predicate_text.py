"""From the text of a predicate to its parts, with messages that say where the text goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from medaudit.errors import UsageError
from medaudit.predicates import BARE, MISSING, ORDERED, WORDS, All, AnyOf, Not, Predicate, Term, as_number

#: A split is a line in a plan; brackets deeper than this are a slip or an attack on the stack.
MAX_LENGTH, MAX_DEPTH = 2000, 40
COMPARED = ("==", "!=", "<=", ">=", "<", ">")
_TOKEN = re.compile(
    rf"(?P<quote>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<sign>==|!=|<=|>=|&&|\|\||[<>()&|!,])"
    rf"|(?P<word>{BARE.pattern})"
)
_SPELLED = {"&&": "&", "||": "|", "and": "&", "or": "|", "not": "!"}


class Token(NamedTuple):
    """``kind`` is quote, word, end, or the sign or word of the grammar itself."""

    kind: str
    text: str
    position: int


class Reader:
    """A reader of one text, token by token; see :mod:`medaudit.predicates` for the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._depth = 0
        self._next = 0
        self._tokens = self._read()

    def predicate(self) -> Predicate:
        """The whole text as one predicate."""
        found = self._any()
        self._expect_end("'&', '|' or the end")
        return found

    def split(self) -> tuple[Predicate, Predicate | None, Predicate | None]:
        """The whole text as ``predicate [vs predicate] [without predicate]``."""
        first = self._any()
        other = self._any() if self._take("vs") else None
        without = self._any() if self._take("without") else None
        self._expect_end("'&', '|', 'vs', 'without' or the end")
        return first, other, without

    def _read(self) -> list[Token]:
        if len(self.text) > MAX_LENGTH:
            raise UsageError(f"a split of {len(self.text)} characters; at most {MAX_LENGTH} are read.")
        tokens, position = [], 0
        while position < len(self.text):
            if self.text[position].isspace():
                position += 1
                continue
            found = _TOKEN.match(self.text, position)
            if not found:
                self._unreadable(position)
            tokens.append(_token(str(found.lastgroup), found.group(), position))
            position = found.end()
        return [*tokens, Token("end", "", len(self.text))]

    def _unreadable(self, position: int) -> NoReturn:
        sign = self.text[position]
        hints = {"=": "write == to compare", '"': "close the quote", "'": "close the quote"}
        hint = hints.get(sign, "put values with signs in quotes")
        self._refuse(position, f"{sign!r} is not understood; {hint}")

    def _any(self) -> Predicate:
        return self._joined("|", self._all, AnyOf)

    def _all(self) -> Predicate:
        return self._joined("&", self._one, All)

    def _joined(
        self,
        sign: str,
        part: Callable[[], Predicate],
        kind: type[All] | type[AnyOf],
    ) -> Predicate:
        parts = [part()]
        while self._take(sign):
            parts.append(part())
        # A bracket around the same sign changes nothing: one text, one form.
        flat = [inner for each in parts for inner in (each.parts if isinstance(each, kind) else (each,))]
        return flat[0] if len(flat) == 1 else kind(tuple(flat))

    def _one(self) -> Predicate:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(self._here.position, f"brackets are nested deeper than {MAX_DEPTH}")
        found = self._inner()
        self._depth -= 1
        return found

    def _inner(self) -> Predicate:
        if self._take("!"):
            part = self._one()
            return part.part if isinstance(part, Not) else Not(part)
        if self._take("("):
            found = self._any()
            self._expect(")", "')' or '&' or '|'")
            return found
        return self._term()

    def _term(self) -> Predicate:
        column = self._word("a column")
        if self._take("!"):
            self._expect("in", "'in'")
            return Not(Term(column.text, "in", self._listed()))
        if self._take("in"):
            return Term(column.text, "in", self._listed())
        sign = self._here
        if sign.kind not in COMPARED:
            self._refuse(sign.position, f"{', '.join(COMPARED)} or in is expected, found {_told(sign)}")
        if column.kind == "word" and as_number(column.text) is not None:
            self._refuse(column.position, "the column comes first, for example age >= 40 & age < 60")
        self._next += 1
        value = self._value()
        if sign.kind in ORDERED and as_number(value) is None:
            self._refuse(sign.position, f"{sign.kind} compares numbers and {value!r} is none; use == or in")
        if self._here.kind in COMPARED:
            low = f"write {column.text} {sign.kind} {value} & ... with the column in both"
            self._refuse(self._here.position, f"one comparison at a time; {low}")
        return Term(column.text, sign.kind, (value,))

    def _listed(self) -> tuple[str, ...]:
        self._expect("(", "'(' and values")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._expect(")", "',' or ')'")
        return tuple(dict.fromkeys(values))

    def _value(self) -> str:
        token = self._word("a value")
        if token.text.strip().casefold() in MISSING:
            self._refuse(
                token.position,
                f"{token.text!r} says nothing: cases without a value stand on neither side of a split",
            )
        return _canonical(token.text)

    def _word(self, expected: str) -> Token:
        token = self._here
        if token.kind not in {"word", "quote"}:
            own = token.text.casefold() in WORDS
            hint = f'; to mean the word itself write "{token.text}"' if own else ""
            self._refuse(token.position, f"{expected} is expected, found {_told(token)}{hint}")
        self._next += 1
        return token

    @property
    def _here(self) -> Token:
        return self._tokens[self._next]

    def _take(self, kind: str) -> bool:
        if self._here.kind != kind:
            return False
        self._next += 1
        return True

    def _expect(self, kind: str, expected: str) -> None:
        if not self._take(kind):
            self._refuse(self._here.position, f"{expected} is expected, found {_told(self._here)}")

    def _expect_end(self, expected: str) -> None:
        token = self._here
        if token.kind != "end":
            quote = "; put values of several words in quotes" if token.kind in {"word", "quote"} else ""
            self._refuse(token.position, f"{expected} is expected, found {_told(token)}{quote}")

    def _refuse(self, position: int, why: str) -> NoReturn:
        raise UsageError(
            f"split '{self.text}', position {position + 1}: {why}. For example: age < 40 | age >= 60, "
            'view == AP, site in (A, "St. Mary").'
        )


def _token(group: str, text: str, position: int) -> Token:
    if group == "quote":
        return Token("quote", re.sub(r"\\(.)", r"\1", text[1:-1]), position)
    lowered = text.casefold()
    if group == "sign" or lowered in WORDS:
        return Token(_SPELLED.get(lowered, lowered), text, position)
    return Token("word", text, position)


def _told(token: Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)


def _canonical(value: str) -> str:
    """One spelling for a number: 40.0, +40 and 4e1 are 40."""
    number = as_number(value)
    if number is None:
        return " ".join(value.split())
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
