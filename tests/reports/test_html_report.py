from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medaudit.audit import Audit

Draw = Callable[..., str]
VOID = {"meta", "input", "img", "link", "br"}
HOSTILE = '<script>alert(1)</script>" onload="x ]]> \x1b[31mred \u202egnp.exe <img src=x onerror=y>'


class Page(HTMLParser):
    """Tags in order, and every start tag that was not closed by its own end tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def hostile(value: Any, key: str = "") -> Any:
    """Every free string of a document replaced; digests, times and words of the schema kept."""
    fixed = ("schema", "status", "verdict", "op", "started", "sha256", "plan_sha256", "probe", "metric")
    if isinstance(value, str):
        return value if key in fixed else value + HOSTILE
    if isinstance(value, dict):
        return {name: hostile(child, name) for name, child in value.items()}
    return [hostile(child, key) for child in value] if isinstance(value, list) else value


def test_page_is_well_formed(draw: Draw, document: dict[str, Any]) -> None:
    page = Page(draw("html", document))
    assert page.faults == []
    assert page.open == []


def test_structure_that_screen_readers_need(draw: Draw, document: dict[str, Any]) -> None:
    text = draw("html", document)
    page = Page(text)
    counts = Counter(tag for tag, _ in page.tags)
    assert (counts["h1"], counts["main"], counts["header"], counts["nav"], counts["footer"]) == (
        1,
        1,
        1,
        1,
        1,
    )
    assert page.all("html") == [{"lang": "en"}]
    assert all(attrs.get("scope") for attrs in page.all("th"))
    assert counts["caption"] == counts["table"]
    assert all("aria-hidden" in svg or svg.get("aria-label") for svg in page.all("svg"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {str(a["href"]).removeprefix("#") for a in page.all("a")}
    assert targets <= set(ids)


def test_heading_levels_are_never_skipped(draw: Draw, document: dict[str, Any]) -> None:
    levels = [int(tag[1]) for tag, _ in Page(draw("html", document)).tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_nothing_is_fetched_and_nothing_runs(draw: Draw, document: dict[str, Any]) -> None:
    text = draw("html", document)
    page = Page(text)
    assert not page.all("script")
    assert not page.all("link")
    for _, attrs in page.tags:
        assert "style" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert str(attrs.get(name, "#")).startswith(("#", "data:image/"))
    assert "url(" not in text
    assert "@import" not in text


def test_policy_names_the_digest_of_the_style_sheet(draw: Draw, document: dict[str, Any]) -> None:
    text = draw("html", document)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policies = [m["content"] for m in Page(text).all("meta") if "Content-Security-Policy" in m.values()]
    assert policies == [
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]


@pytest.mark.parametrize("public", [True, False])
def test_hostile_text_is_only_ever_text(
    draw: Draw, document: dict[str, Any], tmp_path: Path, public: bool
) -> None:
    document["data"]["public"] = public
    case = {"thumbnail": "data:image/svg+xml;base64,AAAA", "question": HOSTILE, "answers": {HOSTILE: HOSTILE}}
    attacked = hostile(document)
    names = [name for finding in attacked["findings"] for name in finding["evidence"]]
    (tmp_path / "evidence.json").write_text(json.dumps({"cases": dict.fromkeys(names, case)}))
    clean, text = draw("html", document, tmp_path / "none"), draw("html", attacked, tmp_path)
    assert HOSTILE[:20] not in text
    assert not any(sign in text for sign in ("<script", "<img src=x", "\x1b", "\u202e"))
    assert "\u241b[31m" in text
    page = Page(text)
    assert page.faults == []
    assert {name for _, attrs in page.tags for name in attrs} <= {
        name for _, attrs in Page(clean).tags for name in attrs
    }
    assert "&lt;script&gt;" in text
    assert "⟨U+202E⟩" in text


def test_same_document_gives_same_bytes(draw: Draw, document: dict[str, Any]) -> None:
    for name in ("html", "junit", "sarif"):
        assert draw(name, document) == draw(name, copy.deepcopy(document))


def test_missing_optional_keys_are_tolerated(draw: Draw, document: dict[str, Any]) -> None:
    del document["plan"], document["answers"], document["model"]["notes"], document["run"]["problems"]
    del document["data"]["public"], document["data"]["skipped"]
    for name in ("html", "junit", "sarif"):
        assert draw(name, document)


def test_audit_without_findings_says_so(draw: Draw, document: dict[str, Any]) -> None:
    document["findings"] = []
    text = draw("html", document)
    assert Page(text).faults == []
    assert "Nothing was measured" in text


def test_every_finding_has_a_row_with_interval_and_n(draw: Draw, document: dict[str, Any]) -> None:
    table = draw("html", document).split('id="findings"')[1].split("</table>")[0]
    assert table.count("<tr ") == len(document["findings"])
    assert '83.1\u00a0% <span class="ci">[80.6, 85.6]</span>' in table
    assert "1,240 / 911" in table


def test_long_audits_keep_every_gated_finding(draw: Draw, document: dict[str, Any]) -> None:
    plain = [f for f in document["findings"] if f["threshold"] is None]
    gated = [f for f in document["findings"] if f["threshold"] is not None]
    document["findings"] = plain * 10 + gated
    text = draw("html", document)
    table = text.split('id="findings"')[1].split("</table>")[0]
    assert table.count(' gated">') == len(gated)
    assert table.count("<tr ") == 2000
    assert f"{len(document['findings']) - 2000:,} further findings without a gate" in text


def test_incomplete_and_interrupted_are_loud(draw: Draw, document: dict[str, Any]) -> None:
    assert 'class="status bad"' not in draw("html", document)
    document["run"]["problems"] = ["gate x met no finding"]
    for status, words in (("incomplete", "! Incomplete"), ("interrupted", "! Interrupted")):
        text = draw("html", document | {"status": status})
        assert 'class="status bad"' in text
        assert words in text
        assert "gate x met no finding" in text


def test_disclaimer_stands_and_the_word_compliant_never_does(draw: Draw, document: dict[str, Any]) -> None:
    text = draw("html", document)
    assert text.count("It is not a conformity assessment and makes no claim of compliance.") == 2
    assert "compliant" not in text.lower()


def test_blind_model_is_told_first(draw: Draw, document: dict[str, Any], sample: ModuleType) -> None:
    findings = sample.gate(sample.baselines(-0.01) + sample.robustness())
    text = draw("html", sample.document(findings))
    first = text.split('<ol class="key">')[1].split("</li>")[0]
    assert "does not beat its baselines" in first
    assert "Robustness here is not interpretable" in text
    assert "not interpretable" not in draw("html", document)


def test_open_answers_have_a_small_table_where_they_were_scored(draw: Draw, document: dict[str, Any]) -> None:
    assert "Open answers against the reference" not in draw("html", document)
    full = next(f for f in document["findings"] if f["slice"] == {"image": "full"})
    full["data"]["open_scores"] = {"n": 412, "exact": 0.3, "f1": 0.456, "bleu": 0.12, "rougeL": 0.5}
    table = draw("html", document).split("Open answers against the reference")[1].split("</table>")[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", table)
    assert cells == ["412", *(f"{x}\u00a0%" for x in ("30.0", "45.6", "12.0", "50.0"))]
    assert "Token F1" in table


def test_calibration_is_shown_or_said_to_be_missing(draw: Draw, document: dict[str, Any]) -> None:
    absent = "No calibration record is attached to this report: false-alarm rates are not known for it."
    assert absent not in draw("html", document)
    assert "1.7\u00a0% [0.0, 8.9]" in draw("html", document)
    assert absent in draw("html", document | {"calibration": []})


def test_pictures_and_words_need_public_data(
    draw: Draw, document: dict[str, Any], sample: ModuleType, tmp_path: Path
) -> None:
    sample.evidence(tmp_path)
    private = draw("html", document, tmp_path)
    assert "data:image/" not in private
    assert "Is there a pneumothorax?" not in private
    assert "case-0141" in private
    document["data"]["public"] = True
    public = draw("html", document, tmp_path)
    cited = {name for finding in document["findings"] for name in finding["evidence"]}
    known = json.loads((tmp_path / "evidence.json").read_text())["cases"]
    assert public.count('src="data:image/png;base64,') == len(cited & set(known)) > 10
    assert "Is there a pneumothorax?" in public


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{broken", '{"cases": 3}', '{"cases": {"case-0141": 1}}', '{"cases": {"case-0141": {}}}'],
)
def test_odd_evidence_files_are_survived(
    draw: Draw, document: dict[str, Any], tmp_path: Path, content: str
) -> None:
    (tmp_path / "evidence.json").write_text(content)
    document["data"]["public"] = True
    text = draw("html", document, tmp_path)
    assert "case-0141" in text
    assert "<img" not in text


def test_printed_digest_is_that_of_the_file(document: dict[str, Any], tmp_path: Path) -> None:
    Audit(document).save(tmp_path)
    digest = hashlib.sha256((tmp_path / "audit.json").read_bytes()).hexdigest()
    assert digest in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_report_of_this_size_stays_small(draw: Draw, document: dict[str, Any]) -> None:
    assert len(document["findings"]) > 240
    assert len(draw("html", document).encode()) < 1_000_000


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_formula_on_known_pairs() -> None:
    assert _contrast("#ffffff", "#000000") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_colours_have_contrast_in_both_schemes(
    draw: Draw, document: dict[str, Any], scheme: int
) -> None:
    roots = re.findall(r":root \{(.*?)\}", draw("html", document))
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", roots[scheme]))
    for text in ("ink", "soft", "fail", "pass", "open", "meas", "accent"):
        for ground in ("bg", "card", "tint", "warn"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
