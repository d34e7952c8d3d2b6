"""What every plugin owes: contract checks for probes and shifts, ours and third parties' alike.

They raise ``AssertionError`` that names the plugin and the broken clause, and return None otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.case import CaseSet
from medaudit.contract_cases import check_case_shift
from medaudit.errors import UsageError
from medaudit.finding import Finding
from medaudit.image import ArrayImage, keyed_rng
from medaudit.instruments import context_for, direct_ask, synthetic_cases
from medaudit.model import Answer, Capability, Request
from medaudit.models.scripted import oracle
from medaudit.registry import Probe, Shift, available, find
from medaudit.shifting import apply_shift, picture_under
from medaudit.stored import stored_of

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.image import Pixels
    from medaudit.model import Model

_TOLERANCE = 1e-9
#: What a shift's docstring says when its generator changes nothing.
_FIXED = ("nothing is drawn at random", "deterministic")


def check_probe(
    probe: str | Probe,
    *,
    cases: CaseSet | Iterable[Case] | None = None,
    model: Model | None = None,
    shifts: Mapping[str, Shift] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Check that a probe keeps the contract.

    Its docstring opens with a question, it has a reference and declared metrics. For each alternative of
    its needs it is run with exactly those capabilities, on synthetic cases and a scripted model that is
    right on every unchanged image: it asks for nothing else, yields findings of declared metrics with
    finite numbers and intervals that hold their estimates, yields the same ones again and asks for
    nothing new while doing so. It survives a model that always errs, and a single case.

    Needs beyond generating and choosing cannot be scripted: give ``cases`` and a ``model`` that has them.
    ``shifts`` are all registered ones; ``parameters`` are keywords of the probe.
    """
    item: Probe = find("probe", probe) if isinstance(probe, str) else probe
    _check_words(item)
    given = synthetic_cases(48, seed=5) if cases is None else cases
    listed = tuple(given.cases if isinstance(given, CaseSet) else given)
    known = available("shift") if shifts is None else shifts
    for need in item.needs:
        _hold(need, item, "a set of needs is empty: the probe would run on a model that can do nothing")
        subject = model or oracle(listed, capabilities=need & {Capability.GENERATE, Capability.CHOOSE})
        _hold(
            model is None or not item.missing(model.info.capabilities),
            item,
            "the model given lacks its needs",
        )
        if not need <= subject.info.capabilities:
            _hold(
                model is not None, item, f"needs {'+'.join(sorted(need))}: call check_probe(..., model=...)"
            )
            continue
        _check_run(item, listed, subject, known, parameters or {})


def _check_words(item: Probe) -> None:
    _hold(item.question.rstrip().endswith("?"), item, "the docstring's first line must be its question")
    _hold(item.reference.strip(), item, "no reference")
    _hold(item.metrics, item, "declares no metrics")
    _hold(item.missing(frozenset()) is not None, item, "would run on a model that can do nothing")


def _check_run(
    item: Probe,
    cases: tuple[Case, ...],
    model: Model,
    shifts: Mapping[str, Shift],
    parameters: Mapping[str, Any],
) -> None:
    tape = _Tape(item, model)
    context = context_for(cases, model, ask=tape.ask, seed=3, resamples=200, shifts=shifts)
    findings = _run(item, context, parameters)
    _hold(findings, item, f"yielded no finding on {len(cases)} cases")
    for finding in findings:
        _check_finding(item, finding, context)
    ids = [finding.id for finding in findings]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    _hold(not twice, item, f"two findings with one id (metric and slice): {', '.join(twice)}")
    tape.closed = True
    again = _run(item, context, parameters)
    _hold(
        [f.to_dict() for f in again] == [f.to_dict() for f in findings],
        item,
        "a second run on the stored answers gave other findings",
    )
    broken = replace(context, ask=lambda requests: [Answer(error="no reply")] * len(requests))
    lonely = replace(context, cases=cases[:1], ask=_Tape(item, model).ask)
    for edge in (broken, lonely):
        for finding in _run(item, edge, parameters):
            _check_finding(item, finding, edge)


