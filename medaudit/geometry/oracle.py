"""Proof of a map: paint one token's cell, and see which token answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.geometry.boxes import Box, clipped
from medaudit.geometry.capture import embedded_states, handed_states, patch_states
from medaudit.geometry.errors import NoGrid
from medaudit.geometry.exceptions import TOWER_SEQUENCES
from medaudit.geometry.feature_maps import FeatureMaps
from medaudit.geometry.geometry import Geometry, geometry_of
from medaudit.geometry.tokens import TokenMap
from medaudit.models.prompts import image_token_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Pixels = NDArray[np.uint8]
    #: The painted token, its painted box, and the change of every token on each picture.
    Trial = tuple[int, Box, Floats]
    Read = Callable[[dict[str, Any]], NDArray[np.float32]]

#: Tokens painted at one stage, and base pictures that each is painted on.
TRIED, PICTURES = 12, 3
#: One part in so many is left unpainted at each edge of a cell that is wide enough.
MIDDLE = 4
#: From this share of the largest change on, painted tokens are compared among themselves.
MIXED = 0.5


@dataclass(frozen=True)
class OracleResult:
    """How often the token that answers most to a painted cell is one that the map names.

    ``hits`` of ``tried`` paintings; ``chance``: the share expected of a map that knows nothing;
    ``control``: the share of hits of the same map shifted by half its tokens, which must be near chance;
    ``outside``: the largest change of a token beyond the neighbours of the mapped ones, over the largest
    change: 0 where no layer mixed tokens yet, but for what interpolation smears. A 1 x 1 or 2 x 2 grid
    proves little: look at ``chance``. ``disturbed``: the image, or the last feature map of a convolutional
    tower.
    """

    hits: int
    tried: int
    chance: float
    control: float
    outside: float
    disturbed: str = "image"

    @property
    def rate(self) -> float:
        return self.hits / self.tried if self.tried else 0.0

    @property
    def p_value(self) -> float:
        """Binomial probability of as many hits or more by chance: small is proof, also where some miss."""
        from math import comb

        ways = range(self.hits, self.tried + 1)
        chance, n = self.chance, self.tried
        return min(sum(comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in ways), 1.0)


def oracle(
    model: Any,
    size: tuple[int, int] = (60, 100),
    stage: str = "projector",
    seed: int = 0,
    judged: TokenMap | None = None,
) -> OracleResult:
    """Paint cells of up to 12 tokens in the original image and judge the map by the changes.

    After the blocks, each painting is repeated on 3 pictures, and a token's change is divided by how much
    it changes between those: mixing makes some tokens answer to everything. One trial is right when, among
    the tokens of the painted one's view, the largest change is at a token that the map names for the painted
    box, dilated by ``Geometry.reach``. Where every token answers to everything, the painted tokens are
    compared among themselves, after taking off what is usual for each painting and for each token. ``judged``
    puts another map to the test than the model's own. Raises NoGrid where there is none.
    """
    geometry = geometry_of(model)
    tokens = judged or geometry.token_map(size, stage)
    rng = np.random.default_rng(seed)
    if stage == "projector" and not geometry.patched(size):
        return _by_feature_map(model, geometry, tokens, rng)
    # Before any layer mixes tokens one picture says it all; two are needed to find the patch embedding.
    pictures = [_picture(rng, size) for _ in range(2 if stage == "patch" else PICTURES)]
    inputs = [geometry.process(picture) for picture in pictures]
    read = _reader(model, geometry, stage, inputs)
    bases = [read(given) for given in inputs]
    if len(bases[0]) != len(tokens):
        raise NoGrid(f"the map has {len(tokens)} tokens, the model {len(bases[0])}")
    if stage == "patch":
        pictures, bases = pictures[:1], bases[:1]
    scale = _scale(bases)
    trials = []
    for token in _chosen(tokens, rng):
        box = _painted_box(tokens, token)
        if box is not None:
            changes = [
                _change(base, read(geometry.process(_painted(picture, box, rng))))
                for base, picture in zip(bases, pictures, strict=True)
            ]
            trials.append((token, box, np.stack(changes)))
    return _judged(tokens, trials, scale, geometry.reach(stage))


def _by_feature_map(
    model: Any, geometry: Geometry, tokens: TokenMap, rng: np.random.Generator
) -> OracleResult:
    """Trials on the tower's last feature map; see :class:`FeatureMaps`."""
    inputs = geometry.process(_picture(rng, tokens.size))
    grids = {view.grid or view.patches for view in tokens.views}
    if len(grids) > 1:
        raise NoGrid("the tower's views differ in their grids")
    read = _reader(model, geometry, "projector", [inputs])
    maps = FeatureMaps(model.network, read, inputs, (len(tokens.views), *grids.pop()))
    if len(maps.plain) != len(tokens):
        raise NoGrid(f"the map has {len(tokens)} tokens, the model {len(maps.plain)}")
    trials = []
    for token in _chosen(tokens, rng):
        box = tokens.box(token)
        if box is not None:
            change = _change(maps.plain, maps.disturbed(*(int(place) for place in tokens.places[token])))
            trials.append((token, box, change[None]))
    return replace(_judged(tokens, trials, np.ones(len(tokens))), disturbed="feature map")


def _reader(model: Any, geometry: Geometry, stage: str, inputs: list[dict[str, Any]]) -> Read:
    if stage == "patch":
        return patch_states(model.network, inputs[0], inputs[1])
    if model.network.config.model_type in TOWER_SEQUENCES:
        return handed_states(model.network)
    known = image_token_id(model.network.config)
    if known is None or "input_ids" not in inputs[0]:
        raise NoGrid("no image positions to read")
    return embedded_states(model.network, known)


