"""Bad input, end to end: one message, the right exit code, nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medaudit.phantoms import checkpoint


def edit(data: Path, **changes: object) -> None:
    """Change the third line of cases.jsonl."""
    path = data / "cases.jsonl"
    lines = path.read_text().splitlines()
    lines[2] = json.dumps({**json.loads(lines[2]), **changes})
    path.write_text("\n".join(lines))


def not_json(data: Path) -> None:
    path = data / "cases.jsonl"
    lines = path.read_text().splitlines()
    lines[2] = '{"id": "c2", '
    path.write_text("\n".join(lines))


def truncate(data: Path) -> None:
    from PIL import Image

    Image.new("RGB", (400, 400), "white").effect_spread(50).save(data / "img" / "2.jpg")
    (data / "img" / "2.jpg").write_bytes((data / "img" / "2.jpg").read_bytes()[:900])
    edit(data, images=["img/2.jpg"])


def leave(data: Path) -> None:
    shutil.copy(data / "img" / "2.png", data.parent / "outside.png")
    (data / "img" / "link.png").symlink_to(data.parent / "outside.png")
    edit(data, images=["img/link.png"])


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncate, "2.jpg"),
    "climbs": (lambda data: edit(data, images=["../outside.png"]), "leaves the data folder"),
    "linked outside": (leave, "leaves the data folder"),
    "absolute": (lambda data: edit(data, images=["/etc/hostname"]), "leaves the data folder"),
    "missing image": (lambda data: edit(data, images=["img/none.png"]), "none.png"),
    "not json": (not_json, "cases.jsonl:3"),
    "duplicate options": (lambda data: edit(data, options=["yes", "Yes"]), "cases.jsonl:3"),
    "answer not offered": (lambda data: edit(data, answer="maybe"), "not among the options"),
    "duplicate id": (lambda data: edit(data, id="c0"), "c0"),
    "unknown key": (lambda data: edit(data, anwser="yes"), "answer"),
    "empty": (lambda data: (data / "cases.jsonl").write_text(""), "no cases"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_data_is_one_message(medaudit, data: Path, models: Path, name: str) -> None:
    spoil, message = BROKEN[name]
    spoil(data)

    done = medaudit("scan", f"python:{models}:agreeable", "--data", data, "--out", "a")

    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_skip_bad_leaves_the_bad_line_out_and_lists_it(medaudit, data: Path, models: Path) -> None:
    not_json(data)
    words = ("--data", data, "--out", data.parent / "a", "--probe", "baselines", "--skip-bad")

    done = medaudit("scan", f"python:{models}:agreeable", *words)

    record = json.loads((data.parent / "a" / "audit.json").read_text())["data"]
    assert done.returncode == 0
    assert record["cases"] == 59
    assert [line["where"] for line in record["skipped"]] == ["cases.jsonl:3"]


def without_processor(folder: Path) -> str:
    for path in folder.glob("*process*"):
        path.unlink()
    for path in folder.glob("*token*"):
        path.unlink()
    return str(folder)


def pickled(folder: Path) -> str:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return str(folder)


def cut_weights(folder: Path) -> str:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    return str(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_processor, "processor"),
        (pickled, "--allow-pickle"),
        (cut_weights, "weights do not load"),
        (lambda folder: "nobody/no-such-model", "nobody/no-such-model"),
        (lambda folder: "endpoint:http://127.0.0.1:9/v1#m", "127.0.0.1:9"),
    ],
    ids=["no processor", "pickled", "cut weights", "unknown id", "nobody listens"],
)
def test_a_model_that_cannot_be_loaded_is_one_message(
    medaudit, data: Path, tmp_path: Path, spoil: Callable[[Path], str], message: str
) -> None:
    folder = shutil.copytree(checkpoint("clean"), tmp_path / "model")

    done = medaudit("scan", spoil(folder), "--data", data, "--out", "a", HF_HUB_OFFLINE="1")

    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unwritable_output_is_one_message(medaudit, data: Path, models: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    done = medaudit("scan", f"python:{models}:agreeable", "--data", data, "--out", tmp_path / "file" / "a")

    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "medaudit.audit/1"}', "[" * 100_000])
def test_a_broken_audit_is_one_message(medaudit, tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.json").write_text(text)

    for place in (tmp_path, tmp_path / "audit.json"):
        done = medaudit("report", place)

        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
