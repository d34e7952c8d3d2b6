"""Open answers against numbers worked out on paper."""

from __future__ import annotations

import math
from typing import Any

import pytest

from medaudit.grading import normalise, open_scores
from medaudit.grading.open import token_f1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The  Left Lung.", "left lung"),
        ("two nodules", "2 nodules"),
        ("It isn't an effusion", "it is not effusion"),
        ("I can't", "i cannot"),
        ("Hepatitis A", "hepatitis a"),
        ("hepatitis a", "hepatitis a"),
        ("Type A aortic dissection", "type a aortic dissection"),
        ("X-ray", "x ray"),
        ("3.5 cm", "3.5 cm"),
        ("1,000 ml", "1,000 ml"),
        ("-5 HU", "-5 hu"),
        ("**Cardiomegaly**", "cardiomegaly"),
        ("\uff23\uff34", "ct"),
        ("don\u2019t", "do not"),
        ("...", ""),
    ],
)
def test_normalise_keeps_what_carries_meaning(text: str, wanted: str) -> None:
    assert normalise(text) == wanted


def test_f1_of_a_dropped_negation_is_six_sevenths_without_articles() -> None:
    # {there is nodule} against {there is not nodule}: 2 * 3 / (3 + 4). With the article: 2 * 4 / (4 + 5).
    scores = open_scores("there is a nodule", "there is not a nodule")

    assert scores["f1"] == pytest.approx(6 / 7)
    assert scores["exact"] == 0.0
    with_articles = token_f1(["there", "is", "a", "nodule"], ["there", "is", "not", "a", "nodule"])
    assert with_articles == pytest.approx(8 / 9)


def test_f1_counts_repeated_words_by_the_smaller_count() -> None:
    # Counting the prediction's four "left" as hits would give 2 * 4 / (4 + 2).
    assert token_f1(["left"] * 4, ["left", "lung"]) == pytest.approx(2 * 1 / 6)


def test_bleu_takes_the_prediction_as_hypothesis() -> None:
    # Prediction is a 5-word prefix of 10: precisions 1, brevity penalty exp(1 - 10/5).
    short = "alpha beta gamma delta epsilon"
    long = f"{short} zeta eta theta iota kappa"

    assert open_scores(short, long)["bleu"] == pytest.approx(math.exp(-1))
    # Swapped there is no brevity penalty; precisions are 5/10, 4/9, 3/8, 2/7.
    swapped = (5 / 10 * 4 / 9 * 3 / 8 * 2 / 7) ** (1 / 4)
    assert open_scores(long, short)["bleu"] == pytest.approx(swapped)


def test_rouge_is_the_f_of_the_longest_common_subsequence() -> None:
    # Common subsequence "b d" of length 2: P = 2/3, R = 2/4, F = 4/7.
    assert open_scores("b x d", "b c d e")["rougeL"] == pytest.approx(4 / 7)


def test_rouge_is_given_prediction_and_reference_in_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    class Scorer:
        def score(self, target: str, prediction: str) -> dict[str, Any]:
            seen.update(target=target, prediction=prediction)
            return {"rougeL": type("Score", (), {"fmeasure": 0.0})}

    monkeypatch.setattr("medaudit.grading.open._rouge_scorer", Scorer)

    open_scores("said", "wanted")

    assert seen == {"target": "wanted", "prediction": "said"}


def test_words_outside_ascii_count_in_all_four_scores() -> None:
    assert open_scores("Lungenödem", "lungenödem") == {"exact": 1.0, "f1": 1.0, "bleu": 1.0, "rougeL": 1.0}
    assert open_scores("左肺", "左肺")["rougeL"] == 1.0
    assert open_scores("左肺", "右肺")["f1"] == pytest.approx(0.5)


def test_equal_answers_score_one_and_disjoint_or_empty_ones_zero() -> None:
    assert set(open_scores("The pleural effusion.", "pleural effusion").values()) == {1.0}
    assert set(open_scores("fracture", "pleural effusion").values()) == {0.0}
    assert set(open_scores("", "pleural effusion").values()) == {0.0}
    assert set(open_scores("", "").values()) == {0.0}
