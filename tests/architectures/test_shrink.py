"""The generic shrinker: numbers known on paper."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medaudit.architectures.shrink import FIXED, HEADS, LAYERS, SIDE, WIDTH, shrink


def test_sizes_become_tiny_and_switches_stay() -> None:
    small = shrink({"hidden_size": 4096, "use_cache": True, "q_lora_rank": 0, "name": "x", "eps": 1e-6})

    assert small == {"hidden_size": WIDTH, "use_cache": True, "q_lora_rank": 0, "name": "x", "eps": 1e-6}


def test_a_list_per_layer_keeps_both_kinds_of_layer() -> None:
    layers = {"num_hidden_layers": 4, "layer_types": ["linear", "linear", "linear", "full"]}

    assert shrink(layers)["layer_types"] == ["linear", "full"]
    # Control: a list of another length is no list per layer.
    assert shrink(layers | {"num_hidden_layers": 5})["layer_types"] == layers["layer_types"]


def test_indices_of_layers_are_clamped_and_keys_of_layers_dropped() -> None:
    small = shrink({"deepstack_visual_indexes": [8, 16, 24], "by_layer": {"0": {"head_dim": 8}, "7": {}}})

    assert small["deepstack_visual_indexes"] == [1]
    assert set(small["by_layer"]) == {"0"}


def test_pictures_shrink_with_their_patches() -> None:
    assert shrink({"image_size": 448, "patch_size": 14})["image_size"] == SIDE * 14


def test_rotary_sections_add_up_to_half_the_rotary_width() -> None:
    table = {"rope_parameters": {"rope_type": "default", "mrope_section": [24, 20, 20]}}

    assert sum(shrink(table)["rope_parameters"]["mrope_section"]) == FIXED["head_dim"] // 2


def test_keys_that_were_not_grouped_stay_so() -> None:
    assert shrink({"num_attention_heads": 32, "num_key_value_heads": 32})["num_key_value_heads"] == HEADS
    assert shrink({"num_attention_heads": 32, "num_key_value_heads": 8})["num_key_value_heads"] == HEADS // 2


@given(st.recursive(st.integers(1, 10**6) | st.text() | st.none(), lambda inner: st.dictionaries(
    st.sampled_from([*FIXED, "vision_config", "text_config", "layer_types"]), inner, max_size=5
), max_leaves=20))  # fmt: skip
def test_shrinking_twice_is_shrinking_once(table: object) -> None:
    if isinstance(table, dict):
        assert shrink(shrink(table)) == shrink(table)


def test_layers_are_few() -> None:
    assert shrink({"depth": 27, "num_hidden_layers": 80}) == {"depth": LAYERS, "num_hidden_layers": LAYERS}
