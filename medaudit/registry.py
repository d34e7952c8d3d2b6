"""One door for plugins: ours and third parties' come through the same decorators and entry points.

Registration refuses a duplicate name, a wrong signature and a missing reference at once, not an hour into
a run. An installed package is asked for its plugins through the entry-point group ``medaudit.plugins``; one
that fails to import raises, naming itself: an audit must not shrink in silence.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar

from medaudit.alarms import AlarmRule, check_rules
from medaudit.errors import PluginError, UsageError
from medaudit.model import Capability

if TYPE_CHECKING:
    from medaudit.finding import Finding

GROUP = "medaudit.plugins"
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Probe:
    """A registered probe: one question about the model, asked and judged by ``run``.

    ``needs`` is a list of alternatives: the model must have every capability of at least one of them.
    ``alarms`` say which of its findings an audit raises by itself.
    """

    name: str
    version: str
    needs: tuple[frozenset[Capability], ...]
    reference: str
    run: Callable[..., Iterable[Finding]]
    parameters: Mapping[str, Any]
    metrics: tuple[str, ...]
    alarms: tuple[AlarmRule, ...] = ()

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
    """A registered synthetic shift: ``apply(pixels, severity, rng) -> pixels``, severities 1 to 5.

    ``preserves_label`` is false where the change may alter the right answer (a flip changes sides).
    """

    name: str
    version: str
    family: str
    reference: str
    apply: Callable[..., Any]
    preserves_label: bool = True
    data: Mapping[str, Any] = field(default_factory=dict)


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
) -> Callable[[Function], Function]:
    """Register ``function(ctx, *, parameter=default, ...) -> Iterable[Finding]`` as a probe.

    The function asks through ``ctx.ask`` and yields findings; being run again on stored answers it must
    yield the same ones. Its keyword-only parameters are the legal keys of ``[probe.NAME]`` in a plan.
    ``alarms`` are its :class:`~medaudit.alarms.AlarmRule` s, each on one of its metrics.
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
        )
        _add("probe", name, item, function)
        return function

    return register


def shift(
    name: str, *, family: str, reference: str, version: str = "1", preserves_label: bool = True
) -> Callable[[Function], Function]:
    """Register ``function(pixels, severity, rng) -> pixels`` as a shift; uint8 (h, w, 3) in and out."""

    def register(function: Function) -> Function:
        _check_signature("shift", name, function, ("pixels", "severity", "rng"))
        if not reference.strip():
            raise PluginError(f"shift {name!r}: needs a reference.")
        _add("shift", name, Shift(name, version, family, reference, function, preserves_label), function)
        return function

    return register


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
