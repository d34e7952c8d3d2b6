"""Splits as text: what they mean, how they are written back, and what is said about slips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.case import Case
from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.predicates import All, AnyOf, Declared, Not, Term, check, parse, parse_split

PICTURE = ArrayImage(np.zeros((2, 2, 3), dtype=np.uint8), "p")


def case(options: tuple[str, ...] = ("yes", "no"), **meta: Any) -> Case:
    return Case("c", (PICTURE,), "Q?", "yes", options, "g", meta)


@pytest.mark.parametrize(
    ("text", "meta", "side"),
    [
        ("sex == F", {"sex": "f"}, True),
        ("sex == F", {"sex": "M"}, False),
        ("sex != F", {"sex": "M"}, True),
        ("age < 40", {"age": 39}, True),
        ("age < 40", {"age": 40}, False),
        ("age <= 40", {"age": "40"}, True),
        ("age >= 60", {"age": "59.5"}, False),
        ("age > 59.4", {"age": "59.5"}, True),
        ("age == 40", {"age": "40.0"}, True),
        # As text "9" < "40" would not hold.
        ("age < 40", {"age": "9"}, True),
        ("view in (AP, PA)", {"view": "pa"}, True),
        ("view in (AP, PA)", {"view": "lateral"}, False),
        ("view not in (AP, PA)", {"view": "lateral"}, True),
        ('site == "St.  Mary\'s"', {"site": "st. mary's"}, True),
        ("portable == true", {"portable": True}, True),
        ("portable == true", {"portable": False}, False),
        # A truth value is no number: 1 is not true.
        ("portable == 1", {"portable": True}, False),
        ("closed == true", {}, True),
        ("answer_type == open", {}, False),
        ("answer_type == open", {"answer_type": "OPEN"}, True),
        ("age < 40 | age >= 60", {"age": 50}, False),
        ("age < 40 or age >= 60", {"age": 70}, True),
        ("age >= 40 & age < 60", {"age": 50}, True),
        # 'and' binds closer than 'or', '!' closer than both.
        ("sex == F | sex == M & age < 40", {"sex": "F", "age": 50}, True),
        ("(sex == F | sex == M) & age < 40", {"sex": "F", "age": 50}, False),
        ("!sex == F & age < 40", {"sex": "M", "age": 30}, True),
        ("not (sex == F & age < 40)", {"sex": "F", "age": 50}, True),
    ],
)
def test_a_predicate_means_what_it_says(text: str, meta: dict[str, Any], side: bool) -> None:
    assert parse(text)(case(**meta)) is side


@pytest.mark.parametrize("nothing", [None, "", " ", "Unknown", "nan", "N/A", "none", float("nan")])
@pytest.mark.parametrize("text", ["sex == F", "sex != F", "sex in (F, M)", "!(sex == F)", "sex < 4"])
def test_a_value_that_says_nothing_is_on_neither_side(text: str, nothing: Any) -> None:
    assert parse(text)(case(sex=nothing)) is None
    assert parse(text)(case()) is None


@pytest.mark.parametrize(
    ("text", "side"),
    [
        # age is unknown, sex is F: Kleene's tables.
        ("age < 40 | sex == F", True),
        ("age < 40 | sex == M", None),
        ("age < 40 & sex == F", None),
        ("age < 40 & sex == M", False),
        ("!(age < 40 & sex == M)", True),
    ],
)
def test_unknown_is_carried_on_as_kleene_does(text: str, side: bool | None) -> None:
    assert parse(text)(case(sex="F", age="unknown")) is side


def test_a_value_that_is_no_number_has_no_order() -> None:
    assert parse("age < 40")(case(age="adult")) is None
    assert parse("age < 40")(case(age=True)) is None


@pytest.mark.parametrize(
    ("age", "side"), [(39, True), (40, None), (59, None), (60, False), (None, None), ("unknown", None)]
)
def test_ages_between_the_two_sides_are_on_neither(age: Any, side: bool | None) -> None:
    assert parse_split("age < 40 vs age >= 60").side(case(age=age)) is side


def test_what_neither_side_is_asked_is_on_neither() -> None:
    split = parse_split("gender == F vs gender == M without content_type == gender")

    assert split.side(case(gender="F", content_type="gender")) is None
    assert split.side(case(gender="F", content_type="presence")) is True
    # Nothing is known about its content: that is no reason to leave it out.
    assert split.side(case(gender="M")) is False
    assert split.columns == ("gender", "content_type")


def test_sides_that_overlap_are_refused() -> None:
    with pytest.raises(UsageError, match="cases meet both age < 60 and age >= 40"):
        parse_split("age < 60 vs age >= 40").side(case(age=50))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("age<40|age>=60", "age < 40 | age >= 60"),
        ("age < 4e1 or (age >= 60.0)", "age < 40 | age >= 60"),
        ("a == 1 and (b == 2 and c == 3)", "a == 1 & b == 2 & c == 3"),
        ("a == 1 && (b == 2 || c == 3)", "a == 1 & (b == 2 | c == 3)"),
        ("! !a==x", "a == x"),
        ("a not in (x,'y z', x)", '!(a in (x, "y z"))'),
        ("a == 'or'", 'a == "or"'),
        ("sex==F  VS sex ==M", "sex == F vs sex == M"),
    ],
)
def test_a_split_is_written_back_in_one_form(text: str, canonical: str) -> None:
    assert str(parse_split(text)) == canonical
    assert str(parse_split(canonical)) == canonical


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).map(
    lambda word: " ".join(word.split())
)
SAID = WORDS.filter(lambda word: word.casefold() not in {"", "unknown", "none", "nan", "n/a", "na"})
NUMBERS = st.integers(-99, 99).map(str)
VALUES = SAID.map(lambda word: f"v{word}")
ORDERS, EQUALS = st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["==", "!="])
TERMS = st.one_of(
    st.builds(lambda column, op, value: Term(column, op, (value,)), VALUES, EQUALS, VALUES),
    st.builds(lambda op, value: Term("n", op, (value,)), ORDERS, NUMBERS),
    st.lists(VALUES, min_size=1, max_size=3, unique=True).map(lambda found: Term("s", "in", tuple(found))),
)


def _wider(inner: Any) -> Any:
    def joined(kind: Any) -> Any:
        parts = st.lists(inner.filter(lambda part: not isinstance(part, kind)), min_size=2, max_size=3)
        return parts.map(lambda found: kind(tuple(found)))

    negated = inner.filter(lambda part: not isinstance(part, Not)).map(Not)
    return st.one_of(joined(All), joined(AnyOf), negated)


@settings(max_examples=60, deadline=None)
@given(st.recursive(TERMS, _wider, max_leaves=6))
def test_reading_what_was_written_gives_the_same_split(predicate: Any) -> None:
    assert parse(str(predicate)) == predicate


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab (),&|!=<>\"'\\0 9invsortand", max_size=40))
def test_any_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    try:
        found = parse_split(text)
    except UsageError as error:
        said = str(error)
    else:
        said = "position" if parse_split(str(found)) == found else ""

    assert "position" in said


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 1, "a column is expected, found the end"),
        ("age = 4", 5, "write =="),
        ("age <> 4", 6, "a value is expected, found '>'"),
        ("40 <= age", 1, "the column comes first"),
        ("30 < age < 40", 1, "the column comes first"),
        ("age < 40 < 50", 10, "one comparison at a time"),
        ("site == St Mary", 12, "put values of several words in quotes"),
        ("sex == unknown", 8, "stand on neither side"),
        ("age < young", 5, "'young' is none"),
        ("(sex == F", 10, "')' or '&' or '|' is expected"),
        ("sex == 'F", 8, "close the quote"),
        ("view in AP", 9, "'(' and values is expected"),
        ("sex == F vs", 12, "a column is expected"),
        ("(" * 50, 41, "nested deeper"),
    ],
)
def test_a_slip_is_told_with_its_position(text: str, position: int, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_split(text)

    assert f"position {position}: " in str(caught.value)
    assert says in str(caught.value)
    assert "For example: age < 40 | age >= 60" in str(caught.value)


def test_a_hostile_length_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 2000"):
        parse("a == " + "x" * 5000)


def test_an_unknown_column_names_the_nearest_and_the_legal_ones() -> None:
    cases = [case(sex="F", view="AP")]

    with pytest.raises(
        UsageError, match=r"Unknown column 'sexx'. Did you mean 'sex'\? Legal: answer_type, closed, sex"
    ):
        check(parse_split("sexx == F"), cases)
    with pytest.raises(UsageError, match="column 'view' holds no number"):
        check(parse_split("view < 4"), cases)
    check(parse_split("sex == F vs view == AP without closed == false"), cases)


def test_predicates_are_values() -> None:
    assert parse_split("a==1") == Declared(Term("a", "==", ("1",)))
    assert len({parse("a == 1"), parse("a==1.0")}) == 1
