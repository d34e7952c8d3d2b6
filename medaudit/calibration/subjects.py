"""Phantoms under calibration: what is planted in them, and which alarm must be raised for it."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import DataError

if TYPE_CHECKING:
    from medaudit.model import Model

CLEAN = "clean"


@dataclass(frozen=True)
class Target:
    """The alarm by which a flaw is rightly named: probe, rule, and the slice of its finding."""

    probe: str
    rule: str
    slice: Mapping[str, Any] = field(default_factory=dict)

    def names(self, alarm: Mapping[str, Any]) -> bool:
        """Whether an alarm is this one."""
        return (alarm["probe"], alarm["rule"], dict(alarm["slice"])) == (
            self.probe,
            self.rule,
            dict(self.slice),
        )


@dataclass(frozen=True)
class Subject:
    """A model phantom: packaged or built (``name``), or anybody's folder with a truth card."""

    name: str
    folder: Path
    card: Mapping[str, Any]

    @classmethod
    def named(cls, name: str) -> Subject:
        """Of a packaged or built phantom, or of a folder that holds a ``card.json``.

        A phantom at hand goes before a folder of its name; ``./NAME`` is always the folder.
        """
        from medaudit.phantoms import folder, names

        plain, path = name.removeprefix("phantom:"), Path(name)
        is_folder = plain not in names() and (path / "card.json").is_file()
        home = path.resolve() if is_folder else folder(plain)
        try:
            card = json.loads((home / "card.json").read_text(encoding="utf-8"))
            _check(card)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{home / 'card.json'}: not a readable truth card ({error}).") from error
        return cls(home.name, home, card)

    def load(self) -> Model:
        """The model, by the ordinary route."""
        from medaudit.phantoms.measure import load_built

        return load_built(self.folder)

    @property
    def clean(self) -> bool:
        """Nothing is planted, says its card; its folder may have any name."""
        return str(self.card["flaw"]).partition(":")[0].strip() == "none"

    @property
    def data(self) -> str:
        return str(self.card["data"])

    @property
    def target(self) -> Target | None:
        """None where nothing is planted, or where the probe meant for the flaw is yet to come."""
        return Target(**self.card["finds"]) if self.card.get("finds") else None

    def target_of(self, probes: Container[str]) -> Target | None:
        """The alarm that must be raised when these probes run: ``target``, or that of a probe run by name."""
        by_name = [Target(**alarm) for alarm in self.card.get("by_name", ())]
        return next((each for each in by_name if each.probe in probes), self.target)

    @property
    def consequences(self) -> Sequence[Target]:
        """Alarms that follow from the flaw: neither the right name for it nor false."""
        return [Target(**alarm) for alarm in (*self.card.get("also", ()), *self.card.get("by_name", ()))]

    @property
    def twin(self) -> Subject:
        """The same architecture without the flaw."""
        return Subject.named(f"clip-{CLEAN}" if self.name.startswith("clip-") else CLEAN)


def _check(card: Any) -> None:
    """Raise KeyError or TypeError for a card that does not say what is planted, where, and what finds it."""
    if not isinstance(card, dict):
        raise TypeError("it is no JSON object")
    missing = [name for name in ("flaw", "data") if not isinstance(card.get(name), str)]
    if missing:
        raise KeyError(f"no {' and no '.join(missing)}")
    for alarm in (card.get("finds") or None, *card.get("also", ()), *card.get("by_name", ())):
        if alarm is not None:
            Target(**alarm)
