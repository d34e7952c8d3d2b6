"""``calibrate`` end to end on scripted phantoms: complete, resumable, and clear about what it is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medaudit import registry
from medaudit.calibration import sweep
from medaudit.calibration.record import Record
from medaudit.calibration.subjects import Subject
from medaudit.calibration.sweep import CLEAN_DATA, CLEAN_SEED, Tier, calibrate
from medaudit.errors import DataError, UsageError
from medaudit.phantoms import names

TINY = Tier("tiny", 2, 2, 60, (0.2,), (60, 5000), 2)
Hall = Callable[..., SimpleNamespace]


def silent(line: str) -> None:
    """Nobody is told."""


@pytest.fixture
def hall(bed: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Hall:
    """Fresh scripted phantoms in place of the trained ones: a clean one and one that fails at vendor B."""

    def open_hall(weights: str = "", **cards: Any) -> SimpleNamespace:
        flawed = bed.subject(bed.vendor, weights=weights)
        seen = sweep._flawed_trials(flawed, TINY)
        sets = [(data, TINY.n, seed) for data, seed in seen]
        sets += [(data, TINY.n, CLEAN_SEED + i) for i, data in enumerate(CLEAN_DATA)]
        clean = bed.subject(bed.clean, *sets)
        flawed = bed.subject(bed.vendor, *sets, twin=clean, weights=weights)
        flawed = replace(flawed, card={**flawed.card, **cards})
        rooms: dict[str, Subject] = {subject.name: subject for subject in (clean, flawed)}

        def named(cls: type, name: str) -> Subject:
            return rooms[Path(name.removeprefix("phantom:")).name]

        monkeypatch.setattr(Subject, "named", classmethod(named))
        monkeypatch.setattr("medaudit.phantoms.names", lambda: list(rooms))
        return SimpleNamespace(clean=clean, flawed=flawed, rooms=rooms)

    return open_hall


def run(out: Path, tier: Tier = TINY, **given: Any) -> Record:
    return calibrate(tier=tier, out=out, tell=silent, **given)


def test_a_tiny_calibration_from_end_to_end(quickly: None, hall: Hall, tmp_path: Path) -> None:
    hall()
    told: list[str] = []

    document = calibrate(tier=TINY, out=tmp_path / "new" / "folder", tell=told.append).document

    assert told == ["clean: 2 audits", "wrong-at-b: 2 audits"]
    assert (document["tier"], document["level"]) == ("tiny", 0.05)
    assert document["clean"]["phantoms"] == ["clean"]
    assert document["clean"]["data"] == ["chest", "chest-marker"]
    assert document["clean"]["audit"] == {
        "runs": 2,
        "hits": 0,
        "rate": 0.0,
        "interval": [0.0, pytest.approx(0.842, abs=1e-3)],
    }
    (flaw,) = document["flaws"]
    assert (flaw["flaw"], flaw["found"]["hits"], flaw["named"]["hits"]) == ("wrong-at-b", 2, 2)
    assert flaw["by_probe"] == {"baselines": "quiet", "robustness": "found 2/2"}
    # Two of baselines (prior_pull may be out of reach at n = 60), one shift, seven attributes.
    assert flaw["family"] in (9, 10)
    # Half of the questions about a third of the pictures are missed.
    assert 0.3 < flaw["strength"] < 0.6
    cells = {(cell["n"], round(cell["effect"], 3)): cell["power"] for cell in flaw["power"]}
    # 5,000 cases are more than the pool holds.
    assert set(cells) == {(60, 0.2), (60, round(flaw["strength"], 3))}
    assert cells[60, round(flaw["strength"], 3)] == 1.0
    json.dumps(document, allow_nan=False)


def test_interrupted_and_called_again_it_ends_in_the_same_record(
    quickly: None, hall: Hall, tmp_path: Path
) -> None:
    straight = hall()
    wanted = run(tmp_path / "straight")
    total = straight.clean.asked + straight.flawed.asked

    stopped = hall()
    says, left = stopped.flawed.reader, [500]  # inside the second audit of the flawed one

    def breaks(request: Any) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return str(says(request))

    object.__setattr__(stopped.flawed, "reader", breaks)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped")
    trials = sorted(path.name for path in (tmp_path / "stopped").glob("wrong-at-b-*.json"))
    assert len(trials) == 1
    assert not list((tmp_path / "stopped").glob("power-*"))

    again = hall()
    assert run(tmp_path / "stopped") == wanted
    # What was answered before is not asked again, but for the batch that was lost.
    before = stopped.clean.asked + stopped.flawed.asked
    assert total <= before + again.clean.asked + again.flawed.asked <= total + 64
    last = hall()
    assert run(tmp_path / "stopped") == wanted
    assert last.clean.asked + last.flawed.asked == 0


def test_other_weights_under_the_same_name_are_measured_anew(
    quickly: None, hall: Hall, tmp_path: Path
) -> None:
    hall()
    run(tmp_path)
    path = next(tmp_path.glob("power-*.json"))
    before = json.loads(path.read_text())

    other = hall(weights="-retrained")
    run(tmp_path)

    assert other.flawed.asked > 0
    after = json.loads(path.read_text())
    assert after["identity"]["model"] != before["identity"]["model"]
    assert after["power"] == before["power"]  # it answers alike


def test_power_under_other_margins_is_measured_anew_and_trials_are_judged_anew(
    quickly: None, hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probes: dict[str, Any]
) -> None:
    hall()
    first = run(tmp_path).document["flaws"][0]
    robust = probes["robustness"]
    strict = [replace(rule, above=0.9) for rule in robust.alarms]
    moved = {**probes, "robustness": replace(robust, alarms=tuple(strict))}
    legal = registry.available
    monkeypatch.setattr(registry, "available", lambda kind: moved if kind == "probe" else legal(kind))

    again = hall()
    second = run(tmp_path).document["flaws"][0]

    assert (first["found"]["hits"], second["found"]["hits"]) == (2, 0)
    assert first["power"][-1]["power"] == 1.0
    assert second["power"][-1]["power"] == 0.0
    assert again.flawed.asked == 0


def test_a_probe_alone_is_an_audit_of_that_probe(quickly: None, hall: Hall, tmp_path: Path) -> None:
    hall()

    document = run(tmp_path, probes=["baselines"]).document

    assert list(document["clean"]["by_probe"]) == ["baselines"]
    (flaw,) = document["flaws"]
    # robustness was not run: it neither found the flaw nor missed it.
    assert (flaw["found"]["runs"], flaw["power"], flaw["by_probe"]) == (0, [], {"baselines": "quiet"})


def test_the_cases_of_a_phantom_do_not_depend_on_the_others(bed: SimpleNamespace) -> None:
    one, other = bed.subject(bed.vendor), bed.subject(replace(bed.vendor, name="another"))
    probes: dict[str, Any] = {}

    alone = sweep._flawed_work([one], TINY, probes, Path("x"))[0]
    second = sweep._flawed_work([other, one], TINY, probes, Path("x"))[1]

    assert alone.trials == second.trials
    assert sweep._flawed_trials(other, TINY) != alone.trials
    seeds = [seed for _, seed in sweep._flawed_trials(one, sweep.FULL)]
    assert len(set(seeds)) == sweep.FULL.flaw_runs
    assert min(seeds) >= sweep.FLAWED_SEED
    assert max(seeds) < 90_000  # the cards' own


def test_clean_runs_are_dealt_in_turn_over_phantoms_and_data(bed: SimpleNamespace) -> None:
    four = [bed.subject(replace(bed.clean, name=f"clean@{i}")) for i in range(4)]

    work = sweep._clean_work(four, sweep.FULL, {}, Path("x"))

    trials = [trial for each in work for trial in each.trials]
    assert len(trials) == sweep.FULL.clean_runs == len({seed for _, seed in trials})
    assert [len(each.trials) for each in work] == [15, 15, 15, 15]
    assert {name: sum(data == name for data, _ in trials) for name in CLEAN_DATA} == dict.fromkeys(
        CLEAN_DATA, 20
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"probes": ["robustnes"]}, "Did you mean 'robustness'"),
        ({"phantoms": ["no-such-phantom"]}, "Unknown model phantom 'no-such-phantom'"),
    ],
)
def test_unknown_names_are_one_clear_message(given: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        run(tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_a_card_with_an_alarm_that_the_probe_does_not_have_is_refused_before_the_run(
    hall: Hall, tmp_path: Path
) -> None:
    target = {"probe": "robustness", "rule": "subgroup-gap", "slice": {}}
    opened = hall(finds=target)

    with pytest.raises(UsageError, match=r"wrong-at-b/card.json 'subgroup-gap'. Did you mean 'subgroup_gap'"):
        run(tmp_path)
    assert opened.clean.asked == 0


def test_a_target_that_nothing_measures_is_one_clear_message(
    quickly: None, hall: Hall, tmp_path: Path
) -> None:
    hall(finds={"probe": "robustness", "rule": "subgroup_gap", "slice": {}})

    with pytest.raises(DataError, match=r"on 120 cases robustness has no number for its alarm subgroup_gap"):
        run(tmp_path)


def test_an_out_that_is_a_file_is_refused(hall: Hall, tmp_path: Path) -> None:
    hall()
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="cannot be a folder for the calibration"):
        run(tmp_path / "file")


def card(folder: Path, **more: Any) -> Path:
    folder.mkdir(parents=True)
    written = {"flaw": "its own", "data": "chest", **more}
    (folder / "card.json").write_text(json.dumps(written))
    return folder


def test_a_third_partys_folder_is_a_subject(tmp_path: Path) -> None:
    finds = {"probe": "robustness", "rule": "subgroup_gap", "slice": {"attribute": "age"}}
    mine = card(tmp_path / "misses-the-old", finds=finds, also=[{"probe": "baselines", "rule": "blind"}])

    subject = Subject.named(str(mine))

    assert (subject.name, subject.folder, subject.data) == ("misses-the-old", mine, "chest")
    assert subject.target is not None
    assert subject.target.names({**finds, "p_value": 0.1})
    assert [each.rule for each in subject.consequences] == ["blind"]
    assert not subject.clean
    # In another process, which may stand in another folder.
    assert sweep._typed(subject) == str(mine.resolve())


def test_cleanness_is_on_the_card_and_not_in_the_name(tmp_path: Path) -> None:
    assert not Subject.named(str(card(tmp_path / "cleanish"))).clean
    assert not Subject.named(str(card(tmp_path / "x", flaw="nonexistent nodules are seen"))).clean
    assert Subject.named(str(card(tmp_path / "control", flaw="none: a control"))).clean
    assert Subject.named("clean").clean


def test_a_folder_does_not_stand_in_for_a_phantom_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card(tmp_path / "clean", flaw="everything")
    card(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)

    assert Subject.named("clean").folder != tmp_path / "clean"
    assert Subject.named("phantom:clean").folder != tmp_path / "clean"
    assert Subject.named("./clean").folder == tmp_path / "clean"
    assert Subject.named("mine").folder == tmp_path / "mine"


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"flaw": "x"}', '{"flaw": "x", "data": "chest", "finds": {"probe": "x"}}'],
)
def test_a_broken_card_is_one_clear_message(text: str, tmp_path: Path) -> None:
    (card(tmp_path / "mine") / "card.json").write_text(text)

    with pytest.raises(DataError, match=r"card\.json: not a readable truth card"):
        Subject.named(str(tmp_path / "mine"))


def test_two_phantoms_of_one_name_cannot_be_mixed_up(tmp_path: Path) -> None:
    first, second = card(tmp_path / "a" / "mine"), card(tmp_path / "b" / "mine")
    impostor = card(tmp_path / "clean")

    with pytest.raises(UsageError, match="Two phantoms are called 'mine'"):
        run(tmp_path / "out", phantoms=[str(first), str(second)])
    with pytest.raises(UsageError, match="Two phantoms are called 'clean'"):
        run(tmp_path / "out", phantoms=[str(impostor)])
    assert not (tmp_path / "out").exists()


def test_a_named_clean_phantom_joins_the_clean_ones(tmp_path: Path) -> None:
    control, mine = card(tmp_path / "control", flaw="none: a control"), card(tmp_path / "mine")

    clean, flawed = sweep._subjects([str(control), str(mine), "clean"])

    at_hand = [name for name in names() if Subject.named(name).clean]
    assert [each.name for each in clean] == [*at_hand, "control"]
    assert [each.name for each in flawed] == ["mine"]
