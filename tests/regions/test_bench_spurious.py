"""The bench of planted shortcuts, its tiny tier: four models, trained for moments, judged as the many are.

The full tier is ``benchmarks/spurious.py``; docs/spurious.md is held to its committed result.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from medaudit.regions import discover, precision_at
from medaudit.stats.association import cramers_v

ROOT = Path(__file__).parents[2]
# Enough to learn a colour; digits take three times as long.
STEPS = 100


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("spurious")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def models(bench):
    return sys.modules["spurious_models"]


@pytest.fixture(scope="module")
def scenes(bench):
    return sys.modules["spurious_scenes"]


@pytest.fixture(scope="module")
def boxes(bench):
    return sys.modules["spurious_regions"]


@pytest.fixture(scope="module")
def tables(bench):
    return sys.modules["spurious_tables"]


@pytest.fixture(scope="module")
def pool(scenes):
    return scenes.glyph_pool()


@pytest.fixture(scope="module")
def judged(models, boxes, pool):
    """By V: both discoveries and whether the first ten regions of ours carry the mark, of two models each."""
    specs = [models.Spec(v, at) for v in (0.0, 0.9) for at in (0, 1)]
    stack = models.train(specs, pool, "cpu", STEPS)
    told = {0.0: [], 0.9: []}
    for at, spec in enumerate(specs):
        own = {name: part[at : at + 1] for name, part in stack.items()}
        regions, carries = boxes.evaluation(spec, own, pool, 600).regions("given", 600)
        ours, faithful = discover(regions), discover(regions, mode="faithful")
        told[spec.v].append((ours, faithful, precision_at(ours.clusters[0].members, carries)))
    return told


@pytest.mark.parametrize("v", [0.0, 0.3, 0.5, 0.7, 0.9])
def test_the_mark_goes_with_its_class_as_strongly_as_said_and_not_at_all_where_models_are_judged(
    v, models, scenes
):
    spec = models.Spec(v, 3)
    training = spec.training()

    assert cramers_v(training.there[:, 0], training.label) == pytest.approx(v, abs=0.01)
    with_mark = [training.there[training.label == c, 0].mean() for c in range(10)]
    assert v == 0 or np.argmax(with_mark) == spec.target
    even = scenes.scenes(1000, spec.target, 0.0, np.random.default_rng(0), (1500, 2000))
    assert all(even.there[even.label == c, 0].sum() == 50 for c in range(10))


def test_models_side_by_side_are_those_trained_alone(models, pool):
    specs = [models.Spec(0.0, 0), models.Spec(0.9, 0)]
    together, alone = models.train(specs, pool, "cpu", 3), models.train(specs[1:], pool, "cpu", 3)

    for name, part in alone.items():
        torch.testing.assert_close(together[name][1:], part, rtol=1e-4, atol=1e-5)
        if "bias" not in name:
            assert not torch.allclose(together[name][0], part[0])


def test_a_box_takes_the_mean_of_the_cells_it_covers(models):
    found = torch.arange(64.0).view(1, 1, 8, 8)

    means = models.box_means(found, np.zeros(3, int), [(0, 0, 32, 32), (4, 8, 8, 12), (0, 0, 6, 4)])

    assert means[:, 0].tolist() == pytest.approx([31.5, 17.0, 1 / 3])


def test_parts_lie_in_quadrants_of_their_own_and_the_mark_is_what_it_is_said_to_be(scenes, boxes, pool):
    given = scenes.scenes(50, 0, 0.0, np.random.default_rng(1), (0, 100))
    pictures = scenes.render(given, torch.as_tensor(pool), torch.Generator().manual_seed(0))

    for at in range(50):
        every = boxes.boxes_of("given", given, at, pictures[at])
        assert len({(y // 16, x // 16) for x, y, *_ in every}) == len(every) == 1 + given.there[at].sum()
        mark = boxes.mark_box(given, at)
        red = (pictures[at, 0] > 0.7) & (pictures[at, 1] < 0.3)
        assert (mark is not None) == bool(given.there[at, 0]) == bool(red.sum() == 100)
        if mark is not None:
            x0, y0, x1, y1 = mark
            assert red[y0:y1, x0:x1].all()


def test_a_box_on_the_digit_is_evidence_and_a_mark_is_none(scenes, boxes, pool):
    given = scenes.scenes(20, 0, 0.0, np.random.default_rng(1), (0, 100))
    pictures = scenes.render(given, torch.as_tensor(pool), torch.Generator().manual_seed(0))
    every = [boxes.boxes_of("given", given, at, pictures[at]) for at in range(20)]
    image = np.repeat(np.arange(20), [len(own) for own in every])
    flat = np.concatenate(every)
    first = np.flatnonzero(np.r_[True, image[1:] != image[:-1]])
    regions = SimpleNamespace(image=image, boxes=flat)

    assert boxes.on_digit(first, regions, given) == 1.0
    assert boxes.on_digit(np.setdiff1d(np.arange(len(image)), first), regions, given) == 0.0


def test_a_planted_shortcut_is_found_and_shown(judged):
    for ours, _, precision in judged[0.9]:
        assert ours.verdict == "found"
        assert precision == 1.0


def test_nothing_is_found_on_clean_models_where_the_published_recipe_names_something(judged):
    for ours, faithful, _ in judged[0.0]:
        assert ours.verdict != "found"
        assert faithful.verdict == "found"


def row(number, *, v=0.7, method="ours", alarm=True, precision=1.0, learned=True, **more):
    model = {"v": v, "number": number, "accuracy": 0.8, "eps1": 0.5, "eps2": 0.5, "eps2_mean": 0.1}
    model |= {"worst_group": 0.2, "learned": learned}
    cell = {"kind": "given", "n": 500, "method": method, "alarm": alarm, "precision": precision}
    cell["on_digit"] = 0.4 if precision else 0.5
    return model | cell | {"cpu_s": 1.0, "base": 0.2, "seen": 1.0, "regions": 1200} | more


def test_rates_count_models_and_tell_what_was_learned_from_what_was_not(tables):
    rows = [row(0), row(1, alarm=False, precision=0.0), row(2, precision=0.1, learned=False)]
    rows += [row(3, precision=0.0, mirror=-0.8), row(4, precision=0.0, mirror=0.8)]
    rows += [row(at, method=m, precision=0.0) for at in range(5) for m in tables.METHODS if m != "ours"]

    found = tables.summary(rows)

    (ours,) = [each for each in found["alarms"] if each["method"] == "ours"]
    assert (ours["alarm"]["k"], ours["alarm"]["of"]) == (4, 5)
    assert ours["named"]["k"] == 2
    # Two of the four show the digit, which is evidence.
    assert (ours["mirrored"], ours["aside"]["k"]) == (1, 2)
    assert (ours["learned_named"]["k"], ours["learned_named"]["of"]) == (2, 4)
    assert ours["alarm"]["interval"] == [0.284, 0.995]
    by_method = {each["method"]: each for each in found["precision"]}
    assert by_method["ours"]["learned"]["mean"] == 0.25
    assert by_method["random"]["less_than_ours"]["models"] == 5
    assert by_method["ours"]["cpu_s_per_1000"] == 2.0


def test_rows_are_read_where_an_earlier_run_wrote_them(bench, tmp_path):
    held = {"validity": {"learned": True}, "rows": [{"kind": "given", "n": 20, "method": "random"}]}
    path = tmp_path / "rows" / "v0.7-000.json"
    path.parent.mkdir()
    path.write_text(json.dumps(held))
    spec = sys.modules["spurious_models"].Spec(0.7, 0)
    cell = sys.modules["spurious_judging"].Cell("given", 20, ("random",))

    (found,) = bench.judged(spec, tmp_path, None, (cell,))

    assert found == {"v": 0.7, "number": 0, "learned": True, **held["rows"][0]}
    bench.forget("random", tmp_path)
    assert json.loads(path.read_text())["rows"] == []


def test_the_page_shows_the_committed_result(bench):
    result = json.loads(bench.RESULT.read_text())

    assert bench.page(result) in bench.DOCUMENT.read_text()
