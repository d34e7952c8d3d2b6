"""Write a probe: one question about the model, asked and judged in one function.

    python examples/write_a_probe.py

A package offers its probes to everyone through the entry-point group `medaudit.plugins`.
"""

from collections.abc import Iterator
from dataclasses import replace

import medaudit
from medaudit.stats import difference
from medaudit.testing import check_probe


@medaudit.probe(
    "politeness",
    needs=[["generate"], ["choose"]],
    reference="This example; no paper.",
    metrics=["polite_gain"],
)
def politeness(ctx: medaudit.Context, *, please: str = "Please. ") -> Iterator[medaudit.Finding]:
    """Does saying please change how often the model is right?

    Every closed case is asked as it is and once more with a polite opening. polite_gain is the paired
    difference of accuracy, polite minus plain, with an interval clustered by patient. Control: none is
    needed for a paired difference whose null value is 0.
    """
    cases = [case for case in ctx.askable if case.closed]
    asked = [*cases, *(replace(case, question=please + case.question) for case in cases)]
    answers = ctx.ask([ctx.request(case) for case in asked])
    scores = [ctx.grade(case, answer).score or 0.0 for case, answer in zip(asked, answers, strict=True)]
    plain, kind = scores[: len(cases)], scores[len(cases) :]
    result = difference(kind, plain, [case.group for case in cases], confidence=ctx.confidence, seed=ctx.seed)
    yield medaudit.Finding(
        probe="politeness",
        metric="polite_gain",
        estimate=result.estimate,
        interval=result.interval,
        n=result.n,
        groups=result.groups,
        p_value=result.p_value,
        reason=result.reason,
    )


if __name__ == "__main__":
    check_probe("politeness")
    audit = medaudit.scan("phantom:clean", limit=60, probes=["politeness"])
    for finding in audit.findings:
        print(finding.metric, finding.estimate, finding.interval)
