"""One door for plugins: ours and third parties' come through the same decorators and entry points.

Registration refuses a duplicate name, a wrong signature and a missing reference at once, not an hour into
a run. An installed package is asked for its plugins through the entry-point group ``medaudit.plugins``; one
that fails to import raises, naming itself: an audit must not shrink in silence.
"""

from __future__ import annotations

import fnmatch
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar

from medaudit.alarms import AlarmRule, check_rules
from medaudit.errors import PluginError, UsageError
from medaudit.modality import MODALITIES
from medaudit.model import Capability

if TYPE_CHECKING:
    from medaudit.finding import Finding

GROUP = "medaudit.plugins"
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Probe:
    """A registered probe: one question about the model, asked and judged by ``run``.

    ``needs`` is a list of alternatives: the model must have every capability of at least one of them.
    ``alarms`` say which of its findings an audit raises by itself. One that is not ``default`` is run where
    it is named.
    """

    name: str
    version: str
    needs: tuple[frozenset[Capability], ...]
    reference: str
    run: Callable[..., Iterable[Finding]]
    parameters: Mapping[str, Any]
    metrics: tuple[str, ...]
    alarms: tuple[AlarmRule, ...] = ()
    default: bool = True

    @property
    def question(self) -> str:
        return (inspect.getdoc(self.run) or "").split("\n", 1)[0]

    def missing(self, capabilities: frozenset[Capability]) -> str | None:
        """Why a model with these capabilities cannot be probed, or None when it can."""
        if any(need <= capabilities for need in self.needs):
            return None
        wanted = " or ".join("+".join(sorted(need)) for need in self.needs)
        return f"needs {wanted}; this model offers {', '.join(sorted(capabilities)) or 'nothing'}"


@dataclass(frozen=True)
class Shift:
    """A registered synthetic shift ``apply(subject, severity, rng)``, severities 1 to 5.

    ``stage`` is what it changes: ``pixels`` (uint8 (h, w, 3)), ``stored`` (:class:`medaudit.stored.Stored`,
    values before the window) or ``case`` (a :class:`~medaudit.case.Case`; see ``shifting.shifted_case``).
    ``preserves_label`` is false where the change may alter the right answer and does not say how.
    ``modalities`` are those whose pictures it suits, all where empty; ``default`` shifts are laid on by an
    audit that names none. ``doses`` give, by modality ("" for any other), the dose of each severity: where
    there are any, ``apply`` takes the dose, larger for more harm, in place of the severity. ``apply`` may
    be called on several threads at once. ``batch(subjects, dose, rngs, device)``, where there is one, gives
    a list of the very bytes of ``apply`` on each, computed together on a torch device.
    """

    name: str
    version: str
    family: str
    reference: str
    apply: Callable[..., Any]
    preserves_label: bool = True
    stage: str = "pixels"
    modalities: tuple[str, ...] = ()
    default: bool = True
    doses: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    batch: Callable[..., list[Any]] | None = None

    def suits(self, modality: str) -> bool:
        """Whether it is made for pictures of this modality; one for some only is not for unknown ones."""
        return not self.modalities or modality in self.modalities

    def strength(self, severity: int, modality: str = "") -> float:
        """What ``apply`` takes for a severity: its dose on this modality, or the severity itself."""
        if not self.doses:
            return severity
        return self.doses.get(modality, self.doses[""])[severity - 1]


@dataclass(frozen=True)
class Reader:
    """A registered reader: ``recognises(path) -> bool`` and ``read(path, options) -> CaseSet``."""

    name: str
    recognises: Callable[..., bool]
    read: Callable[..., Any]
    describes: str


@dataclass(frozen=True)
class Renderer:
    """A registered output: ``render(document) -> text``, written to ``filename`` in the audit folder."""

    name: str
    filename: str
    render: Callable[..., str]


_ITEMS: dict[str, dict[str, Any]] = {"probe": {}, "shift": {}, "reader": {}, "report": {}}
_loaded: set[str] = set()


@cache
def _entries(find: Callable[..., Any]) -> tuple[Any, ...]:
    """Read once: every installed package is asked, and shifts are looked up by the thousand."""
    return tuple(find(group=GROUP))


def load_plugins() -> None:
    """Import every installed plugin package once."""
    for entry in _entries(entry_points):
        if entry.value in _loaded:
            continue
        _loaded.add(entry.value)
        try:
            entry.load()
        except Exception as error:
            _loaded.discard(entry.value)
            raise PluginError(
                f"plugin {entry.name!r} ({entry.value}) does not import: {type(error).__name__}: {error}. "
                "Mend or uninstall it."
            ) from error


def available(kind: str) -> dict[str, Any]:
    """Registered plugins of a kind (``probe``, ``shift``, ``reader``, ``report``), sorted by name."""
    if kind not in _ITEMS:
        raise UsageError.unknown("plugin kind", kind, _ITEMS)
    load_plugins()
    return dict(sorted(_ITEMS[kind].items()))


def find(kind: str, name: str) -> Any:
    """Return one plugin, or raise naming the nearest legal name."""
    items = available(kind)
    if name not in items:
        raise UsageError.unknown(kind, name, items)
    return items[name]


def matching(kind: str, patterns: Iterable[str], legal: Mapping[str, Any] | None = None) -> list[str]:
    """Names that the patterns name (``jpeg``, ``breast_*``), each once; UsageError where there is none."""
    known = available(kind) if legal is None else legal
    found: list[str] = []
    for pattern in patterns:
        hits = fnmatch.filter(known, str(pattern)) if "*" in str(pattern) else [str(pattern)]
        if not hits or hits[0] not in known:
            raise UsageError.unknown(kind, str(pattern), known)
        found += hits
    return list(dict.fromkeys(found))


