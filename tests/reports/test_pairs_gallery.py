"""Confused pairs on the page: sentences with their controls, and pictures side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Page = Callable[..., str]


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def blocks(text: str) -> list[str]:
    part = text.split('class="probe"')[1].split("</section>")[0]
    return [block.split("</article>")[0] for block in part.split("<article")[1:]]


def test_what_it_cannot_tell_apart_is_said_with_the_controls(page: Page, searched: ModuleType) -> None:
    side, every = map(words, blocks(page(searched.pairs())))
    assert "Attribute: side It cannot tell left from right : 41 of 48 pairs." in side
    assert "control: the other pairs 4.0 % [1.0, 11.0]" in side
    assert "text 85.4 % [73.0, 93.0] n 48" in side
    assert "All pairs It gives both images of a pair the same answer in 45.8 % (mode text)." in every
    assert "40.0 pts [30.0, 50.0] more than matched controls; controls 6.0 % [2.0, 14.0], n 96." in every


def test_it_is_among_the_things_to_know(page: Page, searched: ModuleType) -> None:
    first = page(searched.pairs()).split('<ol class="key">')[1].split("</li>")[0]
    assert "It cannot tell left from right : 41 of 48 pairs." in words(first)


def test_what_is_told_apart_has_no_block_and_makes_no_claim(page: Page, searched: ModuleType) -> None:
    clean = [each for each in searched.pairs() if each.slice.get("attribute") != "side"]
    text = page(clean)
    (every,) = map(words, blocks(text))
    assert every.startswith('class="card edge-meas"> All pairs It gives')
    assert "cannot tell" not in text.split("<main")[1].split('id="findings"')[0]
    assert "1 further value is not shown to be confused more often than by a coin" in words(text)
    assert "mode text, attribute size" in words(text)


def test_a_coin_is_not_taken_for_confusion(page: Page, searched: ModuleType) -> None:
    said = "cannot tell left from right: 30 of 48 pairs"
    chance = searched.confusion({"mode": "text", "attribute": "side"}, 30, 48, (0.5, 0.75), sentence=said)
    titles = [words(block.split("</h3>")[0]) for block in blocks(page([*searched.pairs()[:3], chance]))]
    assert not any("Attribute" in title for title in titles)


def test_pairs_stand_side_by_side_with_both_answers(page: Page, searched: ModuleType, tmp_path: Path) -> None:
    searched.evidence(tmp_path)
    side, every = blocks(page(searched.pairs()))
    couples = side.split('class="couple"')[1:]
    assert [re.findall(r"case (c\d+)", couple) for couple in couples] == [["c00", "c01"], ["c02", "c03"]]
    assert side.count(searched.picture()) == 4
    said = words(side.split('<ul class="couples">')[1])
    assert said == (
        "Which side? truth left said left ✓ right truth right said left ✕ wrong "
        "Which side? truth right said no option ✕ wrong truth left said left ✓ right"
    )
    assert "Pairs that were given one answer, mode text:" in words(side)
    assert "couple" not in every


@pytest.mark.parametrize("known", [range(1), range(1, 4), []])
def test_half_a_pair_is_not_shown(page: Page, searched: ModuleType, tmp_path: Path, known: list[int]) -> None:
    searched.evidence(tmp_path, known)
    couples = page(searched.pairs()).split('class="couple"')[1:]
    assert len(couples) == (1 if 2 in known else 0)


def test_private_data_has_sentences_alone(page: Page, searched: ModuleType, tmp_path: Path) -> None:
    searched.evidence(tmp_path)
    text = page(searched.pairs(), public=False)
    assert "data:image/" not in text
    assert "Which side?" not in text
    assert "Pictures are kept out of this report: the data is not declared public." in words(text)
    assert "It cannot tell left from right : 41 of 48 pairs." in words(text)


def test_modes_stand_under_one_another_on_one_scale(page: Page, searched: ModuleType) -> None:
    more = [replace(each, slice={**each.slice, "mode": "choose"}) for each in searched.pairs()]
    side, every = blocks(page([*searched.pairs(), *more]))
    for block in (side, every):
        assert re.findall(r'<th scope="row">(\w+)</th>', block) == ["text", "choose"]


def test_old_reports_without_examples_are_drawn(page: Page, searched: ModuleType, tmp_path: Path) -> None:
    searched.evidence(tmp_path)
    old = [replace(each, data={}) for each in searched.pairs()]
    side, _ = blocks(page(old))
    assert "couple" not in side
    assert "It gives both images of a pair the same answer in 85.4 %" in words(side)


@pytest.mark.parametrize("junk", [None, 3, "text", [1], [None, {}], {"cases": ["c00", "c01"]}])
def test_odd_examples_break_nothing(page: Page, searched: ModuleType, tmp_path: Path, junk: Any) -> None:
    searched.evidence(tmp_path)
    row = {"cases": ["c00", "c01"], "right": junk, "given": [0, 0]}
    numbers = {"cases": ["c00", "c01"], "right": [True, 99], "given": [1.5, junk]}
    for examples in (junk, [junk], [row], [numbers]):
        where = {"mode": "text", "attribute": "side"}
        found = searched.confusion(where, 41, 48, (0.73, 0.93), examples=examples, sentence=junk)
        assert "85.4" in page([found])


def test_hostile_words_are_only_text(page: Page, searched: ModuleType, tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>\x1b\u202e\"'"
    searched.evidence(tmp_path, question=attack, options=[attack, attack])
    where = {"mode": attack, "attribute": attack}
    said = f"cannot tell {attack}: {attack}"
    text = page([searched.confusion(where, 41, 48, (0.73, 0.93), sentence=said)])
    assert not any(sign in text for sign in ("<script", "\x1b", "\u202e"))
    assert text.count("&lt;script&gt;") > 10
