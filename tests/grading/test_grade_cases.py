"""From case and answer to a grade, and predictions joined to references by id."""

from __future__ import annotations

from typing import Any

import pytest

from medaudit.case import Case
from medaudit.errors import DataError, ModelError
from medaudit.grading import Outcome, grade, join
from medaudit.model import Answer

CLOSED = Case(id="c", images=(), question="Which side?", answer="Left", options=("left", "right"))
OPEN = Case(id="o", images=(), question="What is seen?", answer="pleural effusion")


@pytest.mark.parametrize(
    ("text", "outcome", "choice", "score"),
    [
        ("Left.", Outcome.CORRECT, "left", 1.0),
        ("It is right.", Outcome.WRONG, "right", 0.0),
        ("I cannot determine this.", Outcome.REFUSAL, None, 0.0),
        ("left or right", Outcome.HEDGE, None, 0.0),
        ("cardiomegaly", Outcome.INVALID, None, 0.0),
        ("  ", Outcome.EMPTY, None, 0.0),
    ],
)
def test_closed_text(text: str, outcome: Outcome, choice: str | None, score: float | None) -> None:
    result = grade(CLOSED, Answer(text=text))

    assert (result.outcome, result.choice, result.score) == (outcome, choice, score)
    assert result.scores == {}


@pytest.mark.parametrize(
    ("scores", "outcome", "choice"),
    [
        ((-1.0, -2.0), Outcome.CORRECT, "left"),
        ((-2.0, -1.0), Outcome.WRONG, "right"),
        ((-1.0, -1.0), Outcome.INVALID, None),
        ((float("-inf"), -5.0), Outcome.WRONG, "right"),
        ((float("nan"), -5.0), Outcome.INVALID, None),
        ((-5.0, float("nan")), Outcome.INVALID, None),
    ],
)
def test_log_likelihoods_choose_their_maximum_and_a_tie_is_invalid(
    scores: tuple[float, ...], outcome: Outcome, choice: str | None
) -> None:
    result = grade(CLOSED, Answer(scores=scores))

    assert (result.outcome, result.choice) == (outcome, choice)


@pytest.mark.parametrize("case", [CLOSED, OPEN])
def test_log_likelihoods_must_match_the_options(case: Case) -> None:
    with pytest.raises(ModelError, match="3 log-likelihoods"):
        grade(case, Answer(scores=(-1.0, -2.0, -3.0)))


@pytest.mark.parametrize("case", [CLOSED, OPEN])
@pytest.mark.parametrize("answer", [Answer(error="timed out"), Answer(text="left", error="cut"), Answer()])
def test_error_is_a_third_outcome_without_a_score(case: Case, answer: Answer) -> None:
    result = grade(case, answer)

    assert (result.outcome, result.choice, result.score) == (Outcome.ERROR, None, None)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Pleural effusion.", Outcome.CORRECT),
        ("The answer is a pleural effusion.", Outcome.CORRECT),
        ('{"answer": "pleural effusion"}', Outcome.CORRECT),
        ("<think>perhaps a mass</think>pleural effusion", Outcome.CORRECT),
        ("effusion", Outcome.WRONG),
        ("no pleural effusion", Outcome.WRONG),
        ("probably a mass", Outcome.WRONG),
        ("A mass. I cannot tell its size.", Outcome.WRONG),
        ("I cannot determine this from the image.", Outcome.REFUSAL),
        ("I'm not sure.", Outcome.HEDGE),
        ("unknown", Outcome.HEDGE),
        ("", Outcome.EMPTY),
        ("?!", Outcome.EMPTY),
        ("<think>pleural effusion", Outcome.INVALID),
    ],
)
def test_open_text(text: str, outcome: Outcome) -> None:
    result = grade(OPEN, Answer(text=text))

    assert result.outcome is outcome
    assert result.choice is None
    assert result.score == float(outcome is Outcome.CORRECT)
    assert set(result.scores) == {"exact", "f1", "bleu", "rougeL"}


def test_a_refusal_earns_nothing_for_the_words_it_shares_with_the_reference() -> None:
    result = grade(OPEN, Answer(text="I cannot say whether there is a pleural effusion."))

    assert set(result.scores.values()) == {0.0}
    assert grade(OPEN, Answer(text="There is an effusion")).scores["f1"] > 0.0


def test_an_open_reference_that_is_itself_a_doubt_can_be_answered() -> None:
    unknown = Case(id="u", images=(), question="Cause?", answer="unknown")

    assert grade(unknown, Answer(text="Unknown.")).outcome is Outcome.CORRECT


def test_unparsable_replies_earn_no_specificity() -> None:
    """Four unreadable replies to questions whose answer is "no" are invalid, not four right rejections."""
    case = Case(id="n", images=(), question="Tumour?", answer="no", options=("yes", "no"))

    grades = [grade(case, Answer(text=text)) for text in ("liver", "see above", "12 mm", "normal")]

    assert {g.outcome for g in grades} == {Outcome.INVALID}
    assert [g.score for g in grades] == [0.0] * 4


def test_join_is_by_id_in_the_order_of_the_references() -> None:
    joined = join({"b": "no", "a": "yes"}, {"a": 1, "b": 2})

    assert joined == [("a", "yes", 1), ("b", "no", 2)]


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, "1 references without a prediction, such as 'b'"),
        ({"a": 1, "b": 2}, {"a": 1}, "1 predictions without a reference, such as 'b'"),
        ([("a", 1), ("a", 2)], {"a": 1}, "1 ids occur twice in the predictions, such as 'a'"),
        ({"a": 1}, [("a", 1), ("a", 1)], "1 ids occur twice in the references, such as 'a'"),
    ],
)
def test_join_refuses_missing_surplus_and_duplicated_ids(
    predictions: Any, references: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        join(predictions, references)
