"""A local text model as judge: any causal language model in a Hugging Face folder, decoding greedily."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, LoadOptions, ModelInfo, Request


def load_text_model(spec: str, options: LoadOptions | None = None) -> TextModel:
    """Load a folder or a Hugging Face id as a text model; code that comes with a checkpoint is never run.

    Weights are safetensors unless ``options.allow_pickle``. Raises :class:`ModelError` with what to type.
    """
    options = options or LoadOptions()
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise ModelError('A local judge needs torch and transformers. Type: pip install "medaudit[hf]".')
    folder, revision = _folder(spec, options)
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"judge {spec!r} has no readable config.json. Type the folder of a text model."
        ) from error
    return _load(spec, folder, revision, config, options)


def _folder(spec: str, options: LoadOptions) -> tuple[Path, str | None]:
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return folder, None
    if folder.exists() or spec.startswith((".", "/", "~")) or spec.count("/") > 1:
        raise ModelError(f"judge {spec!r}: no such folder. Type the folder of a text model, or owner/name.")
    from medaudit.models.hub import download

    return download(spec, options)


def _load(
    spec: str, folder: Path, revision: str | None, config: dict[str, Any], options: LoadOptions
) -> TextModel:
    from medaudit.models.fingerprint import checkpoint_files, fingerprint
    from medaudit.models.placement import choose_device, choose_dtype, input_device, placing
    from medaudit.models.quiet import quiet_loading
    from medaudit.models.vision_ops import huggingface

    library = huggingface()
    device = choose_device(options.device)
    dtype = choose_dtype(options.dtype, device, config)
    placed = placing(options, device)
    safe: dict[str, Any] = {"trust_remote_code": False}
    if not options.allow_pickle:
        safe["use_safetensors"] = True
    try:
        with quiet_loading(offline=True):
            tokenizer = library.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            network = library.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **safe, **placed)
    except (OSError, ValueError, ImportError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise ModelError(
            f"judge {spec!r} does not load as a text model ({type(error).__name__}: {str(error)[:200]}). "
            "It needs config.json, safetensors weights, a tokenizer, and a type that generates text."
        ) from error
    device = input_device(network, device)
    files = checkpoint_files(folder)
    settings = {"route": "text", "dtype": dtype, "quantize": options.quantize, "decoding": "greedy"}
    info = ModelInfo(
        id=spec,
        kind="text",
        fingerprint=fingerprint(files, settings),
        capabilities=frozenset({Capability.GENERATE}),
        revision=revision,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        dtype=dtype,
        device=device,
        files=files,
    )
    return TextModel(network if placed else network.to(device), tokenizer, info)


class TextModel:
    """A causal language model behind the model protocol: text in, greedy text out.

    Prompts of a batch are padded on the left. A chat template is used where the tokenizer has one, without
    thinking aloud where the template can be told so.
    """

    def __init__(self, network: Any, tokenizer: Any, info: ModelInfo) -> None:
        self.network, self.tokenizer, self._info = network.eval(), tokenizer, info
        tokenizer.padding_side = "left"
        # Padding is masked out, so that any token will do; many text models bring none of their own.
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
        network.generation_config = _greedy(network.generation_config, tokenizer)

    @property
    def info(self) -> ModelInfo:
        return self._info

    def cost(self, request: Request) -> int:
        """Rough tokens: four characters each."""
        return len(request.prompt) // 4

    def prepare(self, requests: Sequence[Request]) -> tuple[Any, int]:
        if any(r.images or r.intervention or r.task is not Capability.GENERATE for r in requests):
            raise ModelError(f"{self._info.id}: a text model answers prompts without images.")
        texts = [self._written(request.prompt) for request in requests]
        # A template writes its own special tokens.
        own = self.tokenizer.chat_template is None
        inputs = self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=own)
        inputs.pop("token_type_ids", None)
        return inputs, max(request.max_new_tokens for request in requests)

    def answer(self, prepared: tuple[Any, int]) -> list[Answer]:
        import torch

        from medaudit.models.memory import memory_guard

        inputs, length = prepared
        given = inputs["input_ids"].shape[1]
        with torch.inference_mode(), memory_guard():
            out = self.network.generate(**inputs.to(self._info.device), max_new_tokens=length)
        texts = self.tokenizer.batch_decode(out[:, given:], skip_special_tokens=True)
        return [Answer(text=text.strip()) for text in texts]

    def _written(self, prompt: str) -> str:
        if self.tokenizer.chat_template is None:
            return prompt
        written = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        return str(written)


def _greedy(own: Any, tokenizer: Any) -> Any:
    """The checkpoint's own end tokens, one beam, no sampling; nothing else of its settings."""
    from medaudit.models.vision_ops import huggingface

    ends = getattr(own, "eos_token_id", None)
    return huggingface().GenerationConfig(
        bos_token_id=getattr(own, "bos_token_id", None),
        eos_token_id=tokenizer.eos_token_id if ends is None else ends,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=False,
        num_beams=1,
    )
