"""What a person would write in Python said as it is written on a command line.

The rooms below name arguments in their reasons and errors; here they become options.
"""

from __future__ import annotations

import re

_SETTING = re.compile(r"\b(task|network)='([\w.-]+)'")


def in_options(text: str) -> str:
    """Return `text` with what a person would write in Python as it is written on a command line.

    >>> in_options("task='regression' would do")
    '--task regression would do'
    """
    return _SETTING.sub(r"--\1 \2", text)
