"""Every error that a user can cause, and the exit code it leads to.

::

    MedauditError            2  something the user can mend; the message says how
    ├── UsageError           2  wrong option, plan key or name
    ├── DataError            2  cases or images that cannot be read
    ├── ModelError           2  model that cannot be loaded or asked
    │   └── NotApplicableError  a part that the model does not have: a probe's *not applicable*
    ├── PluginError          2  plugin refused at registration
    ├── IncompleteError      3  the run ended early; what was computed is saved
    └── VerificationError    4  a bundle that does not hold what it claims

A message says what was given, what is legal and what to type. It never holds pixels, free text of a
case or header values: messages end up in logs.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class MedauditError(Exception):
    """The root. Catch this to tell a user's mistake from a bug."""

    exit_code = 2


#: Longer lists are cut: nobody reads two hundred names in a message.
_LISTED = 40


class UsageError(MedauditError):
    """Fix the option, plan key or name that the message quotes."""

    @classmethod
    def unknown(cls, kind: str, given: str, legal: Iterable[str]) -> Self:
        """Build the message for a name that does not exist: nearest match first, then what is legal."""
        names = sorted(legal)
        near = get_close_matches(given, names, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        listing = ", ".join(names[:_LISTED]) or "none"
        rest = len(names) - _LISTED
        more = f" and {rest} more" if rest > 0 else ""
        more += " (medaudit list shifts)" if more and kind.startswith("shift") else ""
        return cls(f"Unknown {kind} {given!r}.{hint} Legal: {listing}{more}.")


class DataError(MedauditError):
    """Fix the case, image or table that the message names."""


class ModelError(MedauditError):
    """Fix the model id, folder or server that the message names."""


class NotApplicableError(ModelError):
    """The model has no such part: inside a probe it means *not applicable*, for the reason that it gives."""


class PluginError(MedauditError):
    """Fix the plugin's definition: its name, signature or reference."""


class IncompleteError(MedauditError):
    """Run the same command again: it goes on where it stopped."""

    exit_code = 3


class VerificationError(MedauditError):
    """The bundle is not what it claims to be; do not rely on it."""

    exit_code = 4
