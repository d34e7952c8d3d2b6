"""``medaudit pairs`` and ``medaudit agreement`` as users type them: mine, let people judge, audit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

QUESTIONS = {"Left or right?": ("left", "right"), "High or low?": ("high", "low"), "Lit?": ("yes", "no")}
MODEL = """
import numpy as np


def blind():
    def answer(images, prompt):
        if not images:
            return "I cannot tell"
        # Sees whether it is high and whether it is lit; left from right it cannot tell.
        grey = np.asarray(images[0])[..., 0].astype(int)
        if "Lit" in prompt:
            return "yes" if grey.max() > 200 else "no"
        return "left" if "Left" in prompt else "high" if grey[:16].max() > 100 else "low"

    return answer


def mute():
    return lambda images, prompt: ""
"""
PLAN = """
[audit]
probes = ["confusion"]
seed = 2
[probe.confusion]
mine = "behaviour"
quantile = 0.6
modes = ["text"]
"""


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """60 pictures of a square, left or right, high or low, lit or not; three questions about each."""
    folder = tmp_path / "squares"
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for number in range(60):
        told = rng.integers(0, 2, 3)
        pixels = rng.integers(0, 40, (32, 32, 3))
        top, start = 2 + 16 * told[1] + rng.integers(0, 4), 2 + 16 * told[0] + rng.integers(0, 4)
        pixels[top : top + 8, start : start + 8] = 240 if not told[2] else 150
        # Hostile for a page, a shell and a spreadsheet.
        name = f"=<b>{number}.png"
        Pillow.fromarray(pixels.astype(np.uint8)).save(folder / name)
        for place, (question, options) in enumerate(QUESTIONS.items()):
            case = {"id": f"c{number}-{place}", "images": [name], "question": question,
                    "options": options, "answer": options[told[place]], "group": f"p{number}"}  # fmt: skip
            lines.append(json.dumps(case))
    (folder / "cases.jsonl").write_text("\n".join(lines))
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "plan.toml").write_text(PLAN)
    return folder


def filled(source: Path, target: Path, decisions: dict[str, str]) -> list[str]:
    """Copy the table with decisions by pair id; the ids in its order."""
    with source.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["decision"] = decisions.get(row["pair_id"], "approve")
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return [row["pair_id"] for row in rows]


def test_from_a_pool_to_a_table_to_an_audit_of_what_people_kept(medaudit, squares: Path) -> None:
    home, work = squares.parent, squares.parent / "cwd"
    typed = (f"python:{home / 'model.py'}:blind", "--data", squares)

    made = medaudit("pairs", *typed, "--plan", home / "plan.toml", "--audit", "a", "--pictures", "shown")

    assert made.returncode == 0, made.stderr
    assert 'review = "pairs.csv"' in made.stdout
    ids = filled(work / "pairs.csv", work / "first.csv", {})
    assert len(ids) >= 4
    shown = {path.name for path in (work / "shown").iterdir()}
    assert shown == {"index.html", *(f"{pair}-{place}.png" for pair in ids for place in (1, 2))}
    page = (work / "shown" / "index.html").read_text()
    assert "=<b>" not in page

    filled(work / "pairs.csv", work / "second.csv", {ids[0]: "reject", ids[1]: "undecidable"})
    agreed = medaudit("agreement", "first.csv", "second.csv", "--json")
    assert agreed.returncode == 0, agreed.stderr
    assert json.loads(agreed.stdout)["disagreements"] == ids[:2]
    assert "reader 1 kept every pair" in json.loads(agreed.stdout)["kappa"]["reason"]

    (home / "reviewed.toml").write_text(PLAN + 'review = "first.csv"\nsecond_review = "second.csv"\n')
    scanned = medaudit("scan", *typed, "--plan", home / "reviewed.toml", "--out", "a", "--quiet")
    assert scanned.returncode == 0, scanned.stderr
    found = json.loads((work / "a" / "audit.json").read_text())["findings"]
    mined = next(row for row in found if row["metric"] == "mined_pairs")
    assert mined["estimate"] == len(ids) - 2
    assert mined["data"]["review"]["agreement"]["counts"]["first_keeps"] == 2

    # The table holds no decision itself; the one that does is not written over.
    lost = medaudit("pairs", *typed, "--plan", home / "plan.toml", "--audit", "a", "--out", "first.csv")
    assert lost.returncode == 2
    assert f"{len(ids)} of {len(ids)} lines hold decisions" in lost.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pairs",), "No model was named. Type: medaudit pairs MODEL"),
        (("pairs", "phantom:clean"), "No likeness to mine by was named"),
        (("pairs", "phantom:clean", "--mine", "looks"), "Unknown likeness to mine by 'looks'"),
        (
            ("pairs", "phantom:clean", "--mine", "own", "--out", "notes.txt"),
            "is there, and no table of pairs",
        ),
        (("pairs", "phantom:clean", "--mine", "own", "--pictures", "."), "holds other files ('notes.txt')"),
        (("pairs", "phantom:clean", "--colour"), "--colour"),
        (("agreement", "a.csv"), "1 table(s) were named. Type: medaudit agreement A.csv B.csv"),
        (("agreement", "a.csv", "b.csv"), "a.csv: no such review file"),
    ],
)
def test_a_slip_of_the_hand_is_one_clear_message(medaudit, tmp_path: Path, words, says: str) -> None:
    (tmp_path / "cwd" / "notes.txt").write_text("keep me")

    done = medaudit(*words)

    assert done.returncode == 2, done.stderr
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "cwd").iterdir()] == ["notes.txt"]


def test_where_nothing_is_mined_no_table_is_written_and_the_reason_is_told(medaudit, squares: Path) -> None:
    home = squares.parent
    typed = (f"python:{home / 'model.py'}:mute", "--data", squares, "--plan", home / "plan.toml")

    done = medaudit("pairs", *typed, "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["pairs"], told["table"]) == (0, None)
    assert "no higher than at the median" in told["reason"]
    assert not (home / "cwd" / "pairs.csv").exists()
