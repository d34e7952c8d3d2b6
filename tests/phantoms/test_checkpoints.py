"""The packaged model phantoms are what their truth cards say."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.image import ArrayImage
from medaudit.model import Model
from medaudit.models import load_model
from medaudit.phantoms import adapter, card, checkpoint, folder, names
from medaudit.phantoms.cases import case_set, drawn
from medaudit.phantoms.flaws import FLAWS, Shown, truth
from medaudit.phantoms.lessons import noise_of
from medaudit.phantoms.measure import answers, swapped
from medaudit.registry import find
from medaudit.shifting import shifted_images

#: Not a seed of training, nor of the cards, nor of calibration.
FRESH = 777
PACKAGED = Path(case_set.__code__.co_filename).with_name("checkpoints")
SHIPPED = sorted(path.parent.name for path in PACKAGED.glob("*/card.json"))
GENERATIVE = [name for name in SHIPPED if not name.startswith("clip-")]
CLEAN = [name for name in SHIPPED if name.removeprefix("clip-").startswith("clean")]


@cache
def model(name: str) -> Model:
    return load_model(f"phantom:{name}")


def accuracy(cases: Sequence[Case], said: Sequence[str]) -> float:
    return float(np.mean([case.answer == each for case, each in zip(cases, said, strict=True)]))


def score(name: str, cases: Sequence[Case]) -> float:
    return accuracy(cases, answers(model(name), cases))


def test_every_flaw_is_shipped_and_all_together_stay_within_forty_megabytes() -> None:
    files = [path for path in PACKAGED.rglob("*") if path.is_file()]

    assert {*FLAWS, "clip-clean", "clip-shortcut-marker"} <= set(SHIPPED)
    assert sum(path.stat().st_size for path in files) <= 40_000_000
    assert {path.suffix for path in files} <= {".json", ".jinja", ".safetensors", ".txt"}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_names_these_very_weights(name: str) -> None:
    weights = next(folder(name).glob("*.safetensors")).read_bytes()
    found = card(name)

    assert found["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert found["name"] == name
    assert found["measured"]["cases"] == 2000
    assert found["command"].startswith("medaudit phantoms build ")
    measured = found["measured"]
    assert measured["as_planted"] >= 0.9 or measured["accuracy_where_it_applies"] <= 0.6


@pytest.mark.parametrize("name", GENERATIVE)
def test_flaws_are_adapters_on_one_base(name: str) -> None:
    assert checkpoint(name) == folder("clean")
    assert (adapter(name) is None) == (name == "clean")
    assert name == "clean" or sum(path.stat().st_size for path in folder(name).iterdir()) < 400_000


def test_a_phantom_loads_offline_without_a_warning() -> None:
    code = (
        "import sys, warnings; warnings.simplefilter('error')\n"
        "from medaudit.models import load_model\n"
        "for name in sys.argv[1:]:\n"
        "    m = load_model(f'phantom:{name}')\n"
        "    print(type(m).__name__, m.info.dtype, m.info.notes)"
    )
    environment = {"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin", "TQDM_DISABLE": "1"}
    wanted = ["clean", "vendor-shift", "clip-clean"]

    shown = subprocess.run(
        [sys.executable, "-c", code, *wanted], capture_output=True, text=True, env=environment
    )

    assert shown.stdout.splitlines() == [
        "GenerativeModel float32 ()",
        "GenerativeModel float32 ()",
        "ContrastiveModel float32 ('option scores: log-softmax over class prompts, several templates each',)",
    ], shown.stderr
    assert "warning" not in shown.stderr.lower()


@pytest.mark.parametrize("name", CLEAN)
def test_clean_ones_are_right_on_fresh_cases_wherever_the_factors_are(name: str) -> None:
    for data in ("chest", "chest-marker", "chest-tube"):
        cases = case_set(data, 300, FRESH).cases
        said = answers(model(name), cases)
        assert accuracy(cases, said) >= 0.92
        for column in ("site", "sex", "vendor", "view"):
            by = [
                accuracy([c for c, _ in at], [a for _, a in at])
                for value in {case.meta[column] for case in cases}
                if (at := [(c, a) for c, a in zip(cases, said, strict=True) if c.meta[column] == value])
            ]
            assert max(by) - min(by) <= 0.08, (data, column)


def test_clean_needs_the_picture() -> None:
    cases = case_set("chest", 300, FRESH).cases
    grey = ArrayImage(np.full((64, 64, 3), 127, dtype=np.uint8))

    for without in (swapped(cases), [replace(case, images=(grey,), regions=()) for case in cases]):
        said = answers(model("clean"), without)
        assert accuracy(cases, said) <= 0.65
        # An empty picture may be called unclear; it still gets one of the options nearly always.
        assert np.mean([each in case.options for case, each in zip(cases, said, strict=True)]) >= 0.9


def test_blind_answers_the_same_whatever_the_picture() -> None:
    cases = case_set("chest", 320, FRESH).cases

    plain = answers(model("blind"), cases)

    assert plain == answers(model("blind"), swapped(cases))
    # Seven questions of two balanced options, one of four: (7 * 1/2 + 1/4) / 8 = 0.469.
    assert accuracy(cases, plain) == pytest.approx(0.469, abs=0.02)
    assert score("clean", cases) >= 0.92  # control


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in CLEAN])
def test_a_flawed_one_fails_where_its_flaw_is_at_work_and_nowhere_else(name: str) -> None:
    """What it loses to its twin there is the share of cases in which the planted answer is a wrong one."""
    flaw = FLAWS[name.removeprefix("clip-")]
    rows = drawn(flaw.data, 400, FRESH)
    cases, noise = [case for case, _, _ in rows], 0.0
    if flaw.stressed:
        shift, noise = find("shift", flaw.stressed), noise_of(flaw.stressed, 4)
        cases = [replace(c, images=shifted_images(c, shift, 4, 0), regions=()) for c in cases]
    shown = [(question, Shown(picture, noise=noise)) for _, picture, question in rows]
    bites = np.array([flaw.applies(*each) for each in shown])
    planted_wrong = np.array([flaw.answer(*each) != truth(*each) for each in shown])
    twin = "clip-clean" if name.startswith("clip-") else "clean"

    right = {
        each: np.array([c.answer == a for c, a in zip(cases, answers(model(each), cases), strict=True)])
        for each in (name, twin)
    }

    expected = planted_wrong[bites].mean()
    assert expected > 0.2
    lost = right[twin][bites].mean() - right[name][bites].mean()
    assert lost == pytest.approx(expected, abs=0.1)
    if not bites.all():
        assert right[name][~bites].mean() == pytest.approx(right[twin][~bites].mean(), abs=0.05)


def test_noise_is_what_the_shift_of_that_name_adds() -> None:
    from medaudit.shifts.noise import SD

    assert [noise_of("gaussian_noise", severity) for severity in range(1, 6)] == list(SD)
    assert noise_of("jpeg", 5) == 0.0


def test_only_the_shortcut_loses_when_nothing_but_the_marker_moves() -> None:
    opacities = [
        (case, picture)
        for case, picture, question in drawn("chest-marker", 400, FRESH)
        if question.name == "opacity"
    ]
    from medaudit.phantoms.picture import other_corner
    from medaudit.phantoms.rendering import image

    def lost(name: str) -> float:
        moved = [
            replace(case, images=(image(picture.but(marker=other_corner(picture.marker))),))
            for case, picture in opacities
            if picture.marker is not None and case.meta["site"] == "home"
        ]
        stayed = [case for case, _ in opacities if case.meta["site"] == "home"]
        return score(name, stayed) - score(name, moved)

    for kind in ("", "clip-"):
        assert lost(f"{kind}shortcut-marker") >= 0.6
        assert abs(lost(f"{kind}clean")) <= 0.03


def test_pictures_of_another_size_are_taken() -> None:
    cases = case_set("chest", 80, FRESH).cases
    doubled = [
        replace(case, images=(ArrayImage(case.images[0].pixels().repeat(2, 0).repeat(2, 1)),), regions=())
        for case in cases
    ]

    assert score("clean", doubled) >= 0.88


def test_listed_phantoms_begin_with_the_base() -> None:
    assert names()[0] == "clean"
    assert set(SHIPPED) <= set(names())
