"""A mirrored picture: the words of the case say of it what the originals said of the original."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.case import Case, Region
from medaudit.image import ArrayImage
from medaudit.phantoms import rendering
from medaudit.phantoms.cases import drawn
from medaudit.registry import available
from medaudit.shifting import ShiftedCase, shifted_case
from medaudit.shifts.sides import exchanged

MIRROR = available("shift")["mirror_left_right"]
PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
YES_NO = ("yes", "no")
SIDES = ("left", "right")


def case(question: str, answer: str, options: tuple[str, ...] = (), **more: Any) -> Case:
    images = more.pop("images", (ArrayImage(PICTURE),))
    return Case("c1", images, question, answer, options, **more)


def turned(of: Case) -> ShiftedCase | None:
    return shifted_case(of, MIRROR, 3, 0)


# Question, options, answer, then question and answer in the mirror picture; None where it is left out.
TABLE: list[tuple[str, tuple[str, ...], str, tuple[str, str] | None]] = [
    ("Is there an effusion?", YES_NO, "yes", ("Is there an effusion?", "yes")),
    ("Is there cardiomegaly?", YES_NO, "no", ("Is there cardiomegaly?", "no")),
    ("Which lung holds the nodule?", SIDES, "left", ("Which lung holds the nodule?", "right")),
    ("Is it left or right?", SIDES, "right", ("Is it left or right?", "left")),
    (
        "Is the mass in the left lung or the right lung?",
        ("Left lung", "Right lung"),
        "Left lung",
        ("Is the mass in the left lung or the right lung?", "Right lung"),
    ),
    ("Which side?", ("Left-sided", "right-sided", "bilateral"), "bilateral", ("Which side?", "bilateral")),
    ("Which side?", ("Left-sided", "right-sided", "none"), "Left-sided", ("Which side?", "right-sided")),
    ("Which side?", ("L", "R"), "R", ("Which side?", "L")),
    ("Which eye is shown?", ("OD", "OS"), "OD", ("Which eye is shown?", "OS")),
    (
        "Which is it?",
        ("left and right", "left", "right"),
        "left and right",
        ("Which is it?", "left and right"),
    ),
    (
        "Is there an effusion in the left lung?",
        YES_NO,
        "yes",
        ("Is there an effusion in the right lung?", "yes"),
    ),
    ("Right-sided opacity?", YES_NO, "no", ("Left-sided opacity?", "no")),
    ("IS THE LEFT KIDNEY NORMAL?", YES_NO, "no", ("IS THE RIGHT KIDNEY NORMAL?", "no")),
    (
        "Is the left lung smaller than the right lung?",
        YES_NO,
        "yes",
        ("Is the right lung smaller than the left lung?", "yes"),
    ),
    (
        "Is there an effusion on the left or a right pleural cap?",
        YES_NO,
        "yes",
        ("Is there an effusion on the right or a left pleural cap?", "yes"),
    ),
    ("Is the trachea shifted to the left?", YES_NO, "yes", ("Is the trachea shifted to the right?", "yes")),
    ("Is there opacity in the RUL?", YES_NO, "yes", ("Is there opacity in the LUL?", "yes")),
    (
        "Are the left and right lungs clear?",
        YES_NO,
        "yes",
        ("Are the right and left lungs clear?", "yes"),
    ),
    ("Is the leftmost rib broken?", YES_NO, "yes", ("Is the rightmost rib broken?", "yes")),
    ("Where is it?", (), "left lower lobe", ("Where is it?", "right lower lobe")),
    ("What is shown?", (), "pneumonia", ("What is shown?", "pneumonia")),
    ("Which lung is affected?", (), "both", ("Which lung is affected?", "both")),
    ("Is the bright film upright?", YES_NO, "no", ("Is the bright film upright?", "no")),
    # Left out: nobody could say what is right.
    ("Which lung is affected?", (), "the smaller one", None),
    ("Is there dextrocardia?", YES_NO, "no", None),
    ("Is the heart on the left side?", YES_NO, "yes", None),
    ("Is there situs inversus?", YES_NO, "no", None),
    ("Does the cardiac apex look normal?", YES_NO, "yes", None),
    ("Where is the marker?", SIDES, "left", None),
    ("Which way does the patient look?", SIDES, "left", None),
    ("What view is this?", ("PA", "AP"), "PA", None),
    ("Is the left ventricle enlarged?", YES_NO, "yes", None),
    ("Is there opacity in the right middle lobe?", YES_NO, "yes", None),
    ("Which is enlarged?", ("left ventricle", "right ventricle"), "left ventricle", None),
    ("In the left lung, which side of the hilum is it?", SIDES, "left", None),
    ("Where is it?", ("left", "elsewhere"), "left", None),
    ("Which organ?", ("left kidney", "right lung"), "left kidney", None),
    ("Was the tumour left untreated?", YES_NO, "no", None),
    ("Is that right?", YES_NO, "yes", None),
    ("Is the tube in the right position?", YES_NO, "yes", None),
    ("Is anything left in the abdomen?", YES_NO, "yes", None),
    ("Is the L lung clear?", YES_NO, "yes", None),
    ("Where is it?", (), "左肺", None),
    ("¿Está en el pulmón izquierdo?", ("sí", "no"), "no", None),
    ("Where is it?", (), "RML", None),
    ("Is there a left-to-right shunt?", YES_NO, "no", None),
    ("Is the lesion at 3 o'clock?", YES_NO, "no", None),
    ("Is the patient right-handed?", YES_NO, "no", None),
]


@pytest.mark.parametrize(
    ("question", "options", "answer", "expected"), TABLE, ids=lambda value: str(value)[:50]
)
def test_words_follow_the_picture_or_the_case_is_left_out(
    question: str, options: tuple[str, ...], answer: str, expected: tuple[str, str] | None
) -> None:
    changed = turned(case(question, answer, options))

    assert (changed and (changed.case.question, changed.case.answer)) == expected


@pytest.mark.parametrize("row", [row for row in TABLE if row[3]], ids=lambda row: str(row[0])[:50])
def test_mirrored_twice_is_the_original(row: tuple[str, tuple[str, ...], str, Any]) -> None:
    question, options, answer, _ = row
    box = (Region("opacity of the left lung", (1, 0, 3, 2)),)
    original = case(question, answer, options, regions=box)
    once = turned(original)
    assert once is not None
    twice = turned(once.case)
    assert twice is not None

    assert (twice.case.question, twice.case.answer) == (question, answer)
    assert (twice.case.options, twice.case.regions) == (options, box)
    assert (twice.case.images[0].pixels() == PICTURE).all()


def test_columns_are_reversed_and_boxes_with_them() -> None:
    region = Region("left lung", (0, 1, 2, 3))
    changed = turned(case("Is there a mass?", "yes", YES_NO, regions=(region,)))
    assert changed is not None

    assert (changed.case.images[0].pixels() == PICTURE[:, ::-1]).all()
    assert changed.case.regions == (Region("right lung", (4, 1, 6, 3)),)


def test_meaning_leads_back_to_the_original() -> None:
    options = ("left lung", "Right lung", "both", "none")
    changed = turned(case("Where is it?", "left lung", options))
    assert changed is not None

    assert changed.case.options == options
    assert changed.meaning == {"left lung": "Right lung", "Right lung": "left lung"}
    assert changed.meaning[changed.case.answer] == "left lung"


def test_an_answer_in_other_capitals_becomes_the_option() -> None:
    changed = turned(case("Where is it?", " LEFT", ("left", "right")))
    assert changed is not None

    assert changed.case.answer == "right"


def test_sides_in_a_case_of_several_images_are_left_out_and_other_questions_are_not() -> None:
    images = (ArrayImage(PICTURE), ArrayImage(PICTURE[::-1].copy()))

    assert turned(case("Is it larger in the left image?", "yes", YES_NO, images=images)) is None
    changed = turned(case("Is it larger than before?", "yes", YES_NO, images=images))
    assert changed is not None
    assert (changed.case.images[1].pixels() == PICTURE[::-1, ::-1]).all()


def test_a_region_whose_side_is_unclear_leaves_the_case_out() -> None:
    region = Region("left ventricle", (0, 1, 2, 3))

    assert turned(case("Is there a mass?", "yes", YES_NO, regions=(region,))) is None


def test_the_recipe_is_the_same_at_each_severity_and_names_the_parent() -> None:
    original = case("Is there a mass?", "yes", YES_NO)
    digests = set()
    for severity in (1, 5):
        changed = shifted_case(original, MIRROR, severity, severity)
        assert changed is not None
        digests.add(changed.case.images[0].digest)

    assert len(digests) == 1
    assert digests != {original.images[0].digest}


@pytest.mark.parametrize(
    ("text", "other"),
    [("Left lung", "Right lung"), ("RLQ", "LLQ"), ("(L)", "(R)"), ("l", "r"), ("L4", "L4"), ("os", "od")],
)
def test_an_option_by_itself(text: str, other: str) -> None:
    assert exchanged(text, alone=True) == other


def _held(mask: Any) -> str:
    """The patient's side on which a mask lies: the patient's left is at the right of the picture."""
    columns = np.flatnonzero(mask.any(axis=0))
    return "left" if columns.mean() > (mask.shape[1] - 1) / 2 else "right"


def _oracle(question: str, masks: dict[Any, Any]) -> str:
    """Answers a question about the chest phantom from the masks of what is shown, and from nothing else."""
    kind = next(kind for kind in ("opacity", "effusion", "nodule") if kind in question)
    found = [mask for lesion, mask in masks.items() if lesion.kind == kind]
    if question.startswith("Is there"):
        return "yes" if found else "no"
    return _held(found[0])


def test_an_oracle_on_masks_agrees_with_every_changed_reference() -> None:
    asked = {"presence": 0, "side": 0}
    for original, picture, question in drawn("chest", 700, 5):
        if question.name == "main" or question.name.endswith("-size"):
            continue
        changed = turned(original)
        assert changed is not None
        masks = rendering.masks(picture)
        seen = {lesion: mask[:, ::-1] for lesion, mask in masks.items()}
        side = question.name.endswith("-side")
        asked["side" if side else "presence"] += 1

        assert _oracle(original.question, masks) == original.answer
        assert _oracle(changed.case.question, seen) == changed.case.answer
        assert (changed.case.answer == original.answer) is not side
        assert changed.meaning.get(changed.case.answer, changed.case.answer) == original.answer

    assert min(asked.values()) >= 200, asked


def test_a_side_named_in_the_question_is_exchanged_and_the_oracle_keeps_its_answer() -> None:
    checked = 0
    for original, picture, question in drawn("chest", 700, 6):
        if not question.name.endswith("-side"):
            continue
        kind = question.name.removesuffix("-side")
        held = {"yes": original.answer, "no": "left" if original.answer == "right" else "right"}
        for answer, side in held.items():
            changed = turned(case(f"Is there any {kind} in the {side} lung?", answer, YES_NO))
            assert changed is not None
            mask = next(m for lesion, m in rendering.masks(picture).items() if lesion.kind == kind)

            assert changed.case.answer == answer
            assert (f"the {_held(mask[:, ::-1])} lung" in changed.case.question) is (answer == "yes")
            checked += 1

    assert checked >= 200


def test_the_size_and_the_main_finding_stay() -> None:
    for original, _, question in drawn("chest", 120, 7):
        if question.name == "main" or question.name.endswith("-size"):
            changed = turned(original)
            assert changed is not None
            assert (changed.case.question, changed.case.answer) == (original.question, original.answer)
            assert not changed.meaning


def test_boxes_frame_the_flipped_masks() -> None:
    for original, picture, _ in drawn("chest", 60, 8):
        changed = turned(original)
        assert changed is not None
        flipped = [mask[:, ::-1] for mask in rendering.masks(picture).values()]
        for region, mask in zip(changed.case.regions, flipped, strict=True):
            x0, y0, x1, y1 = region.box
            assert mask[y0:y1, x0:x1].sum() == mask.sum()
            assert mask[y0:y1, x0].any()
            assert mask[y0:y1, x1 - 1].any()