class _Tape:
    """Asks the model and remembers; once ``closed``, only what was asked before may be asked."""

    def __init__(self, item: Probe, model: Model) -> None:
        self.item, self.model, self.closed = item, model, False
        self._ask = direct_ask(model)
        self._answers: dict[str, Answer] = {}

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        offers = self.model.info.capabilities
        for request in requests:
            _hold(request.task in offers, self.item, f"asks to {request.task} a model that cannot")
        keys = [request.key("tape") for request in requests]
        new = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._answers}
        _hold(not (new and self.closed), self.item, "a second run asked for something new")
        self._answers.update(zip(new, self._ask(list(new.values())), strict=True))
        return [self._answers[key] for key in keys]


def _run(item: Probe, context: Context, parameters: Mapping[str, Any]) -> list[Finding]:
    try:
        return list(item.run(context, **parameters))
    except AssertionError:
        raise
    except Exception as error:  # whatever a probe raises here breaks the contract
        size = len(context.cases)
        raise AssertionError(
            f"probe {item.name!r}: raised {type(error).__name__}: {error} (on {size} cases)"
        ) from error


def _check_finding(item: Probe, finding: Finding, context: Context) -> None:
    _hold(isinstance(finding, Finding), item, f"yielded {type(finding).__name__}, not a Finding")
    where = f"{finding.metric} {dict(finding.slice)}"
    _hold(finding.probe == item.name, item, f"{where}: names probe {finding.probe!r}")
    _hold(finding.metric in item.metrics, item, f"{where}: the metric is not declared")
    try:
        json.dumps(finding.to_dict(), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"probe {item.name!r}: {where}: not JSON without NaN: {error}") from error
    strange = sorted(set(finding.evidence) - {case.id for case in context.cases})
    _hold(not strange, item, f"{where}: evidence {strange[:3]} are no case ids")
    _hold(finding.n > 0 or finding.reason, item, f"{where}: n is 0 and no reason is given")
    _hold(finding.confidence == context.confidence, item, f"{where}: another confidence than the audit's")
    if finding.p_value is not None:
        _hold(0 <= finding.p_value <= 1, item, f"{where}: p-value {finding.p_value}")
    if finding.interval is not None and finding.estimate is not None:
        low, high = finding.interval
        inside = low - _TOLERANCE <= finding.estimate <= high + _TOLERANCE
        _hold(inside, item, f"{where}: interval [{low}, {high}] leaves out the estimate {finding.estimate}")


def check_shift(shift: str | Shift) -> None:
    """Check that a shift keeps the contract.

    One of stage ``case`` returns None or a changed case of the same id, group and columns, whose answer is
    among its options, and whose ``meaning`` leads back to options of the original. Of any other: at each
    severity 1 to 5, on grey, coloured, flat, odd-sized and one-pixel-high pictures: uint8 of the
    same shape, the input (which is read-only) untouched, the same bytes from the same seed. Other seeds
    give other bytes, unless the docstring says "Nothing is drawn at random". Severities 0 and 6 are
    refused. Some severity changes something. A ``batch`` on the CPU gives the bytes of ``apply``, in order.
    """
    item: Shift = find("shift", shift) if isinstance(shift, str) else shift
    _hold((item.apply.__doc__ or "").strip(), item, "no docstring")
    _hold(item.reference.strip(), item, "no reference")
    if item.stage == "case":
        check_case_shift(item)
        return
    for name, pixels in _pictures().items():
        for severity in range(1, 6):
            _check_picture(item, name, pixels, severity)
    pixels = _pictures()["colour"]
    changed = [_shifted(item, "colour", pixels, severity, seed=0) for severity in range(1, 6)]
    _hold(any((c != pixels).any() for c in changed), item, "changes nothing at any severity")
    _check_seeds(item, pixels)
    _check_severities(item, pixels)
    if item.batch is not None:
        _check_batch(item, item.batch)


