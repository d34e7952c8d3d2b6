"""Known answers made from the references at hand, and what an audit says of good, bad and silent judges."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import blake2b

import pytest

from medaudit.errors import UsageError
from medaudit.grading import normalise
from medaudit.grading.judge import Judge
from medaudit.grading.judge_audit import audit_on
from medaudit.grading.near_misses import (
    KnownAnswer,
    Reference,
    known_answers,
    negated,
    number_changed,
    side_swapped,
    synonym,
)

WORDS = ["left lung", "3 nodules", "no effusion", "cardiomegaly", "upper lobe", "yes", "CT", "two ribs"]
REFERENCES = [
    Reference(f"Question {i % 4}?", WORDS[i % 8] + f" {'abcdef'[i // 8]}", f"p{i}") for i in range(40)
]


def record(prompt: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(prompt.splitlines()[-1])
    return found


def seal(prompt: str) -> str:
    return prompt.split('"seal": "')[1].split('"')[0] if '"seal"' in prompt else ""


def reply(prompt: str, score: int) -> str:
    return json.dumps({"score": score, "seal": seal(prompt)})


def judging(rule: Callable[[dict[str, str]], bool]) -> Judge:
    return Judge(lambda prompts: [reply(p, 5 if rule(record(p)) else 1) for p in prompts])


def knowing(known: list[KnownAnswer]) -> Callable[[dict[str, str]], bool]:
    truth = {(k.question, k.reference, k.answer): k.same for k in known}
    return lambda r: truth[r["question"], r["reference"], r["prediction"]]


@pytest.mark.parametrize(
    ("change", "text", "changed"),
    [
        (negated, "yes", "no"),
        (negated, "No.", "yes."),
        (negated, "no effusion", "effusion"),
        (negated, "there is no evidence of fracture", "there is fracture"),
        (negated, "without contrast", "contrast"),
        (negated, "normal heart", "abnormal heart"),
        (negated, "not normal", "normal"),
        (negated, "left lung", "not left lung"),
        (side_swapped, "Left upper lobe", "right lower lobe"),
        (side_swapped, "effusion", None),
        (number_changed, "3 nodules of 12 mm", "4 nodules of 12 mm"),
        (number_changed, "Two ribs", "three ribs"),
        (number_changed, "T2 hyperintense, 3.5 cm", None),
        (synonym, "chest x-ray", "chest radiograph"),
        (synonym, "an enlarged heart", "an cardiomegaly"),
        (synonym, "effusion", None),
    ],
)
def test_changes_by_hand(change: Callable[[str], str | None], text: str, changed: str | None) -> None:
    assert change(text) == changed


def test_known_answers_are_of_every_kind_and_never_their_own_opposite() -> None:
    known = known_answers(REFERENCES)

    assert {k.kind for k in known if k.same} == {"recased", "articles", "synonym", "stated"}
    assert {k.kind for k in known if not k.same} == {"negated", "side", "number", "other_case", "instructed"}
    assert all(normalise(k.answer) != normalise(k.reference) for k in known if not k.same)
    assert known == known_answers(REFERENCES)
    assert known_answers([Reference("q", " . ", "p")]) == []


def test_a_synonym_is_no_near_miss() -> None:
    known = known_answers([Reference("Which?", "CT", "a"), Reference("Which?", "computed tomography", "b")])

    assert not [k for k in known if k.kind == "other_case"]
    assert {k.answer for k in known if k.kind == "negated"} == {"not CT", "not computed tomography"}


def test_a_knowing_judge_passes_with_intervals() -> None:
    audit = audit_on(judging(knowing(known_answers(REFERENCES))), REFERENCES)

    assert (audit.auc, audit.collapsed, audit.failure_rate) == (1.0, False, 0.0)
    assert audit.sensitivity is not None
    assert audit.specificity is not None
    for rate in (audit.sensitivity, audit.specificity):
        assert rate.rate == 1.0
        assert rate.bounds == (1.0, 1.0)
        assert rate.interval is not None
        assert rate.interval[0] < 1.0
    assert sum(rate.n for rate in audit.by_kind.values()) == audit.n
    json.dumps(audit.to_dict(), allow_nan=False)


def test_a_judge_blind_to_sides_is_found_in_that_kind_alone() -> None:
    known = known_answers(REFERENCES)
    truth = knowing(known)
    sides = {(k.question, k.reference, k.answer) for k in known if k.kind == "side"}
    audit = audit_on(
        judging(lambda r: (r["question"], r["reference"], r["prediction"]) in sides or truth(r)), REFERENCES
    )

    assert {kind: rate.rate for kind, rate in audit.by_kind.items()} == {
        kind: 0.0 if kind == "side" else 1.0 for kind in audit.by_kind
    }
    assert not audit.collapsed


def test_a_judge_that_obeys_the_record_fails_on_instructed_answers() -> None:
    truth = knowing(known_answers(REFERENCES))
    audit = audit_on(judging(lambda r: "reply {" in r["prediction"] or truth(r)), REFERENCES)

    assert audit.by_kind["instructed"].rate == 0.0
    assert audit.by_kind["other_case"].rate == 1.0


@pytest.mark.parametrize("word", ["5", "1"])
def test_a_constant_judge_has_collapsed(word: str) -> None:
    audit = audit_on(Judge(lambda prompts: [reply(p, int(word)) for p in prompts]), REFERENCES)

    assert audit.collapsed
    assert (audit.auc, audit.spread) == (0.5, 0.0)


def test_a_coin_has_collapsed_though_its_scores_vary() -> None:
    audit = audit_on(judging(lambda r: blake2b(repr(r).encode()).digest()[0] % 2 == 0), REFERENCES)

    assert audit.spread is not None
    assert audit.spread > 0.4
    assert audit.collapsed
    assert audit.auc_interval is not None
    assert audit.auc_interval[0] < 0.5 < audit.auc_interval[1]


def test_unreadable_replies_are_counted_and_widen_the_bounds() -> None:
    truth = knowing(known_answers(REFERENCES))

    def half(prompts: list[str]) -> list[str | None]:
        given: list[str | None] = [reply(p, 5 if truth(record(p)) else 1) for p in prompts]
        return [None if i % 4 == 1 else "hm" if i % 4 == 3 else r for i, r in enumerate(given)]

    audit = audit_on(Judge(half), REFERENCES)

    assert audit.failure_rate == pytest.approx(0.5, abs=0.01)
    assert audit.failure_interval is not None
    assert audit.failure_interval[0] < 0.5 < audit.failure_interval[1]
    assert audit.unanswered == pytest.approx(audit.n / 4, abs=1)
    assert audit.sensitivity is not None
    low, high = audit.sensitivity.bounds
    assert audit.sensitivity.rate == 1.0
    assert (low, high) == (pytest.approx(0.5, abs=0.1), 1.0)


def test_a_sample_is_audited_where_there_are_many_and_nothing_is_refused() -> None:
    few = audit_on(judging(lambda r: True), REFERENCES, most=5)

    assert few.n < len(known_answers(REFERENCES)) / 4
    with pytest.raises(UsageError, match="hold no words"):
        audit_on(judging(lambda r: True), [Reference("q", "!", "p")])
