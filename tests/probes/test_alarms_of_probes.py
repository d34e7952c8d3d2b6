"""Whole audits of scripted models: each flaw raises the alarm meant for it, a clean reader none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import medaudit
from medaudit.alarms import judge
from medaudit.audit import load_audit
from medaudit.case import Case, CaseSet
from medaudit.front import lines, regate, summary
from medaudit.image import keyed_rng
from medaudit.model import Request
from medaudit.registry import available
from medaudit.testing import ScriptedModel

N = 400
QUICK = {"probe": {"robustness": {"shifts": ["jpeg", "contrast"], "severities": [3], "noise_cases": 20}}}
OTHER = {"yes": "no", "no": "yes"}
Misreads = Callable[[Case, str], float]


@pytest.fixture(scope="module")
def cases(kit: Any) -> CaseSet:
    """Equal prevalence in each sex and at each site; sexes in turn, sites in blocks."""
    sex = [("F", "M")[i // 2 % 2] for i in range(N)]
    site = [("north", "south")[i // 4 % 2] for i in range(N)]
    return CaseSet("toy", "test", kit.cases(kit.half(N), sex=sex, site=site))


def reader(cases: CaseSet, misreads: Misreads, id: str) -> ScriptedModel:
    """Reads the picture it is shown, however changed; errs with a probability; "no" without one."""
    by_id = {case.id: case for case in cases.cases}

    def answer(request: Request) -> str:
        name, _, recipe = request.images[0].name.partition(" [") if request.images else ("", "", "")
        if name not in by_id:
            return "no"
        case = by_id[name]
        wrong = keyed_rng(id, name, recipe).random() < misreads(case, recipe)
        return OTHER[case.answer] if wrong else case.answer

    return ScriptedModel(answer, id=id)


def raised(audit: medaudit.Audit) -> list[tuple[str, dict[str, Any]]]:
    return [(alarm.rule, dict(alarm.slice)) for alarm in audit.alarms]


def test_a_clean_reader_raises_nothing(cases: CaseSet) -> None:
    audit = medaudit.scan(reader(cases, lambda case, recipe: 0.1, "clean"), cases, plan=QUICK)

    assert raised(audit) == []
    judged = [row for row in audit.document["alarms"] if row["p_value"] is not None]
    # visual gain, prior pull, two shifts, two attributes.
    assert len(judged) == 6
    assert audit.exit_code() == 0
    assert "no alarm: 6 tests, none shown beyond its margin (family-wise level 5 %)" in lines(
        audit, Path("x")
    )


def test_a_constant_answer_is_blind_and_all_prior(cases: CaseSet) -> None:
    audit = medaudit.scan(ScriptedModel(lambda request: "no", id="constant"), cases, plan=QUICK)

    assert sorted(raised(audit)) == [("answers_from_prior", {}), ("blind", {})]


def test_blindness_at_n_240_survives_the_correction_of_a_whole_audit(cases: CaseSet) -> None:
    """Ties leave a wide interval about a gain of 0: the margin must be wider than that, 15 tests or not."""
    few = CaseSet("few", "test", cases.cases[:240])

    audit = medaudit.scan(ScriptedModel(lambda request: "no", id="constant"), few, probes=["baselines"])

    alarm = next(alarm for alarm in audit.alarms if alarm.rule == "blind")
    assert alarm.p_value * 15 <= 0.05


def test_a_reader_worse_for_one_sex_is_named_rightly(cases: CaseSet, tmp_path: Path) -> None:
    model = reader(cases, lambda case, recipe: 0.3 if case.meta["sex"] == "F" else 0.02, "sexed")

    audit = medaudit.scan(model, cases, plan=QUICK, out=tmp_path)

    assert raised(audit) == [("subgroup_gap", {"attribute": "sex"})]
    assert "between the values of sex, lowest at F" in audit.alarms[0].says
    assert audit.document["alarms"][0]["raised"] is True
    first = lines(audit, tmp_path)[1]
    assert first.startswith("ALARM        robustness/subgroup_gap attribute=sex: accuracy differs by")
    assert "after correction over 6 tests)" in first
    assert [row["finding"] for row in summary(audit, tmp_path, 0)["alarms"]] == [audit.alarms[0].finding]
    saved = load_audit(tmp_path)
    rules = {name: probe.alarms for name, probe in available("probe").items() if probe.default}
    again = [alarm.to_dict() for alarm in judge(saved.document["findings"], rules)]
    assert again == saved.document["alarms"] == audit.document["alarms"]


def test_a_reader_that_fails_under_one_shift_is_named_rightly(cases: CaseSet) -> None:
    model = reader(cases, lambda case, recipe: 0.35 if "jpeg" in recipe else 0.05, "fragile")

    audit = medaudit.scan(model, cases, plan=QUICK)

    assert raised(audit) == [("shift_sensitive", {"shift": "jpeg"})]


def test_a_reader_that_guesses_its_prior_where_it_cannot_tell(cases: CaseSet) -> None:
    def falls_back(case: Case, recipe: str) -> float:
        return 0.4 if case.answer == "yes" else 0.0  # "no" is what it says without a picture

    audit = medaudit.scan(reader(cases, falls_back, "heavy"), cases, plan=QUICK)

    assert raised(audit) == [("answers_from_prior", {})]


def test_too_few_cases_raise_nothing_and_say_so(kit: Any) -> None:
    few = CaseSet("few", "test", kit.cases(kit.half(18)))

    audit = medaudit.scan(ScriptedModel(lambda request: "no", id="constant"), few, plan=QUICK)

    assert raised(audit) == []
    reasons = {row["rule"]: row["reason"] for row in audit.document["alarms"]}
    assert reasons["blind"] == "n = 18 is too small to raise an alarm (at least 20)"
    assert "no alarm: nothing could be tested" in lines(audit, Path("x"))


def test_an_alarm_fails_the_run_only_where_the_plan_says_so(cases: CaseSet, tmp_path: Path) -> None:
    model = ScriptedModel(lambda request: "no", id="constant")
    plan = {**QUICK, "audit": {"fail_on_alarm": True, "probes": ["baselines"]}}
    quiet = {**QUICK, "audit": {"probes": ["baselines"]}}
    strict = {**QUICK, "audit": {"probes": ["baselines"], "alarm_level": 1e-300, "fail_on_alarm": True}}

    assert medaudit.scan(model, cases, plan=quiet).exit_code() == 0
    assert medaudit.scan(model, cases, plan=strict).exit_code() == 0
    audit = medaudit.scan(model, cases, plan=plan, out=tmp_path)
    assert audit.exit_code() == 1

    gates = tmp_path / "gates.toml"
    gates.write_text('[[gate]]\nprobe = "baselines"\nmetric = "visual_gain"\nat_most = 0.5\n')
    gated, _ = regate(tmp_path, gates, None)
    assert gated.document["alarms"] == audit.document["alarms"]
    assert gated.exit_code() == 0
    gates.write_text("[audit]\nfail_on_alarm = true\n")
    assert regate(tmp_path, gates, None)[0].exit_code() == 1


def test_a_document_of_before_alarms_still_loads(cases: CaseSet, tmp_path: Path) -> None:
    quiet = {**QUICK, "audit": {"probes": ["baselines"]}}
    medaudit.scan(ScriptedModel(lambda request: "no", id="constant"), cases, plan=quiet, out=tmp_path)
    path = tmp_path / "audit.json"
    document = json.loads(path.read_text())
    del document["alarms"]
    del document["plan"]["audit"]["alarm_level"], document["plan"]["audit"]["fail_on_alarm"]
    path.write_text(json.dumps(document))

    audit = load_audit(tmp_path)
    audit.save(tmp_path)

    assert (audit.alarms, audit.exit_code()) == ([], 0)
    assert not any("alarm" in line.lower() for line in lines(audit, tmp_path))
    assert 'id="alarms"' not in (tmp_path / "report.html").read_text()
