"""Models that are Python: a model object as it is, or any ``f(images, prompt) -> str``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, LoadOptions, Model, ModelInfo, OutOfMemory, Request
from medaudit.models.foreign import refuse_checkpoint_options
from medaudit.models.python_source import factory_of, identity, qualified_name
from medaudit.rendering import render

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    Function = Callable[[list[PILImage], str], str]

#: The store and the statistics hold finite numbers only, so even "impossible" needs a finite score.
NOT_FINITE = "choose returned a score that is not a number: give natural-log likelihoods, finite"
_PROTOCOL = ("info", "cost", "prepare", "answer")


def load_python(target: str, options: LoadOptions) -> Model:
    """Return what ``FILE_OR_MODULE:FACTORY`` makes: a model object, or a wrapped callable.

    Raises :class:`ModelError` when the file, module or factory does not exist, does not run, or makes
    something else.
    """
    refuse_checkpoint_options(f"python:{target}", options)
    factory = factory_of(target)
    try:
        made = factory()
    except Exception as error:  # a user's factory may raise anything
        raise ModelError(
            f"python:{target}: the factory failed ({type(error).__name__}: {str(error)[:200]})."
        ) from error
    if all(hasattr(made, name) for name in _PROTOCOL):
        return cast("Model", made)
    if callable(made):
        return wrap_callable(made, id=f"python:{target}")
    raise ModelError(
        f"python:{target}: the factory returned {type(made).__name__}; it must return a model object "
        f"({', '.join(_PROTOCOL)}) or a callable (images, prompt) -> str."
    )


def wrap_callable(function: Function, id: str = "") -> CallableModel:
    """Wrap ``f(images, prompt) -> str``, its source file deciding the fingerprint."""
    name = qualified_name(function)
    fingerprint, notes = identity(function)
    return CallableModel(function, id or f"python:{name}", fingerprint, notes)


class CallableModel:
    """A callable behind the model protocol.

    It is called once per request with Pillow RGB images and the prompt. ``choose(images, prompt, options)
    -> list[float]``, where the callable has it, gives one finite log-likelihood per option. Anything that it
    raises, or returns beside that, becomes ``Answer(error=...)``.
    """

    def __init__(self, function: Function, id: str, fingerprint: str, notes: Sequence[str] = ()) -> None:
        self.function = function
        self._choose: Callable[..., Any] | None = getattr(function, "choose", None)
        capabilities = {Capability.GENERATE} | ({Capability.CHOOSE} if callable(self._choose) else set())
        self.info = ModelInfo(id, "python", fingerprint, frozenset(capabilities), notes=tuple(notes))

    def cost(self, request: Request) -> int:
        """Rough tokens: four characters each, 256 an image."""
        return len(request.prompt) // 4 + 256 * len(request.images)

    def prepare(self, requests: Sequence[Request]) -> list[tuple[Request, list[PILImage]]]:
        from PIL import Image as Pillow

        made = iter(render([image for request in requests for image in request.images]))
        # fromarray of a read-only array shares memory: a callable that draws on its image gets a copy.
        return [
            (request, [Pillow.fromarray(next(made)).copy() for _ in request.images]) for request in requests
        ]

    def answer(self, prepared: Sequence[tuple[Request, list[PILImage]]]) -> list[Answer]:
        return [self._guarded(request, images) for request, images in prepared]

    def _guarded(self, request: Request, images: list[PILImage]) -> Answer:
        try:
            return self._one(request, images)
        except (OutOfMemory, ModelError):
            raise
        except Exception as error:  # a user's code may raise anything
            return Answer(error=f"{type(error).__name__}: {error}"[:300])

    def _one(self, request: Request, images: list[PILImage]) -> Answer:
        if request.intervention:
            return Answer(error=f"a Python callable cannot {request.intervention}")
        if request.task is Capability.CHOOSE and self._choose is not None:
            return _scores(self._choose(images, request.prompt, list(request.options)), request.options)
        if request.task is not Capability.GENERATE:
            return Answer(error=f"this callable cannot {request.task.value}")
        text = self.function(images, request.prompt)
        if not isinstance(text, str):
            return Answer(error=f"the callable returned {type(text).__name__}, not str")
        return Answer(text=text)


def _scores(given: Any, options: tuple[str, ...]) -> Answer:
    try:
        scores = tuple(float(score) for score in given)
    except (TypeError, ValueError):
        return Answer(error=f"choose returned {type(given).__name__}, not a list of numbers")
    if len(scores) != len(options):
        return Answer(error=f"choose returned {len(scores)} numbers for {len(options)} options")
    if not all(map(math.isfinite, scores)):
        return Answer(error=NOT_FINITE)
    return Answer(scores=scores)
