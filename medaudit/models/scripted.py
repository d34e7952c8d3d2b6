"""Models that follow a script: what they answer is known on paper, so every number of an audit is too."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.errors import DataError
from medaudit.image import keyed_rng
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.prompting import lettered, prompt_for

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from medaudit.case import Case, CaseSet
    from medaudit.image import Pixels

    Cases: TypeAlias = CaseSet | Iterable[Case]

Script: TypeAlias = Callable[[Request], Answer | str]
BOTH = frozenset({Capability.GENERATE, Capability.CHOOSE})
#: Probability that a scripted model gives to the option it chooses; the others share the rest.
SURE = 0.98
_OFFERED = re.compile(r"Answer with one of: (.+)\.\s*$")
_LETTERED = re.compile(r"^([A-Z])\. (.+)$", re.MULTILINE)


class ScriptedModel:
    """A model whose answers are ``answers(request)``: text, or a whole :class:`Answer`.

    Asked to choose, its text becomes log-likelihoods: ln 0.98 for the option of that text, the rest shared
    equally; equal ones for all when the text is none of the options. ``asked`` keeps every request.
    Behaviours that differ need different ids: the fingerprint is a digest of ``id``.
    """

    def __init__(
        self, answers: Script, *, capabilities: Iterable[Capability | str] = BOTH, id: str = "scripted"
    ) -> None:
        self.answers = answers
        self.asked: list[Request] = []
        digest = hashlib.sha256(f"scripted|{id}".encode()).hexdigest()
        self.info = ModelInfo(id, "scripted", digest, frozenset(map(Capability, capabilities)))

    def cost(self, request: Request) -> int:
        return len(request.prompt) // 4 + len(request.images)

    def prepare(self, requests: Sequence[Request]) -> list[Request]:
        return list(requests)

    def answer(self, prepared: Sequence[Request]) -> list[Answer]:
        self.asked.extend(prepared)
        return [self._one(request) for request in prepared]

    def _one(self, request: Request) -> Answer:
        if request.task not in self.info.capabilities:
            return Answer(error=f"{self.info.id} cannot {request.task.value}")
        said = self.answers(request)
        if isinstance(said, Answer):
            return said
        if request.task is Capability.CHOOSE:
            return Answer(scores=_scores(said, request.options))
        return Answer(text=said)


def _scores(said: str, options: Sequence[str]) -> tuple[float, ...]:
    chosen = [option.strip().casefold() == said.strip().casefold() for option in options]
    if not any(chosen) or len(options) < 2:
        return tuple(-math.log(len(options)) for _ in options)
    other = math.log((1 - SURE) / (len(options) - 1))
    return tuple(math.log(SURE) if own else other for own in chosen)


def constant(text: str, *, capabilities: Iterable[Capability | str] = BOTH) -> ScriptedModel:
    """Says ``text`` to everything. Accuracy: the share of cases whose answer it is."""
    return ScriptedModel(lambda request: text, capabilities=capabilities, id=f"constant-{text}")


def coin(
    seed: int = 0, cases: Cases | None = None, *, capabilities: Iterable[Capability | str] = BOTH
) -> ScriptedModel:
    """Draws an option with equal chances. Accuracy: binomial, with p = 1 / number of options.

    The draw depends on (seed, pixels, prompt) alone, so asking again changes nothing. Options come from
    the request, else from ``cases`` by prompt, else from the prompt's own words; an open question takes
    the answers that ``cases`` give to it as options.
    """
    known = _options(cases or ())

    def draw(request: Request) -> str:
        options = request.options or known.get(request.prompt) or offered(request.prompt)
        if not options:
            return "I do not know."
        rng = keyed_rng("coin", seed, *(image.digest for image in request.images), request.prompt)
        return options[int(rng.integers(len(options)))]

    digest = hashlib.sha256(repr(sorted(known.items())).encode()).hexdigest()[:12]
    return ScriptedModel(draw, capabilities=capabilities, id=f"coin-{seed}-{digest}")


def oracle(
    cases: Cases,
    *,
    otherwise: str | Script | None = None,
    capabilities: Iterable[Capability | str] = BOTH,
    id: str = "oracle",
) -> ScriptedModel:
    """Knows the right answer to every case by heart. Accuracy: 1, on the images as they are.

    Images are recognised by digest: a changed, missing or exchanged one is not readable, and the answer is
    ``otherwise`` (a text, a script, or by default :func:`coin`). Raises :class:`DataError` when two cases
    ask the same of the same images and differ in the answer.
    """
    listed = list(cases.cases if hasattr(cases, "cases") else cases)
    known: dict[tuple[tuple[str, ...], str], Case] = {}
    for case in listed:
        key = (tuple(image.digest for image in case.images), prompt_for(case))
        first = known.setdefault(key, case)
        if first.answer != case.answer:
            raise DataError(f"no oracle: cases {first.id!r} and {case.id!r} ask the same, answers differ.")
    fallback = coin(0, listed).answers if otherwise is None else otherwise

    def recall(request: Request) -> Answer | str:
        case = known.get((tuple(image.digest for image in request.images), request.prompt))
        if case is not None:
            return case.answer
        return fallback if isinstance(fallback, str) else fallback(request)

    return ScriptedModel(recall, capabilities=capabilities, id=id)


def prior(cases: Cases, *, capabilities: Iterable[Capability | str] = BOTH) -> ScriptedModel:
    """Gives the commonest answer to each prompt and never looks. Ties: first in the alphabet.

    Accuracy: the mean over cases of "its answer is its question's commonest one".
    """
    counts: dict[str, Counter[str]] = {}
    for case in cases.cases if hasattr(cases, "cases") else cases:
        counts.setdefault(prompt_for(case), Counter())[case.answer] += 1
    best = {prompt: min(seen, key=lambda a: (-seen[a], a)) for prompt, seen in counts.items()}

    def recall(request: Request) -> str:
        return best.get(request.prompt, "I do not know.")

    digest = hashlib.sha256(repr(sorted(best.items())).encode()).hexdigest()[:12]
    return ScriptedModel(recall, capabilities=capabilities, id=f"prior-{digest}")


def embedder(
    vector: Callable[[Request, tuple[int, int, int, int] | None], ArrayLike],
    base: ScriptedModel | None = None,
    *,
    id: str = "embedder",
) -> ScriptedModel:
    """``base`` (by default one that says "yes") that also embeds: ``vector(request, box)`` is (d,).

    The box is one of the request's, or None where the whole image or a text is embedded. Vectors are made
    unit, as those of any model; one of NaN stands for a box that the model does not look at.
    """
    other = base or constant("yes")

    def answer(request: Request) -> Answer | str:
        if request.task is not Capability.EMBED:
            return other.answers(request)
        rows = np.array([np.asarray(vector(request, box)) for box in request.boxes or (None,)])
        return Answer.embedded(rows, unseen=bool(request.boxes))

    capabilities = other.info.capabilities | {Capability.EMBED}
    return ScriptedModel(answer, capabilities=capabilities, id=f"{id}-{other.info.id}")


def flipper(base: ScriptedModel, p: float, seed: int = 0) -> ScriptedModel:
    """``base`` with noise: asked again (a replicate, or alone), it flips with probability ``p``.

    The first asking is ``base`` itself, so its accuracy is that of ``base`` and its self-flip rate is
    binomial with probability ``p``. A flip gives the next option, or "not " before an open answer.
    """

    def answer(request: Request) -> Answer | str:
        said = base.answers(request)
        again = request.replicate or request.alone
        if not again or isinstance(said, Answer):
            return said
        images = (image.digest for image in request.images)
        rng = keyed_rng("flip", seed, request.replicate, request.alone, request.prompt, *images)
        return _next(said, request) if rng.random() < p else said

    return ScriptedModel(answer, capabilities=base.info.capabilities, id=f"{base.info.id}-flip-{p}-{seed}")


def sighted(
    rule: Callable[[Sequence[Pixels], str], str],
    *,
    id: str,
    capabilities: Iterable[Capability | str] = BOTH,
) -> ScriptedModel:
    """Answers ``rule(pixels of each image, prompt)``: a marker reader, a brightness threshold."""
    return ScriptedModel(
        lambda request: rule([image.pixels() for image in request.images], request.prompt),
        capabilities=capabilities,
        id=id,
    )


def offered(prompt: str) -> tuple[str, ...]:
    """The options that a prompt of :mod:`medaudit.prompting` offers: texts, or letters where it has them."""
    if match := _OFFERED.search(prompt):
        return tuple(match.group(1).split(", "))
    if prompt.rstrip().endswith("letter of one option."):
        return tuple(letter for letter, _ in _LETTERED.findall(prompt))
    return ()


def _next(said: str, request: Request) -> str:
    options = request.options or offered(request.prompt)
    if said not in options:
        return f"not {said}"
    return options[(options.index(said) + 1) % len(options)]


def _options(cases: Cases) -> Mapping[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for case in cases.cases if hasattr(cases, "cases") else cases:
        prompt = prompt_for(case)
        if case.closed:
            letters = tuple(ascii_uppercase[: len(case.options)])
            known[prompt] = letters if lettered(case.options) else case.options
        else:
            known[prompt] = tuple(sorted({*known.get(prompt, ()), case.answer}))
    return known
