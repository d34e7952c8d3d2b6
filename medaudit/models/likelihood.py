"""Log-likelihood of each option, given image and prompt.

For option tokens o_1..o_m after the prompt x (image and text)::

    score = sum_t log p(o_t | x, o_1..o_{t-1})        natural log, no end-of-sequence term

Three routes give the same number: ``shared_prefix`` runs the prompt once and continues its cache with every
option, ``full_pass`` runs prompt and option together, once an option, and ``decoder`` scores options as the
decoder's input of an encoder-decoder model.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

Options = Sequence[Sequence[Sequence[int]]]
Scores = list[list[float]]

#: PaliGemma reads 0 as the bidirectional prompt, so a suffix needs 1; every other type reads 0 as text.
SUFFIX_TYPE = {"paligemma": 1}


def shared_prefix(network: Any, inputs: dict[str, Any], options: Options, pad: int) -> Scores:
    """One pass over the prompts, one over all options of all prompts; inputs on the model's device."""
    import torch

    from medaudit.models.positions import next_positions, prefix_positions

    positions = prefix_positions(network, inputs)
    first = network(
        **_cloned(inputs), **_given(position_ids=positions), use_cache=True, **_last_logits(network, 1)
    )
    rows = torch.tensor(
        [row for row, several in enumerate(options) for _ in several], device=first.logits.device
    )
    flat = [list(option) for several in options for option in several]
    logits = first.logits[:, -1:][rows]
    longest = max(len(option) for option in flat)
    if longest > 1:
        ids, mask = _padded([option[:-1] for option in flat], pad, rows.device)
        first.past_key_values.batch_select_indices(rows)
        positions = next_positions(positions, rows, longest - 1)
        more = network(
            input_ids=ids,
            attention_mask=torch.cat([inputs["attention_mask"][rows], mask], dim=1),
            past_key_values=first.past_key_values,
            **_given(position_ids=positions),
            **_seen(inputs, rows, longest - 1),
            use_cache=True,
        )
        logits = torch.cat([logits, more.logits], dim=1)
    return _by_request(_sums(logits, flat), options)


def _seen(inputs: dict[str, Any], rows: Any, length: int) -> dict[str, Any]:
    """Cross-attention masks of an option's tokens: they see the images that the prompt's last token sees."""
    mask = inputs.get("cross_attention_mask")
    if mask is None:
        return {}
    return {"cross_attention_mask": mask[rows][:, -1:].expand(-1, length, *mask.shape[2:])}


def full_pass(network: Any, inputs: dict[str, Any], options: Options, pad: int) -> Scores:
    """One pass over prompt and option for each option; the reference for the other routes."""
    from medaudit.models.positions import forget, prefix_positions, rope_owner

    kind = SUFFIX_TYPE.get(str(network.config.model_type), 0)
    scores: Scores = [[] for _ in options]
    for turn in range(max(len(several) for several in options)):
        # A request with fewer options runs its last one again, and the number is dropped.
        flat = [list(several[min(turn, len(several) - 1)]) for several in options]
        ids, mask = _padded(flat, pad, inputs["input_ids"].device)
        forget(network)
        extended = _extended(inputs, ids, mask, kind)
        if rope_owner(network) is None:
            extended |= _given(position_ids=prefix_positions(network, extended))
        output = network(**extended, use_cache=False, **_last_logits(network, ids.shape[1] + 1))
        logits = output.logits[:, -ids.shape[1] - 1 : -1]
        for row, score in enumerate(_sums(logits, flat)):
            if turn < len(options[row]):
                scores[row].append(score)
    return scores


def decoder(network: Any, inputs: dict[str, Any], options: Options, pad: int) -> Scores:
    """Score options as decoder input of an encoder-decoder model, one pass an option."""
    import torch

    begin, seen = _begun(network, inputs, len(options), pad)
    given = {name: value for name, value in inputs.items() if not name.startswith("decoder_")}
    scores: Scores = [[] for _ in options]
    for turn in range(max(len(several) for several in options)):
        flat = [list(several[min(turn, len(several) - 1)]) for several in options]
        ids, _ = _padded(flat, pad, begin.device)
        more = torch.cat([seen, torch.ones_like(ids[:, :-1])], dim=1) if bool((seen == 0).any()) else None
        output = network(
            **_cloned(given),
            decoder_input_ids=torch.cat([begin, ids[:, :-1]], dim=1),
            **_given(decoder_attention_mask=more),
        )
        for row, score in enumerate(_sums(output.logits[:, begin.shape[1] - 1 :], flat)):
            if turn < len(options[row]):
                scores[row].append(score)
    return scores


def _begun(network: Any, inputs: dict[str, Any], rows: int, pad: int) -> tuple[Any, Any]:
    """What the decoder's text begins with, and its mask: the question, or the start token alone."""
    import torch

    from medaudit.models.decoder_prompts import decoder_start

    if "decoder_input_ids" in inputs:
        return inputs["decoder_input_ids"], inputs["decoder_attention_mask"]
    begin = torch.full((rows, 1), decoder_start(network, pad), device=inputs["input_ids"].device)
    return begin, torch.ones_like(begin)


def _extended(inputs: dict[str, Any], ids: Any, mask: Any, kind: int) -> dict[str, Any]:
    """Prompt inputs with the option appended to everything that runs along the sequence."""
    import torch

    length = inputs["input_ids"].shape[1]
    tails: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
    extended = {}
    for name, value in inputs.items():
        along = isinstance(value, torch.Tensor) and value.dim() > 1 and value.shape[1] == length
        if not along or value.is_floating_point():
            extended[name] = value.clone() if isinstance(value, torch.Tensor) else value
            continue
        # Cross-attention masks: an option sees the images that the prompt's last token sees.
        tail = value[:, -1:].expand(-1, ids.shape[1], *value.shape[2:]) if "attention" in name else None
        if tail is None:
            tail = torch.full_like(ids, kind if name == "token_type_ids" else 0)
        extended[name] = torch.cat([value, tails.get(name, tail).to(value.dtype)], dim=1)
    return extended


def _sums(logits: Any, flat: Sequence[Sequence[int]]) -> list[float]:
    """Sum of log p of each row's tokens; logits (rows, longest, vocabulary), right-padded."""
    import torch

    ids, mask = _padded(flat, 0, logits.device)
    logp = torch.log_softmax(logits.float(), dim=-1).gather(-1, ids[..., None])[..., 0]
    return [float(score) for score in (logp * mask).sum(dim=-1)]


def _padded(flat: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Any, Any]:
    import torch

    longest = max(len(row) for row in flat)
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in flat], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in flat], device=device)
    return ids.long(), mask.long()


def _by_request(flat: list[float], options: Options) -> Scores:
    left = iter(flat)
    return [[next(left) for _ in several] for several in options]


def _cloned(inputs: dict[str, Any]) -> dict[str, Any]:
    """Copies: some models write into what they are given."""
    return {name: value.clone() if hasattr(value, "clone") else value for name, value in inputs.items()}


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _last_logits(network: Any, number: int) -> dict[str, int]:
    named = inspect.signature(network.forward).parameters
    return {"logits_to_keep": number} if "logits_to_keep" in named else {}
