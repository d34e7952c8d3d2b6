"""The public names of the statistics, and that naming them loads nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from medaudit import stats


def test_every_name_resolves_to_what_it_says():
    for name in stats.__all__:
        assert getattr(stats, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'median'"):
        _ = stats.median


def test_importing_loads_no_numpy():
    code = "import sys, medaudit.stats as s; s.holm([0.1]); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
