"""Everything that is measured about a set of pairs: what asking costs, and the findings of each mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from medaudit.finding import Finding, Verdict
from medaudit.model import Capability
from medaudit.probes.pair_arms import Arms
from medaudit.probes.pair_asking import Asking, Judged
from medaudit.probes.pair_cases import Pair, pair_groups
from medaudit.probes.pair_controls import (
    agreement_finding,
    blind_findings,
    dose_findings,
    excess_findings,
)
from medaudit.probes.pair_findings import main_findings
from medaudit.probes.pair_free import NO_JUDGE, ask_free
from medaudit.probes.pair_margin import UNITS, margin_findings
from medaudit.probes.pair_modes import MODES, NEEDS, NO_LENGTHS, Mode, Wording, modes_of
from medaudit.probes.pair_order import order_findings
from medaudit.probes.pair_tables import table_findings
from medaudit.probes.sheet import Sheet

if TYPE_CHECKING:
    from medaudit.context import Context

NO_IMAGES = "the pairs hold no images: there is nothing to confuse; the questions alone are measured below"
NO_TEXT = "the model writes no text that a judge could read"
NO_TEXT_ALONE = "this model takes no question without an image"
HEADLINES = ("set_accuracy", "confusion")
DOSE = "dose "


@dataclass(frozen=True)
class How:
    """In which modes pairs are asked (empty: all that the model offers), and what is tabulated."""

    modes: tuple[str, ...] = ()
    wording: Wording = field(default_factory=Wording)
    columns: tuple[str, ...] = ("attribute", "category")
    judge: str = ""
    scale: str = "1-5"
    replies: str = ""


@dataclass(frozen=True, eq=False)
class Study:
    """Pairs, their controls, and the component of the graph of images that each belongs to."""

    sheet: Sheet
    kinds: Mapping[str, tuple[Pair, ...]]
    groups: Mapping[str, tuple[int, ...]]
    left_out: Mapping[str, int]

    def add(self, asking: Asking, mode: Mode, arm: str, kind: str) -> None:
        asking.add(mode, arm, self.kinds[kind], self.groups[kind], kind)


def confusion_of(
    ctx: Context,
    pairs: Sequence[Pair],
    controls: Sequence[Pair] = (),
    nuisance: Sequence[Pair] = (),
    *,
    how: How | None = None,
    left_out: Mapping[str, int] | None = None,
    doses: Mapping[str, Sequence[Pair]] | None = None,
    probe: str = "confusion",
) -> Iterator[Finding]:
    """Can the model tell the two images of these pairs apart? Given pairs and mined ones take this door.

    ``pairs`` and ``controls`` have different right answers, ``nuisance`` pairs equal ones; with matched
    controls ``confusion_excess`` is measured. ``doses`` are further pairs, by how alike they are.
    Intervals cluster by the components of the graph of all images.
    """
    how = how or How()
    sheet = Sheet(ctx, probe, tuple(case for pair in pairs for case in pair.cases))
    every = {"pairs": tuple(pairs), "controls": tuple(controls), "nuisance": tuple(nuisance)}
    every |= {DOSE + name: tuple(found) for name, found in (doses or {}).items()}
    seen = {kind: tuple(pair for pair in found if pair.illustrated) for kind, found in every.items()}
    lost = dict(left_out or {})
    if unseen := sum(map(len, every.values())) - sum(map(len, seen.values())):
        lost["a case without an image"] = unseen
    modes = modes_of(ctx, how.modes, how.wording)
    if not seen["pairs"]:
        for metric in HEADLINES:
            yield sheet.absent(metric, NO_IMAGES)
        yield from _unseen(_study(sheet, {"pairs": every["pairs"]}, lost), modes)
        return
    study = _study(sheet, seen, lost)
    yield from _asked(study, modes, how)
    yield from _not_asked(sheet, modes, how)
    if not how.modes or "free" in how.modes:
        yield from _free(study, how)


def _study(sheet: Sheet, kinds: Mapping[str, tuple[Pair, ...]], left_out: Mapping[str, int]) -> Study:
    # One graph over all kinds: a picture may be in a pair and in its control.
    numbers = iter(pair_groups([pair for found in kinds.values() for pair in found]))
    groups = {kind: tuple(next(numbers) for _ in found) for kind, found in kinds.items()}
    return Study(sheet, kinds, groups, left_out)


def _asked(study: Study, modes: Sequence[Mode], how: How) -> Iterator[Finding]:
    ctx, asking = study.sheet.ctx, Asking(study.sheet.ctx)
    for mode in modes:
        for arm in ("given", "exchanged", "blank", *(["none"] if _takes_text_alone(ctx) else [])):
            study.add(asking, mode, arm, "pairs")
        for kind in study.kinds:
            if kind != "pairs" and study.kinds[kind]:
                study.add(asking, mode, "given", kind)
    answered = asking.answered()
    for mode in modes:
        arms = _arms(study, mode.name, answered)
        if arms.given.unmeasured and not arms.given.pairs and mode.name == "prefix":
            for metric in HEADLINES:
                yield study.sheet.absent(metric, NO_LENGTHS, arms.slice)
            continue
        yield from _of_mode(arms, how)


def _arms(study: Study, mode: str, answered: Mapping[tuple[str, str, str], Judged]) -> Arms:
    own = {arm: found for (name, kind, arm), found in answered.items() if (name, kind) == (mode, "pairs")}
    controls, nuisance = (answered.get((mode, kind, "given")) for kind in ("controls", "nuisance"))
    doses = {
        kind.removeprefix(DOSE): found
        for (name, kind, _), found in answered.items()
        if name == mode and kind.startswith(DOSE)
    }
    return Arms(study.sheet, mode, own, controls, nuisance, study.left_out, doses)


def _of_mode(arms: Arms, how: How) -> Iterator[Finding]:
    yield from main_findings(arms)
    if arms.controls is not None:
        yield from excess_findings(arms, arms.controls)
    yield from dose_findings(arms)
    if arms.nuisance is not None:
        yield agreement_finding(arms, arms.nuisance)
    if "exchanged" in arms.pairs:
        yield from order_findings(arms)
    if arms.mode in UNITS:
        yield from margin_findings(arms)
    yield from table_findings(arms, how.columns)
    yield from blind_findings(arms)


def _unseen(study: Study, modes: Sequence[Mode]) -> Iterator[Finding]:
    """Pairs without images: the questions alone."""
    ctx, asking = study.sheet.ctx, Asking(study.sheet.ctx)
    if not _takes_text_alone(ctx):
        yield study.sheet.absent("blind_set_accuracy", NO_TEXT_ALONE, {"image": "none"})
        return
    for mode in modes:
        study.add(asking, mode, "none", "pairs")
    answered = asking.answered()
    for mode in modes:
        yield from blind_findings(_arms(study, mode.name, answered))


def _free(study: Study, how: How) -> Iterator[Finding]:
    ctx, where = study.sheet.ctx, {"mode": "free"}
    writes = Capability.GENERATE in ctx.model.capabilities
    if not writes or not how.judge:
        for metric in HEADLINES:
            yield study.sheet.absent(metric, NO_JUDGE if writes else NO_TEXT, where)
        return
    from medaudit.grading.judge_models import judge_model

    judge = judge_model(how.judge, scale=how.scale, store=how.replies or None)
    found = ask_free(ctx, judge, study.kinds["pairs"], study.groups["pairs"], ("given", "blank"))
    if found.why_not:
        for metric in HEADLINES:
            verdict = Verdict.INCONCLUSIVE
            yield study.sheet.absent(metric, found.why_not, where, verdict=verdict, data=found.data)
        return
    arms = Arms(study.sheet, "free", found.arms, left_out=study.left_out)
    for finding in _of_mode(arms, how):
        yield replace(finding, data={**finding.data, **found.data})


def _not_asked(sheet: Sheet, modes: Sequence[Mode], how: How) -> Iterator[Finding]:
    """Modes that the model does not offer, said one by one."""
    had, offered = {mode.name for mode in modes}, ", ".join(sorted(sheet.ctx.model.capabilities))
    for name in how.modes or MODES:
        if name != "free" and name not in had:
            for metric in HEADLINES:
                yield sheet.absent(
                    metric, f"needs {NEEDS[name]}; this model offers {offered}", {"mode": name}
                )


def _takes_text_alone(ctx: Context) -> bool:
    return ctx.model.takes_text_alone and Capability.GENERATE in ctx.model.capabilities
