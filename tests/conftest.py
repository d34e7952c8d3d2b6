"""What holds for every test: property tests draw the same examples on every run.

A run must not fail on one day and pass on another; HYPOTHESIS_SEARCH=1 draws new ones.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("fixed", derandomize=True)
if not os.environ.get("HYPOTHESIS_SEARCH"):
    settings.load_profile("fixed")
