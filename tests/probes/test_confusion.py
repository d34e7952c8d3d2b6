"""``confusion`` on answerers whose set accuracy, confusion and bias are known on paper."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.finding import Verdict
from medaudit.image import ArrayImage
from medaudit.model import Answer
from medaudit.models.scripted import offered
from medaudit.testing import check_probe

SIDES = ("left", "right")


def test_who_knows_every_picture_shows_nothing_at_all(kit: Any, asked: Any) -> None:
    cases = kit.pairs(40)

    run = kit.run(asked, cases, kit.knowing(cases))

    for mode in ("text", "choose"):
        assert kit.estimates(run, mode) == (1, 0, 1, 0)
        assert run.one("precision", mode=mode).estimate == 1
        assert run.one("position_bias", mode=mode).estimate == 0
        assert run.one("set_accuracy", mode=mode, order="exchanged").estimate == 1
        assert run.one("confusion", mode=mode, order="exchanged").estimate == 0
    assert run.one("confusion", mode="text").evidence == ()


def test_who_always_says_the_same_word_confuses_all_and_is_half_right(kit: Any, asked: Any) -> None:
    run = kit.run(asked, kit.pairs(40), lambda seen: "left")

    assert kit.estimates(run) == kit.estimates(run, "choose") == (0, 1, 0.5, 0)
    precision = run.one("precision", mode="text")
    assert precision.estimate is None
    assert precision.verdict is Verdict.INCONCLUSIVE
    # The word stays, so the place moves: this is no bias for a place.
    assert run.one("position_bias", mode="text").estimate == 0


def test_who_takes_the_first_option_is_told_from_who_takes_a_word(kit: Any, asked: Any) -> None:
    run = kit.run(asked, kit.pairs(40), lambda seen: offered(seen.request.prompt)[0])

    assert kit.estimates(run) == (0, 1, 0.5, 0)
    bias = run.one("position_bias", mode="text")
    assert (bias.estimate, bias.n) == (1, 80)
    assert run.one("confusion", mode="text", order="exchanged").estimate == 1


def test_a_coin_is_within_its_binomials(kit: Any, asked: Any) -> None:
    run = kit.run(asked, kit.pairs(2000), lambda seen: SIDES[seen.draw() < 0.5], modes=("text",))

    found = kit.by_mode(run)
    for name, share, n in (
        ("set_accuracy", 0.25, 2000),
        ("confusion", 0.5, 2000),
        ("individual_accuracy", 0.5, 4000),
        ("position_bias", 0.5, 4000),
        ("precision", 0.5, 1000),
    ):
        assert found[name].estimate == pytest.approx(share, abs=4 * (share * (1 - share) / n) ** 0.5), name
    assert found["precision"].p_value > 0.001


def test_who_refuses_does_not_look_unconfused(kit: Any, asked: Any) -> None:
    refusing = kit.run(asked, kit.pairs(20), lambda seen: "I cannot answer.", modes=("text",))

    assert kit.estimates(refusing) == (0, None, 0, 1)
    confusion = refusing.one("confusion", mode="text")
    assert confusion.verdict is Verdict.INCONCLUSIVE
    assert "no pair has two valid answers" in confusion.reason


def test_confusion_counts_valid_pairs_only_and_says_so(kit: Any, asked: Any) -> None:
    cases = kit.pairs(20)
    refused = {f"c{i}" for i in range(10)}

    run = kit.run(asked, cases, lambda seen: "???" if seen.picture in refused else "left", modes=("text",))

    confusion = run.one("confusion", mode="text")
    assert (confusion.estimate, confusion.n) == (1, 15)
    assert "5 of 20 pairs hold an answer that chooses no option" in confusion.reason
    assert run.one("set_accuracy", mode="text").n == 20
    assert (run.one("invalid_rate", mode="text").estimate, run.one("invalid_rate", mode="text").n) == (
        0.25,
        40,
    )


def test_an_answer_that_never_came_leaves_its_pair_out(kit: Any, asked: Any) -> None:
    cases = kit.pairs(20)
    know = kit.knowing(cases)

    run = kit.run(
        asked,
        cases,
        lambda seen: Answer(error="time-out") if seen.picture == "c0" else know(seen),
        modes=("text",),
    )

    found = run.one("set_accuracy", mode="text")
    assert (found.estimate, found.n, found.data["pairs_without_answer"]) == (1, 19, 1)


def test_blind_questions_of_a_pair_are_one_request_whatever_the_sizes(kit: Any, asked: Any) -> None:
    cases = list(kit.pairs(20))
    for number, case in enumerate(cases):
        pixels = np.full((4 + number % 3, 5, 3), number, dtype=np.uint8)
        cases[number] = replace(case, images=(ArrayImage(pixels, case.id),))

    # It answers by everything that it is given, so two different requests would differ in half of the pairs.
    run = kit.run(asked, tuple(cases), lambda seen: SIDES[seen.draw() < 0.5], modes=("text",))

    for image in ("blank", "none"):
        found = run.one("blind_set_accuracy", mode="text", image=image)
        assert (found.estimate, found.n) == (0, 20)
        assert "one request" in found.reason
        assert run.one("blind_individual_accuracy", mode="text", image=image).estimate == 0.5
    assert run.one("set_accuracy", mode="text").control.estimate == 0


def test_a_model_that_needs_a_picture_is_not_asked_without(kit: Any, asked: Any) -> None:
    run = kit.run(asked, kit.pairs(12), lambda seen: "left", takes_text_alone=False)

    assert all(request.images for request in run.script.requests)
    assert {where["image"] for where in run.slices("blind_set_accuracy")} == {"blank"}


def test_excess_is_the_difference_to_matched_controls(kit: Any, asked: Any) -> None:
    cases = kit.pairs(80, pair_role=["mined"] * 40 + ["control"] * 40)
    know, hard = kit.knowing(cases), {f"c{i}" for i in range(60)} | {f"c{i}" for i in range(80, 90)}

    run = kit.run(asked, cases, lambda seen: "left" if seen.picture in hard else know(seen), modes=("text",))

    assert run.one("confusion", mode="text").estimate == 30 / 40
    assert run.one("control_confusion", mode="text").estimate == 5 / 40
    found = run.one("confusion_excess", mode="text")
    assert found.estimate == pytest.approx(25 / 40)
    assert found.interval[0] > 0.3
    assert found.p_value < 0.001
    assert run.one("confusion", mode="text").control.metric == "matched_controls"


def test_controls_that_are_as_confused_leave_no_excess(kit: Any, asked: Any) -> None:
    cases = kit.pairs(80, pair_role=["mined", "control"] * 40)

    know, hard = kit.knowing(cases), {f"c{i}" for i in range(160) if i % 8 < 4}

    run = kit.run(asked, cases, lambda seen: "left" if seen.picture in hard else know(seen), modes=("text",))

    assert run.one("confusion", mode="text").estimate == 0.5
    found = run.one("confusion_excess", mode="text")
    assert found.estimate == 0
    assert found.interval[0] < 0 < found.interval[1]
    assert found.p_value > 0.5


def test_pairs_with_equal_answers_are_controls_and_not_confused(kit: Any, asked: Any) -> None:
    plain = kit.pairs(20)
    equal = [
        replace(case, id=f"n{case.id}", pair=f"n{case.pair}", group=f"n{case.group}")
        for case in kit.pairs(40, same=True, attribute=["age"] * 30 + ["sex"] * 10)[40:]
    ]
    cases = (*plain, *equal)

    run = kit.run(asked, cases, lambda seen: "left", modes=("text",))

    assert run.one("set_accuracy", mode="text").n == 20
    found = run.one("nuisance_agreement", mode="text")
    assert (found.estimate, found.n) == (1, 20)
    assert found.data["by_attribute"] == {"age": {"n": 10, "same": 10}, "sex": {"n": 10, "same": 10}}
    assert run.one("confusion", mode="text").control.metric == "nuisance_pairs"


def test_each_attribute_has_a_row_and_a_sentence_and_few_pairs_decide_nothing(kit: Any, asked: Any) -> None:
    kinds = ["side"] * 48 + ["size"] * 30 + ["rare"] * 9
    cases = kit.pairs(87, attribute=kinds, category=["lung;heart"] * 40 + ["lung"] * 47)
    know, confused = kit.knowing(cases), {f"c{i}" for i in range(82)}

    run = kit.run(
        asked, cases, lambda seen: "left" if seen.picture in confused else know(seen), modes=("text",)
    )

    side = run.one("confusion", mode="text", attribute="side")
    assert (side.estimate, side.n) == (41 / 48, 48)
    assert side.reason == side.data["sentence"] == "cannot tell left from right: 41 of 48 pairs"
    size = run.one("confusion", mode="text", attribute="size")
    assert (size.estimate, size.reason) == (0, "the same answer to both images: 0 of 30 pairs")
    assert run.one("set_accuracy", mode="text", attribute="size").estimate == 1
    rare = run.one("confusion", mode="text", attribute="rare")
    assert (rare.estimate, rare.n, rare.verdict) == (None, 9, Verdict.INCONCLUSIVE)
    assert "minimum of 10" in rare.reason
    assert run.one("confusion", mode="text", category="heart").n == 40
    assert run.one("confusion", mode="text", category="lung").n == 87


def test_the_margin_forgets_a_constant_preference(kit: Any, asked: Any) -> None:
    cases = kit.pairs(30)
    know = kit.knowing(cases)

    def scores(seen: Any, signal: float) -> Answer:
        right = know(seen)
        by_option = {"left": 5.0, "right": 0.0}
        return Answer(
            scores=tuple(by_option[o] + signal * (o == right) for o in seen.request.options), lengths=(1, 1)
        )

    seeing = kit.run(asked, cases, lambda seen: scores(seen, 2.0), modes=("choose",))
    blind = kit.run(asked, cases, lambda seen: scores(seen, 0.0), modes=("choose",))

    # It always says left, and yet its likelihoods tell all pairs apart: 2 nats each way.
    assert kit.estimates(seeing, "choose")[:2] == (0, 1)
    assert seeing.one("margin", mode="choose").estimate == pytest.approx(4.0)
    assert seeing.one("discrimination", mode="choose").estimate == 1.0
    assert blind.one("margin", mode="choose").estimate == 0
    assert blind.one("margin", mode="choose").data["right_way_round"] == 0.5
    assert blind.one("discrimination", mode="choose").estimate == 0.5


def test_pairs_that_share_a_picture_are_one_component(kit: Any, asked: Any) -> None:
    apart = kit.pairs(20)
    hub = apart[0].images
    # The first image of every other pair is one and the same picture; its right answer is always the first.
    joined = tuple(
        replace(case, images=hub) if i % 4 == 0 else replace(case, group="") for i, case in enumerate(apart)
    )

    wide = kit.run(asked, joined, lambda seen: "left", modes=("text",)).one("set_accuracy", mode="text")
    narrow = kit.run(asked, apart, lambda seen: "left", modes=("text",)).one("set_accuracy", mode="text")

    assert (narrow.n, narrow.groups, wide.n, wide.groups) == (20, 20, 20, 11)
    assert wide.interval[1] > narrow.interval[1]


def test_what_is_no_pair_is_left_out_with_its_reason(kit: Any, asked: Any) -> None:
    good = kit.pairs(12)
    spare = list(kit.pairs(20)[24:])
    alone, crowd = spare[0], [replace(case, pair="crowd") for case in spare[2:5]]
    unlike = [replace(spare[6], question="Where?"), spare[7]]
    copied = [spare[8], replace(spare[9], images=spare[8].images)]
    unoffered = [replace(case, options=()) for case in spare[10:12]]
    cases = (*good, alone, *crowd, *unlike, *copied, *unoffered)

    run = kit.run(asked, cases, kit.knowing(cases), modes=("text",))

    found = run.one("set_accuracy", mode="text")
    assert (found.estimate, found.n) == (1, 12)
    assert sorted(found.data["left_out"].values()) == [1, 1, 1, 1, 1]
    for words in ("alone", "more than two", "same question", "same images", "without options"):
        assert any(words in reason for reason in found.data["left_out"])


def test_without_pairs_it_does_not_apply_and_says_what_to_give(kit: Any, asked: Any) -> None:
    run = kit.run(asked, kit.cases(kit.half(20)), lambda seen: "yes")

    for metric in ("set_accuracy", "confusion"):
        found = run.one(metric)
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert "'pair'" in found.reason
        assert "mine" in found.reason
    assert run.script.calls == 0


def test_pairs_without_images_are_asked_as_questions_alone(kit: Any, asked: Any) -> None:
    cases = tuple(replace(case, images=()) for case in kit.pairs(20))

    run = kit.run(asked, cases, lambda seen: "left")

    assert run.one("confusion").verdict is Verdict.NOT_APPLICABLE
    assert run.one("blind_set_accuracy", mode="text", image="none").estimate == 0
    assert run.one("blind_individual_accuracy", mode="text", image="none").estimate == 0.5
    assert {request.images for request in run.script.requests} == {()}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"modes": ("txt",)}, "Unknown mode of confusion 'txt'. Did you mean 'text'"),
        ({"letters": "never"}, "Unknown letters of confusion 'never'"),
        ({"ties": "first"}, "Unknown ties of confusion 'first'"),
    ],
)
def test_parameters_that_do_not_exist_are_named(
    kit: Any, asked: Any, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match="Legal: ") as caught:
        kit.run(asked, kit.pairs(4), lambda seen: "left", **parameters)
    assert message in str(caught.value)


@pytest.mark.parametrize("n", [1, 2, 15])
def test_findings_of_a_ragged_model_are_wellformed(kit: Any, asked: Any, n: int) -> None:
    cases = kit.pairs(n, ("left", "right", "both"), attribute=(["a", "b"] * n)[:n])

    def say(seen: Any) -> Any:
        return (
            Answer(error="gone")
            if seen.draw(1) < 0.1
            else ("left", "right", "both", "")[int(seen.draw(2) * 4)]
        )

    first, again = (kit.run(asked, cases, say).findings for _ in range(2))

    assert [f.to_dict() for f in first] == [f.to_dict() for f in again]
    assert len({f.id for f in first}) == len(first)
    for found in first:
        json.dumps(found.to_dict(), allow_nan=False)
        assert found.control or found.reason


def test_importing_the_probes_loads_nothing_heavy() -> None:
    heavy = ("torch", "cv2", "albumentations", "scipy.stats")
    code = f"import sys, medaudit.probes; sys.exit(any(name in sys.modules for name in {heavy!r}))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_contract_for_third_parties_holds(kit: Any) -> None:
    check_probe("confusion", cases=kit.pairs(14, attribute=["a"] * 14))
    check_probe("confusion")
