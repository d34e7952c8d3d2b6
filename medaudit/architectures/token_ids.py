"""Token ids of a configuration, from the tokenizer that was made for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from medaudit.architectures.shrink import VOCABULARY

#: How fields that hold token ids end.
IDS = ("_id", "_ids", "_index")


def tables(config: Any) -> Iterator[Any]:
    """The configuration and every sub-configuration."""
    yield config
    for name in getattr(config, "sub_configs", {}):
        sub = getattr(config, name, None)
        if sub is not None:
            yield from tables(sub)


def tokens_from(processor: Any, config: Any) -> None:
    """Write the tokenizer's ids over those of the default configuration."""
    tokenizer, ids = getattr(processor, "tokenizer", processor), _known(processor)
    for table in tables(config):
        for name, value in list(table.to_dict().items()):
            if not name.endswith((*IDS, "_idx")) or "layer" in name:
                continue
            found = ids.get(re.sub(r"(_token)?_(id|index|idx)$", "", name) + "_token")
            if found is not None:
                setattr(table, name, [found] if isinstance(value, list) else found)
            elif isinstance(value, int) and value >= VOCABULARY:
                setattr(table, name, _free(tokenizer, value))


def _known(processor: Any) -> dict[str, int]:
    """``{"image_token": id, ...}`` of a processor and its tokenizer; what the processor says goes first."""
    tokenizer = getattr(processor, "tokenizer", processor)
    extra = getattr(tokenizer, "extra_special_tokens", None)
    named: dict[str, Any] = {**tokenizer.special_tokens_map, **(extra if isinstance(extra, dict) else {})}
    for owner in (tokenizer, processor):
        named |= {name: getattr(owner, name, None) for name in dir(owner) if name.endswith("_token")}
    ids = {
        name: tokenizer.convert_tokens_to_ids(text) for name, text in named.items() if isinstance(text, str)
    }
    for name in dir(processor):  # a processor may write another token than the one that marks an image
        if name.endswith("_token_id") and isinstance(getattr(processor, name, None), int):
            ids[name.removesuffix("_id")] = getattr(processor, name)
    marking = getattr(processor, "image_token_ids", None) or []
    if len(marking) == 1 and isinstance(marking[0], int):  # nor need its image token be what it writes
        ids["image_token"] = marking[0]
    return ids


def texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))


def ids_of(processor: Any, value: Any) -> Any:
    """Ids of tokens that a recipe gives by their texts; ids stay."""
    tokenizer = getattr(processor, "tokenizer", processor)
    return tokenizer.convert_tokens_to_ids(value) if texts(value) else value


def _free(tokenizer: Any, value: int) -> int:
    """An id inside the vocabulary for a token that the processor does not know."""
    return len(tokenizer) + value % max(VOCABULARY - len(tokenizer), 1)
