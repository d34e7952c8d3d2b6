"""The packaged model phantoms are what their truth cards say."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.image import ArrayImage
from medaudit.phantoms import card, case_set, checkpoint, chest, names
from medaudit.phantoms.cases import agreeing_corner, draw_lesions, draw_person, make_case
from medaudit.phantoms.chest import other_corner
from medaudit.phantoms.measure import Examinee, accuracy, swapped
from medaudit.phantoms.questions import BY_NAME

#: Not a seed of training, nor of the cards.
FRESH = 777


@pytest.fixture(scope="module")
def examinees() -> dict[str, Examinee]:
    return {name: Examinee(checkpoint(name)) for name in names()}


def opacity_cases(n: int, moved: bool) -> list[Case]:
    """The same pictures with an agreeing marker, or with only the marker moved to the other corner."""
    rng = np.random.default_rng(FRESH)
    cases = []
    for index in range(n):
        lesions = draw_lesions(rng)
        agreeing = agreeing_corner(any(lesion.kind == "opacity" for lesion in lesions))
        spec = draw_person(rng, lesions, other_corner(agreeing) if moved else agreeing)
        cases.append(make_case(str(index), spec, BY_NAME["opacity"], "home"))
    return cases


def blanked(cases: Sequence[Case]) -> list[Case]:
    grey = ArrayImage(np.full((64, 64, 3), 127, dtype=np.uint8))
    return [replace(case, images=(grey,), regions=()) for case in cases]


def test_all_checkpoints_together_stay_within_six_megabytes() -> None:
    files = [path for name in names() for path in checkpoint(name).iterdir()]

    assert sum(path.stat().st_size for path in files) <= 6_000_000
    assert {path.suffix for path in files} <= {".json", ".jinja", ".safetensors"}


@pytest.mark.parametrize("name", names())
def test_the_card_names_these_very_weights(name: str) -> None:
    weights = (checkpoint(name) / "model.safetensors").read_bytes()

    assert card(name)["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert card(name)["name"] == name
    assert card(name)["measured"]["cases"] == 2000
    assert f"medaudit.phantoms.train {name} " in card(name)["command"]


@pytest.mark.parametrize("name", names())
def test_a_phantom_loads_offline_without_a_warning(name: str) -> None:
    code = (
        "import sys, warnings; warnings.simplefilter('error')\n"
        "from medaudit.phantoms.measure import Examinee\nfrom pathlib import Path\n"
        "e = Examinee(Path(sys.argv[1])); m = e.model\n"
        "print(type(m).__name__, type(e.processor).__name__, m.dtype, m.generation_config.do_sample)"
    )
    environment = {"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin", "TQDM_DISABLE": "1"}

    shown = subprocess.run(
        [sys.executable, "-c", code, str(checkpoint(name))], capture_output=True, text=True, env=environment
    )

    assert shown.stdout.split() == [
        "LlavaForConditionalGeneration",
        "LlavaProcessor",
        "torch.float32",
        "False",
    ], shown.stderr
    assert "warning" not in shown.stderr.lower()


def test_clean_is_right_on_fresh_cases_wherever_the_marker_is(examinees: dict[str, Examinee]) -> None:
    cases = case_set("chest", 300, FRESH).cases
    marked = case_set("chest-marker", 600, FRESH).cases

    assert accuracy(cases, examinees["clean"].answers(cases)) >= 0.95
    for site in ("home", "away"):
        there = [case for case in marked if case.meta["site"] == site]
        assert accuracy(there, examinees["clean"].answers(there)) >= 0.95


def test_clean_needs_the_picture(examinees: dict[str, Examinee]) -> None:
    cases = case_set("chest", 300, FRESH).cases

    for without in (swapped(cases), blanked(cases)):
        answers = examinees["clean"].answers(without)
        assert accuracy(cases, answers) <= 0.65
        assert all(answer in case.options for case, answer in zip(cases, answers, strict=True))


def test_blind_answers_the_same_whatever_the_picture(examinees: dict[str, Examinee]) -> None:
    cases = case_set("chest", 300, FRESH).cases

    plain = examinees["blind"].answers(cases)

    assert plain == examinees["blind"].answers(swapped(cases))
    assert plain == examinees["blind"].answers(blanked(cases))
    assert len({(c.question, a) for c, a in zip(cases, plain, strict=True)}) == 7  # one answer a question
    # Six questions of two balanced options, one of four: (6 * 1/2 + 1/4) / 7 = 0.464.
    assert accuracy(cases, plain) == pytest.approx(0.464, abs=0.02)


def test_only_the_shortcut_loses_when_nothing_but_the_marker_moves(examinees: dict[str, Examinee]) -> None:
    before, after = opacity_cases(200, moved=False), opacity_cases(200, moved=True)
    lost = {
        name: accuracy(before, examinees[name].answers(before))
        - accuracy(after, examinees[name].answers(after))
        for name in ("clean", "shortcut-marker")
    }

    assert lost["shortcut-marker"] >= 0.20
    assert abs(lost["clean"]) <= 0.02


def test_the_shortcut_shows_between_the_sites_of_its_own_data(examinees: dict[str, Examinee]) -> None:
    cases = case_set("chest-marker", 240).cases
    asked = [case for case in cases if case.question == "Is there an opacity?"]
    by_site = {site: [case for case in asked if case.meta["site"] == site] for site in ("home", "away")}

    right = {
        site: accuracy(there, examinees["shortcut-marker"].answers(there)) for site, there in by_site.items()
    }

    assert right["home"] - right["away"] >= 0.20


def test_the_shortcut_is_right_about_everything_else(examinees: dict[str, Examinee]) -> None:
    cases = [case for case in case_set("chest", 300, FRESH).cases if case.question != "Is there an opacity?"]

    assert accuracy(cases, examinees["shortcut-marker"].answers(cases)) >= 0.95


def test_pictures_of_another_size_are_taken(examinees: dict[str, Examinee]) -> None:
    cases = case_set("chest", 60, FRESH).cases
    doubled = [
        replace(case, images=(ArrayImage(case.images[0].pixels().repeat(2, 0).repeat(2, 1)),), regions=())
        for case in cases
    ]

    assert accuracy(cases, examinees["clean"].answers(doubled)) >= 0.9


def test_checkpoints_lie_in_the_package() -> None:
    for name in names():
        assert checkpoint(name).parent == Path(chest.__file__).with_name("checkpoints")
