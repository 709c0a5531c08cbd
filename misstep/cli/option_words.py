"""What a person would write in Python said as it is written on a command line.

The rooms below name arguments in their reasons and errors; here they become options.
"""

from __future__ import annotations

import re

# Words stand in quotation marks in Python, and rarely on a command line; a weight's name holds
# brackets, which a shell would read itself.
_ARGUMENT = re.compile(r"\b(?:(task|network)='([\w.-]+)'|(row|step|weight)=)")


def in_options(text: str) -> str:
    """Return `text` with what a person would write in Python as it is written on a command line.

    >>> in_options("task='regression' would do, or row=2")
    '--task regression would do, or --row 2'
    """
    return _ARGUMENT.sub(lambda match: f"--{match[1] or match[3]} {match[2] or ''}", text)
