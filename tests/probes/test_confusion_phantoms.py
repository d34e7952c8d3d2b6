"""``confusion`` on trained phantoms: each cannot tell one attribute apart, the clean one tells all."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from medaudit.models import load_model
from medaudit.phantoms.changes import FINDINGS
from medaudit.phantoms.pairs import pair_cases
from medaudit.registry import available
from medaudit.testing import context_for

#: Pairs per attribute; not a seed of training, of the cards or of calibration.
EACH, SEED = 20, 778
BLIND_TO = {"confused-side": "side", "confused-size": "size", "clean": ""}


@cache
def rows(name: str) -> dict[tuple[str, str], Any]:
    """Findings in mode text, by metric and attribute ("" for all pairs)."""
    cases = pair_cases(2 * EACH * (len(FINDINGS) + 1), SEED, (*FINDINGS, "sex"))
    run = available("probe")["confusion"].run
    found = run(context_for(cases, load_model(f"phantom:{name}")), modes=("text",))
    return {
        (finding.metric, str(finding.slice.get("attribute", ""))): finding
        for finding in found
        if not {"order", "image"} & set(finding.slice)
    }


@pytest.mark.parametrize("name", BLIND_TO)
def test_it_confuses_what_it_was_made_blind_to_and_nothing_else(name: str) -> None:
    found = rows(name)

    for attribute in FINDINGS:
        confusion = found["confusion", attribute]
        assert confusion.n == EACH
        if attribute == BLIND_TO[name]:
            assert confusion.estimate >= 0.9
            assert confusion.reason.startswith("cannot tell ")
            assert confusion.interval[0] > found["confusion", ""].interval[0]
            assert found["set_accuracy", attribute].estimate <= 0.1
        else:
            assert confusion.estimate <= 0.3
            assert "cannot" not in confusion.reason
    told = [found["confusion", attribute].estimate for attribute in FINDINGS if attribute != BLIND_TO[name]]
    # A clean phantom errs in 1 to 4 pairs of 100; four standard deviations of 60 pairs more are 0.13.
    assert sum(told) / len(told) <= 0.13


@pytest.mark.parametrize("name", BLIND_TO)
def test_what_no_question_asks_about_changes_no_answer(name: str) -> None:
    agreement = rows(name)["nuisance_agreement", ""]

    assert (agreement.n, list(agreement.data["by_attribute"])) == (EACH, ["sex"])
    assert agreement.estimate >= 0.9


@pytest.mark.parametrize("name", BLIND_TO)
def test_what_it_does_tell_apart_it_tells_apart_rightly(name: str) -> None:
    found = rows(name)

    assert found["precision", ""].estimate >= 0.9
    assert found["precision", ""].p_value < 1e-6
    assert found["invalid_rate", ""].estimate == 0
    assert found["position_bias", ""].estimate <= 0.05
