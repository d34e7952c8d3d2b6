"""What happens where a model's inside cannot be reached, or an intervention did not take place."""

from __future__ import annotations

from medaudit.errors import ModelError, NotApplicableError


class NotReached(NotApplicableError):
    """This type has no such place, or it cannot be read exactly; a probe reports *not applicable*."""


class InterventionError(ModelError):
    """An intervention was asked for and did not act as described; its answers must not be used."""