def _add(kind: str, name: str, item: Any, defined: Callable[..., Any]) -> None:
    where = f"{kind} {name!r} ({defined.__module__}.{defined.__qualname__})"
    if not name or not name.replace("_", "").isalnum() or not name.islower():
        raise PluginError(f"{where}: names are lower-case words joined by '_'.")
    if name in _ITEMS[kind]:
        raise PluginError(f"{where}: the name is taken by {_ITEMS[kind][name]!r}.")
    if not inspect.getdoc(defined):
        raise PluginError(f"{where}: needs a docstring; its first line is shown to users.")
    _ITEMS[kind][name] = item


def _check_signature(kind: str, name: str, function: Callable[..., Any], wanted: tuple[str, ...]) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    given = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
    if given != wanted:
        raise PluginError(
            f"{kind} {name!r} ({function.__module__}.{function.__qualname__}) takes {given}; "
            f"must take {wanted}, then keyword-only parameters with defaults."
        )
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise PluginError(f"{kind} {name!r}: parameter {parameter.name!r} needs a default.")


def probe(
    name: str,
    *,
    needs: Iterable[Iterable[str]],
    reference: str,
    metrics: Iterable[str],
    version: str = "1",
    alarms: Iterable[AlarmRule] = (),
    default: bool = True,
) -> Callable[[Function], Function]:
    """Register ``function(ctx, *, parameter=default, ...) -> Iterable[Finding]`` as a probe.

    The function asks through ``ctx.ask`` and yields findings; being run again on stored answers it must
    yield the same ones. Its keyword-only parameters are the legal keys of ``[probe.NAME]`` in a plan.
    ``alarms`` are its :class:`~medaudit.alarms.AlarmRule` s, each on one of its metrics. Without ``default``
    an audit runs it only where it is named.
    """
    declared, rules = tuple(metrics), tuple(alarms)

    def register(function: Function) -> Function:
        _check_signature("probe", name, function, ("ctx",))
        check_rules(name, declared, rules)
        if not reference.strip():
            raise PluginError(f"probe {name!r}: needs a reference (paper or document).")
        signature = inspect.signature(function)
        keywords = [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
        item = Probe(
            name=name,
            version=version,
            needs=tuple(frozenset(Capability(c) for c in need) for need in needs),
            reference=reference,
            run=function,
            parameters={p.name: p.default for p in keywords},
            metrics=declared,
            alarms=rules,
            default=default,
        )
        _add("probe", name, item, function)
        return function

    return register


#: What a shift's function takes, by stage.
_SUBJECTS = {"pixels": "pixels", "stored": "stored", "case": "case"}
_STEPS = 5


def shift(
    name: str,
    *,
    family: str,
    reference: str,
    version: str = "1",
    preserves_label: bool = True,
    stage: str = "pixels",
    modalities: Iterable[str] = (),
    default: bool = True,
    doses: Mapping[str, Iterable[float]] | None = None,
    batch: Callable[..., list[Any]] | None = None,
) -> Callable[[Function], Function]:
    """Register a shift: ``function(pixels, severity, rng) -> pixels``, uint8 (h, w, 3) in and out.

    With another ``stage`` the first parameter is called ``stored`` or ``case``; with ``doses`` the second is
    called ``dose``. The fields are those of :class:`Shift`.
    """
    ladder = {key: tuple(map(float, values)) for key, values in (doses or {}).items()}
    made_for = tuple(modalities)

    def register(function: Function) -> Function:
        if stage not in _SUBJECTS:
            raise PluginError(f"shift {name!r}: stage {stage!r}; legal: {', '.join(_SUBJECTS)}.")
        subject, strength = _SUBJECTS[stage], "dose" if ladder else "severity"
        _check_signature("shift", name, function, (subject, strength, "rng"))
        if batch is not None:
            _check_signature("shift", name, batch, ("subjects", strength, "rngs", "device"))
        _check_shift(name, reference, made_for, ladder)
        item = Shift(
            name=name,
            version=version,
            family=family,
            reference=reference,
            apply=function,
            preserves_label=preserves_label,
            stage=stage,
            modalities=made_for,
            default=default,
            doses=ladder,
            batch=batch,
        )
        _add("shift", name, item, function)
        return function

    return register


def _check_shift(
    name: str, reference: str, modalities: Sequence[str], doses: Mapping[str, Sequence[float]]
) -> None:
    if not reference.strip():
        raise PluginError(f"shift {name!r}: needs a reference.")
    unknown = [each for each in (*modalities, *doses) if each and each not in MODALITIES]
    if unknown:
        raise PluginError(f"shift {name!r}: modality {unknown[0]!r}; legal: {', '.join(MODALITIES)}.")
    if doses and "" not in doses:
        raise PluginError(f"shift {name!r}: doses need an entry '' for every other modality.")
    for modality, steps in doses.items():
        if len(steps) != _STEPS or list(steps) != sorted(steps):
            raise PluginError(f"shift {name!r}: doses of {modality!r} are not five that rise: {steps}.")


def reader(name: str, *, recognises: Callable[..., bool]) -> Callable[[Function], Function]:
    """Register ``function(path, options) -> CaseSet`` as a reader; ``recognises(path)`` must be cheap."""

    def register(function: Function) -> Function:
        _check_signature("reader", name, function, ("path", "options"))
        describes = (inspect.getdoc(function) or "").split("\n", 1)[0]
        _add("reader", name, Reader(name, recognises, function, describes), function)
        return function

    return register


def report(name: str, *, filename: str) -> Callable[[Function], Function]:
    """Register ``function(document, folder) -> text`` as an output drawn from audit.json alone."""

    def register(function: Function) -> Function:
        _check_signature("report", name, function, ("document", "folder"))
        _add("report", name, Renderer(name, filename, function), function)
        return function

    return register
