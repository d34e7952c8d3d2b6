"""``medaudit calibrate``: every probe on many clean and flawed phantoms, with data seeds of their own."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.calibration.subjects import Subject
from medaudit.calibration.workers import spread
from medaudit.errors import UsageError

if TYPE_CHECKING:
    from medaudit.calibration.record import Record
    from medaudit.calibration.trials import Trial
    from medaudit.registry import Probe

#: Seeds of clean and of flawed trials: far from those that audits use by default, and from the cards'.
CLEAN_SEED, FLAWED_SEED = 50_000, 60_000
_BLOCKS, _BLOCK = 290, 100
#: Image phantoms on which clean phantoms are audited: associations in the data are no flaw of the model.
CLEAN_DATA = ("chest", "chest-marker", "chest-tube")


@dataclass(frozen=True)
class Tier:
    """How much is run: clean audits in all, audits of each flaw, cases in each, and the grid of power.

    ``clean_data``: image phantoms that clean phantoms are audited on, in turns; ``clean``: names of those,
    all where empty. ``parameters``: those of probes, by name, that are not their own.
    """

    name: str
    clean_runs: int
    flaw_runs: int
    n: int
    effects: tuple[float, ...]
    sizes: tuple[int, ...]
    draws: int
    clean_data: tuple[str, ...] = CLEAN_DATA
    clean: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


FULL = Tier("full", 60, 10, 240, (0.05, 0.10, 0.15, 0.20, 0.30), (60, 120, 240, 480, 960), 40)
#: For a probe that runs by name and judges each question alone: on data that ask one question most, one in
#: which clean phantoms err. About effusions they never do: their audits on chest-tube could raise nothing.
BY_NAME = Tier("by-name", 60, 10, 400, (), (), 0, ("chest-marker",))
#: For pairs that are mined, which takes a pool, by the state that an answer is read from: a contrastive model
#: has none, and its audits could raise nothing.
MINED = replace(
    BY_NAME,
    n=3000,
    clean_data=("chest",),
    clean=("clean", "clean-twin"),
    parameters={"confusion": {"mine": "question", "quantile": 0.95}},
)
FAST = Tier("fast", 3, 1, 200, (), (60,), 4)


@dataclass(frozen=True)
class Work:
    """What one process does: the trials of one phantom, then its grid of power."""

    phantom: str
    trials: tuple[tuple[str, int], ...]
    tier: Tier
    probes: tuple[str, ...]
    folder: Path


def calibrate(
    *,
    tier: Tier = FULL,
    probes: Sequence[str] = (),
    phantoms: Sequence[str] = (),
    out: Path,
    jobs: int = 1,
    tell: Callable[[str], None] = print,
) -> Record:
    """Run the tier and return its record. A second call with the same folder goes on where the first stopped.

    ``probes`` are those of every audit and ``phantoms`` all there are unless named; clean phantoms are always
    run, as no rate of detection means anything without a rate of false alarms. A phantom may be any folder
    with a truth card.
    """
    from medaudit.calibration.record import assemble

    chosen = _probes(probes)
    clean, flawed = _subjects(phantoms)
    clean = [subject for subject in clean if not tier.clean or subject.name in tier.clean]
    _check(clean, flawed, chosen)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be a folder for the calibration ({error.strerror}).") from error
    work = [*_clean_work(clean, tier, chosen, out), *_flawed_work(flawed, tier, chosen, out)]
    done = {}
    for result in spread(run_one if jobs == 1 else _run_alone, work, jobs):
        done[result["phantom"]] = result
        tell(f"{result['phantom']}: {len(result['trials'])} audits")
    return assemble(tier, chosen, clean, flawed, done)


def _probes(named: Sequence[str]) -> dict[str, Probe]:
    from medaudit.registry import available

    legal = available("probe")
    for name in named:
        if name not in legal:
            raise UsageError.unknown("probe", name, legal)
    # Only the audit as a whole has a family-wise rate: a probe alone is an audit of one probe.
    wanted = named or [name for name, probe in legal.items() if probe.default]
    return {name: probe for name, probe in legal.items() if probe.alarms and name in wanted}


def _subjects(named: Sequence[str]) -> tuple[list[Subject], list[Subject]]:
    """Clean ones: all at hand and those named. Flawed ones: those named, else all at hand."""
    from medaudit.phantoms import names

    every = [Subject.named(f"phantom:{name}") for name in names()]
    given = [Subject.named(name) for name in dict.fromkeys(named)]
    at_hand = {subject.folder for subject in every}
    more = [subject for subject in given if subject.clean and subject.folder not in at_hand]
    clean = [*(subject for subject in every if subject.clean), *more]
    return clean, [subject for subject in (given if named else every) if not subject.clean]


def _check(clean: Sequence[Subject], flawed: Sequence[Subject], probes: Mapping[str, Probe]) -> None:
    """Raise :class:`UsageError` where results could not be told apart, or a target can never be met."""
    for name, times in Counter(subject.name for subject in (*clean, *flawed)).items():
        if times > 1:
            raise UsageError(f"Two phantoms are called {name!r}: rename the folder of one of them.")
    for subject in flawed:
        target = subject.target_of(probes)
        if target is None or target.probe not in probes:
            continue
        rules = [rule.name for rule in probes[target.probe].alarms]
        if target.rule not in rules:
            raise UsageError.unknown(
                f"alarm of {target.probe} in {subject.name}/card.json", target.rule, rules
            )


def _clean_work(clean: Sequence[Subject], tier: Tier, probes: dict[str, Probe], out: Path) -> list[Work]:
    """Deal the clean runs to the clean phantoms in turn, and to the data they are audited on."""
    runs: dict[str, list[tuple[str, int]]] = {_typed(subject): [] for subject in clean}
    for number in range(tier.clean_runs):
        name = _typed(clean[number % len(clean)])
        data = tier.clean_data[number // len(clean) % len(tier.clean_data)]
        runs[name].append((data, CLEAN_SEED + number))
    return [Work(name, tuple(trials), tier, tuple(probes), out) for name, trials in runs.items() if trials]


def _flawed_work(flawed: Sequence[Subject], tier: Tier, probes: dict[str, Probe], out: Path) -> list[Work]:
    return [
        Work(_typed(subject), _flawed_trials(subject, tier), tier, tuple(probes), out) for subject in flawed
    ]


def _flawed_trials(subject: Subject, tier: Tier) -> tuple[tuple[str, int], ...]:
    """Seeds by name: a phantom is audited on the same cases whichever others are named beside it."""
    first = FLAWED_SEED + _BLOCK * (zlib.crc32(subject.name.encode()) % _BLOCKS)
    return tuple((subject.data, first + number) for number in range(tier.flaw_runs))


def _typed(subject: Subject) -> str:
    """What names this very folder in another process, wherever that runs."""
    return str(subject.folder.resolve())


def _run_alone(work: Work) -> dict[str, Any]:
    """In a process of its own, on one core."""
    import torch

    torch.set_num_threads(1)
    return run_one(work)


def run_one(work: Work) -> dict[str, Any]:
    """All that concerns one phantom: its trials and, where it has a target, its power."""
    from medaudit.calibration.bench import bench, phantom_cases
    from medaudit.registry import available

    subject = Subject.named(work.phantom)
    probes = {name: available("probe")[name] for name in work.probes}
    with bench(subject, work.folder) as flawed:
        tier = work.tier
        trials = [flawed.trial(data, seed, tier.n, probes, tier.parameters) for data, seed in work.trials]
        target = subject.target
        # A probe run by name may look into the model, which two models in one cannot be asked.
        if target is None or target.probe not in probes or not probes[target.probe].default:
            return {"phantom": subject.name, "trials": trials, "power": None}
        pool = [case for data, seed in work.trials for case in phantom_cases(data, work.tier.n, seed)]
        power = _power(work, subject, flawed, pool, probes[target.probe], _family(trials, probes))
    return {"phantom": subject.name, "trials": trials, "power": power}


def _family(trials: Sequence[Trial], probes: dict[str, Probe]) -> int:
    """Tests in a whole audit of this phantom."""
    from medaudit.calibration.trials import rules_of

    rules = rules_of(probes)
    return max(sum(alarm.p_value is not None for alarm in trial.alarms(rules)) for trial in trials)


def _power(
    work: Work, subject: Subject, flawed: Any, pool: Sequence[Any], probe: Probe, family: int
) -> dict[str, Any]:
    from medaudit.calibration.bench import bench
    from medaudit.calibration.power_file import power_of

    with bench(subject.twin, work.folder, f"-beside-{subject.name}") as clean:
        return power_of(work.tier, subject, flawed, clean, pool, probe, family, work.folder)