def _picture(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Coarse random colours, away from black and white, so that painting is always a change."""
    coarse = rng.integers(60, 196, (-(-size[0] // 7), -(-size[1] // 7), 3), dtype=np.uint8)
    fine: Pixels = np.repeat(np.repeat(coarse, 7, axis=0), 7, axis=1)[: size[0], : size[1]]
    return fine


def _painted(picture: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    x0, y0, x1, y1 = (int(edge) for edge in box)
    changed = picture.copy()
    part = changed[y0:y1, x0:x1]
    changed[y0:y1, x0:x1] = np.where(part.mean(axis=(0, 1)) > 127, 0, 255).astype(np.uint8)
    return changed


def _painted_box(tokens: TokenMap, token: int) -> Box | None:
    """Whole pixels of a token's cell, those that it shares where it has few, or None outside the image."""
    cell = tokens.box(token)
    inside = clipped(cell, tokens.size) if cell is not None else None
    if inside is None:
        return None
    low, high = np.array(inside[:2]), np.array(inside[2:])
    # Convolutions with overlapping kernels see past a cell's edge: its middle is what is the cell's alone.
    edge = np.where(high - low >= 2 * MIDDLE, (high - low) / MIDDLE, 0.0)
    low, high = low + edge, high - edge
    inner = np.concatenate([np.ceil(low - 0.05), np.floor(high + 0.05)])
    few = _area(inner) < 0.5 * _area(np.concatenate([low, high]))
    x0, y0, x1, y1 = np.concatenate([np.floor(low + 0.05), np.ceil(high - 0.05)]) if few else inner
    return float(x0), float(y0), float(x1), float(y1)


def _area(box: Floats) -> float:
    return float(np.prod((box[2:] - box[:2]).clip(min=0)))


def _chosen(tokens: TokenMap, rng: np.random.Generator) -> list[int]:
    """Tokens that show enough of the image, the same number from every view as far as it goes."""
    able = [token for token in range(len(tokens)) if _shown(tokens, token) > 0.5]
    order = [int(token) for token in rng.permutation(able)]
    taken: dict[int, int] = {}
    ranked = []
    for token in order:
        view = int(tokens.places[token, 0])
        taken[view] = taken.get(view, 0) + 1
        ranked.append((taken[view], token))
    return [token for _, token in sorted(ranked)[:TRIED]]


def _shown(tokens: TokenMap, token: int) -> float:
    """The share of a token's cell that lies in the image; 0 where it is too thin to hold a pixel."""
    cell = tokens.box(token)
    inside = clipped(cell, tokens.size) if cell is not None else None
    box = _painted_box(tokens, token)
    if cell is None or inside is None or box is None or _area(np.array(box)) == 0:
        return 0.0
    return _area(np.array(inside)) / _area(np.array(cell))


def _change(before: NDArray[np.float32], after: NDArray[np.float32]) -> Floats:
    change: Floats = np.linalg.norm((after - before).astype(np.float64), axis=-1)
    return change


def _scale(bases: list[NDArray[np.float32]]) -> Floats:
    """How much each token changes from picture to picture; 1 where nothing changes it."""
    if len(bases) == 1:
        return np.ones(len(bases[0]))
    usual = np.mean([_change(bases[0], base) for base in bases[1:]], axis=0)
    scale: Floats = np.where(usual > 1e-12, usual, 1.0)
    return scale


def _judged(tokens: TokenMap, trials: list[Trial], scale: Floats, radius: int = 0) -> OracleResult:
    outside = max((_outside(tokens, box, changes.mean(axis=0)) for _, box, changes in trials), default=0.0)
    hits, control, chances = 0, 0, []
    answers = (
        _contrasts(trials) if _mixed(trials) else [changes.mean(axis=0) / scale for *_, changes in trials]
    )
    for (token, box, changes), answer in zip(trials, answers, strict=True):
        view = np.flatnonzero((tokens.places[:, 0] == tokens.places[token, 0]) & np.isfinite(answer))
        named = np.isin(view, tokens.tokens(box, radius))
        winner = int(np.argmax(answer[view]))
        hits += bool(named[winner]) and bool(changes[:, view[winner]].any())
        control += bool(np.roll(named, len(view) // 2)[winner])
        chances.append(float(named.mean()))
    tried = len(trials)
    return OracleResult(hits, tried, float(np.mean(chances or [1.0])), control / max(tried, 1), outside)


def _mixed(trials: list[Trial]) -> bool:
    """Whether the middle token answers to a painting about as much as the one that answers most."""
    means = [changes.mean(axis=0) for *_, changes in trials]
    return bool(means) and float(np.median([np.median(c) / max(c.max(), 1e-12) for c in means])) > MIXED


def _contrasts(trials: list[Trial]) -> list[Floats]:
    """Changes as log ratios to what is usual for the painting and for the token; painted tokens only.

    A change is about (strength of the painting) x (sensitivity of the token) x (nearness). Where every
    token answers to everything, taking the means of the logarithms off rows and columns leaves nearness.
    """
    painted = [token for token, *_ in trials]
    logs = np.stack([np.log(changes[:, painted] + 1e-12).mean(axis=0) for *_, changes in trials])
    logs -= logs.mean(axis=0, keepdims=True)
    logs -= logs.mean(axis=1, keepdims=True)
    answers = []
    for row, (*_, changes) in zip(logs, trials, strict=True):
        answer = np.full(changes.shape[1], -np.inf)
        answer[painted] = row
        answers.append(answer)
    return answers


def _outside(tokens: TokenMap, box: Box, change: Floats) -> float:
    near = np.zeros(len(tokens), dtype=bool)
    near[tokens.tokens(box, radius=1)] = True
    beyond = change[~near & (tokens.places[:, 0] >= 0)]
    return float(beyond.max(initial=0.0) / max(change.max(), 1e-12))
