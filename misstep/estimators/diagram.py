"""scikit-learn's diagram of an estimator, made to need no scripts.

A page that shows a notebook should have nothing to run; the diagram unfolds without them as well.
"""

from __future__ import annotations

import re

_SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
# Buttons that only a script would make work.
_BUTTON = re.compile(r"<button\b[^>]*\bonclick=[^>]*>.*?</button\s*>", re.DOTALL | re.IGNORECASE)


def without_scripts(html: str) -> str:
    """Return scikit-learn's diagram without its scripts; it unfolds without them as well."""
    return _BUTTON.sub("", _SCRIPT.sub("", html))
