"""Class scores, and what `Regions` refuses."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from medaudit.errors import DataError, UsageError
from medaudit.regions import Regions, class_scores, precision_at


def test_softmax_of_cosine_over_the_temperature():
    scores = class_scores([[2, 0], [1, 1]], [[5, 0], [0, 1]])
    odds = np.exp(1 / 0.07)
    assert scores[0] == pytest.approx([odds / (1 + odds), 1 / (1 + odds)])
    assert scores[1] == pytest.approx([0.5, 0.5])
    assert class_scores([[1, 0]], [[1, 0], [0, 1]], temperature=1)[0, 0] == pytest.approx(np.e / (1 + np.e))


def test_a_temperature_may_change_whose_softmax_is_highest():
    # By cosine the first row is nearer to class 0; by softmax the second is surer of it.
    texts = np.eye(3)
    rows = np.array([[0.7, 0.69, 0.18], [0.5, 0.0, 0.866]])
    cosine = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    surer = np.array([[0.6, 0.0, 0.0, 0.8], [0.65, 0.64, 0.0, 0.41]])
    assert cosine[0, 0] > cosine[1, 0]
    scores = class_scores(surer, np.eye(4)[:3])
    assert surer[1, 0] > surer[0, 0]
    assert scores[0, 0] > scores[1, 0]
    assert class_scores(rows, texts).sum(axis=1) == pytest.approx([1, 1])


def arrays(**changed):
    usual = {
        "vectors": np.eye(3),
        "image": [0, 0, 1],
        "scores": np.full((3, 2), 0.5),
        "image_scores": [[0.9, 0.1], [0.9, 0.1]],
        "labels": [0, 1],
    }
    return usual | changed


def test_what_fits_is_taken_as_it_is():
    regions = Regions(**arrays(groups=["p", "p"], covariates={"sex": ["F", None]}))
    assert regions.correct.tolist() == [True, False]
    assert regions.group_codes.tolist() == [0, 0]
    assert regions.per_image.tolist() == [2, 1]
    assert regions.class_names == ("class 0", "class 1")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"image": [0, 0, 2]}, "0 to 1 exist"),
        ({"labels": [0, 2]}, "labels from 0 to 2"),
        ({"labels": [0, 0.5]}, "whole number"),
        ({"scores": np.full((2, 2), 0.5)}, r"\(3, 2\) is needed"),
        ({"image_scores": [[np.nan, 1], [0, 1]]}, "finite"),
        ({"vectors": np.zeros((3, 2))}, "all 0"),
        ({"groups": ["p"]}, "groups holds 1 values"),
        ({"covariates": {"view": ["AP"]}}, "view holds 1 values"),
        ({"class_names": ("one",)}, "1 class names"),
        ({"boxes": np.zeros((2, 4))}, "boxes"),
        ({"scores": np.ones((3, 1)), "image_scores": np.ones((2, 1)), "labels": [0, 0]}, "at least 2"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    with pytest.raises(DataError, match=message):
        Regions(**arrays(**changed))


def test_precision_counts_empty_places_as_misses():
    carries = np.array([True, True, False, True])
    assert precision_at(np.array([0, 1, 2]), carries, k=2) == 1
    assert precision_at(np.array([2, 0]), carries, k=2) == 0.5
    assert precision_at(np.array([0, 1, 3]), carries, k=10) == 0.3
    assert precision_at(np.array([2]), carries, k=1) == 0
    with pytest.raises(UsageError, match="precision at 0"):
        precision_at(np.array([0]), carries, k=0)
    with pytest.raises(UsageError, match="temperature"):
        class_scores([[1.0]], [[1.0]], temperature=0)


def test_importing_loads_nothing_heavy():
    heavy = "{'torch', 'transformers', 'cv2', 'albumentations', 'scipy.stats', 'sklearn'}"
    check = f"import medaudit.regions, medaudit.regions.peers, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"
