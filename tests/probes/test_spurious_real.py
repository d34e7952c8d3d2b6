"""``spurious`` on real radiographs: a letter pasted at a known place, and letters that lie there.

What is measured in full is in ``benchmarks/spurious_real.py``, whose parts are used here.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medaudit.finding import Verdict
from medaudit.testing import constant

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
HEIGHT = 12

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def real() -> Iterator[Any]:
    """The parts of the benchmark."""
    if not SHARED.is_dir():
        pytest.skip("no folder of real images at ../shared/data beside the checkout")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        parts = ("", "_data", "_letters", "_tuning")
        modules = [importlib.import_module(f"spurious_real{part}") for part in parts]
        yield SimpleNamespace(**{name: value for each in modules for name, value in vars(each).items()})
    finally:
        sys.path.remove(str(BENCHMARKS))


def few(pictures: Any, most: int = 2) -> list[Any]:
    """At most so many of a patient."""
    kept: list[Any] = []
    for picture in pictures:
        if sum(each.patient == picture.patient for each in kept) < most:
            kept.append(picture)
    return kept


def heart(real: Any, v: float, out: Path) -> Any:
    """What the probe says of a phantom that learnt on which side hearts lie, the letter going with it."""
    own, other = real.halves(real.hannover(), 0)
    model = real.tuned(real.mirrored(own, v, HEIGHT, 24), *real.HEART, 0, out, 60)
    cases, marked = real.heart_cases(few(other), HEIGHT, 0)
    found = real.search(model, cases, min_n=real.MIN_N)
    return real.told(found, marked, real.box_of(HEIGHT)), real.accuracy(model, cases, marked)


def test_a_letter_that_goes_with_the_side_of_the_heart_is_found_where_it_was_pasted(
    real: Any, tmp_path: Path
) -> None:
    said, accuracy = heart(real, 0.9, tmp_path)

    assert accuracy["left, letter"] - accuracy["left, plain"] > 0.3
    assert accuracy["right, plain"] - accuracy["right, letter"] > 0.3
    assert said["verdict"] == "fail"
    assert said["confirmed"]
    assert said["effect"] > 0.3
    assert said["place"]["where"] == "upper left"
    assert said["precision_at_10"] >= 0.8


def test_a_letter_that_goes_with_neither_side_is_no_shortcut(real: Any, tmp_path: Path) -> None:
    said, accuracy = heart(real, 0.0, tmp_path)

    for side in ("left", "right"):
        assert abs(accuracy[f"{side}, letter"] - accuracy[f"{side}, plain"]) < 0.25
    assert said["verdict"] != "fail"
    assert not said["confirmed"]


def test_no_patient_is_both_learnt_from_and_searched(real: Any) -> None:
    for pictures, patients in ((real.hannover(), 45), (real.paediatric(), 295)):
        own, other = ({each.patient for each in half} for half in real.halves(pictures, 0))
        assert not own & other
        assert len(own | other) == patients


def test_letters_of_children_go_with_pneumonia_by_their_place_and_size(real: Any) -> None:
    found = real.association(real.paediatric())

    assert found["with a letter"] == 271
    assert (found["normal"]["large"], found["virus"]["large"]) == (3, 50)
    assert found["V, high up"] == pytest.approx(0.49, abs=0.01)


def test_a_phantom_that_learns_pneumonia_does_not_go_by_the_letters(real: Any, tmp_path: Path) -> None:
    own, other = real.halves(real.paediatric(), 0)
    lessons = real.labelled(own, [each.label for each in own], 24)
    model = real.tuned(lessons, *real.PNEUMONIA, 0, tmp_path, 60)
    cases = real.letter_cases(other)

    said = real.told(real.search(model, cases, regions="given"), {}, None)
    edits = real.without_letters(model, cases)

    # Letters go with the label, and yet not with the answers: none found, with what could have been seen.
    assert said["verdict"] == "measured"
    assert said["smallest_detectable"] < 0.4
    assert {each["n"] for each in edits.values()} == {133}
    assert max(each["letter"] for each in edits.values()) < 0.05
    assert min(each["p"] for each in edits.values()) > 0.05


def test_too_few_patients_are_said_with_the_number_needed(real: Any) -> None:
    # Half of Hannover's patients, with the usual 10 patients a side: 40 would be needed.
    _, other = real.halves(real.hannover(), 0)
    cases, _ = real.heart_cases(few(other, 1), HEIGHT, 0)
    (said,) = real.search(constant("left"), cases)

    assert said.verdict is Verdict.INCONCLUSIVE
    assert "fewer than 40 patients" in said.reason


def test_without_the_data_the_benchmark_says_so_and_ends(real: Any, tmp_path: Path) -> None:
    said = real.missing(tmp_path)

    assert said == f"cxr_hannover and cxr_paediatric not found in {tmp_path}: nothing to measure."
    script = (
        "import sys, spurious_real as s\n"
        f"s.missing = lambda: {said!r}\n"
        "sys.argv = ['spurious_real.py']\n"
        "s.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=BENCHMARKS, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == said
