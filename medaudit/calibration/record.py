"""The calibration record: what was measured, and what of it a report of ``n`` cases should say."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.alarms import LEVEL
from medaudit.errors import DataError

if TYPE_CHECKING:
    from medaudit.calibration.subjects import Subject
    from medaudit.calibration.sweep import Tier
    from medaudit.registry import Probe

SCHEMA = "medaudit.calibration/1"
_PACKAGED = Path(__file__).with_name("record.json")
#: Records of probes that run by name, each of its probe alone.
_BY_NAME = "record-*.json"
_PARTS = {"level", "probes", "clean", "margins", "flaws"}
#: Power that is called finding a flaw.
ENOUGH = 0.8


@dataclass(frozen=True)
class Record:
    """A finished calibration."""

    document: Mapping[str, Any]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        from medaudit.audit import write_text

        text = json.dumps(self.document, indent=1, ensure_ascii=False, allow_nan=False)
        write_text(path, text + "\n")

    def rows(self, probes: Mapping[str, Probe], n: int, level: float = LEVEL) -> list[dict[str, Any]]:
        """What a report over ``n`` cases says of each probe: a row for every flaw that it should find.

        None of a probe whose version or margins, or of an audit whose level, are not those that were
        calibrated.
        """
        clean = self.document["clean"]
        found = []
        for name, probe in probes.items():
            if name not in clean["by_probe"] or not self._same(probe) or level != self.document["level"]:
                continue
            false = clean["by_probe"][name]
            flaws = [f for f in self.document["flaws"] if f["target"] and f["target"]["probe"] == name]
            found += [self._row(name, false, flaw, n) for flaw in flaws] or [_bare(name, clean, false)]
        return found

    def _same(self, probe: Probe) -> bool:
        """Whether the probe and its alarms are those of the record."""
        known = {
            (m["rule"], m["side"], m["margin"]) for m in self.document["margins"] if m["probe"] == probe.name
        }
        calibrated: Mapping[str, str] = self.document["probes"]
        return calibrated.get(probe.name) == probe.version and known == {
            (rule.name, rule.side, rule.margin) for rule in probe.alarms
        }

    def _parameters(self, name: str) -> Mapping[str, Any]:
        """What the probe was given in calibration, beyond what it takes by itself."""
        return dict(self.document.get("parameters", {}).get(name, {}))

    def _row(self, name: str, false: Mapping[str, Any], flaw: Mapping[str, Any], n: int) -> dict[str, Any]:
        bare = _bare(name, self.document["clean"], false)
        sizes = sorted({cell["n"] for cell in flaw["power"] if cell["n"] <= n})
        row = {**bare, "phantoms": [*bare["phantoms"], flaw["flaw"]]}
        row |= {"flaw": flaw["flaw"], "alarm": flaw["target"]["rule"]}
        alarms = f"{false['hits']} alarm" + ("" if false["hits"] == 1 else "s")
        false_alarms = f"It raised {alarms} on {false['runs']} clean audits."
        if not flaw["power"] and flaw["found"]["runs"]:
            how = "".join(f", {key} = {value}" for key, value in self._parameters(name).items())
            return row | _whole(flaw["found"], self.document["clean"]["n"], how, false_alarms)
        if not sizes:
            return row | {"effect": None, "n": n, "sentence": f"No power was measured at {n} cases or fewer."}
        known = sorted((c for c in flaw["power"] if c["n"] == sizes[-1]), key=lambda c: float(c["effect"]))
        best = next((cell for cell in known if cell["power"] >= ENOUGH), known[-1])
        told = f"At n = {sizes[-1]} it finds " + ", ".join(_told(cell) for cell in known) + "."
        return row | {
            "effect": best["effect"],
            "power": best["power"],
            "power_interval": best["interval"],
            "n": sizes[-1],
            "sentence": f"{told} {false_alarms}",
        }


def _bare(name: str, clean: Mapping[str, Any], false: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "probe": name,
        "phantoms": list(clean["phantoms"]),
        "false_alarm_rate": false["rate"],
        "interval": false["interval"],
        "power": None,
        "power_interval": None,
        "n": clean["n"],
        "runs": false["runs"],
        "alarms": false["hits"],
    }


def _whole(found: Mapping[str, Any], n: int, how: str, false_alarms: str) -> dict[str, Any]:
    """Where only whole flaws were tried: how often one was found."""
    told = f"At n = {n}{how} it finds the whole flaw in {found['hits']} of {found['runs']} audits."
    return {
        "effect": None,
        "power": found["rate"],
        "power_interval": found["interval"],
        "n": n,
        "sentence": f"{told} {false_alarms}",
    }


def _told(cell: Mapping[str, Any]) -> str:
    return f"an effect of {100 * cell['effect']:.0f} points with power {cell['power']:.2f}"


def assemble(
    tier: Tier,
    probes: Mapping[str, Probe],
    clean: Sequence[Subject],
    flawed: Sequence[Subject],
    done: Mapping[str, Mapping[str, Any]],
) -> Record:
    """Put the parts of a sweep together."""
    from medaudit import __version__
    from medaudit.calibration.tally import by_probe, detection, false_alarms, limits
    from medaudit.calibration.trials import rules_of

    rules = rules_of(probes)
    trials = [trial for subject in clean if subject.name in done for trial in done[subject.name]["trials"]]
    limit = limits(trials, rules)
    document = {
        "schema": SCHEMA,
        "medaudit": __version__,
        "tier": tier.name,
        "level": LEVEL,
        "probes": {name: probe.version for name, probe in probes.items()},
        "parameters": {name: dict(own) for name, own in tier.parameters.items()},
        "weights": {
            subject.name: subject.card.get("weights_sha256")
            for subject in (*clean, *flawed)
            if subject.name in done
        },
        "clean": {
            "phantoms": [subject.name for subject in clean if subject.name in done],
            "data": sorted({trial.data for trial in trials}),
            "n": tier.n,
            **false_alarms(trials, rules),
        },
        "margins": [
            {
                "probe": name,
                "rule": rule.name,
                "side": rule.side,
                "margin": rule.margin,
                "limit": limit.get(f"{name}/{rule.name}"),
            }
            for name, own in rules.items()
            for rule in own
        ],
        "flaws": [
            {
                **detection(subject, done[subject.name]["trials"], rules),
                "by_probe": by_probe(subject, done[subject.name]["trials"], rules),
                **_powers(done[subject.name]["power"]),
            }
            for subject in flawed
            if subject.name in done
        ],
    }
    return Record(document)


def _powers(power: Mapping[str, Any] | None) -> dict[str, Any]:
    from medaudit.calibration.tally import rate

    if power is None:
        return {"strength": None, "family": None, "power": []}
    cells = [(cell, rate(cell["found"], cell["draws"])) for cell in power["cells"]]
    grid = [
        {
            "effect": round(cell["effect"], 4),
            "share": cell["share"],
            "n": cell["n"],
            "draws": cell["draws"],
            "power": told["rate"],
            "interval": told["interval"],
        }
        for cell, told in cells
    ]
    return {"strength": power["strength"], "family": power["family"], "power": grid}


def load_records(path: Path | str | None = None) -> list[Record]:
    """As :func:`load_record`; without a file named, those of probes run by name as well."""
    first = load_record(path)
    named = path or os.environ.get("MEDAUDIT_CALIBRATION")
    more = [] if named else sorted(_PACKAGED.parent.glob(_BY_NAME))
    return [*([first] if first else []), *(_read(source) for source in more)]


def load_record(path: Path | str | None = None) -> Record | None:
    """The record in a file, in ``MEDAUDIT_CALIBRATION``, or the shipped one; None where there is none."""
    named = path or os.environ.get("MEDAUDIT_CALIBRATION")
    source = Path(named) if named else _PACKAGED
    return None if not named and not source.is_file() else _read(source)


def _read(source: Path) -> Record:
    try:
        document = json.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{source}: no such calibration record. Make one: medaudit calibrate.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{source}: not a readable calibration record ({error}).") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or not set(document) >= _PARTS:
        raise DataError(f"{source}: not a calibration record ({SCHEMA}). Make one: medaudit calibrate.")
    return Record(document)
