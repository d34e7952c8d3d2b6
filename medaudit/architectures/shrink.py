"""Make any configuration tiny: equal widths, two layers, few heads, a short vocabulary.

Equal widths everywhere make projectors fit by themselves, and patch sizes are kept, so that what is left is
the architecture's plumbing: image tokens, tiles, mergers, masks, positions, caches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIDTH, INNER, LAYERS, HEADS, KEY_HEADS, HEAD_DIM, EXPERTS = 64, 128, 2, 4, 2, 16, 4
VOCABULARY = 600
#: Patches along the side of a picture that a tower of fixed size is built for.
SIDE = 8
LONGEST = 4096

_WIDTHS = (
    "hidden_size d_model embed_dim projection_dim out_hidden_size output_dim projector_hidden_size "
    "text_hidden_size encoder_hidden_size projection_size word_embed_proj_dim project_dim vision_hidden_size "
    "image_text_hidden_size decoder_hidden_size patch_embed_hidden_size vision_output_dim "
    "projector_input_dim projector_output_dim pooler_output_size projection_hidden_size merged_hidden_size "
    "projection_hidden_dim moe_hidden_size embedding_size thinker_hidden_size hidden_size_per_layer_input "
    "linear_hidden_size adapter_in_dim adapter_out_dim"
)
_INNER = (
    "intermediate_size ffn_dim d_ff mlp_dim encoder_ffn_dim decoder_ffn_dim moe_intermediate_size "
    "shared_expert_intermediate_size shared_experts_intermediate_size projection_intermediate_size "
    "alignment_intermediate_size dense_intermediate_size shared_intermediate_size share_expert_dim "
    "intermediate_size_mlp moe_shared_expert_intermediate_size decoder_intermediate_size"
)
_LAYERS = (
    "num_hidden_layers depth encoder_layers decoder_layers num_layers layers n_layers num_decoder_layers "
    "num_blocks resampler_depth num_global_layers max_window_layers num_spatial_layers num_temporal_layers "
    "num_auxiliary_layers conf_num_hidden_layers"
)
_HEADS = (
    "num_attention_heads num_heads encoder_attention_heads decoder_attention_heads attention_heads "
    "swa_num_attention_heads num_sliding_attention_heads decoder_num_attention_heads resampler_n_heads "
    "resampler_heads conf_num_attention_heads linear_num_value_heads linear_num_heads mamba_num_heads"
)
_KEY_HEADS = "num_key_value_heads swa_num_key_value_heads linear_num_key_heads"
_HEAD_DIMS = (
    "head_dim qk_nope_head_dim v_head_dim kv_lora_rank q_lora_rank linear_key_head_dim linear_value_head_dim "
    "linear_head_dim index_head_dim swa_head_dim resampler_head_dim resampler_dim_head d_kv mamba_head_dim "
    "qk_rope_head_dim qk_head_dim rotary_dim"
)

FIXED: Mapping[str, int] = {
    **dict.fromkeys(_WIDTHS.split(), WIDTH),
    **dict.fromkeys(_INNER.split(), INNER),
    **dict.fromkeys(_LAYERS.split(), LAYERS),
    **dict.fromkeys(_HEADS.split(), HEADS),
    **dict.fromkeys(_KEY_HEADS.split(), KEY_HEADS),
    **dict.fromkeys(_HEAD_DIMS.split(), HEAD_DIM),
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"], EXPERTS),
    **dict.fromkeys(["num_experts_per_tok", "moe_topk", "moe_k", "top_k_experts"], 2),
    **dict.fromkeys(["n_group", "topk_group", "n_shared_experts", "moe_num_shared_experts", "n_groups"], 1),
    **dict.fromkeys(["num_kv_shared_layers", "num_nextn_predict_layers", "first_k_dense_replace"], 0),
    **dict.fromkeys(
        ["vocab_size", "vocab_size_per_layer_input", "unpadded_vocab_size", "additional_vocab_size"],
        VOCABULARY,
    ),
    "num_position_embeddings": 256,
    "mm_tokens_per_image": (SIDE // 2) ** 2,
    "ssm_state_size": 16,
    "index_n_heads": 2,
}
#: Numbers of layers: a list of such a length in the same table is a list per layer.
_LAYER_KEYS = ("num_hidden_layers", "depth", "num_layers", "n_layers", "layers", "encoder_layers")
_INDEX_LISTS = ("indexes", "indices", "_layers", "idxs", "layer_ids")


def shrink(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration tables with every size replaced by a tiny one.

    A list per layer keeps its first value and the first that differs, so both kinds of layer stay; indices
    of layers are clamped; sub-tables are shrunk alike. Token ids are left for the tokenizer to overwrite.
    """
    layers = next((config[key] for key in _LAYER_KEYS if isinstance(config.get(key), int)), None)
    small = {key: _shrunk(key, value, layers) for key, value in config.items()}
    _grids(small)
    heads, keys = (config.get(name) for name in ("num_attention_heads", "num_key_value_heads"))
    if isinstance(keys, int) and keys == heads:  # some types cannot group their keys
        small["num_key_value_heads"] = small["num_attention_heads"]
    return small


def _shrunk(key: str, value: Any, layers: int | None) -> Any:
    if isinstance(value, Mapping):
        if value and all(str(name).isdigit() for name in value):  # keyed by layer, or by label
            kept = {name: part for name, part in value.items() if int(name) < LAYERS}
            return {name: shrink(part) if isinstance(part, Mapping) else part for name, part in kept.items()}
        return _rotary(value) if key.startswith("rope_") else shrink(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        if key == "max_position_embeddings":
            return min(value, LONGEST)
        # A zero switches something off (no low-rank query, no rotary part).
        return FIXED.get(key, value) if value else value
    if isinstance(value, list | tuple):
        return _shorter(key, list(value), layers)
    return "float32" if key in {"dtype", "torch_dtype"} else value


def _shorter(key: str, values: list[Any], layers: int | None) -> list[Any]:
    numbers = bool(values) and all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    if numbers and any(end in key for end in _INDEX_LISTS):
        clamped = [min(max(value, -LAYERS), LAYERS - 1) for value in values]
        return list(dict.fromkeys(clamped))
    if layers and len(values) == layers and not isinstance(values[0], list):
        other = next((value for value in values if value != values[0]), values[0])
        return [_shrunk(key, values[0], None), _shrunk(key, other, None)]
    return values


def _rotary(table: Mapping[str, Any]) -> dict[str, Any]:
    """Rotary sections must add up to half the rotary width; per-kind tables are handled one by one."""
    if any(isinstance(value, Mapping) for value in table.values()):
        return {k: _rotary(v) if isinstance(v, Mapping) else v for k, v in table.items()}
    half = HEAD_DIM // 2
    small = dict(table)
    if "mrope_section" in table:
        half = int(half * table.get("partial_rotary_factor", 1.0))
        small["mrope_section"] = [half - 2 * (half // 3), half // 3, half // 3]
    return small


def _grids(table: dict[str, Any]) -> None:
    patch, size = table.get("patch_size"), table.get("image_size")
    if isinstance(patch, int) and isinstance(size, int):
        table["image_size"] = SIDE * patch
