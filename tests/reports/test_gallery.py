"""The clusters of ``spurious`` on the page: numbers, pictures, boxes, and what must not be claimed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medaudit.finding import Finding, Threshold, Verdict

Page = Callable[..., str]


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def section(text: str) -> str:
    return text.split('<article class="card task')[1].split("</article>")[0]


def strip(text: str) -> list[str]:
    return text.split('<ul class="strip"')[1].split("</ul>")[0].split("<li")[1:]


def test_a_confirmed_shortcut_is_told_in_one_sentence_with_its_rates(
    page: Page, searched: ModuleType
) -> None:
    said = words(section(page(searched.found())))
    assert said.index("found and confirmed") < said.index("Is there an opacity?") < said.index("Cluster 3")
    assert (
        "Answers “yes” hang on a part with a bright mark in the upper left : painting it over takes the "
        "answer away in 80.0 % of images (as much elsewhere: 4.0 %)." in said
    )
    assert "pasting it in brings" not in said


def test_both_tables_hold_the_numbers(page: Page, searched: ModuleType) -> None:
    said = words(section(page(searched.found())))
    assert "yes 100.0 % (n 30) 10.0 % (n 31) no 0.0 % (n 30) none (n 29)" in said
    assert "painted over blur 80.0 % 4.0 % 76.0 pts [66.0, 86.0] 25 < 0.001" in said
    assert "pasted in blur 40.0 % 36.0 % 4.0 pts [\u22126.0, 14.0] 25 0.700" in said
    assert "Gap over all answers 90.0 pts [50.0, 120.0] · by chance 8.0 pts" in said
    assert "the loudest in 52.0 % of 25 errors, by lot in 6.2 %" in said


def test_the_medoid_comes_first_and_boxes_lie_over_the_pictures(
    page: Page, searched: ModuleType, tmp_path: Path
) -> None:
    searched.evidence(tmp_path)
    shots = strip(page(searched.found()))
    assert [re.findall(r"Case (c\d+)", shot) for shot in shots] == [
        [f"c{at:02d}"] for at in (3, 0, 1, 2, 4, 5, 6, 7)
    ]
    assert ["Medoid" in shot for shot in shots] == [True] + [False] * 7
    assert all('<svg viewBox="0 0 64 32"' in shot for shot in shots)
    assert all('<rect class="mark" x="0" y="0" width="16" height="8"/>' in shot for shot in shots)
    assert all(searched.picture() in shot for shot in shots)
    assert "said yes ✕ is no" in words(shots[0])
    assert "said yes ✓" in words(shots[1])


@pytest.mark.parametrize(
    "box",
    [
        None,
        "0 0 1 1",
        [0, 0, 16],
        [0, 0, 65, 8],
        [-1, 0, 16, 8],
        [9, 0, 9, 8],
        [0, 0, True, 8],
        [0, 0, "9", 8],
    ],
)
def test_what_is_no_box_within_the_picture_is_not_drawn(
    page: Page, searched: ModuleType, tmp_path: Path, box: Any
) -> None:
    searched.evidence(tmp_path)
    odd = searched.gap("cluster 3", medoid={"case": "c03", "box": box})
    first, *others = strip(page([searched.shortcut(Verdict.FAIL), odd]))
    assert "<svg" not in first
    assert len(others) == 7
    assert all("<svg" in shot for shot in others)


@pytest.mark.parametrize("size", [None, [64], [0, 32], ["64", 32], {"width": 64}])
def test_without_the_size_of_the_original_no_box_is_drawn(
    page: Page, searched: ModuleType, tmp_path: Path, size: Any
) -> None:
    searched.evidence(tmp_path, size=size)
    shots = strip(page(searched.found()))
    assert len(shots) == 8
    assert not any("<svg" in shot for shot in shots)


def test_private_data_keeps_tables_and_sentences_and_says_how_to_see_more(
    page: Page, searched: ModuleType, tmp_path: Path
) -> None:
    searched.evidence(tmp_path)
    text = page(searched.found(), public=False)
    said = words(text)
    assert "data:image/" not in text
    assert 'class="strip"' not in text
    assert "Pictures are kept out of this report: the data is not declared public." in said
    assert "--public-data" in said
    assert "Medoid, then the nearest: c03 , c00 , c01" in said
    assert "Answers “yes” hang on" in said
    assert "said yes" not in said


def test_public_data_without_pictures_says_so(page: Page, searched: ModuleType) -> None:
    said = words(page(searched.found()))
    assert "No picture of these cases lies beside this audit (evidence.json)." in said
    assert "kept out" not in said


def test_a_clean_question_claims_no_cluster_and_says_what_could_have_been_seen(
    page: Page, searched: ModuleType
) -> None:
    text = page(searched.clean())
    said = words(section(text))
    assert "• not found" in said
    assert "No part of the images goes with right and wrong answers beyond chance." in said
    assert "Smallest detectable effect: a difference in accuracy of 31.0 pts" in said
    assert "1 part looked at, not found" in said
    assert "Not shown to matter: a part with a bright mark in the upper left." in said
    key = text.split('<ol class="key">')[1].split("</ol>")[0]
    assert "No part of the image is shown to move its answers to “Is there an opacity?” (not" in words(key)
    told = key + said + section(text)
    assert not any(claim in told for claim in ("hang on", "go with", "found and confirmed", "edge-fail"))


@pytest.mark.parametrize(
    ("least", "said"),
    [
        (0.31, "31.0 pts"),
        (1.7, "No effect, however large"),
        (None, "is not known: nothing could be"),
    ],
)
def test_insufficient_data_is_no_acquittal(
    page: Page, searched: ModuleType, least: float | None, said: str
) -> None:
    lacking = searched.shortcut(
        Verdict.INCONCLUSIVE,
        "insufficient data: 50 right and 0 wrong answers",
        kept=[],
        verdict="insufficient data",
        value=None,
        smallest_detectable=least,
    )
    shown = words(section(page([lacking])))
    assert "? insufficient data" in shown
    assert "the data are too few to say that there is nothing" in shown
    assert "Insufficient data: 50 right and 0 wrong answers" in shown
    assert said in shown


def test_faithful_mode_says_that_nothing_was_tested(page: Page, searched: ModuleType) -> None:
    named = searched.shortcut(Verdict.MEASURED, "named", mode="faithful")
    said = words(section(page([named, searched.gap("cluster 3")])))
    assert "• nothing was tested" in said
    assert "What stands here is no finding." in said
    assert "go with a part with a bright mark in the upper left; whether by chance was not tested." in said
    assert "hang on" not in said


def test_found_without_a_confirming_edit_is_not_claimed_as_a_cause(page: Page, searched: ModuleType) -> None:
    findings = [
        searched.shortcut(Verdict.INCONCLUSIVE, confirmed={"cluster 3": []}),
        searched.gap("cluster 3"),
        searched.flip("cluster 3", "removal_flip", 0.2, 0.18, confirmed=False),
    ]
    said = words(section(page(findings)))
    assert "? found, not confirmed" in said
    assert "that they hang on it is not confirmed" in said


def test_an_attribute_of_whole_images_says_once_why_it_was_not_edited(
    page: Page, searched: ModuleType
) -> None:
    where = {**searched.ASKED, "cluster": "view: AP"}
    edits = [
        Finding("spurious", m, None, slice=where, verdict=Verdict.NOT_APPLICABLE, reason="of whole images")
        for m in ("removal_flip", "insertion_flip")
    ]
    named = searched.gap("view: AP", medoid=None, members=None, look=None)
    said = words(section(page([searched.shortcut(Verdict.INCONCLUSIVE), named, *edits])))
    assert said.count("Not edited: of whole images.") == 1
    assert "Answers “yes” go with view: AP" in said


def test_a_gate_keeps_what_was_found_in_sight(page: Page, searched: ModuleType) -> None:
    gated = searched.shortcut(Verdict.FAIL).gated(Threshold("<=", 0.1))
    said = words(section(page([gated, *searched.found()[1:]])))
    assert "fails its gate; found and confirmed" in said
    assert "gate at most 10.0 pts" in said


def test_a_second_question_does_not_mix_with_the_first(page: Page, searched: ModuleType) -> None:
    other = {"question": "Is there an effusion?", "options": "yes | no"}
    moved = [replace(each, slice={**each.slice, **other}) for each in searched.clean()]
    text = page([*moved, *searched.found()])
    blocks = text.split('<article class="card task')[1:]
    assert [("effusion" in block.split("</h3>")[0]) for block in blocks] == [False, True]
    assert "Not shown to matter" in blocks[1]
    assert "hang on" not in blocks[1]


def test_findings_of_the_gallery_do_not_stand_twice(page: Page, searched: ModuleType) -> None:
    part = page(searched.found()).split('class="probe"')[1].split("</section>")[0]
    assert part.count('class="ladder"') == 0
    assert part.count('<article class="card') == 1


def test_hostile_words_are_only_text_and_cut(page: Page, searched: ModuleType, tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>\x1b\u202e\"'" + "x" * 5000
    searched.evidence(tmp_path, question=attack, options=[attack, attack])
    row = {"case": attack, "box": [0, 0, 1, 1], "truth": attack, "answer": attack}
    changed = {"helped": attack, "look": attack, "place": {"where": attack}, "sentence": attack}
    odd = searched.gap(
        "cluster 3",
        members=[{**row, "case": "c00"}, row],
        classes=[{"answer": attack, "with": attack, "without": {"n": attack, "accuracy": attack}}],
        **changed,
    )
    where = {"question": attack, "options": attack}
    verdict = replace(searched.shortcut(Verdict.FAIL, attack, **changed), slice=where)
    text = page([verdict, replace(odd, slice={**where, "cluster": attack})])
    assert not any(sign in text for sign in ("<script", "\x1b", "\u202e"))
    assert "&lt;script&gt;" in section(text)
    assert "x" * 301 not in section(text).split("The verdict in full")[0]


@pytest.mark.parametrize("junk", [None, 3, "text", [], [1, None], {"a": 1}, {"n": True, "accuracy": "high"}])
def test_odd_data_breaks_nothing(page: Page, searched: ModuleType, tmp_path: Path, junk: Any) -> None:
    searched.evidence(tmp_path)
    names = ("sentence", "classes", "helped", "look", "place", "medoid", "members", "kept")
    task = searched.shortcut(
        Verdict.FAIL, **dict.fromkeys(("mode", "confirmed", "smallest_detectable"), junk)
    )
    odd = searched.gap("cluster 3", **dict.fromkeys(names, junk))
    rows = searched.gap("cluster 4", classes=[{"answer": junk, "with": junk}], members=[junk, {"case": junk}])
    assert "Is there an opacity?" in section(page([task, odd, rows]))


def test_a_report_of_before_is_still_drawn(page: Page, searched: ModuleType, tmp_path: Path) -> None:
    searched.evidence(tmp_path, size=None, options=None)
    old = []
    for each in searched.found():
        kept = {k: v for k, v in each.data.items() if k not in ("look", "helped", "smallest_detectable")}
        old.append(replace(each, data=kept))
    text = page(old)
    assert "Answers “yes” hang on cluster 3 : painting it over" in words(section(text))
    assert len(strip(text)) == 8
    bare = page([replace(each, data={}) for each in searched.found()])
    assert "found and confirmed" in words(section(bare))
