from __future__ import annotations

from typing import Any

import pytest

from medaudit.finding import Control, Finding, Threshold
from medaudit.reports.items import Item
from medaudit.reports.key import key_findings
from medaudit.reports.sections import sections
from medaudit.reports.sentences import explained, sentence, shown_to_beat


def item(*args: Any, gate: Threshold | None = None, **fields: Any) -> Item:
    finding = Finding(*args, **fields)
    return Item((finding.gated(gate) if gate else finding).to_dict())


def gain(value: float, low: float, high: float) -> Item:
    return item("baselines", "visual_gain", value, interval=(low, high), n=100, groups=50)


def drop(shift: str, value: float, low: float, **fields: Any) -> Item:
    where = {"shift": shift, "severity": 5}
    return item("robustness", "accuracy_drop", value, interval=(low, value + 0.1), slice=where, **fields)


def names(items: list[Item]) -> list[str]:
    return [f"{item.metric} {item.where}".strip() for item in items]


def test_explained_gain_comes_before_failed_gates() -> None:
    failed = drop("jpeg", 0.4, 0.3, gate=Threshold("<=", 0.1))
    assert names(key_findings([failed, gain(0.01, -0.02, 0.04)]))[0] == "visual_gain"


def test_failed_gates_come_before_a_good_gain() -> None:
    failed = drop("jpeg", 0.4, 0.3, gate=Threshold("<=", 0.1))
    assert names(key_findings([gain(0.2, 0.1, 0.3), failed])) == [
        "accuracy_drop jpeg, severity 5",
        "visual_gain",
    ]


def test_clearest_miss_comes_first() -> None:
    near = drop("jpeg", 0.15, 0.12, gate=Threshold("<=", 0.1))
    clear = drop("blur", 0.5, 0.45, gate=Threshold("<=", 0.1))
    assert [i.slice["shift"] for i in key_findings([near, clear])] == ["blur", "jpeg"]


def test_largest_loss_must_stand_above_the_noise_floor() -> None:
    floor = Control("self_drop", 0.2)
    noisy = drop("jpeg", 0.3, 0.1, control=floor)
    real = drop("blur", 0.25, 0.21, control=floor)
    assert key_findings([noisy, real])[0].slice["shift"] == "blur"


def test_five_at_most_and_one_per_shift() -> None:
    many = [drop(f"s{k}", 0.4, 0.3, gate=Threshold("<=", 0.1)) for k in range(9)]
    assert len(key_findings(many)) == 5
    twice = [
        drop("jpeg", 0.4, 0.3, gate=Threshold("<=", 0.1)),
        drop("jpeg", 0.5, 0.4, gate=Threshold("<=", 0.1)),
    ]
    assert len(key_findings(twice)) == 1


def test_nothing_measured_gives_nothing() -> None:
    assert key_findings([]) == []


@pytest.mark.parametrize(("low", "expected"), [(-0.01, False), (0.0, False), (0.01, True)])
def test_gain_is_shown_only_where_its_interval_lies_above_zero(low: float, expected: bool) -> None:
    assert shown_to_beat(gain(0.05, low, 0.1)) is expected


@pytest.mark.parametrize(("value", "expected"), [(-0.01, True), (0.0, True), (0.01, False)])
def test_gain_is_explained_only_where_there_is_none(value: float, expected: bool) -> None:
    assert explained(gain(value, -0.1, 0.1)) is expected


@pytest.mark.parametrize(
    ("value", "said", "figures"),
    [
        (-0.012, "does not beat its baselines", "\u22121.2\u00a0pts [\u22122.0, 4.0]"),
        (0.012, "is not shown to beat its baselines", "1.2\u00a0pts [\u22122.0, 4.0]"),
    ],
)
def test_gains_that_prove_nothing_say_which_way_with_figures(value: float, said: str, figures: str) -> None:
    text = str(sentence(gain(value, -0.02, 0.04)))
    assert f"On this data the model <b>{said}</b>" in text
    assert figures in text


def test_recorded_answer_of_the_probe_counts() -> None:
    fields: dict[str, Any] = {"interval": (0.01, 0.1), "data": {"shown_to_beat": False}}
    assert not shown_to_beat(item("baselines", "visual_gain", 0.05, **fields))


def test_gain_that_could_not_be_measured_is_neither() -> None:
    nothing = item("baselines", "visual_gain", None, reason="no answers")
    assert not shown_to_beat(nothing)
    assert not explained(nothing)


def test_good_gain_is_told_without_the_warning() -> None:
    text = str(sentence(gain(0.18, 0.14, 0.22)))
    assert "18.0 points" in text
    assert "not beat" not in text


def test_unknown_metric_has_a_sentence() -> None:
    unknown = item("mine", "my_metric", 3.0, interval=(2.0, 4.0), slice={"part": "a_b"})
    assert str(sentence(unknown)) == "My metric (part a b): <b>3.00</b>."


def test_missing_interval_is_said_and_explained() -> None:
    bare = item("mine", "accuracy", 0.5)
    assert bare.ends == "(no interval)"
    assert "no interval" in bare.why


def test_control_of_another_kind_is_not_drawn_on_the_scale() -> None:
    other = item(
        "b", "visual_gain", 0.1, interval=(0.05, 0.2), control=Control("accuracy_none", 0.6, (0.5, 0.7))
    )
    same = item("b", "accuracy", 0.8, interval=(0.7, 0.9), control=Control("majority", 0.6, (0.5, 0.7)))
    assert not other.comparable
    assert max(other.numbers) == 0.2
    assert same.comparable
    assert "no image" in " ".join(other.facts)


def test_robustness_carries_a_banner_when_baselines_explain_or_are_missing() -> None:
    loss = drop("jpeg", 0.1, 0.05)
    explained_banner = sections([gain(0.0, -0.1, 0.1), loss])[1].banner
    assert explained_banner is not None
    assert "not interpretable" in explained_banner
    assert "does not beat its baselines" in explained_banner
    unshown = str(sections([gain(0.05, -0.1, 0.2), loss])[1].banner)
    assert "not interpretable" in unshown
    assert "is not shown to beat its baselines" in unshown
    assert "no baselines were measured" in str(sections([loss])[0].banner)
    assert sections([gain(0.2, 0.1, 0.3), loss])[1].banner is None


def test_gap_names_the_lowest_value_only_beyond_chance() -> None:
    data = {"worst": "<away>"}
    fields: dict[str, Any] = {
        "slice": {"attribute": "site"},
        "control": Control("permuted_labels", 0.1),
        "data": data,
    }
    real = item("robustness", "subgroup_gap", 0.5, interval=(0.3, 0.7), **fields)
    chance = item("robustness", "subgroup_gap", 0.5, interval=(0.0, 0.7), **fields)
    # Its lower end is beyond chance already: nothing more is taken off it.
    near = item("robustness", "subgroup_gap", 0.5, interval=(0.05, 0.7), **fields)
    assert "lowest at" in str(sentence(near))
    assert near in key_findings([near])
    assert "lowest at <b>&lt;away&gt;</b>" in str(sentence(real))
    assert "chance may explain it" in str(sentence(chance))
    assert "away" not in str(sentence(chance))


@pytest.mark.parametrize(
    ("value", "low", "words"),
    [
        (0.2, 0.1, "loses <b>20.0 points</b> of accuracy."),
        (0.2, -0.1, "which chance may explain"),
        (-0.1, -0.2, "gains <b>10.0 points</b>"),
    ],
)
def test_losses_gains_and_chance_are_told_apart(value: float, low: float, words: str) -> None:
    assert words in str(sentence(drop("jpeg", value, low)))
