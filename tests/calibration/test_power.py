"""Power against numbers known on paper, by a probe whose test is a binomial one."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from medaudit.alarms import LEVEL, AlarmRule, judge
from medaudit.calibration.power import cells, found, narrowed, subset
from medaudit.calibration.subjects import Target
from medaudit.calibration.trials import context, judged_findings
from medaudit.case import Case
from medaudit.context import Context
from medaudit.finding import Finding
from medaudit.image import ArrayImage
from medaudit.model import Capability
from medaudit.phantoms.flaws import FLAWS
from medaudit.registry import Probe
from medaudit.stats import holm, wilson
from medaudit.testing import constant, direct_ask

USUAL = 0.10
WRONG = AlarmRule("wrong", "error", above=USUAL)
TARGET = Target("errors", "wrong")


def error(wrong: int, n: int) -> Finding:
    return Finding("errors", "error", wrong / n, interval=wilson(wrong, n), n=n, groups=n)


def count_errors(ctx: Context) -> list[Finding]:
    answers = ctx.ask([ctx.request(case) for case in ctx.cases])
    grades = [ctx.grade(case, answer) for case, answer in zip(ctx.cases, answers, strict=True)]
    return [error(sum(not grade.score for grade in grades), len(ctx.cases))]


PROBE = Probe(
    "errors",
    "1",
    (frozenset({Capability.GENERATE}),),
    "none",
    count_errors,
    {},
    ("error",),
    (WRONG,),
)


@pytest.fixture(scope="module")
def pool() -> list[Case]:
    """4,000 patients, of whom one in ten has the answer "no"."""
    image = ArrayImage(np.zeros((8, 8, 3), dtype=np.uint8), "grey.png")
    return [
        Case(f"c{i}", (image,), "Is it?", "no" if i % 10 == 0 else "yes", ("yes", "no"), group=f"p{i}")
        for i in range(4000)
    ]


def stand(text: str) -> Any:
    """A bench whose model always says the same: "yes" errs in 10 %, "no" in 90 %."""
    ask = direct_ask(constant(text))
    info = constant(text).info
    return SimpleNamespace(ask=ask, context=lambda cases, seed: context(cases, info, ask, seed))


def on_paper(share: float, n: int, family: int) -> float:
    """Chance that a binomial number of errors is one at which the alarm is raised."""
    wrong = USUAL * (1 - share) + (1 - USUAL) * share
    counts = [x for x in range(n + 1) if found([error(x, n).to_dict()], PROBE, TARGET, family)]
    return float(sum(binom.pmf(x, n, wrong) for x in counts))


def test_power_is_that_on_paper_and_grows_with_share_and_n(pool: list[Case]) -> None:
    draws, family = 60, 3
    grid = cells(stand("no"), stand("yes"), pool, TARGET, PROBE, (0.0, 0.1, 0.25), (40, 160), draws, family)
    told = {(cell.share, cell.n): cell.found for cell in grid}

    paper = {at: on_paper(*at, family) for at in told}
    for at, power in paper.items():
        low, high = binom.ppf([0.0005, 0.9995], draws, power)
        assert low <= told[at] <= high, (at, power)
    # The bounds above mean something: the cells lie far apart, and both ways up.
    assert paper[0.0, 40] < LEVEL / family < 0.05 < paper[0.1, 40] < 0.3 < paper[0.1, 160]
    assert paper[0.1, 40] < 0.6 < paper[0.25, 40] < 0.999 < paper[0.25, 160]
    assert told[0.25, 160] == draws


def test_no_effect_is_found_at_most_as_often_as_the_level_says(pool: list[Case]) -> None:
    """The margin is exactly the clean error rate: the hardest null."""
    draws = 250
    (cell,) = cells(stand("no"), stand("yes"), pool, TARGET, PROBE, (0.0,), (120,), draws, 1)

    assert 0.01 < on_paper(0.0, 120, 1) < 0.06  # control: it is not just never raised
    assert cell.found <= binom.ppf(0.999, draws, LEVEL)


def test_the_same_seed_gives_the_same_cells(pool: list[Case]) -> None:
    args = (stand("no"), stand("yes"), pool, TARGET, PROBE, (0.1,), (60,), 12, 1)

    first, again, other = (list(cells(*args, seed=seed)) for seed in (4, 4, 5))

    assert first == again
    assert [cell.n for cell in other] == [60]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0, 0.05))
def test_what_is_found_would_be_raised_by_holm_in_an_audit_of_that_many_tests(
    others: list[float], p: float
) -> None:
    """Bonferroni over the family asks what Holm asks of the smallest p, and no less of any other."""
    family = 1 + len(others)
    adjusted = holm([p, *others])[0]
    assert adjusted is not None

    if p * family <= LEVEL:
        assert adjusted <= LEVEL
    if p <= min(others, default=1.0):
        assert adjusted == pytest.approx(min(1.0, p * family))


def test_found_counts_the_whole_family_and_the_right_slice() -> None:
    row = error(20, 100).to_dict()  # p is about 0.001
    p = judge([row], {"errors": PROBE.alarms})[0].p_value
    assert p is not None
    largest = int(LEVEL / p)

    assert found([row], PROBE, TARGET, largest)
    assert not found([row], PROBE, TARGET, largest + 1)
    assert not found([row], PROBE, Target("errors", "wrong", {"attribute": "sex"}), 1)
    assert not found([], PROBE, TARGET, 1)


def pairs(groups: int) -> list[Case]:
    return [Case(f"c{i}", (), "Is it?", "yes", ("yes", "no"), group=f"p{i // 2}") for i in range(2 * groups)]


@pytest.mark.parametrize("n", [1, 2, 7, 20, 59, 60])
def test_a_subset_is_n_cases_of_whole_groups_none_twice(n: int) -> None:
    chosen = subset(pairs(30), n, "key")

    assert len({case.id for case in chosen}) == len(chosen) == n
    sizes = Counter(case.group for case in chosen)
    assert sorted(sizes.values(), reverse=True) == [2] * (n // 2) + [1] * (n % 2)
    assert [case.id for case in subset(pairs(30), n, "key")] == [case.id for case in chosen]


def test_every_group_is_drawn_alike_and_other_keys_draw_others() -> None:
    draws = 400
    times = Counter(case.id for key in range(draws) for case in subset(pairs(10), 10, str(key)))

    assert len({tuple(case.id for case in subset(pairs(10), 10, str(key))) for key in range(draws)}) > 300
    low, high = binom.ppf([0.00005, 0.99995], draws, 0.5)
    assert all(low <= times[case.id] <= high for case in pairs(10))


def test_a_narrowed_probe_measures_the_target_as_a_whole_audit_does(
    bed: SimpleNamespace, probes: dict[str, Probe]
) -> None:
    """Same cases, same seed: the very same finding, beside few others."""
    from medaudit.calibration.bench import phantom_cases

    cases, model = phantom_cases("chest", 120, 3), bed.subject(bed.vendor, ("chest", 120, 3)).load()
    ctx = context(cases, model.info, direct_ask(model), 3)
    robust = {"robustness": probes["robustness"]}
    several = {"robustness": {"shifts": ("jpeg", "gaussian_noise"), "noise_cases": 20}}
    whole = judged_findings(ctx, robust, several)
    for flaw in ("vendor-shift", "noise-fragile"):
        target = Target(**FLAWS[flaw].finds)
        (wanted,) = [row for row in whole if row["slice"] == target.slice]

        narrow = judged_findings(ctx, robust, narrowed(target, probes["robustness"]))

        assert [row for row in narrow if row["slice"] == target.slice] == [wanted]
        assert len(narrow) < len(whole)


@pytest.mark.parametrize("name", [name for name, flaw in FLAWS.items() if flaw.finds])
def test_narrowing_uses_legal_parameters_for_every_planted_flaw(name: str, probes: dict[str, Probe]) -> None:
    target = Target(**FLAWS[name].finds)

    (parameters,) = narrowed(target, probes[target.probe]).values()

    assert set(parameters) <= set(probes[target.probe].parameters)
