"""What a model offers whose network lies open: embeddings, attention, gradients, tuning of a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from medaudit.model import Capability, Request

if TYPE_CHECKING:
    from medaudit.image import Image
    from medaudit.models.embedding import Vectors
    from medaudit.whitebox.attention import Attentions
    from medaudit.whitebox.gradients import PixelGradient
    from medaudit.whitebox.tuning import TuningReport

#: Offered by every local checkpoint; a type that cannot do one says why when asked (``NotReached``).
WHITE_BOX = frozenset({Capability.ATTEND, Capability.GRADIENTS, Capability.INTERVENE, Capability.TUNE})


class WhiteBox:
    """Methods of local models. They ask one request at a time, on the calling thread."""

    network: Any

    def attend(self, request: Request, answer: str, where: str = "decoder") -> Attentions:
        """Attention weights: see :func:`medaudit.whitebox.attention.attend`."""
        from medaudit.whitebox.attention import attend

        return attend(self, request, answer, where)

    def pixel_gradient(self, request: Request, option: str) -> PixelGradient:
        """Gradient of an option's score: see :func:`medaudit.whitebox.gradients.pixel_gradient`."""
        from medaudit.whitebox.gradients import pixel_gradient

        return pixel_gradient(self, request, option)

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """Unit embeddings, (n, d) float32: see :func:`medaudit.models.embedding.embed_images`."""
        from medaudit.models.embedding import embed_images

        return embed_images(self, images)

    def tune(
        self, examples: Sequence[tuple[Request, str]], *, steps: int, **settings: Any
    ) -> tuple[Any, TuningReport]:
        """A tuned copy and what was done: see :func:`medaudit.whitebox.tuning.tune`."""
        from medaudit.whitebox.tuning import tune

        return tune(self, examples, steps=steps, **settings)
