"""Whole scans of models whose numbers are known on paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import medaudit as package
from medaudit.document import redacted
from medaudit.errors import UsageError
from medaudit.prompting import prompt_for


def load(folder: Path) -> dict:
    return json.loads((folder / "audit.json").read_text())


def estimate(audit, probe: str, metric: str, **slice: object) -> float | None:
    found = [f for f in audit.findings if (f.probe, f.metric, dict(f.slice)) == (probe, metric, slice)]
    assert len(found) == 1, (metric, slice, len(found))
    return found[0].estimate


def test_a_scan_leaves_every_output_and_says_where(
    medaudit, data: Path, models: Path, tmp_path: Path
) -> None:
    done = medaudit("scan", f"python:{models}:reader", "--data", data, "--out", tmp_path / "a")

    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names >= {
        "audit.json",
        "report.html",
        "junit.xml",
        "findings.sarif",
        "answers.sqlite",
        "run.jsonl",
    }


def test_a_reader_of_brightness_gains_all_from_the_image(data: Path, models: Path) -> None:
    audit = package.scan(f"python:{models}:reader", data, probes=["baselines"])

    assert estimate(audit, "baselines", "accuracy", image="full") == 1.0
    assert estimate(audit, "baselines", "accuracy", image="none") == 0.0
    gain = next(f for f in audit.findings if f.metric == "visual_gain")
    assert gain.interval[0] > 0.2


def test_always_yes_is_the_share_of_yes_and_gains_nothing(data: Path, models: Path) -> None:
    audit = package.scan(f"python:{models}:agreeable", data, probes=["baselines"])

    for image in ("full", "none", "blank", "noise", "swapped"):
        assert estimate(audit, "baselines", "accuracy", image=image) == 0.5
    gain = next(f for f in audit.findings if f.metric == "visual_gain")
    assert gain.interval[0] <= 0 <= gain.interval[1]


def test_gates_set_the_exit_code(medaudit, data: Path, models: Path, tmp_path: Path) -> None:
    plan = tmp_path / "gate.toml"

    def code(model: str, op: str, *words: str) -> int:
        plan.write_text(
            "[audit]\nprobes = ['baselines']\n[[gate]]\nprobe = 'baselines'\nmetric = 'accuracy'\n"
            f"slice = {{image = 'full'}}\n{op}\n"
        )
        words = ("--data", str(data), "--plan", str(plan), "--out", str(tmp_path / model), *words)
        return medaudit("scan", f"python:{models}:{model}", *words).returncode

    assert code("reader", "at_least = 0.9") == 0
    assert code("agreeable", "at_least = 0.9") == 1
    assert code("agreeable", "at_least = 0.5") == 0  # undecided
    assert code("agreeable", "at_least = 0.5", "--strict") == 1
    assert code("broken", "at_least = 0.5") == 3


def test_gates_are_applied_again_without_the_model(
    medaudit, data: Path, models: Path, tmp_path: Path
) -> None:
    out, plan = tmp_path / "a", tmp_path / "later.toml"
    medaudit("scan", f"python:{models}:reader", "--data", data, "--out", out, "--probe", "baselines")
    models.unlink()
    plan.write_text(
        "[[gate]]\nprobe = 'baselines'\nmetric = 'accuracy'\nslice = {image = 'none'}\nat_least = 0.9\n"
    )

    done = medaudit("gate", out, "--plan", plan)

    assert done.returncode == 1
    assert "<failure" in (out / "junit.xml").read_text()
    plan.write_text("[[gate]]\nprobe = 'robustness'\nmetric = 'flip_rate'\nat_least = 0.9\n")
    assert medaudit("gate", out, "--plan", plan).returncode == 3
    assert load(out)["status"] == "incomplete"
    plan.write_text("[[gate]]\nprobe = 'baselines'\nmetric = 'acuracy'\nat_least = 0.9\n")
    assert medaudit("gate", out, "--plan", plan).returncode == 2
    plan.write_text("[[gate]]\nprobe = 'baselines'\nmetric = 'accuracy'\nat_least = 0.0\n")
    assert medaudit("gate", out, "--plan", plan).returncode == 0
    document = load(out)
    assert document["status"] == "complete"
    assert document["run"]["problems"] == []
    assert document["plan"]["gate"][0]["at_least"] == 0.0


def test_a_model_that_breaks_is_incomplete_and_never_scored(
    medaudit, data: Path, models: Path, tmp_path
) -> None:
    done = medaudit("scan", f"python:{models}:broken", "--data", data, "--out", tmp_path / "a")

    document = load(tmp_path / "a")
    assert done.returncode == 3
    assert document["status"] == "incomplete"
    assert "on fire" in done.stdout + done.stderr
    accuracies = [f for f in document["findings"] if f["metric"] == "accuracy" and f["slice"].get("image")]
    assert all(finding["estimate"] is None for finding in accuracies)


def test_what_a_model_raised_is_for_the_terminal_not_for_the_document(
    medaudit, data, models, tmp_path
) -> None:
    medaudit("scan", f"python:{models}:broken", "--data", data, "--out", tmp_path / "a")

    for name in ("audit.json", "report.html", "junit.xml", "findings.sarif", "run.jsonl"):
        text = (tmp_path / "a" / name).read_text()
        assert "on fire" not in text
    assert "RuntimeError" in (tmp_path / "a" / "audit.json").read_text()


def test_an_endpoint_s_password_is_redacted() -> None:
    spec = "medaudit scan 'endpoint:http://bob:SECRET@host:80/v1?token=SECRET#m' --out a"

    assert redacted(spec) == "medaudit scan 'endpoint:http://host:80/v1#m' --out a"
    assert redacted("medaudit scan phantom:clean --data a@b?c") == "medaudit scan phantom:clean --data a@b?c"


def test_long_options_are_spelled_out_where_likelihoods_are_compared() -> None:
    options = ("the left lung is opaque here", "the right lung is opaque here")
    case = package.Case("c", (), "Which?", options[0], options)

    assert "A. the left" in prompt_for(case)
    assert "A. the left" not in prompt_for(case, letters=False)
    many = tuple(f"finding number {n} of the list" for n in range(27))
    with pytest.raises(package.MedauditError, match="26 letters"):
        prompt_for(package.Case("c", (), "Which?", many[0], many))


def test_a_model_that_prints_does_not_spoil_the_result(medaudit, data, models, tmp_path) -> None:
    words = ("--data", data, "--out", tmp_path / "a", "--probe", "baselines", "--json")

    done = medaudit("scan", f"python:{models}:chatty", *words)

    assert json.loads(done.stdout)["exit_code"] == 0
    assert "thinking" in done.stderr


def test_a_model_cannot_end_the_program_with_a_pass(medaudit, data, models, tmp_path) -> None:
    words = ("--data", data, "--out", tmp_path / "a", "--probe", "baselines")

    assert medaudit("scan", f"python:{models}:quitter", *words).returncode == 2
    assert medaudit("scan", f"python:{models}:deserter", *words).returncode == 3


def test_no_control_character_reaches_the_terminal(medaudit, data, models, tmp_path) -> None:
    lines = [json.loads(line) for line in (data / "cases.jsonl").read_text().splitlines()]
    for line in lines:
        line["meta"]["odd\x07\u202e"] = line["answer"]
    (data / "cases.jsonl").write_text("\n".join(map(json.dumps, lines)))

    for model in ("hostile", "agreeable"):
        done = medaudit("scan", f"python:{models}:{model}", "--data", data, "--out", tmp_path / model)
        assert not set("\x07\x1b\u202e") & set(done.stdout + done.stderr)
        assert "odd" in done.stdout + done.stderr or model == "hostile"


def test_a_folder_of_another_audit_is_refused(medaudit, data: Path, models: Path, tmp_path: Path) -> None:
    words = ("--data", data, "--out", tmp_path / "a", "--probe", "baselines")
    assert medaudit("scan", f"python:{models}:reader", *words).returncode == 0

    done = medaudit("scan", f"python:{models}:agreeable", *words)

    assert done.returncode == 2
    assert "--fresh" in done.stderr
    assert load(tmp_path / "a")["model"]["id"].endswith("reader")


def test_pictures_of_undeclared_data_stay_out_of_the_folder(
    medaudit, data: Path, models: Path, tmp_path
) -> None:
    words = (
        "scan",
        f"python:{models}:reader",
        "--data",
        data,
        "--probe",
        "robustness",
        "--shift",
        "contrast",
    )
    medaudit(*words, "--out", tmp_path / "private")
    medaudit(*words, "--out", tmp_path / "public", "--public-data")

    assert not (tmp_path / "private" / "evidence.json").exists()
    assert "data:image" not in (tmp_path / "private" / "report.html").read_text()
    assert "Is it bright?" not in (tmp_path / "private" / "report.html").read_text()
    assert (tmp_path / "public" / "evidence.json").exists()


def test_a_scan_without_data_says_what_to_type(models: Path) -> None:
    with pytest.raises(UsageError, match="--data"):
        package.scan(f"python:{models}:reader")


def test_an_audit_comes_back_from_its_folder_as_it_was(data: Path, models: Path, tmp_path: Path) -> None:
    audit = package.scan(f"python:{models}:reader", data, probes=["baselines"], out=tmp_path / "a")

    again = package.load_audit(tmp_path / "a")

    assert again.findings == audit.findings
    frame = again.to_frame()
    assert len(frame) == len(audit.findings)
    assert {"probe", "metric", "low", "high", "slice.image"} <= set(frame.columns)


def test_the_same_scan_twice_gives_the_same_document(data: Path, models: Path) -> None:
    def document() -> dict:
        audit = package.scan(f"python:{models}:reader", data)
        return {name: value for name, value in audit.document.items() if name != "run"}

    assert document() == document()


@pytest.mark.parametrize(
    ("error", "status", "whole"),
    [("NotReached", "not_applicable", "complete"), ("ModelError", "error", "incomplete")],
)
def test_a_part_that_a_model_lacks_is_not_applicable_and_a_failure_is_not(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch, error: str, status: str, whole: str
) -> None:
    from medaudit import registry
    from medaudit.whitebox import reach

    def inside(ctx):
        """Is the inside reached?"""
        raise getattr(reach, error)("it has no tower")

    registry.load_plugins()
    monkeypatch.setitem(registry._ITEMS, "probe", dict(registry._ITEMS["probe"]))
    package.probe("inside", needs=[["generate"]], reference="none", metrics=["m"])(inside)

    audit = package.scan(f"python:{models}:reader", data, probes=["inside"])

    (row,) = [row for row in audit.document["coverage"] if row["probe"] == "inside"]
    assert (row["status"], audit.status) == (status, whole)
    assert "it has no tower" in row["reason"]
