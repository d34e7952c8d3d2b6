"""One attention function for every module: it computes what the model computes, and can be watched.

Attention weights that a type returns itself cannot be trusted (some return the block's output in their
place), and fused kernels return none. So a function of our own is registered with transformers and switched
on for the length of a context: it runs the type's own eager attention, shows the weights to watchers and
lets them hide keys. Outside the context a model keeps its own implementation.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

NAME = "medaudit_watched"


@dataclass(eq=False)
class Watch:
    """What to do at each attention call.

    ``hide(module, query, key)`` gives a boolean mask, True = hidden, that broadcasts to (b, heads, queries,
    keys), or None. ``read(module, weights)`` is shown the softmax weights (b, heads, queries, keys).
    """

    hide: Callable[[Any, Any, Any], Any] | None = None
    read: Callable[[Any, Any], None] | None = None
    calls: set[int] = field(default_factory=set)


#: Watchers by the identity of the attention module; empty outside every context.
_watches: dict[int, list[Watch]] = {}
#: The implementation that a module runs in production, by identity.
_production: dict[int, str] = {}


@contextmanager
def watching(network: Any, watch: Watch) -> Iterator[Watch]:
    """Run the network with the registered function; everything is put back on leaving."""
    parts = [id(part) for part in network.modules()]
    saved = [(config, config._attn_implementation_internal) for config in _configs(network)]
    nested = any(name == NAME for _, name in saved)
    if not nested:
        _remember(network)
    for part in parts:
        _watches.setdefault(part, []).append(watch)
    try:
        if not nested:
            _switch_on(network)
        yield watch
    finally:
        for config, name in saved:
            config._attn_implementation_internal = name
        for part in parts:
            _watches[part].remove(watch)
            if not _watches[part]:
                del _watches[part]
                _production.pop(part, None)


def _switch_on(network: Any) -> None:
    from medaudit.models.quiet import quiet_loading
    from medaudit.models.vision_ops import huggingface

    transformers = huggingface()
    masks: Any = sys.modules[transformers.AttentionMaskInterface.__module__]
    transformers.AttentionInterface.register(NAME, attention)
    transformers.AttentionMaskInterface.register(NAME, masks.eager_mask)
    # Types that keep their own attention code are skipped with a log line that nobody can act on.
    with quiet_loading(offline=True):
        network.set_attn_implementation(NAME)


def attention(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any = None, *args: Any, **settings: Any
) -> Any:
    """The registered function: (output, weights), as the type's own eager attention gives them."""
    watches = _watches.get(id(module), [])
    mask = _causal_as_in_production(module, query, key, attention_mask, settings)
    for watch in watches:
        watch.calls.add(id(module))
        hidden = watch.hide(module, query, key) if watch.hide else None
        if hidden is not None:
            mask = _hidden(mask, hidden, query, key)
    eager = _eager_of(module)
    output, weights = eager(module, query, key, value, mask, *args, **settings)
    for watch in watches:
        if watch.read is not None:
            watch.read(module, weights)
    return output, weights


def _eager_of(module: Any) -> Any:
    """The eager function that the module's own ``forward`` names; files may hold one for each tower."""
    file = sys.modules[type(module).__module__]
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    named = [name for name in getattr(code, "co_names", ()) if name.endswith("eager_attention_forward")]
    return getattr(file, named[0] if named else "eager_attention_forward", plain)


def plain(
    module: Any, query: Any, key: Any, value: Any, mask: Any, scaling: float | None = None, **_: Any
) -> Any:
    """Softmax attention for a module whose file has no eager function: softmax(q k^T s + mask) v."""
    import torch

    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if mask is not None:
        scores = scores + mask[..., : key.shape[-2]]
    weights = torch.softmax(scores.float(), dim=-1).to(query.dtype)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def _hidden(mask: Any, hidden: Any, query: Any, key: Any) -> Any:
    """The model's own additive mask with hidden keys at the lowest number."""
    import torch

    lowest = torch.finfo(query.dtype).min
    if mask is None:
        mask = torch.zeros(1, 1, query.shape[2], key.shape[2], dtype=query.dtype, device=query.device)
    elif mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill(~mask, lowest)
    return mask[..., : key.shape[2]].masked_fill(hidden, lowest)


def _causal_as_in_production(module: Any, query: Any, key: Any, mask: Any, settings: dict[str, Any]) -> Any:
    """Fused kernels read a missing mask as causal where the module says so; eager attention does not."""
    import torch

    asked = settings.get("is_causal")
    causal = getattr(module, "is_causal", True) if asked is None else asked
    fused = _production.get(id(module), "eager") not in ("eager", NAME)
    if mask is not None or not fused or not causal or query.shape[2] == 1:
        return mask
    shape = (1, 1, query.shape[2], key.shape[2])
    above = torch.ones(shape, dtype=torch.bool, device=query.device).triu(1)
    lowest = torch.finfo(query.dtype).min
    return torch.zeros(shape, dtype=query.dtype, device=query.device).masked_fill(above, lowest)


def _remember(network: Any) -> None:
    """Note each module's implementation: its own config's, or that of the model around it."""
    default = str(network.config._attn_implementation_internal)
    names: dict[str, str] = {}
    for path, part in network.named_modules():
        config = getattr(part, "config", None)
        around = names.get(path.rpartition(".")[0], default)
        names[path] = str(getattr(config, "_attn_implementation_internal", around))
        _production[id(part)] = names[path]


def _configs(network: Any) -> list[Any]:
    """Every configuration in the network, each once."""
    found: dict[int, Any] = {}
    waiting = [network.config, *(part.config for part in network.modules() if hasattr(part, "config"))]
    while waiting:
        config = waiting.pop()
        if id(config) in found or not hasattr(config, "_attn_implementation_internal"):
            continue
        found[id(config)] = config
        waiting += [getattr(config, name, None) for name in getattr(config, "sub_configs", ())]
    return list(found.values())
