"""Chinese, Hindi and a mixture: scripts, one-to-one options, and replies in the language asked for."""

from __future__ import annotations

import re

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.grading import grade
from medaudit.grading.outcome import Outcome
from medaudit.image import ArrayImage
from medaudit.model import Answer
from medaudit.registry import available
from medaudit.shifting import ShiftedCase, shifted_case
from medaudit.shifts import lexicon
from medaudit.shifts.lexicon import answers, findings, organs, terms
from medaudit.shifts.text_code_mix import code_mixing_index, hindi_share

IMAGE = ArrayImage(np.zeros((4, 4, 3), dtype=np.uint8))
SEVERITIES = (1, 2, 3, 4, 5)
SCRIPTS = {"zh": r"[\u4e00-\u9fff]+", "hi": r"[\u0900-\u097f]+(?:[ -][\u0900-\u097f]+)*"}
ASKED = (
    "Is there a pneumothorax?",
    "Is there a nodule in the left lung?",
    "Are there fractures?",
    "Is the heart normal?",
)


def ask(question: str, options: tuple[str, ...] = ("yes", "no"), answer: str = "yes") -> Case:
    return Case("c1", (IMAGE,), question, answer, options, "g1", {"sex": "F"})


def laid(name: str, case: Case, severity: int, seed: int = 0) -> ShiftedCase | None:
    return shifted_case(case, available("shift")[name], severity, seed)


ENTRIES = [*findings().values(), *organs().values(), *answers().values()]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.en)
def test_every_term_is_in_its_script_alone(entry: lexicon.Entry) -> None:
    assert re.fullmatch(SCRIPTS["zh"], entry.zh)
    assert re.fullmatch(SCRIPTS["hi"], entry.hi)
    assert re.fullmatch(SCRIPTS["hi"], entry.hi_oblique)
    assert re.fullmatch(r"[a-z ]+", entry.en)


def test_organs_have_a_gender_and_words_that_only_synonyms_share() -> None:
    assert {entry.gender for entry in organs().values()} == {"m", "f"}
    for language in lexicon.LANGUAGES:
        assert len({entry.in_language(language) for entry in organs().values()}) == len(organs())
    synonyms = {"nevus", "naevus", "mole", "nevi", "naevi", "moles"}
    assert {entry.en for entry in findings().values() if entry.zh == "痣"} == synonyms


@pytest.mark.parametrize("language", lexicon.LANGUAGES)
def test_options_translate_one_to_one_or_not_at_all(language: str) -> None:
    for options in (
        ("yes", "no"),
        ("left", "right"),
        ("small", "large"),
        ("near", "far"),
        ("normal", "cyst"),
    ):
        assert list((terms(options, language) or {}).values()) == list(options)
    assert terms(("upper", "superior"), language) is None
    assert terms(("yes", "unheard of"), language) is None


@pytest.mark.parametrize("language", lexicon.LANGUAGES)
@pytest.mark.parametrize("question", ASKED)
def test_no_latin_is_left_where_all_is_translated(question: str, language: str) -> None:
    for severity in (3, 4, 5):
        changed = laid(f"translate_{language}", ask(question), severity)
        assert changed is not None
        assert not re.search("[A-Za-z]", changed.case.question)
        assert re.search(SCRIPTS[language], changed.case.question)


def test_sentences_that_a_speaker_has_read() -> None:
    def said(name: str, question: str, options: tuple[str, ...] = ("yes", "no"), severity: int = 3) -> str:
        changed = laid(name, ask(question, options, options[0]), severity)
        assert changed is not None
        return changed.case.question

    assert said("translate_zh", "Is there a nodule in the left lung?") == "图像中左侧肺部有结节吗？"  # noqa: RUF001
    assert said("translate_hi", "Is there a nodule in the left lung?") == ("क्या इस छवि में बाएँ फेफड़े में नोड्यूल है?")
    assert said("translate_hi", "Are there fractures?") == "क्या इस छवि में फ्रैक्चर हैं?"
    assert said("translate_zh", "Is the heart normal?", severity=2) == "heart normal 吗？"  # noqa: RUF001
    assert said("translate_zh", "How big is the mass?", ("small", "large")) == "肿块有多大？"  # noqa: RUF001
    assert said("translate_hi", "How big is the abscess?", ("small", "large")) == "फोड़े का आकार कैसा है?"


@pytest.mark.parametrize("name", ["translate_zh", "translate_hi"])
@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("Is there a tram-track sign?", ("yes", "no")),
        ("Is there a nodule in the left ventricle?", ("yes", "no")),
        ("Is there a nodule?", ("yes", "hardly")),
        ("Is there a large spiculated nodule?", ("yes", "no")),
        ("Where is the nodule?", ()),
    ],
)
def test_a_word_outside_the_lexicon_leaves_the_case_out(
    name: str, question: str, options: tuple[str, ...]
) -> None:
    case = ask(question, options, options[0] if options else "left")

    assert all(laid(name, case, severity) is None for severity in SEVERITIES)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["translate_zh", "translate_hi"])
@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_reply_in_the_language_of_the_options_is_right_and_maps_back(
    name: str, answer: str, severity: int
) -> None:
    changed = laid(name, ask("Is there a pneumothorax?", answer=answer), severity)
    assert changed is not None

    for reply in (changed.case.answer, f"{changed.case.answer}.", f"{changed.case.answer}。"):
        judged = grade(changed.case, Answer(text=reply))
        assert judged.outcome is Outcome.CORRECT
        assert changed.meaning.get(judged.choice or "", judged.choice) == answer
    wrong = next(option for option in changed.case.options if option != changed.case.answer)
    assert grade(changed.case, Answer(text=wrong)).outcome is Outcome.WRONG
    english = grade(changed.case, Answer(text=answer)).outcome
    assert english is (Outcome.CORRECT if severity <= 3 else Outcome.INVALID)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("Is there a nodule?", 0.0),
        ("क्या इस छवि में नोड्यूल है?", 0.0),
        ("क्या इस image में nodule है?", 100 * 2 / 6),
        ("Is there a नोड्यूल?", 25.0),
        ("left lung में नोड्यूल", 50.0),
        ("12 ?", 0.0),
    ],
)
def test_the_index_is_the_closed_form(text: str, index: float) -> None:
    assert code_mixing_index(text) == pytest.approx(index)


def test_the_share_of_hindi_rises_with_severity_and_comes_near_its_aim() -> None:
    case = ask("Is there a nodule in the lung of the patient near the heart in this picture?")

    shares = [hindi_share(laid("code_mix_hi", case, s).case.question) for s in SEVERITIES]  # type: ignore[union-attr]

    # Sixteen words of which four have a Hindi word of one word each: 1/16 steps up to 5/16.
    assert shares == sorted(shares)
    assert shares[:3] == pytest.approx([100 * k / 16 for k in (2, 3, 5)])


def test_a_mixture_keeps_the_options_and_mixes_always() -> None:
    for question in ASKED:
        for severity in SEVERITIES:
            changed = laid("code_mix_hi", ask(question), severity)
            if changed is not None:
                assert 0 < code_mixing_index(changed.case.question) <= 50
                assert changed.case.options == ("yes", "no")
                assert changed.meaning == {}
    assert laid("code_mix_hi", ask("Is there a mass effect?"), 3) is None
