"""Near-duplicates: found without comparing all with all, and never a pair."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.mining import Rules, deduplicated, images_of, mine, perceptual_hashes, reference_vectors
from medaudit.mining.duplicates import near_pairs
from medaudit.phantoms.cases import case_set


def apart(hashes: Any) -> Any:
    return np.bitwise_count(hashes[:, None] ^ hashes[None, :])


@settings(deadline=None)
@given(n=st.integers(1, 120), seed=st.integers(0, 50), distance=st.integers(0, 7))
def test_the_search_by_bands_is_exact(n: int, seed: int, distance: int) -> None:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, n, dtype=np.uint64)
    for _ in range(3):  # near copies of some, a few bits away
        turned = np.uint64(1) << rng.integers(0, 64, n).astype(np.uint64)
        hashes = np.where(rng.random(n) < 0.6, hashes[rng.integers(0, n, n)] ^ turned, hashes)

    found = set(zip(*(side.tolist() for side in near_pairs(hashes, distance)), strict=True))

    i, j = np.nonzero(np.triu(apart(hashes) <= distance, 1) & (hashes[:, None] != hashes[None, :]))
    assert found == set(zip(i.tolist(), j.tolist(), strict=True))


@settings(deadline=None)
@given(n=st.integers(1, 120), seed=st.integers(0, 50), distance=st.integers(0, 7))
def test_kept_pictures_are_far_apart_and_the_others_near_a_kept_one(n: int, seed: int, distance: int) -> None:
    hashes = np.random.default_rng(seed).integers(0, 2**10, n, dtype=np.uint64)

    kept = deduplicated(hashes, distance)

    table = apart(hashes)
    assert (table[np.ix_(kept, kept)] + 64 * np.eye(len(kept), dtype=np.int64) > distance).all()
    assert (table[:, kept].min(axis=1) <= distance).all()


def test_the_same_picture_saved_again_has_nearly_the_same_hash() -> None:
    images = images_of(case_set("chest", 60).cases)[:20]
    changed = []
    for image in images:
        picture, packed = Pillow.fromarray(np.asarray(image.pixels())), BytesIO()
        picture.resize((128, 128), Pillow.Resampling.BICUBIC).save(packed, "JPEG", quality=80)
        changed.append(ArrayImage(np.asarray(Pillow.open(packed).convert("RGB"))))

    bits = np.bitwise_count(perceptual_hashes(images) ^ perceptual_hashes(changed))

    assert np.median(bits) <= 2
    assert np.median(apart(perceptual_hashes(images))) >= 10  # of other pictures


def test_a_constant_picture_has_hash_nought() -> None:
    flat = [ArrayImage(np.full((40, 50, 3), level, np.uint8)) for level in (0, 90)]

    assert perceptual_hashes(flat).tolist() == [0, 0]
    assert np.isfinite(reference_vectors(flat)).all()


def test_near_duplicates_are_never_a_pair(pool: Any) -> None:
    rules = Rules(audited=("side", "size", "form"), quantile=0.95)
    free = mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes)
    row = {case.images[0].digest: i for i, case in enumerate(pool.cases)}
    ends = [[row[case.images[0].digest] for case in (pair.first, pair.second)] for pair in free.pairs]
    hashes = pool.hashes.copy()
    for a, b in ends:
        hashes[b] = hashes[a] ^ np.uint64(1)  # one bit away

    found = mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=hashes)

    assert free.facts.duplicates == 0
    assert found.facts.duplicates > 0
    for pair in (*found.pairs, *found.controls):
        a, b = (hashes[row[case.images[0].digest]] for case in (pair.first, pair.second))
        assert np.bitwise_count(a ^ b) > rules.distance


@pytest.mark.parametrize("column", ["group", "study"])
def test_pictures_of_one_patient_or_study_are_never_a_pair(pool: Any, column: str) -> None:
    cases = [
        replace(case, group=f"g{i % 9}")
        if column == "group"
        else replace(case, meta={**case.meta, "study": i % 9})
        for i, case in enumerate(pool.cases)
    ]

    found = mine(
        cases,
        pool.folded,
        pool.plain,
        rules=Rules(audited=("side", "size", "form"), quantile=0.95),
        hashes=pool.hashes,
    )

    assert found.pairs
    for pair in (*found.pairs, *found.controls):
        one, two = (
            case.group if column == "group" else case.meta["study"] for case in (pair.first, pair.second)
        )
        assert one != two


def test_distances_that_the_bands_cannot_promise_are_refused() -> None:
    with pytest.raises(UsageError, match="give 0 to 7"):
        near_pairs(np.zeros(2, np.uint64), 8)
