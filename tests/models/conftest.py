"""Tiny checkpoints with random weights, built from configurations: plumbing, not behaviour."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.image import ArrayImage
from medaudit.models.vision_ops import huggingface

SPECIALS = ["<pad>", "<s>", "<image>", "</s>", "<|vision_start|>", "<|vision_end|>", "<|video_pad|>"]
TEMPLATE = (
    "{% for m in messages %}USER: {% for c in m['content'] %}{% if c['type'] == 'image' %}<image>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %} ASSISTANT:"
)


def tiny_tokenizer(*, ends: bool = False, **extra: str) -> Any:
    """Bytes as tokens, so that options have as many tokens as letters; ``ends`` adds the end token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*SPECIALS, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 3)])
    return huggingface().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>", **extra},
        model_max_length=256,
    )


def wake(network: Any, seed: int = 0) -> None:
    """Rescale matrices to 1/sqrt(fan-in), so that inputs reach the logits."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                fan_in = parameter[0].numel()
                scale = 1.0 if "embed_tokens" in name else fan_in**-0.5
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)


def build_llava(folder: Path, template: str | None = TEMPLATE) -> Path:
    transformers = huggingface()

    tokenizer = tiny_tokenizer()
    vision = transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        image_size=28, patch_size=14,
    )  # fmt: skip
    text = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=512,
        bos_token_id=1, eos_token_id=3, pad_token_id=0,
    )  # fmt: skip
    config = transformers.LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=2,
        vision_feature_layer=-1,
        image_seq_length=4,
        pad_token_id=0,
    )
    network = transformers.LlavaForConditionalGeneration(config)
    wake(network)
    size = {"height": 28, "width": 28}
    images = transformers.CLIPImageProcessor(size=size, crop_size=size)
    processor = transformers.LlavaProcessor(
        images,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def build_qwen(folder: Path) -> Path:
    transformers = huggingface()

    tokenizer = tiny_tokenizer(
        video_token="<|video_pad|>", vision_bos_token="<|vision_start|>", vision_eos_token="<|vision_end|>"
    )
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 512,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        "bos_token_id": 1, "eos_token_id": 3, "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "depth": 2,
        "embed_dim": 32,
        "hidden_size": 32,
        "num_heads": 2,
        "mlp_ratio": 2,
        "patch_size": 14,
    }
    config = transformers.Qwen2VLConfig(
        text_config=text, vision_config=vision, image_token_id=2, video_token_id=6,
        vision_start_token_id=4, vision_end_token_id=5,
    )  # fmt: skip
    network = transformers.Qwen2VLForConditionalGeneration(config)
    wake(network)
    size = {"shortest_edge": 56 * 56, "longest_edge": 84 * 84}
    processor = transformers.Qwen2VLProcessor(
        transformers.Qwen2VLImageProcessor(size=size),
        tokenizer,
        transformers.Qwen2VLVideoProcessor(size=size),
        chat_template=TEMPLATE.replace("<image>", "<|vision_start|><image><|vision_end|>"),
    )
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def build_contrastive(folder: Path, kind: str) -> Path:
    transformers = huggingface()

    tokenizer = tiny_tokenizer(ends=True)
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 96,
        "bos_token_id": 1, "eos_token_id": 3, "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    size = {"height": 28, "width": 28}
    if kind == "clip":
        network = transformers.CLIPModel(
            transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
        )
        images = transformers.CLIPImageProcessor(size=size, crop_size=size)
        processor = transformers.CLIPProcessor(images, tokenizer)
    else:
        network = transformers.SiglipModel(
            transformers.SiglipConfig(text_config={**text, "projection_size": 32}, vision_config={**vision})
        )
        processor = transformers.SiglipProcessor(transformers.SiglipImageProcessor(size=size), tokenizer)
    wake(network)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def llava_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_qwen(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_contrastive(tmp_path_factory.mktemp("clip"), "clip")


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_contrastive(tmp_path_factory.mktemp("siglip"), "siglip")


@pytest.fixture(scope="session")
def pictures() -> list[ArrayImage]:
    rng = np.random.default_rng(5)
    return [
        ArrayImage(
            rng.integers(0, 256, (56, 56 + 28 * (index % 2), 3), dtype=np.uint8), name=f"picture {index}"
        )
        for index in range(4)
    ]


@pytest.fixture(scope="session")
def plain_llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LLaVA without a chat template."""
    return build_llava(tmp_path_factory.mktemp("plain"), template=None)


@pytest.fixture(scope="session")
def adapter_folder(llava_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter whose B matrices are not zero, so that it changes the logits."""
    import peft
    import torch

    network = huggingface().LlavaForConditionalGeneration.from_pretrained(llava_folder)
    with warnings.catch_warnings():
        # peft reads an attribute that transformers is renaming.
        warnings.simplefilter("ignore", FutureWarning)
        adapted: Any = peft.get_peft_model(
            network, peft.LoraConfig(r=2, target_modules=r".*language_model.*\.(q_proj|v_proj)")
        )
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.2)
    folder = tmp_path_factory.mktemp("adapter")
    adapted.save_pretrained(str(folder))
    return folder
