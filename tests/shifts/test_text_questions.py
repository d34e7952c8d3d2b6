"""Paraphrase, negation, typos and length: what is asked, and the right answer, are known throughout."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.image import ArrayImage
from medaudit.phantoms.modalities import NAMES
from medaudit.phantoms.questions import questions
from medaudit.registry import Shift
from medaudit.shifting import ShiftedCase, shifted_case
from medaudit.shifts import text_length, text_negation, text_paraphrase, text_typos
from medaudit.shifts.text_frames import Frame, frame_of

IMAGE = ArrayImage(np.zeros((4, 4, 3), dtype=np.uint8))
SEVERITIES = (1, 2, 3, 4, 5)


def laid(name: str, case: Case, severity: int, seed: int = 0) -> ShiftedCase | None:
    from medaudit.registry import available

    shift: Shift = available("shift")[name]
    assert (shift.stage, shift.family, shift.default) == ("case", "text", False)
    return shifted_case(case, shift, severity, seed)


def ask(question: str, options: Sequence[str] = ("yes", "no"), answer: str = "yes") -> Case:
    return Case("c1", (IMAGE,), question, answer, tuple(options), "g1", {"sex": "F"})


FRAMES = [
    ("Is there a nodule?", Frame("presence", "a nodule")),
    ("Are there any fractures in this image?", Frame("presence", "any fractures", True)),
    ("Is/Are there free air?", Frame("presence", "free air")),
    ("Is/Are there rib fractures?", Frame("presence", "rib fractures", True)),
    ("Does this image show a mass?", Frame("presence", "a mass")),
    ("Is a nodule present?", Frame("presence", "a nodule")),
    ("Is the heart enlarged?", Frame("state", "the heart", said="enlarged")),
    ("Is the nodule left or right?", Frame("choice", "the nodule", said="left or right")),
    ("Is this image an MRI?", Frame("identity", "an MRI", said="this image")),
    ("Where is the lesion located?", Frame("place", "the lesion")),
    (
        "On which side of the patient is the mass?",
        Frame("side", "the mass", said="on which side of the patient"),
    ),
    ("How big is the cyst?", Frame("size", "the cyst")),
    ("What is the main finding?", Frame("what", "the main finding")),
]


@pytest.mark.parametrize(("question", "frame"), FRAMES, ids=[question for question, _ in FRAMES])
def test_frames_of_usual_questions(question: str, frame: Frame) -> None:
    assert frame_of(question) == frame


@pytest.mark.parametrize(
    "question",
    [
        "How would you describe the mass?",
        "Is there more than one lesion present?",
        "Is the trachea not midline?",
        "Describe the findings",
        "Is the diaphragm flat? -yes/no",
    ],
)
def test_a_question_of_no_sure_frame_is_left_alone(question: str) -> None:
    assert frame_of(question) is None
    assert laid("paraphrase", ask(question), 3) is None


#: Written apart from the templates: each wording with the thing asked about as X, and what it asks.
MEANINGS = (
    (r"is X identified|is there X|do you see X|can you see X|is X present", "presence"),
    (r"does the image show X|say whether X is present|is it correct that the image shows X", "presence"),
    (r"can you find X in it|i would like to know if you can spot X in this picture", "presence"),
    (r"is X enlarged|would you say that X is enlarged|do you find that X is enlarged", "state"),
    (r"say whether X is enlarged|is it correct that X is enlarged|is X considered enlarged", "state"),
    (r"i would like to know if X is enlarged", "state"),
    (r"is X left or right|would you call X left or right|would you say that X is left or right", "choice"),
    (r"say whether X is left or right|i would like to know if X is left or right", "choice"),
    (r"where is X(?: located| seen| localised)?|where do you see X|where can X be seen", "place"),
    (r"say where X is located|name the place where X is located|what is the location of X", "place"),
    (r"whereabouts is X|i would like to know where X is in this picture", "place"),
    (r"how big is X|what size is X|how big would you say X is|say how big X is|name the size of X", "size"),
    (r"what is the size of X|i would like to know how big X is", "size"),
)
ASKED = {
    "presence": "Is there a nodule?",
    "state": "Is the nodule enlarged?",
    "choice": "Is the nodule left or right?",
    "place": "Where is the nodule?",
    "size": "How big is the nodule?",
}


def meaning(question: str) -> set[str]:
    text = question.casefold()
    for manner in ("please answer: ", "have a look at the picture: ", "on review of this study, "):
        text = text.removeprefix(manner)
    text = text.removeprefix("on interpretation of this examination, ").removesuffix(" thank you.")
    text = re.sub(r"\b(?:a|the) nodule\b", "X", text.strip(" ?."))
    return {kind for pattern, kind in MEANINGS if re.fullmatch(pattern, text)}


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("kind", ASKED)
def test_every_wording_asks_the_same(kind: str, severity: int) -> None:
    case = ask(ASKED[kind])
    frame = frame_of(case.question)
    assert frame is not None

    ways = text_paraphrase.wordings(case.question, frame, severity)

    assert all(meaning(way) == {kind} for way in ways), ways


def test_the_normaliser_of_this_file_tells_other_questions_apart() -> None:
    assert meaning("Say whether a nodule is absent.") == set()
    assert meaning("Is the image free of a nodule?") == set()


def test_a_choice_that_looks_like_yes_or_no_is_left_out_of_it() -> None:
    film = "Is this a PA or AP film?"

    assert laid("paraphrase", ask(film, ("PA", "AP"), "PA"), 3) is None
    assert laid("paraphrase", ask(film, (), "PA"), 3) is None
    assert laid("paraphrase", ask(film), 3) is not None


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_paraphrase_changes_the_question_alone_and_keeps_what_is_asked_about(severity: int) -> None:
    for kind in (question for name in NAMES for question in questions(name)):
        case = ask(kind.text, kind.options, kind.options[0])
        changed = laid("paraphrase", case, severity)

        assert changed is not None, kind.text
        frame = frame_of(case.question)
        assert frame is not None
        assert frame.subject in changed.case.question
        assert changed.case.question != case.question
        assert not re.search(r"\b(?:no|not|absent|without|free)\b", changed.case.question)
        assert changed.meaning == {}
        same = ("id", "images", "answer", "options", "group", "meta")
        assert all(getattr(changed.case, field) == getattr(case, field) for field in same)


def test_severities_lie_further_and_further_from_the_plain_words() -> None:
    case = ask("Is there a nodule?")
    frame = frame_of(case.question)
    assert frame is not None

    longest = [
        min(len(way) for way in text_paraphrase.wordings(case.question, frame, severity))
        for severity in (2, 3, 4, 5)
    ]

    assert longest == sorted(longest)


def truth_of(question: str, present: bool) -> str:
    """What is right, from the words of the negated questions."""
    absent = re.search(r"\b(?:absent|free of|no)\b", question)
    holds = (not present) if absent else present
    return "yes" if holds ^ question.startswith("Is it false") else "no"


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("present", [True, False])
@pytest.mark.parametrize(
    "question",
    ["Is there a nodule?", "Are there any fractures?", "Do you see free air?", "Is edema present?"],
)
def test_a_negated_question_has_the_reference_that_its_words_imply(
    question: str, present: bool, severity: int
) -> None:
    case = ask(question, answer="yes" if present else "no")

    changed = laid("negation", case, severity)

    assert changed is not None
    assert changed.case.answer == truth_of(changed.case.question, present)
    # Said in words of the original question, the right answer is the original one.
    assert changed.meaning.get(changed.case.answer, changed.case.answer) == case.answer
    assert (changed.case.answer == case.answer) == (severity == text_negation.DOUBLE)


def test_the_wordings_of_negation() -> None:
    said = [laid("negation", ask("Are there any fractures?"), severity) for severity in SEVERITIES]

    assert [each.case.question for each in said if each] == [
        "Are fractures absent?",
        "Is the image free of fractures?",
        "Is it true that there are no fractures?",
        "Is it false that there are fractures?",
        "Is it false that fractures are absent?",
    ]


@pytest.mark.parametrize(
    "case",
    [
        ask("Is there no effusion?"),
        ask("Are there multiple lesions?"),
        ask("Are there 2 lesions?"),
        ask("Is there a mass or a nodule?"),
        ask("Is the heart enlarged?"),
        ask("Is the cerebellum present?"),
        ask("Are the lungs free of consolidation?"),
        ask("Is there more contrast on the left?"),
        ask("Is there hypo or hyperinflation?", ("hypo", "hyper"), "hypo"),
        ask("Is there an effusion?", (), "yes"),
    ],
    ids=lambda case: case.question,
)
def test_what_no_rule_negates_surely_is_left_out(case: Case) -> None:
    assert all(laid("negation", case, severity) is None for severity in SEVERITIES)


def edits(a: str, b: str) -> int:
    """Damerau-Levenshtein: insertions, deletions, exchanges of letters and of neighbours, in any order."""
    far = len(a) + len(b)
    rows = np.full((len(a) + 2, len(b) + 2), far, dtype=int)
    rows[1:, 1], rows[1, 1:] = range(len(a) + 1), range(len(b) + 1)
    last: dict[str, int] = {}
    for i, x in enumerate(a, start=1):
        match = 0
        for j, y in enumerate(b, start=1):
            k, m = last.get(y, 0), match
            match = j if x == y else match
            swapped = rows[k, m] + (i - k - 1) + 1 + (j - m - 1)
            near = (rows[i, j] + (x != y), rows[i + 1, j] + 1, rows[i, j + 1] + 1)
            rows[i + 1, j + 1] = min(*near, swapped)
        last[x] = i
    return int(rows[-1, -1])


def test_the_distance_of_this_file() -> None:
    pairs = {
        ("lung", "lugn"): 1,
        ("lung", "lnug"): 1,
        ("ca", "abc"): 2,
        ("lung", "lung"): 0,
        ("lung", "log"): 2,
    }

    assert {pair: edits(*pair) for pair in pairs} == pairs


LONG = "Is there evidence of an opacity in the lower left lobe without any sign of pleural thickening?"


@pytest.mark.parametrize("severity", SEVERITIES)
def test_typos_are_as_many_as_declared_and_spare_what_decides(severity: int) -> None:
    case = ask(LONG, ("lower left lobe", "pleural space"), "pleural space")
    letters = sum(char.isalpha() for char in LONG)
    share = (0.02, 0.04, 0.07, 0.10, 0.15)[severity - 1]

    for seed in range(40):
        changed = laid("typos", case, severity, seed)

        assert changed is not None
        assert changed.case.options == case.options
        words = changed.case.question.split()
        assert {"lower", "left", "lobe", "pleural", "without"} <= set(words)
        assert not {"no", "not", "none"} & set(words)
        # Two slips in one word may amount to fewer edits, never to more.
        total = sum(edits(a, b) for a, b in zip(LONG.split(), words, strict=True))
        assert 1 <= total <= round(share * letters)
    assert text_typos.slips_of(LONG, severity) == round(share * letters)


def test_a_slip_never_makes_the_other_option_or_a_negation() -> None:
    case = ask("Is the node there?", ("nose", "mode"), "nose")

    said = {laid("typos", case, 5, seed).case.question for seed in range(300)}  # type: ignore[union-attr]

    words = {word.strip("?") for question in said for word in question.split()}
    assert not words & {"nose", "mode", "not", "none", "nor"}
    assert len(said) > 30


def test_short_words_and_protected_ones_leave_nothing_to_mistype() -> None:
    assert laid("typos", ask("Is it left or right?", ("left", "right"), "left"), 3) is None


def test_neighbouring_keys_are_neighbours_both_ways() -> None:
    assert set(text_typos.NEIGHBOURS["g"]) == set("fhtyvb")
    for key, near in text_typos.NEIGHBOURS.items():
        assert all(key in text_typos.NEIGHBOURS[other] for other in near)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_length_is_as_declared_and_the_question_stands_last(severity: int) -> None:
    for seed in range(20):
        changed = laid("prompt_length", ask("Is there a nodule?"), severity, seed)

        assert changed is not None
        before, _, question = changed.case.question.rpartition("\n")
        assert question == "Is there a nodule?"
        least = text_length.WORDS[severity - 1]
        assert least <= len(before.split()) < least + 20


def test_the_introduction_names_nothing_that_could_be_an_answer() -> None:
    from medaudit.shifts.lexicon import answers, findings, organs

    said = set(re.findall(r"[a-z]+", " ".join(text_length.SENTENCES).casefold()))

    assert not said & {*answers(), *findings(), *organs(), "not", "absent", "present", "image", "patient"}


@pytest.mark.parametrize("name", ["paraphrase", "typos", "negation", "prompt_length"])
def test_equal_keys_give_equal_words(name: str) -> None:
    case = ask("Is there a pleural effusion?")

    first, again = (laid(name, case, 3, seed=9) for _ in range(2))

    assert first is not None
    assert again is not None
    assert first.case.question == again.case.question
