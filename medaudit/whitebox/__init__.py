"""What local checkpoints let one see and change inside: attention, gradients, interventions.

::

    model.attend(request, answer)            attention of answer tokens to image tokens, layer by layer
    model.pixel_gradient(request, option)    how an option's score changes with the pixels
    Request(..., intervention=Intervention("embedding", boxes).to_text())

The first two are :mod:`~medaudit.whitebox.attention` and :mod:`~medaudit.whitebox.gradients`; an intervention
travels in the request, so that masked questions are cached and resumed like others. What a type does not have
raises :class:`NotReached` with the reason.
"""

from medaudit.whitebox.intervention import Intervention, from_text, to_text
from medaudit.whitebox.reach import InterventionError, NotReached

__all__ = ["Intervention", "InterventionError", "NotReached", "from_text", "to_text"]
