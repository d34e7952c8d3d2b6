"""From trials to rates: false alarms on clean phantoms, flaws found and rightly named, margins that hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaudit.alarms import LEVEL
from medaudit.stats import clopper_pearson

if TYPE_CHECKING:
    from medaudit.alarms import AlarmRule
    from medaudit.calibration.subjects import Subject
    from medaudit.calibration.trials import Rules, Trial

#: Margins that are tried, in points.
MARGINS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.075, 0.10, 0.15, 0.20)


def rate(hits: int, runs: int, confidence: float = 0.95) -> dict[str, Any]:
    """Share with its exact interval; no share of nothing."""
    if runs == 0:
        return {"runs": 0, "hits": 0, "rate": None, "interval": None}
    low, high = clopper_pearson(hits, runs, confidence)
    return {"runs": runs, "hits": hits, "rate": hits / runs, "interval": [low, high]}


def false_alarms(trials: Sequence[Trial], rules: Rules, level: float = LEVEL) -> dict[str, Any]:
    """Runs of clean phantoms with any alarm: of the whole audit, and by probe (in the same whole audits).

    ``able`` counts the runs in which anything was tested: one in which nothing was could raise no alarm.
    """
    raised = [trial.raised(rules, level) for trial in trials]
    by_probe = {
        name: rate(sum(any(alarm["probe"] == name for alarm in each) for each in raised), len(trials))
        for name in rules
    }
    heard = [
        {"phantom": trial.phantom, "data": trial.data, "seed": trial.seed, **_short(alarm)}
        for trial, each in zip(trials, raised, strict=True)
        for alarm in each
    ]
    audit = rate(sum(map(bool, raised)), len(trials))
    able = sum(_tested(trial, rules, level) for trial in trials)
    return {"audit": audit, "able": able, "by_probe": by_probe, "raised": heard}


def _tested(trial: Trial, rules: Rules, level: float) -> bool:
    """Whether an alarm was judged, or a finding that alarms look at carries a p-value of its own."""
    return any(finding["p_value"] is not None for finding in trial.findings) or any(
        alarm.p_value is not None for alarm in trial.alarms(rules, level)
    )


def detection(
    subject: Subject, trials: Sequence[Trial], rules: Rules, level: float = LEVEL
) -> dict[str, Any]:
    """Runs in which a flaw was found and named, and those in which something else was raised too."""
    target, allowed = subject.target_of(rules), list(subject.consequences)
    found = named = other = 0
    heard: list[dict[str, Any]] = []
    for trial in trials:
        raised = trial.raised(rules, level)
        hit = [alarm for alarm in raised if target is not None and target.names(alarm)]
        false = [a for a in raised if a not in hit and not any(each.names(a) for each in allowed)]
        found += bool(hit)
        named += bool(hit) and _foremost(hit[0], raised)
        other += bool(false)
        heard += [_short(alarm) for alarm in false]
    runs = len(trials)
    # A probe that was not run missed nothing.
    tried = runs if target is not None and target.probe in rules else 0
    return {
        "flaw": subject.name,
        "data": subject.data,
        "target": target and {"probe": target.probe, "rule": target.rule, "slice": dict(target.slice)},
        "found": rate(found, tried),
        "named": rate(named, tried),
        "other": rate(other, runs),
        "others": heard,
    }


def _foremost(hit: Mapping[str, Any], raised: Sequence[Mapping[str, Any]]) -> bool:
    """Of the alarms of its rule, the target's is the strongest: the flaw is named, not just noticed."""
    rivals = [alarm for alarm in raised if (alarm["probe"], alarm["rule"]) == (hit["probe"], hit["rule"])]
    return all(hit["p_value"] <= alarm["p_value"] for alarm in rivals)


def by_probe(subject: Subject, trials: Sequence[Trial], rules: Rules, level: float = LEVEL) -> dict[str, str]:
    """What each probe did about a flaw: ``found 10/10``, ``follows 9/10``, ``false alarm 1/10``, or quiet."""
    target, allowed = subject.target_of(rules), list(subject.consequences)
    raised = [trial.raised(rules, level) for trial in trials]
    told: dict[str, str] = {}
    for name in rules:
        mine = [[alarm for alarm in each if alarm["probe"] == name] for each in raised]
        hits = sum(any(target is not None and target.names(a) for a in each) for each in mine)
        follows = sum(any(t.names(a) for a in each for t in allowed) for each in mine)
        known = [*([target] if target else []), *allowed]
        false = sum(any(not any(t.names(a) for t in known) for a in each) for each in mine)
        words = []
        if target is not None and target.probe == name:
            words.append(f"found {hits}/{len(trials)}")
        elif follows:
            words.append(f"follows {follows}/{len(trials)}")
        if false:
            words.append(f"false alarm {false}/{len(trials)}")
        told[name] = ", ".join(words) or "quiet"
    return told


def limits(trials: Sequence[Trial], rules: Rules, level: float = LEVEL) -> dict[str, float]:
    """For each rule the strictest tried margin that clean audits bear: it may be less strict, never more.

    The level is shared out among the rules, so that all margins hold together: each may be raised in at most
    ``level / number of rules`` of the runs. Strictest is the smallest margin of a rule that looks above it,
    and the largest of one that looks below. Keys are ``probe/rule``; a rule of which no tried margin holds is
    left out, and all are where nothing was run.
    """
    found: dict[str, float] = {}
    share = level / max(1, sum(map(len, rules.values())))
    for name, own in rules.items() if trials else ():
        for rule in own:
            for margin in sorted(MARGINS, reverse=rule.side == "below"):
                tried = {**rules, name: tuple(_moved(each, rule, margin) for each in own)}
                hits = sum(_raises(trial, tried, name, rule.name, level) for trial in trials)
                if hits <= share * len(trials):
                    found[f"{name}/{rule.name}"] = margin
                    break
    return found


def bearable(rule: AlarmRule, limit: float | None) -> bool:
    """Whether the margin in use is no stricter than the limit; without a limit none is known to hold."""
    if limit is None:
        return False
    return rule.margin >= limit if rule.side == "above" else rule.margin <= limit


def _moved(each: AlarmRule, rule: AlarmRule, margin: float) -> AlarmRule:
    if each.name != rule.name:
        return each
    return replace(each, above=margin) if rule.side == "above" else replace(each, below=margin)


def _raises(trial: Trial, rules: Rules, probe: str, rule: str, level: float) -> bool:
    return any((a["probe"], a["rule"]) == (probe, rule) for a in trial.raised(rules, level))


def _short(alarm: Mapping[str, Any]) -> dict[str, Any]:
    return {name: alarm[name] for name in ("probe", "rule", "slice", "estimate", "p_adjusted")}
