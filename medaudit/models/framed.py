"""Text decoders of BERT's kind: the tokenizer frames a text, and an answer continues it inside the frame."""

from __future__ import annotations

from typing import Any

#: By model type, whether ``generate`` takes the prompt's last token for the frame's end and drops it.
FRAMED = {"blip": True, "git": False}


def opened(config: Any, tokenizer: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs whose text begins with the decoder's own first token and has no end, for a framed type.

    BLIP's decoder was trained behind a first token of its own, in the place of the tokenizer's.
    """
    begins, ends = tokenizer.cls_token_id, tokenizer.sep_token_id
    if config.model_type not in FRAMED or "input_ids" not in inputs:
        return inputs
    ids = inputs["input_ids"].clone()
    if FRAMED[config.model_type] and ids[:, 0].tolist() == [begins] * len(ids):
        ids[:, 0] = config.text_config.bos_token_id
    if ids[:, -1].tolist() != [ends] * len(ids):
        return inputs | {"input_ids": ids}
    return inputs | {"input_ids": ids[:, :-1], "attention_mask": inputs["attention_mask"][:, :-1]}


def closed(config: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """What ``generate`` is given: one token more where it drops the last one."""
    import torch

    if not FRAMED.get(config.model_type) or "input_ids" not in inputs:
        return inputs
    longer = {
        name: torch.cat([inputs[name], inputs[name][:, -1:]], 1) for name in ("input_ids", "attention_mask")
    }
    return inputs | longer
