"""A trial is an audit: the same alarms, kept in a file, judged again under any margins."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medaudit.alarms import judge
from medaudit.calibration import trials
from medaudit.calibration.bench import bench, phantom_cases
from medaudit.calibration.identity import keep, kept
from medaudit.calibration.trials import judged_findings, rules_of
from medaudit.registry import Probe

N, SEED = 240, 7
SET = ("chest", N, SEED)
Probes = dict[str, Probe]


@pytest.fixture(scope="module")
def ran(
    bed: SimpleNamespace, probes: Probes, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, SimpleNamespace]:
    """One quick audit of a clean scripted phantom and of one that fails at vendor B."""
    found = {}
    for flaw in (bed.clean, bed.vendor):
        folder = tmp_path_factory.mktemp(flaw.name)
        subject = bed.subject(flaw, SET)
        with bench(subject, folder) as at:
            trial = at.trial("chest", SEED, N, probes, bed.quick)
        found[flaw.name] = SimpleNamespace(subject=subject, folder=folder, trial=trial)
    return found


def raised(trial: trials.Trial, rules: trials.Rules) -> list[tuple[str, dict[str, Any]]]:
    return [(alarm["rule"], alarm["slice"]) for alarm in trial.raised(rules)]


def test_a_clean_audit_raises_nothing_and_a_flawed_one_its_target(
    ran: dict[str, SimpleNamespace], probes: Probes
) -> None:
    rules = rules_of(probes)

    assert raised(ran["clean"].trial, rules) == []
    # Two of baselines, one shift, and sex, age, view, vendor, marker, tube, site: all were judged.
    assert sum(alarm.p_value is not None for alarm in ran["clean"].trial.alarms(rules)) == 10
    assert raised(ran["wrong-at-b"].trial, rules) == [("subgroup_gap", {"attribute": "vendor"})]


def test_a_kept_trial_is_read_back_equal_and_asks_nothing(
    bed: SimpleNamespace, ran: dict[str, SimpleNamespace], probes: Probes
) -> None:
    before = ran["wrong-at-b"]
    again = bed.subject(bed.vendor, SET)

    with bench(again, before.folder) as at:
        trial = at.trial("chest", SEED, N, probes, bed.quick)

    assert trial == before.trial
    assert before.subject.asked > 900  # control: the first run did ask
    assert again.asked == 0


def test_a_lost_trial_is_made_again_from_stored_answers(
    bed: SimpleNamespace, ran: dict[str, SimpleNamespace], probes: Probes
) -> None:
    before = ran["wrong-at-b"]
    path = before.folder / f"wrong-at-b-chest-{SEED}-{N}.json"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    again = bed.subject(bed.vendor, SET)

    with bench(again, before.folder) as at:
        assert at.trial("chest", SEED, N, probes, bed.quick) == before.trial

    assert again.asked == 0
    assert path.read_text() == whole


@pytest.mark.parametrize("text", ["", "[]", "{", '{"identity": {"a": 2}, "trial": 1}', "\x00"])
def test_a_damaged_or_foreign_file_counts_as_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    assert kept(path, {"a": 1}) is None
    path.write_text(text)
    assert kept(path, {"a": 1}) is None
    keep(path, {"a": 1}, {"trial": 2})
    assert kept(path, {"a": 1}) == {"identity": {"a": 1}, "trial": 2}


def test_trimmed_findings_give_the_alarms_of_whole_ones(
    bed: SimpleNamespace, ran: dict[str, SimpleNamespace], probes: Probes
) -> None:
    rules = rules_of(probes)
    for flaw in (bed.clean, bed.vendor):
        before = ran[flaw.name]
        with bench(bed.subject(flaw, SET), before.folder) as at:
            ctx = at.context(phantom_cases("chest", N, SEED), SEED)
            whole = [
                finding
                for name, probe in probes.items()
                for finding in probe.run(ctx, **bed.quick.get(name, {}))
            ]
        assert len(whole) > 3 * len(before.trial.findings)

        assert before.trial.alarms(rules) == judge(whole, rules)


def test_the_choice_among_several_is_made_up_for_in_trimmed_findings_too(
    ran: dict[str, SimpleNamespace], probes: Probes
) -> None:
    """A margin close to the gain, so that p is neither 0 nor 1, and times the number of baselines."""
    gain = next(row for row in ran["clean"].trial.findings if row["metric"] == "visual_gain")
    blind = next(rule for rule in probes["baselines"].alarms if rule.name == "blind")
    near = replace(blind, below=gain["estimate"] + 0.05)

    (among,) = (a for a in ran["clean"].trial.alarms({"baselines": [near]}) if a.p_value is not None)
    (single,) = judge([gain], {"baselines": [replace(near, among="")]})

    baselines = 6  # no image, blank, noise, swapped, majority, question only
    assert len(gain["data"]["gains"]) == baselines
    assert single.p_value is not None
    assert 0.001 < single.p_value < 0.16
    assert among.p_value == pytest.approx(baselines * single.p_value)


def test_other_margins_judge_the_same_trial_otherwise(
    ran: dict[str, SimpleNamespace], probes: Probes
) -> None:
    trial = ran["wrong-at-b"].trial
    gap = next(row for row in trial.findings if row["slice"] == {"attribute": "vendor"})["data"]["excess"]

    def with_margin(margin: float) -> trials.Rules:
        moved = [
            replace(r, above=margin) if r.name == "subgroup_gap" else r for r in probes["robustness"].alarms
        ]
        return {**rules_of(probes), "robustness": moved}

    assert raised(trial, with_margin(gap - 0.3)) == [("subgroup_gap", {"attribute": "vendor"})]
    assert raised(trial, with_margin(gap + 0.01)) == []
    assert trial.raised(rules_of(probes), level=1e-9) == []


@pytest.mark.parametrize("change", ["weights", "version", "rule", "parameters", "none"])
def test_a_file_of_other_weights_or_probes_is_not_taken_up(
    change: str, bed: SimpleNamespace, probes: Probes, tmp_path: Path
) -> None:
    few, old = ("chest", 30, 3), {"baselines": probes["baselines"]}
    new, weights, parameters = dict(old), "", {}
    if change == "version":
        new["baselines"] = replace(old["baselines"], version="1000")
    if change == "rule":
        moved = [replace(rule, among="") for rule in old["baselines"].alarms]
        new["baselines"] = replace(old["baselines"], alarms=tuple(moved))
    if change == "weights":
        weights = "-retrained"
    if change == "parameters":
        new["robustness"], parameters = probes["robustness"], bed.quick
    first, second = bed.subject(bed.clean, few), bed.subject(bed.clean, few, weights=weights)
    with bench(first, tmp_path) as at:
        at.trial("chest", 3, 30, old)
    path = tmp_path / "clean-chest-3-30.json"
    forged = json.loads(path.read_text())
    forged["trial"]["findings"] = []
    path.write_text(json.dumps(forged))

    with bench(second, tmp_path) as at:
        trial = at.trial("chest", 3, 30, new, parameters)

    assert bool(trial.findings) is (change != "none")
    # Answers of other weights are never taken for one's own; those of the same are not asked for again.
    assert (second.asked > 0) is (change in ("weights", "parameters"))


def test_what_a_model_cannot_be_asked_is_left_out(bed: SimpleNamespace, probes: Probes) -> None:
    from medaudit.calibration.trials import context
    from medaudit.testing import ScriptedModel, direct_ask

    model = ScriptedModel(lambda request: "yes", capabilities=["embed"])
    ctx = context(phantom_cases("chest", 12, 0), model.info, direct_ask(model), 0)

    assert judged_findings(ctx, probes) == ()
    assert model.asked == []
