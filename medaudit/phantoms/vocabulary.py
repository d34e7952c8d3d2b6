"""Tokenizer and processor of the model phantoms: a byte-level BPE that can write any text."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from medaudit.case import Case
from medaudit.phantoms import hf
from medaudit.phantoms.questions import Question, questions
from medaudit.prompting import prompt_for

PAD, END, IMAGE, USER, ASSISTANT = "<pad>", "</s>", "<image>", "<user>", "<assistant>"
UNSURE = "unclear"
PICTURE_SIZE = 64
PATCH = 8
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
MERGES = 200
#: What the model phantoms are asked about.
WORLD = questions("chest")

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<assistant>{% else %}<user>{% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for item in message['content'] %}"
    "{% if item['type'] == 'image' %}<image>{% elif item['type'] == 'text' %}{{ item['text'] }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{% if message['role'] == 'assistant' %}</s>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)

# fmt: off
_NOUNS = (
    "pneumothorax", "fracture", "catheter", "mass", "cyst", "tumour", "bleed", "pacemaker", "hernia",
    "stone", "lesion", "infarct", "fluid", "air", "liver", "kidney", "heart", "brain", "contrast", "oedema",
    "cardiomegaly", "abscess", "aneurysm", "tube", "scar",
)
# fmt: on
#: Questions that no phantom can answer, closed: answered yes or no at random in training.
FOREIGN_CLOSED = tuple(
    template.format(noun)
    for noun in _NOUNS
    for template in ("Is there a {}?", "Is the {} normal?", "Does the picture show the {}?")
)
#: The same, open: answered ``UNSURE`` in training.
FOREIGN_OPEN = tuple(
    template.format(noun)
    for noun in _NOUNS
    for template in ("Where is the {}?", "What is the size of the {}?", "How is the {} seen?")
)


def asked(text: str, options: tuple[str, ...]) -> str:
    """The prompt that an audit would send for this question."""
    answer = options[0] if options else ""
    return prompt_for(Case(id="prompt", images=(), question=text, answer=answer, options=options))


def wordings(question: Question) -> list[str]:
    """All prompts of a question: every wording, every order of options (of four: the cyclic ones), open."""
    orders = list(permutations(question.options))
    if len(question.options) > 2:
        orders = [question.options[i:] + question.options[:i] for i in range(len(question.options))]
    texts = (question.text, *question.variants)
    return [asked(text, order) for text in texts for order in (*orders, ())]


def corpus() -> list[str]:
    """Everything that training prompts and answers are made of."""
    known = [prompt for question in WORLD for prompt in wordings(question)]
    answers = sorted({option for question in WORLD for option in question.options} | {UNSURE})
    foreign = [asked(text, ("yes", "no")) for text in FOREIGN_CLOSED] + [asked(t, ()) for t in FOREIGN_OPEN]
    return known * 3 + answers * 40 + foreign


def build_tokenizer() -> Any:
    """A ``PreTrainedTokenizerFast`` over bytes and the phantoms' own words; deterministic."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    special = [PAD, END, IMAGE, USER, ASSISTANT]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + 256 + MERGES,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return hf.transformers().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        padding_side="left",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
        extra_special_tokens={"image_token": IMAGE, "user_token": USER, "assistant_token": ASSISTANT},
    )


def build_processor() -> Any:
    """A ``LlavaProcessor``: resize to 64 x 64, no crop, one token a patch, chat template."""
    library = hf.transformers()
    pictures = library.CLIPImageProcessor(
        do_resize=True,
        size={"height": PICTURE_SIZE, "width": PICTURE_SIZE},
        do_center_crop=False,
        crop_size={"height": PICTURE_SIZE, "width": PICTURE_SIZE},
        do_normalize=True,
        image_mean=list(MEAN),
        image_std=list(STD),
        do_convert_rgb=True,
    )
    return library.LlavaProcessor(
        image_processor=pictures,
        tokenizer=build_tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=CHAT_TEMPLATE,
    )
