"""How an option's score changes with the image's pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaudit.errors import UsageError
from medaudit.model import Request
from medaudit.whitebox.modules import kind
from medaudit.whitebox.reach import NotReached

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


#: Types whose language model reads an image as tokens chosen from a codebook.
CODED = frozenset({"chameleon", "emu3"})


@dataclass(frozen=True)
class PixelGradient:
    """``score`` and its gradient.

    ``raw`` is d score / d element of each processed pixel tensor, ``pixels`` are those tensors. ``heat``
    (height, width) holds absolute values of ``raw`` carried back to pixels of the original image, channels
    and views added up; its sum is theirs over elements that show the image rather than padding. ``alive`` is
    False where the gradient is zero everywhere: the score ignores the image, and ``heat`` shows nothing.
    """

    score: float
    heat: Floats
    raw: Mapping[str, Floats]
    pixels: Mapping[str, Floats]
    alive: bool


def pixel_gradient(model: Any, request: Request, option: str) -> PixelGradient:
    r"""Which pixels would change the score of ``option``, and by how much?

    Generative models: the score is the option's summed log-likelihood, sum_t log p(o_t | image, prompt,
    o_<t), from one full pass. Contrastive models and classifiers: the log-softmax score of the option among
    the request's options, or the scaled similarity where a contrastive request has none. Simonyan et al.,
    "Deep inside convolutional networks", 2014, for the map. Raises UsageError unless the request has exactly
    one image, NotReached where the gradient is not finite, or where the type has none.
    """
    import numpy as np

    if len(request.images) != 1:
        raise UsageError(f"a pixel gradient needs one image, the request has {len(request.images)}.")
    score, pixels, raw = score_and_gradient(model, request, option)
    if not all(np.isfinite(values).all() for values in raw.values()):
        raise NotReached(f"{kind(model.network)}: the gradient at its pixels is not finite")
    alive = any(bool(values.any()) for values in raw.values())
    return PixelGradient(score, _heat(model, request, raw), raw, pixels, alive)


def score_and_gradient(
    model: Any, request: Request, option: str, moved: Mapping[str, Any] | None = None
) -> tuple[float, dict[str, Floats], dict[str, Floats]]:
    """Score, processed pixel tensors and gradient; ``moved`` takes the place of the pixel tensors."""
    import torch

    if kind(model.network) in CODED:
        raise NotReached(f"{kind(model.network)}: its image becomes codes, and a choice has no slope")
    given, score_of = _route(model)(model, request, option)
    with torch.enable_grad():
        leaves = {name: _leaf(value, (moved or {}).get(name)) for name, value in given.items()}
        # Copies, because a type may write into what it is given, and a leaf refuses that.
        score = score_of({name: leaf * 1 for name, leaf in leaves.items()})
        found: list[Any] = [None] * len(leaves)
        if score.requires_grad:
            found = list(torch.autograd.grad(score, list(leaves.values()), allow_unused=True))
    raw = {
        name: _numbers(torch.zeros_like(leaf) if gradient is None else gradient)
        for (name, leaf), gradient in zip(leaves.items(), found, strict=True)
    }
    return float(score.detach()), {name: _numbers(leaf) for name, leaf in leaves.items()}, raw


Route = tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]


def _route(model: Any) -> Callable[[Any, Request, str], Route]:
    if getattr(model, "builder", None) is not None:
        return _generative
    return _classified if hasattr(model, "labels") else _contrastive


def _generative(model: Any, request: Request, option: str) -> Route:
    from medaudit.whitebox.forced import forced

    calm = forced(model, request, option).prompt

    def score(pixels: dict[str, Any]) -> Any:
        run = forced(model, request, option, pixels)
        return run.log_likelihood(model.network(**run.arguments).logits)

    given = {name: value for name, value in calm.items() if _carries_pixels(name, value)}
    if not given:
        raise NotReached(f"{kind(model.network)}: none of its inputs are pixels")
    return given, score


def _contrastive(model: Any, request: Request, option: str) -> Route:
    options = request.options or (option,)
    if option not in options:
        raise UsageError("the option is none of the request's options.")

    given = model.placed_pixels(request.images)

    def score(pixels: dict[str, Any]) -> Any:
        scores = model.similarities({**given, **pixels}, request.prompt, options)
        place = options.index(option)
        return scores.log_softmax(dim=0)[place] if len(options) > 1 else scores[place]

    return {name: value for name, value in given.items() if _carries_pixels(name, value)}, score


def _classified(model: Any, request: Request, option: str) -> Route:
    if option not in request.options:
        raise UsageError("the option is none of the request's options.")
    inputs, numbers, error = model.prepare([request])[0]
    if error is not None:
        raise UsageError("the request cannot be put to this classifier.")

    def score(pixels: dict[str, Any]) -> Any:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            logits = model._logits({**inputs, **pixels})[list(numbers)]
        return logits.log_softmax(dim=0)[request.options.index(option)]

    given = {name: value for name, value in inputs.items() if _carries_pixels(name, value)}
    return {name: value.to(model.network.device, model.network.dtype) for name, value in given.items()}, score


def _carries_pixels(name: str, value: Any) -> bool:
    floats = hasattr(value, "is_floating_point") and value.is_floating_point()
    return bool(floats) and "mask" not in name


def _leaf(value: Any, moved: Any) -> Any:
    import torch

    value = value if moved is None else torch.as_tensor(moved, dtype=value.dtype, device=value.device)
    return value.detach().clone().requires_grad_(True)


def _heat(model: Any, request: Request, raw: Mapping[str, Floats]) -> Floats:
    import numpy as np

    from medaudit.geometry import geometry_of

    source = geometry_of(model).source(request.images[0].size)
    # A second resolution of the same image has a tensor, and a scale, of its own.
    shown = [values for values in raw.values() if values.shape == tuple(source.shape)]
    if not shown:
        raise NotReached(f"{kind(model.network)}: its pixels cannot be traced to the original image")
    return np.asarray(source.scatter(np.abs(shown[0])), dtype=np.float32)


def _numbers(tensor: Any) -> Floats:
    numbers: Floats = tensor.detach().float().cpu().numpy()
    return numbers
