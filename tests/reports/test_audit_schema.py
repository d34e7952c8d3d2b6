from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from medaudit.errors import DataError
from medaudit.finding import Finding, Verdict
from medaudit.schema import audit_schema, validate_audit


def test_schema_is_itself_a_valid_schema() -> None:
    Draft202012Validator.check_schema(audit_schema())


def test_full_document_is_accepted(document: dict[str, Any]) -> None:
    validate_audit(document)


def test_optional_keys_may_be_absent(document: dict[str, Any]) -> None:
    for place, names in (("run", ["problems"]), ("model", ["notes"]), ("data", ["public", "skipped"])):
        for name in names:
            del document[place][name]
    del document["plan"], document["answers"], document["alarms"]
    validate_audit(document)


def test_environment_slice_and_data_are_open(document: dict[str, Any]) -> None:
    document["environment"]["anything"] = {"deep": [1]}
    document["findings"][0]["slice"]["new"] = True
    document["findings"][0]["data"]["new"] = {"deep": None}
    validate_audit(document)


def test_schema_is_a_fresh_copy() -> None:
    audit_schema()["properties"].clear()
    assert audit_schema()["properties"]


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        place: Any = document
        for step in steps:
            place = place[step]
        place[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", "medaudit.audit/2", "medaudit.audit/1"),
        ("status", "done", "complete, incomplete, interrupted"),
        ("run/seed", "seven", "run/seed: must be integer"),
        ("run/started", "yesterday", "run/started: must meet pattern"),
        ("model/files/0/sha256", "xyz", "model/files/0/sha256"),
        ("model/capabilities", "generate", "model/capabilities: must be array"),
        ("data/cases", -1, "data/cases: must meet minimum 0"),
        ("findings/3/estimate", "0.5", "findings/3/estimate: must be number or null"),
        ("findings/3/interval", [0.1], "findings/3/interval"),
        ("findings/3/interval", [0.9, 0.1], "findings/3/interval: the lower end"),
        ("findings/3/verdict", "maybe", "findings/3/verdict: must be one of pass"),
        ("findings/3/threshold", {"op": ">", "value": 1}, "findings/3/threshold/op"),
        ("findings/3/p_value", 1.2, "findings/3/p_value"),
        ("findings/3/estimate", None, "findings/3/reason: must not be empty"),
        ("findings/3/estimate", math.nan, "findings/3/estimate: is not a finite number"),
        ("findings/3/data", {"deep": [math.inf]}, "findings/3/data/deep/0: is not a finite number"),
        ("coverage/4/reason", "", "coverage/4/reason: must not be empty"),
        ("calibration/0/power", 2, "calibration/0/power"),
        ("calibration/1/runs", -1, "calibration/1/runs"),
        ("alarms/0/side", "over", "alarms/0/side: must be one of above, below"),
        ("alarms/0/p_adjusted", 1.5, "alarms/0/p_adjusted"),
        ("alarms/0/p_value", None, "alarms/0/raised: must be one of False"),
    ],
)
def test_broken_value_is_refused_by_place(
    document: dict[str, Any], path: str, value: Any, message: str
) -> None:
    _set(path, value)(document)
    with pytest.raises(DataError) as caught:
        validate_audit(document)
    assert message in str(caught.value)


def test_unmeasured_finding_cannot_pass() -> None:
    # Only the verdict is wrong: an estimate of null with a reason is legal otherwise.
    finding = Finding("p", "m", None, verdict=Verdict.ERROR, reason="broke").to_dict()
    validator = Draft202012Validator(audit_schema()["properties"]["findings"]["items"])
    assert validator.is_valid(finding)
    assert not validator.is_valid(finding | {"verdict": "pass"})


def test_unknown_key_names_the_nearest_legal_one(document: dict[str, Any]) -> None:
    document["findings"][0]["estimat"] = 1
    with pytest.raises(DataError, match=r"findings/0: unknown key 'estimat'\. Did you mean 'estimate'\?"):
        validate_audit(document)


def test_missing_key_is_named(document: dict[str, Any]) -> None:
    del document["findings"][0]["n"]
    with pytest.raises(DataError, match="findings/0: lacks 'n'"):
        validate_audit(document)


def test_fault_nearest_the_root_comes_first(document: dict[str, Any]) -> None:
    document["findings"][0]["n"] = "x"
    document["status"] = "x"
    with pytest.raises(DataError, match="status: must be one of"):
        validate_audit(document)


def test_message_never_quotes_a_value(document: dict[str, Any]) -> None:
    for path in ("run/seed", "findings/0/estimate", "findings/0/verdict", "model/files/0/sha256", "data"):
        broken = copy.deepcopy(document)
        _set(path, "Jane Doe 1950-01-01")(broken)
        with pytest.raises(DataError) as caught:
            validate_audit(broken)
        assert "Jane" not in str(caught.value)