def _pictures() -> dict[str, Pixels]:
    rng = keyed_rng("pictures")
    slope = np.add.outer(np.arange(40), np.arange(56))[..., None] * np.array([2.0, 1.5, 1.0])
    colour = np.clip(slope + rng.normal(0, 12, slope.shape), 0, 255).astype(np.uint8)
    grey = np.repeat(colour[..., :1], 3, axis=2)
    pictures = {
        "colour": colour,
        "grey": grey,
        "odd-sized": colour[:33, :17],
        "one pixel high": colour[:1],
        "one pixel wide": colour[:, :1],
        "one pixel": colour[:1, :1],
        "black": np.zeros_like(grey),
        "white": np.full_like(grey, 255),
    }
    copies = {name: np.ascontiguousarray(pixels) for name, pixels in pictures.items()}
    for pixels in copies.values():
        pixels.flags.writeable = False
    return copies


def _check_picture(item: Shift, name: str, pixels: Pixels, severity: int) -> None:
    before = pixels.tobytes()
    first = _shifted(item, name, pixels, severity, seed=0)
    where = f"{name}, severity {severity}"
    _hold(isinstance(first, np.ndarray), item, f"{where}: returned {type(first).__name__}, not an array")
    _hold(first.dtype == np.uint8, item, f"{where}: returned {first.dtype}, not uint8")
    _hold(first.shape == pixels.shape, item, f"{where}: {pixels.shape} became {first.shape}")
    _hold(pixels.tobytes() == before, item, f"{where}: the input was changed")
    again = _shifted(item, name, pixels, severity, seed=0)
    _hold((first == again).all(), item, f"{where}: the same seed gave other pixels")


def _shifted(item: Shift, name: str, pixels: Pixels, severity: int, seed: int) -> Pixels:
    try:
        changed = picture_under(item, pixels, severity, keyed_rng("check", seed))
    except Exception as error:  # whatever a shift raises here breaks the contract
        raise AssertionError(
            f"shift {item.name!r}: {name}, severity {severity}: raised {type(error).__name__}: {error}"
        ) from error
    return changed


def _check_seeds(item: Shift, pixels: Pixels) -> None:
    words = " ".join((item.apply.__doc__ or "").casefold().split())
    fixed = any(phrase in words for phrase in _FIXED)
    drawn = {_shifted(item, "colour", pixels, 5, seed).tobytes() for seed in range(6)}
    _hold(
        len(drawn) > 1 or fixed,
        item,
        "six seeds gave the same pixels; say 'Nothing is drawn at random' in the docstring",
    )
    _hold(len(drawn) == 1 or not fixed, item, "the docstring says that nothing is drawn; seeds differ")


def _check_batch(item: Shift, batch: Callable[..., list[Any]]) -> None:
    given = list(_pictures().values())
    subjects = [stored_of(ArrayImage(each)) for each in given] if item.stage == "stored" else given
    for severity in (1, 5):
        rngs = [keyed_rng("check", number) for number in range(len(given))]
        changed = batch(subjects, item.strength(severity), rngs, "cpu")
        _hold(len(changed) == len(given), item, f"batch: {len(given)} pictures gave {len(changed)}")
        for number, (name, pixels) in enumerate(_pictures().items()):
            alone = _shifted(item, name, pixels, severity, number)
            together = changed[number].pixels() if item.stage == "stored" else changed[number]
            _hold(
                np.array_equal(alone, together), item, f"batch: {name}, severity {severity}: not as by apply"
            )


def _check_severities(item: Shift, pixels: Pixels) -> None:
    for severity in (0, 6):
        try:
            apply_shift(ArrayImage(pixels), item, severity, 0, "check").pixels()
        except UsageError:
            continue
        raise AssertionError(f"shift {item.name!r}: severity {severity} was accepted")


def _hold(condition: object, item: Probe | Shift, broken: str) -> None:
    if not condition:
        raise AssertionError(f"{type(item).__name__.lower()} {item.name!r}: {broken}.")
