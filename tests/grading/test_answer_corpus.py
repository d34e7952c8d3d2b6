"""The labelled answers define what the parser must do: agreement is 100 % in every class."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from medaudit.grading import parse_choice

CORPUS = [
    json.loads(line) for line in Path(__file__).with_name("corpus.jsonl").read_text("utf-8").splitlines()
]
CLASSES = {"choice", "refusal", "hedge", "invalid", "empty"}
PUBLISHED = {
    "MediConfusion letter parser",
    "DeepTumorVQA extract_letter",
    "DeepTumorVQA binary scorer",
    "MedEvalKit judge_judgement",
    "MedVLMBench substring gold",
    "MultiTrust refusal templates",
    "CARES sure/unsure lexicon",
    "MedVIGIL letter search",
    "MVI-Bench without a letter",
    "MedVLM-Probe keyword grounding",
    "AgreeOrRight caving by string match",
    "Clusmann stored errors",
}


def test_corpus_is_well_formed_and_covers_every_class_and_published_fault() -> None:
    keys = [(row["text"], tuple(row["options"])) for row in CORPUS]

    assert len(CORPUS) >= 200
    assert len(set(keys)) == len(keys)
    assert {row["class"] for row in CORPUS} == CLASSES
    assert all((row["gold"] in row["options"]) == (row["class"] == "choice") for row in CORPUS)
    assert all(row["gold"] is None for row in CORPUS if row["class"] != "choice")
    assert {row["source"] for row in CORPUS} >= PUBLISHED


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_parser_agrees_with_every_labelled_answer(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in CORPUS if row["class"] == kind]
    wrong = []
    for row in rows:
        parsed = parse_choice(row["text"], row["options"])
        if (parsed.kind.value, parsed.choice) != (row["class"], row["gold"]):
            wrong.append((row["text"][:80], row["options"], row["gold"], parsed))

    with capsys.disabled():
        print(f"\n  {kind}: {len(rows) - len(wrong)} of {len(rows)} labelled answers")
    assert not wrong


@pytest.mark.parametrize("kind", sorted(CLASSES - {"choice"}))
def test_corpus_fails_a_parser_that_merges_a_class_into_another(kind: str) -> None:
    """Negative control: a parser blind to one class loses every row of it."""
    merged = {"refusal": "hedge", "hedge": "invalid", "invalid": "empty", "empty": "invalid"}[kind]
    lost: Counter[str] = Counter()
    for row in CORPUS:
        found = parse_choice(row["text"], row["options"]).kind.value
        if (merged if found == kind else found) != row["class"]:
            lost[row["class"]] += 1

    assert lost == {kind: sum(row["class"] == kind for row in CORPUS)}
