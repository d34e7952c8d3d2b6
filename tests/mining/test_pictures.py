"""Pictures for people who judge: named after pairs alone, texts escaped, nothing else overwritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from medaudit.errors import UsageError
from medaudit.mining import Rules, mine
from medaudit.mining.pictures import page, write_pictures


@pytest.fixture(scope="module")
def pairs(pool: Any) -> Any:
    rules = Rules(audited=("side", "size", "form"), quantile=0.99, limit=3, capacity=1)
    return mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes).pairs


def test_each_picture_lies_there_as_the_model_gets_it(pairs: Any, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shown", pairs)

    for pair in pairs:
        for place, case in ((1, pair.first), (2, pair.second)):
            shown = np.asarray(Pillow.open(tmp_path / "shown" / f"{pair.id}-{place}.png"))
            np.testing.assert_array_equal(shown, case.images[0].pixels())
    assert len(list((tmp_path / "shown").iterdir())) == 2 * len(pairs) + 1


def test_a_second_run_leaves_no_picture_of_the_first(pairs: Any, tmp_path: Path) -> None:
    write_pictures(tmp_path, pairs)
    write_pictures(tmp_path, pairs[:1])

    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html", f"{pairs[0].id}-1.png", f"{pairs[0].id}-2.png",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["notes.txt", "mined-1.png", "mined-0123456789ab-1.png.bak", ".hidden"])
def test_a_folder_with_other_files_is_left_alone(pairs: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(UsageError, match="holds other files"):
        write_pictures(tmp_path, pairs)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_hostile_texts_are_shown_and_do_nothing(pairs: Any) -> None:
    bad = '<script>alert("x")</script>'
    first = replace(pairs[0].first, question=bad, options=(bad, "b"), answer=bad)
    second = replace(first, images=pairs[0].second.images, answer="b")
    text = page([replace(pairs[0], first=first, second=second, attribute=bad)])

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert pairs[0].first.images[0].name not in text
