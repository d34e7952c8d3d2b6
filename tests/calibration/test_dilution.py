"""A share of patients meets the flaw, the others its clean twin; nothing else about an audit changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.calibration.bench import phantom_cases
from medaudit.calibration.dilution import DilutedContext, Dilution, SidedRequest, diluted
from medaudit.calibration.trials import context, judged_findings
from medaudit.case import Case
from medaudit.model import Answer, Capability, Request
from medaudit.registry import Probe, available
from medaudit.shifting import shifted_images
from medaudit.testing import constant, direct_ask, synthetic_cases

SET = ("chest", 120, 7)


def says(text: str) -> Any:
    return direct_ask(constant(text))


def mixed(cases: Sequence[Case], share: float, seed: int = 0) -> DilutedContext:
    """ "flawed" is said for the drawn cases, "clean" for the others."""
    base = context(cases, constant("flawed").info, says("flawed"), 0)
    return diluted(base, share, seed, says("flawed"), says("clean"))


def texts(ctx: DilutedContext, requests: Sequence[Request]) -> list[str | None]:
    return [answer.text for answer in ctx.ask(requests)]


def test_none_is_the_clean_twin_and_all_is_the_flawed_one(
    bed: SimpleNamespace, probes: dict[str, Probe]
) -> None:
    cases = phantom_cases(*SET)
    clean, flawed = (bed.subject(flaw, SET).load() for flaw in (bed.clean, bed.vendor))
    asks = [direct_ask(model) for model in (flawed, clean)]
    alone = {
        share: judged_findings(context(cases, model.info, direct_ask(model), 0), probes, bed.quick)
        for share, model in ((0.0, clean), (1.0, flawed))
    }
    base = context(cases, flawed.info, asks[0], 0)

    for share in (0.0, 1.0):
        assert judged_findings(diluted(base, share, 5, *asks), probes, bed.quick) == alone[share]
    assert alone[0.0] != alone[1.0]


def test_the_effect_is_the_share_of_the_whole_one() -> None:
    """Of 1,000 patients with 4 answers each: a wrong answer in all of theirs, in share x 1,000 patients."""
    cases = [
        replace(case, id=f"{case.id}-{copy}", group=f"{case.group}-{copy}")
        for copy in range(50)
        for case in synthetic_cases(80, closed=True).cases
    ]
    assert len({case.group for case in cases}) == 1000
    for share in (0.1, 0.5, 0.8):
        ctx = mixed(cases, share)
        hit = np.array([said == "flawed" for said in texts(ctx, [ctx.request(case) for case in cases])])
        by_group: dict[str | None, set[bool]] = {}
        for case, flawed in zip(cases, hit, strict=True):
            by_group.setdefault(case.group, set()).add(bool(flawed))

        # Four standard errors of a share of 1,000 patients.
        assert hit.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 1000))
        assert all(len(sides) == 1 for sides in by_group.values())


def test_a_larger_share_adds_patients_and_another_seed_draws_others() -> None:
    cases = phantom_cases("chest", 200, 1)
    drawn = [mixed(cases, share, seed=3).flawed for share in (0.2, 0.5, 0.9)]

    assert drawn[0] < drawn[1] < drawn[2]
    assert mixed(cases, 0.5, seed=3).flawed == drawn[1]
    assert mixed(cases, 0.5, seed=4).flawed != drawn[1]


def test_equal_requests_of_two_cases_are_answered_each_by_its_own_side() -> None:
    """Two patients, the same picture and words; only the sides differ."""
    one = synthetic_cases(4, closed=True).cases[0]
    twins = [replace(one, id=f"t{i}", group=f"g{i}") for i in range(12)]
    ctx = mixed(twins, 0.5)
    requests = [ctx.request(case) for case in twins]

    assert len({request.key("f") for request in requests}) == 1
    assert 0 < len(ctx.flawed) < 12
    assert texts(ctx, requests) == ["flawed" if case.id in ctx.flawed else "clean" for case in twins]
    # A case without a group is a group of its own.
    single = mixed([replace(case, group="") for case in twins], 0.5)
    assert 0 < len(single.flawed) < 12


def test_all_arms_of_a_case_stay_on_its_side() -> None:
    cases = phantom_cases("chest", 40, 2)
    ctx = mixed(cases, 0.5)
    jpeg = available("shift")["jpeg"]
    for case in cases[2:]:
        arms = [
            ctx.request(case),
            ctx.request(case, ()),
            ctx.request(case, cases[0].images),
            ctx.request(case, shifted_images(case, jpeg, 3, 0)),
            ctx.request(case, replicate=1),
            ctx.request(case, replicate=2, alone=True),
            replace(ctx.request(case), intervention="hide"),
        ]
        assert len({arm.key("f") for arm in arms}) == 7
        assert set(texts(ctx, arms)) == {"flawed" if case.id in ctx.flawed else "clean"}


def test_a_request_keeps_the_key_of_the_undiluted_one() -> None:
    case = phantom_cases("chest", 2, 2)[0]
    ctx = mixed([case], 1.0)

    ours = ctx.request(case, replicate=1)

    plain = context([case], constant("x").info, says("x"), 0).request(case, replicate=1)
    assert (type(ours), type(plain)) == (SidedRequest, Request)
    assert ours.key("f") == plain.key("f")
    with pytest.raises(TypeError, match="made by its own `request`"):
        ctx.ask([plain])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_answers_come_in_the_order_of_the_questions(rows: list[tuple[int, bool]]) -> None:
    def side(word: str) -> Any:
        return lambda requests: [Answer(text=f"{word} {request.prompt}") for request in requests]

    asked = [SidedRequest(Capability.GENERATE, (), str(number), flawed=flawed) for number, flawed in rows]

    told = Dilution(side("flawed"), side("clean")).ask(asked)

    wanted = [f"{'flawed' if flawed else 'clean'} {number}" for number, flawed in rows]
    assert [answer.text for answer in told] == wanted
