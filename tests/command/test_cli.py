"""The command line, as a user meets it: options, messages, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_help_names_every_command(medaudit) -> None:
    done = medaudit("--help")

    assert done.returncode == 0
    for command in ("scan", "report", "gate", "list", "check", "pairs", "agreement", "doctor", "schema"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scan"], "No model was named"),
        (["scan", "phantom:cleen"], "Did you mean 'clean'"),
        (["scan", "phantom:clean", "--probe", "robustnes"], "Did you mean 'robustness'"),
        (["scan", "phantom:clean", "--shift", "jpg"], "jpeg"),
        (["scan", "phantom:clean", "--batch-size", "many"], "auto or a number"),
        (["scan", "phantom:clean", "--dtype", "float23"], "float32"),
        (["scan", "phantom:clean", "--plan", "none.toml"], "no such plan file"),
        (["scan", "phantom:clean", "--data", "nowhere"], "nowhere"),
        (["scan", "phantom:clean", "--limit", "0"], "limit"),
        (["scan", "python:nothing.py:make", "--data", "phantom:chest"], "nothing.py"),
        (["scan", "phantom:clean", "--colour"], "--colour"),
        (["list", "probe"], "Did you mean 'probes'"),
        (["schema", "audits"], "Did you mean 'audit'"),
        (["report", "nowhere"], "audit.json"),
        (["gate", "nowhere", "--plan", "none.toml"], "no such plan file"),
        (["check"], "No model was named"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(medaudit, words: list[str], message: str) -> None:
    done = medaudit(*words)

    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_lists_are_for_people_and_for_programs(medaudit) -> None:
    for kind, name in (("probes", "baselines"), ("shifts", "jpeg"), ("readers", "folder")):
        assert name in medaudit("list", kind).stdout
        assert name in [row["name"] for row in json.loads(medaudit("list", kind, "--json").stdout)]
    assert "phantom:clean" in medaudit("list", "phantoms").stdout
    types = {
        row["name"]: row["about"] for row in json.loads(medaudit("list", "architectures", "--json").stdout)
    }
    assert types["llava"].startswith("generative")
    assert types["clip"].startswith("contrastive")


def test_schema_prints_a_json_schema(medaudit) -> None:
    assert json.loads(medaudit("schema", "audit").stdout)["$schema"].startswith("https://json-schema.org")


def test_doctor_names_versions_and_the_state_of_torchvision(medaudit) -> None:
    done = medaudit("doctor")

    assert done.returncode == 0
    assert "transformers" in done.stdout
    assert "torchvision operators" in done.stdout


def test_command_line_wins_over_environment_wins_over_plan(medaudit, data: Path, models: Path) -> None:
    plan = data.parent / "p.toml"
    plan.write_text("[audit]\nseed = 1\nlimit = 20\nprobes = ['baselines']\n")
    common = ["scan", f"python:{models}:agreeable", "--data", data, "--plan", plan, "--quiet"]

    def seed_of(*words: str, **environment: str) -> int:
        assert medaudit(*common, "--out", "a", "--fresh", *words, **environment).returncode == 0
        return int(json.loads((data.parent / "cwd" / "a" / "audit.json").read_text())["run"]["seed"])

    assert seed_of() == 1
    assert seed_of(MEDAUDIT_SEED="2") == 2
    assert seed_of("--seed", "3", MEDAUDIT_SEED="2") == 3
