"""The contract checks for probes and shifts name each broken clause, and pass what is honest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.finding import Finding
from medaudit.model import Capability
from medaudit.models.scripted import BOTH
from medaudit.registry import Probe, Shift
from medaudit.testing import (
    check_probe,
    check_shift,
    constant,
    synthetic_cases,
)

CASES = synthetic_cases(400, seed=11)


def honest(ctx: Any, *, bias: float = 0.0) -> Iterator[Finding]:
    """How often is the model right?"""
    answers = ctx.ask([ctx.request(case) for case in ctx.askable])
    scores = [ctx.grade(c, a).score for c, a in zip(ctx.askable, answers, strict=True)]
    known = [score for score in scores if score is not None]
    if not known:
        yield Finding("honest", "accuracy", None, reason="no answer")
        return
    mean = float(np.mean(known)) + bias
    yield Finding("honest", "accuracy", mean, (mean, mean), n=len(known), groups=1)


def as_probe(run: Callable[..., Any], **changes: Any) -> Probe:
    fields: dict[str, Any] = {
        "name": "honest",
        "version": "1",
        "needs": (frozenset({Capability.GENERATE}), frozenset({Capability.CHOOSE})),
        "reference": "none",
        "run": run,
        "parameters": {},
        "metrics": ("accuracy",),
    }
    return Probe(**{**fields, **changes})


def edited(edit: Callable[[Finding, Any], Any]) -> Callable[..., Any]:
    def run(ctx: Any) -> Iterator[Any]:
        """How often is the model right?"""
        for finding in honest(ctx):
            yield edit(finding, ctx) if finding.estimate is not None else finding

    return run


def no_question(ctx: Any) -> Iterator[Finding]:
    """Measures things."""
    yield from honest(ctx)


def asks_what_is_not_offered(ctx: Any) -> Iterator[Finding]:
    """Does it generate?"""
    ctx.ask([replace(ctx.request(ctx.askable[0]), task=Capability.GENERATE)])
    yield from honest(ctx)


def drifting(ctx: Any) -> Iterator[Finding]:
    """Is it the same twice?"""
    yield from honest(ctx, bias=0.001 * len(_RUNS))
    _RUNS.append(1)


def wandering(ctx: Any) -> Iterator[Finding]:
    """Does it ask the same twice?"""
    _RUNS.append(1)
    ctx.ask([ctx.request(ctx.askable[0], replicate=len(_RUNS))])
    yield from honest(ctx)


def falls_over_errors(ctx: Any) -> Iterator[Finding]:
    """Does it expect text?"""
    for answer in ctx.ask([ctx.request(case) for case in ctx.askable]):
        assert answer.error is None or len(answer.text) > 0
    yield from honest(ctx)


def silent(ctx: Any) -> Iterator[Finding]:
    """Is there anything?"""
    return iter(())


_RUNS: list[int] = []


def test_an_honest_probe_passes() -> None:
    check_probe(as_probe(honest), shifts={})
    check_probe(as_probe(honest), shifts={}, parameters={"bias": 0.0})
    check_probe(as_probe(honest), shifts={}, cases=synthetic_cases(5), model=constant("yes"))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (as_probe(no_question), "first line must be its question"),
        (as_probe(honest, reference=" "), "no reference"),
        (as_probe(honest, metrics=()), "declares no metrics"),
        (as_probe(honest, metrics=("precision",)), "the metric is not declared"),
        (as_probe(honest, needs=(frozenset(),)), "would run on a model that can do nothing"),
        (as_probe(honest, needs=(frozenset({Capability.EMBED}),)), r"needs embed: call check_probe"),
        (as_probe(honest, name="other"), "names probe 'honest'"),
        (as_probe(asks_what_is_not_offered), "asks to generate a model that cannot"),
        (as_probe(drifting), "gave other findings"),
        (as_probe(wandering), "a second run asked for something new"),
        (as_probe(falls_over_errors), "raised TypeError"),
        (as_probe(silent), "yielded no finding"),
        (as_probe(edited(lambda f, ctx: "0.9")), "yielded str, not a Finding"),
        (as_probe(edited(lambda f, ctx: replace(f, interval=(0.0, 0.5)))), "leaves out the estimate"),
        (as_probe(edited(lambda f, ctx: replace(f, n=0))), "n is 0 and no reason"),
        (as_probe(edited(lambda f, ctx: replace(f, data={"x": math.nan}))), "NaN"),
        (as_probe(edited(lambda f, ctx: replace(f, evidence=("ghost",)))), "are no case ids"),
        (as_probe(edited(lambda f, ctx: replace(f, p_value=1.5))), "p-value 1.5"),
        (as_probe(edited(lambda f, ctx: replace(f, confidence=0.9))), "another confidence"),
    ],
)
def test_each_broken_clause_of_a_probe_is_named(broken: Probe, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_probe(broken, shifts={})


def test_two_findings_under_one_id_are_refused() -> None:
    def twice(ctx: Any) -> Iterator[Finding]:
        """Is it said twice?"""
        yield from honest(ctx)
        yield from honest(ctx)

    with pytest.raises(AssertionError, match="two findings with one id"):
        check_probe(as_probe(twice), shifts={})


def test_a_probe_of_another_model_needs_that_model() -> None:
    needs = (frozenset({Capability.EMBED}),)

    with pytest.raises(AssertionError, match="the model given lacks its needs"):
        check_probe(as_probe(honest, needs=needs), shifts={}, model=constant("yes"))
    able = constant("yes", capabilities=[*BOTH, "embed"])
    check_probe(as_probe(honest, needs=needs), shifts={}, model=able)


def noise(pixels: Any, severity: int, rng: np.random.Generator) -> Any:
    """Uniform noise."""
    return np.clip(pixels.astype(int) + rng.integers(-9, 10, pixels.shape) * severity, 0, 255).astype(
        np.uint8
    )


def darker(pixels: Any, severity: int, rng: np.random.Generator) -> Any:
    """A darker picture. Nothing is drawn
    at random."""
    return (pixels // (severity + 1)).astype(np.uint8)


def as_shift(apply: Callable[..., Any], doc: str | None = None, reference: str = "none") -> Shift:
    if doc is not None:
        apply.__doc__ = doc
    return Shift("test", "1", "test", reference, apply)


def in_place(pixels: Any, severity: int, rng: Any) -> Any:
    """Nothing is drawn at random."""
    pixels.flags.writeable = True
    pixels[0, 0] = 255 - pixels[0, 0]
    return pixels.copy()


@pytest.mark.parametrize("apply", [noise, darker])
def test_honest_shifts_pass(apply: Callable[..., Any]) -> None:
    check_shift(as_shift(apply))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (as_shift(lambda p, s, r: p, doc=""), "no docstring"),
        (as_shift(noise, reference=""), "no reference"),
        (as_shift(lambda p, s, r: p.astype(float), doc="x"), "returned float64, not uint8"),
        (as_shift(lambda p, s, r: p[::2], doc="x"), r"became"),
        (as_shift(lambda p, s, r: p[..., 0], doc="x"), r"became"),
        (as_shift(lambda p, s, r: p.tolist(), doc="x"), "returned list, not an array"),
        (as_shift(lambda p, s, r: p.copy(), doc="Deterministic."), "changes nothing at any severity"),
        (as_shift(lambda p, s, r: darker(p, s, r), doc="Darker."), "six seeds gave the same pixels"),
        (as_shift(lambda p, s, r: noise(p, s, r), doc="Deterministic."), "says that nothing is drawn"),
        (
            as_shift(lambda p, s, r: noise(p, s, np.random.default_rng()), doc="Noise."),
            "the same seed gave other pixels",
        ),
        (as_shift(lambda p, s, r: p / np.empty(0), doc="x"), "raised ValueError"),
        (as_shift(in_place), "raised ValueError|the input was changed"),
    ],
)
def test_each_broken_clause_of_a_shift_is_named(broken: Shift, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_shift(broken)
