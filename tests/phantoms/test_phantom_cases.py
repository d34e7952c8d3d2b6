"""Case sets: true answers, balance, factors that say nothing, a deck dealt in linear time."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations
from types import FrameType
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy.stats import binomtest, chi2_contingency

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng, pixel_digest
from medaudit.phantoms import card, case_set, checkpoint, data_names, deck, matching_data, names, rendering
from medaudit.phantoms.cases import SETS, Drawn, SetRecipe, drawn
from medaudit.phantoms.modalities import NAMES
from medaudit.phantoms.questions import by_name, questions
from medaudit.prompting import prompt_for

TraceFunction: TypeAlias = Callable[[FrameType, str, Any], Any]

FACTORS = ("sex", "age", "view", "vendor", "marker", "tube", "leads", "text", "site")


@pytest.fixture(scope="module")
def plain() -> CaseSet:
    return case_set("chest", 2000, seed=1)


def answer_from_boxes(case: Case) -> str:
    """Independent reader: knows nothing of pictures, only the boxes of the case and where they lie."""
    found = [(region.label, region.box) for region in case.regions]
    asked = next((kind for kind in ("opacity", "effusion", "nodule") if kind in case.question), None)
    if asked is None:
        return found[0][0] if found else "normal"
    at = [box for label, box in found if label == asked]
    if case.options == ("yes", "no"):
        return "yes" if at else "no"
    assert len(at) == 1, "asked about a finding that is not there exactly once"
    x0, y0, x1, y1 = at[0]
    if case.options == ("small", "large"):
        return "large" if max(x1 - x0, y1 - y0) > 8 else "small"
    return "left" if (x0 + x1) / 2 > 32 else "right"


@pytest.mark.parametrize("name", ["chest", "chest-marker"])
def test_answers_follow_from_the_boxes(name: str) -> None:
    cases = case_set(name, 600, seed=3).cases

    assert [case.answer for case in cases] == [answer_from_boxes(case) for case in cases]
    turned = [replace(case, regions=()) for case in cases if case.options == ("yes", "no")]
    assert {answer_from_boxes(case) for case in turned} == {"no"}  # the reader does read the boxes


@pytest.mark.parametrize("name", [name for name in SETS if isinstance(SETS[name], SetRecipe)])
def test_answers_are_balanced_within_each_question(name: str) -> None:
    cases = case_set(name, 350, seed=2).cases
    asked = {case.question for case in cases}

    assert len(cases) == 350
    assert len(asked) == 8
    for question in asked:
        counts = Counter(case.answer for case in cases if case.question == question)
        options = next(case.options for case in cases if case.question == question)

        assert set(counts) == set(options)
        assert max(counts.values()) - min(counts.values()) <= 1


def level(row: Drawn, factor: str) -> object:
    case, picture, _ = row
    if factor == "site":
        return case.meta["site"]
    found = getattr(picture, factor)
    return found >= 55 if factor == "age" else found


def smallest_p(rows: list[Drawn], factors: tuple[str, ...] = FACTORS) -> float:
    """Over every factor and every question: chi-squared of factor by right answer."""
    found = []
    for name in sorted({question.name for _, _, question in rows}):
        own = [row for row in rows if row[2].name == name]
        for factor in factors:
            table = Counter((level(row, factor), row[0].answer) for row in own)
            levels, options = {each for each, _ in table}, own[0][2].options
            found.append(chi2_contingency([[table[a, b] for b in options] for a in levels]).pvalue)
    return float(min(found))


@pytest.mark.parametrize("name", ["chest", "fundus"])
def test_in_a_plain_set_no_factor_goes_with_any_answer(name: str) -> None:
    assert smallest_p(drawn(name, 2000, seed=1)) > 0.001


def test_the_check_of_independence_sees_a_planted_marker() -> None:
    rows = drawn("chest-marker", 2000, seed=1)
    home = [row for row in rows if row[0].meta["site"] == "home"]

    assert smallest_p(home, ("marker",)) < 1e-50
    assert smallest_p(home, ("sex", "age", "view", "vendor", "tube", "leads", "text")) > 0.001


def test_in_a_plain_set_no_factor_goes_with_another() -> None:
    rows = {row[1].patient: row for seed in range(4) for row in drawn("chest", 600, seed)}.values()
    p_values = []
    for first, second in combinations(FACTORS, 2):
        table = Counter((level(row, first), level(row, second)) for row in rows)
        levels = [{pair[i] for pair in table} for i in (0, 1)]
        p_values.append(chi2_contingency([[table[a, b] for b in levels[1]] for a in levels[0]]).pvalue)

    assert min(p_values) > 0.01 / len(p_values)


@pytest.mark.parametrize("n", [1, 2, 7, 240])
@pytest.mark.parametrize("name", ["chest", "chest-tube", "chest-visits", "chest-attributes"])
def test_the_set_has_exactly_n_cases_with_unique_ids(name: str, n: int) -> None:
    assert len(case_set(name, n)) == n


def test_a_picture_is_asked_about_at_most_twice_and_never_the_same(plain: CaseSet) -> None:
    by_group: dict[str, list[Case]] = {}
    for case in plain.cases:
        by_group.setdefault(case.group, []).append(case)

    assert Counter(len(group) for group in by_group.values())[2] > 0.9 * len(by_group)
    for group in by_group.values():
        assert len({case.question for case in group}) == len(group) <= 2
        assert len({case.images[0].digest for case in group}) == 1


@pytest.mark.parametrize("name", sorted(SETS))
def test_the_same_seed_gives_the_same_set_and_another_seed_other_patients(name: str) -> None:
    first, again, other = case_set(name, 60), case_set(name, 60), case_set(name, 60, seed=1)

    assert first.digest() == again.digest() != other.digest()
    assert not {case.group for case in first.cases} & {case.group for case in other.cases}


@pytest.mark.parametrize("name", sorted(SETS))
def test_rows_hold_the_picture_and_the_question_of_their_case(name: str) -> None:
    rows = drawn(name, 40, 4)

    same = CaseSet(name, "phantom", tuple(case for case, _, _ in rows))
    assert same.digest() == case_set(name, 40, 4).digest()
    for case, picture, question in rows:
        assert case.images[-1].digest == rendering.image(picture).digest
        assert case.answer == question.truth(picture)
        assert (case.question, case.options) == (question.text, question.options)


def test_cases_are_public_and_carry_metadata_and_a_lazy_picture() -> None:
    cases = case_set("chest", 24)
    case = cases.cases[0]

    assert cases.public
    assert set(case.meta) == {"modality", "sex", "age", "view", "vendor", "site", "marker", "tube"}
    assert case.split == "test"
    assert pixel_digest(case.images[0].pixels()) == pixel_digest(case.images[0].pixels())
    assert len({pixel_digest(c.images[0].pixels()) for c in cases.cases}) == cases.groups


def steps(run: Callable[[], object]) -> int:
    """How many instructions of Python are carried out while it runs: counts do not depend on the machine."""
    seen = 0

    def count(frame: FrameType, event: str, arg: object) -> TraceFunction:
        nonlocal seen
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        seen += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        run()
    finally:
        sys.settrace(before)
    return seen


PAIRLESS = ("opacity", "yes")
DECKS: dict[str, Callable[[int], list[deck.Card]]] = {
    "plain": lambda n: deck.shuffled("chest", list(by_name("chest")), n, keyed_rng(0)),
    "half about one finding": lambda n: deck.shuffled(
        "chest", [*by_name("chest"), *["opacity"] * 8], n, keyed_rng(0)
    ),
    "no two fit": lambda n: [PAIRLESS] * n,
    "partners at the far end": lambda n: [("nodule", "yes")] * (n // 2) + [PAIRLESS] * (n // 2),
}


def dealt(cards: list[deck.Card]) -> list[tuple[deck.Card, ...]]:
    return list(deck.hands("chest", cards))


@pytest.mark.parametrize("kind", DECKS)
def test_dealing_costs_the_same_for_every_card_however_long_the_deck(kind: str) -> None:
    short, long = DECKS[kind](250), DECKS[kind](2000)
    dealt(long)  # fills the caches

    few, many = (steps(partial(dealt, cards)) for cards in (short, long))

    assert 7 < many / few < 9
    assert sorted(card for hand in dealt(long) for card in hand) == sorted(long)


def test_a_set_costs_the_same_for_every_case_however_large() -> None:
    case_set("chest", 100)  # fills the caches

    few, many = (steps(partial(case_set, "chest", n, 9)) for n in (40, 160))

    assert 3.5 < many / few < 4.5


@pytest.mark.parametrize("name", NAMES)
def test_two_cards_of_a_hand_are_true_of_one_picture(name: str) -> None:
    cards = deck.shuffled(name, list(by_name(name)), 200, keyed_rng(name))
    for i, hand in enumerate(deck.hands(name, cards)):
        assert deck.holds(deck.draw(name, hand, keyed_rng(name, i)), hand)

    only = by_name(name)["main"].options[1]
    assert (only, "no") not in deck.partners(name, ("main", only))
    assert (only, "yes") in deck.partners(name, ("main", only))


def test_training_prompts_are_what_an_audit_asks() -> None:
    from medaudit.phantoms.vocabulary import wordings

    trained = {prompt for question in questions("chest") for prompt in wordings(question)}

    assert {prompt_for(case) for case in case_set("chest", 70).cases} <= trained
    assert not {prompt_for(case) for case in case_set("fundus", 70).cases} <= trained


def test_training_patients_are_never_met_in_case_sets() -> None:
    from medaudit.phantoms.flaws import FLAWS
    from medaudit.phantoms.lessons import rows

    trained = [row.shown.picture.patient for row in rows(FLAWS["clean"], 0, 0) if row.shown is not None]
    tested = [int(c.group.removeprefix("phantom-")) for n in SETS for c in case_set(n, 40).cases]

    assert min(trained) > max(tested)


def test_unknown_names_are_answered_with_the_nearest_legal_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'chest-marker'"):
        case_set("chest-marke")
    for ask in (checkpoint, matching_data, card):
        with pytest.raises(UsageError, match="Did you mean 'clean'"):
            ask("claen")
    with pytest.raises(DataError, match="from 1"):
        case_set("chest", 0)


def test_every_model_phantom_has_data_to_show_itself_on() -> None:
    assert data_names() == sorted(SETS)
    assert {matching_data(name) for name in names()} <= set(data_names())


def test_another_module_adds_its_own_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETS, "documents", lambda n, seed: drawn("chest", n, seed + 7))

    assert "documents" in data_names()
    assert case_set("documents", 12, seed=1).digest() == case_set("chest", 12, seed=8).digest()


def test_importing_phantoms_loads_nothing_heavy() -> None:
    code = (
        "import sys, medaudit.phantoms as p; p.names(); p.checkpoint('clean'); "
        "print([m for m in ('numpy', 'torch', 'transformers', 'PIL') if m in sys.modules])"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_age_is_spread_over_adults_and_sites_are_even(plain: CaseSet) -> None:
    ages = np.array([case.meta["age"] for case in plain.cases], dtype=float)
    sites = Counter({case.group: case.meta["site"] for case in plain.cases}.values())

    assert ages.min() >= 20
    assert ages.max() <= 90
    assert 50 < ages.mean() < 60
    assert set(sites) == {"A", "B"}
    assert binomtest(sites["A"], sites.total(), 0.5).pvalue > 0.001
