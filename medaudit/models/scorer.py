"""Choose the fast route to option likelihoods only where it is shown to be exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from medaudit.models import likelihood
from medaudit.models.likelihood import Options, Scores
from medaudit.models.positions import forget

#: Largest difference to a full pass per option token, natural log; half precision rounds each logit.
TOLERANCE = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1.5e-1}


class Scorer:
    """Scores options; the first batch of each kind is scored by two routes, and the routes are compared.

    A type whose cache cannot be continued exactly (other positions, linear attention, cross-attention)
    falls back to full passes for good. One-token options never continue the cache, so they are a kind of
    their own. ``note`` says which route is taken, in the same words on every run; ``difference`` is the
    largest one measured per option token, None before any comparison.
    """

    def __init__(self, network: Any, dtype: str, pad: int) -> None:
        self.network, self.pad = network, pad
        self.tolerance = TOLERANCE.get(dtype, TOLERANCE["float32"])
        self.routes: dict[bool, Callable[..., Scores]] = {}
        self.note = ""
        self.difference: float | None = None
        if network.config.is_encoder_decoder:
            self.routes = dict.fromkeys((True, False), likelihood.decoder)
            self.note = "option scores: decoder route"

    def scores(self, inputs: dict[str, Any], options: Options) -> Scores:
        """Summed log-likelihoods, ``[request][option]``."""
        continued = any(len(ids) > 1 for several in options for ids in several)
        if continued not in self.routes:
            return self._first(continued, inputs, options)
        forget(self.network)
        return self.routes[continued](self.network, inputs, options, self.pad)

    def exact(self, inputs: dict[str, Any], options: Options) -> Scores:
        """The same by the reference route: one pass over prompt and option for each option."""
        forget(self.network)
        route = likelihood.decoder if self.network.config.is_encoder_decoder else likelihood.full_pass
        return route(self.network, inputs, options, self.pad)

    def _first(self, continued: bool, inputs: dict[str, Any], options: Options) -> Scores:
        forget(self.network)
        exact = likelihood.full_pass(self.network, inputs, options, self.pad)
        forget(self.network)
        try:
            fast = likelihood.shared_prefix(self.network, inputs, options, self.pad)
        except (ValueError, TypeError, IndexError, AttributeError, KeyError, RuntimeError) as error:
            if "memory" in str(error).lower():
                raise
            return self._fall_back(exact, f"its cache cannot be continued ({type(error).__name__})")
        worst = _worst(fast, exact, options)
        self.difference = max(worst, self.difference or 0.0)
        # "not <=" also refuses NaN.
        if not worst <= self.tolerance:
            return self._fall_back(
                exact, f"a continued cache differs by more than {self.tolerance:g} a token"
            )
        self.routes[continued] = likelihood.shared_prefix
        self.note = f"option scores: shared prefix, within {self.tolerance:g} a token of full passes"
        return fast

    def _fall_back(self, exact: Scores, why: str) -> Scores:
        self.routes = dict.fromkeys((True, False), likelihood.full_pass)
        self.note = f"option scores: one full pass an option, because {why}"
        return exact


def _worst(fast: Scores, exact: Scores, options: Options) -> float:
    """Largest difference per option token; NaN where either route gave NaN."""
    differences = [
        abs(a - b) / len(ids)
        for one, other, several in zip(fast, exact, options, strict=True)
        for a, b, ids in zip(one, other, several, strict=True)
    ]
    return math.nan if any(map(math.isnan, differences)) else max(differences)
