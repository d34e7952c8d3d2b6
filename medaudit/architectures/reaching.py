"""What a check says where a type has no such part."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from medaudit.architectures.subject import NotApplicable, Subject
from medaudit.geometry import NoGrid
from medaudit.model import Capability
from medaudit.whitebox.reach import NotReached

Check = Callable[[Subject], None]


def reaching(capability: Capability) -> Callable[[Check], Check]:
    """A part that the type does not have is not applicable, and says why."""

    def decorate(check: Check) -> Check:
        @wraps(check)
        def checked(subject: Subject) -> None:
            if capability not in subject.model.info.capabilities:
                raise NotApplicable(f"a {subject.model.info.kind} model offers no {capability.value}")
            try:
                check(subject)
            except (NoGrid, NotReached) as reason:
                raise NotApplicable(str(reason)) from reason

        return checked

    return decorate
