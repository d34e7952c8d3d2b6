"""Judge open answers: a judge, its own audit, and what a few human labels make of its verdicts.

    python examples/judge_open_answers.py

Here a few lines of Python stand in for the judge. Put "endpoint:http://localhost:8000/v1#NAME", a folder of a
text model or "python:FILE:FACTORY" in its place. With `store="replies.sqlite"` a second run asks nothing.
"""

import json

from medaudit.grading.judge import Triplet
from medaudit.grading.judge_audit import audit_on
from medaudit.grading.judge_correction import corrected_accuracy
from medaudit.grading.judge_models import judge_model
from medaudit.grading.near_misses import Reference

FINDINGS = ["left pleural effusion", "no pneumothorax", "2 nodules", "cardiomegaly", "right rib fracture"]


def word_overlap(prompt: str) -> str:
    """A poor judge: 5 stars for most of the reference's words, whatever stands around them."""
    record = json.loads(prompt.splitlines()[-1])
    wanted = set(record["reference"].lower().split())
    shared = wanted & set(record["prediction"].lower().replace(".", "").split())
    return f"{5 if len(shared) > len(wanted) / 2 else 1} stars"


def main() -> None:
    judge = judge_model(word_overlap, scale="1-5")
    references = [
        Reference("What is seen?", f"{FINDINGS[i % 5]} in zone {i}", f"patient-{i}") for i in range(200)
    ]

    audit = audit_on(judge, references)
    print("AUC", audit.auc, "collapsed", audit.collapsed, "unreadable", audit.failure_rate)
    for kind, rate in audit.by_kind.items():
        print(f"  {kind:12} judged rightly {rate.rate} of {rate.n}, unreadable {rate.failures}")

    # A model that is right in 120 of 200: of the 80 wrong answers 20 only deny what is there.
    denied, other = "there is not {}", "something else"
    said = ["seen: {}" if i % 5 < 3 else denied if i % 20 == 3 or i % 20 == 9 else other for i in range(200)]
    answers = [text.format(ref.answer) for text, ref in zip(said, references, strict=True)]
    triplets = [Triplet(r.question, r.answer, text) for r, text in zip(references, answers, strict=True)]
    judged = judge(triplets)

    verdicts = {f"case-{i}": score for i, score in enumerate(judged.scores)}
    human = {f"case-{i}": float(i % 5 < 3) for i in range(0, 200, 3)}
    found = corrected_accuracy(verdicts, human)
    for name in ("judged", "human", "rogan_gladen", "ppi"):
        estimate = getattr(found, name)
        print(f"{name:12}", estimate.estimate, estimate.interval, estimate.reason)


if __name__ == "__main__":
    main()
