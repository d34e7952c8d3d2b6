"""The report in a real browser: nothing on the console, nothing wider than a phone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from medaudit.audit import Audit

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--allow-file-access-from-files",
)
PROBE = """<!doctype html><title>waiting</title><iframe src="report.html" width="390" height="800"></iframe>
<script>addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument.documentElement;
  document.title = `width ${page.scrollWidth} of ${page.clientWidth}`;
});</script>"""

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium browser on PATH"),
]


def browse(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The page's DOM after loading, and what it left on the console."""
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    return ran.stdout, console


@pytest.fixture
def report(tmp_path: Path, sample: ModuleType, searched: ModuleType) -> Path:
    folder = tmp_path / "audit"
    folder.mkdir()
    sample.evidence(folder)
    known = json.loads((folder / "evidence.json").read_text())["cases"]
    searched.evidence(folder)
    known |= json.loads((folder / "evidence.json").read_text())["cases"]
    (folder / "evidence.json").write_text(json.dumps({"cases": known}), encoding="utf-8")
    document = sample.document()
    document["data"]["public"] = True
    document["findings"] += [each.to_dict() for each in (*searched.found(), *searched.pairs())]
    document["model"]["id"] = "a" * 300
    Audit(document).save(folder)
    return folder / "report.html"


def test_report_opens_without_a_word_on_the_console(report: Path, tmp_path: Path) -> None:
    dom, console = browse(report, tmp_path / "profile")
    assert "Five things to know" in dom
    assert "hang on" in dom
    assert 'class="couple"' in dom
    assert console == []


def test_policy_stops_what_is_not_ours(report: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    injected = text.replace(
        "</main>", "<script>document.title = 'ran'</script><p style='color:red'></p></main>"
    )
    report.write_text(injected, encoding="utf-8")
    dom, console = browse(report, tmp_path / "profile")
    assert "<title>ran</title>" not in dom
    assert any("Content Security Policy" in line for line in console)


def widths(report: Path, profile: Path) -> tuple[int, int]:
    """Width of what the page holds, and of what a phone of 390 pixels shows of it."""
    frame = report.with_name("frame.html")
    frame.write_text(PROBE, encoding="utf-8")
    dom, _ = browse(frame, profile)
    scrolled, shown = dom.split("<title>width ")[1].split("</title>")[0].split(" of ")
    return int(scrolled), int(shown)


def test_nothing_is_wider_than_a_phone(report: Path, tmp_path: Path) -> None:
    scrolled, shown = widths(report, tmp_path / "profile")
    assert scrolled <= shown <= 390


def test_something_wider_than_a_phone_is_noticed(report: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8").replace("</main>", '<svg width="900" height="9"></svg></main>')
    report.write_text(text, encoding="utf-8")
    scrolled, shown = widths(report, tmp_path / "profile")
    assert scrolled > shown
