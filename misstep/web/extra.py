"""Whether the packages of the extra `web` are there; needs none of them."""

from __future__ import annotations

from importlib.util import find_spec

from misstep.errors import MisstepError

__all__ = ["check_web_extra"]

PACKAGES = ("starlette", "uvicorn")


def check_web_extra(what: str) -> None:
    """Raise MisstepError where `what` can't be served, since a package is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise MisstepError(
            what,
            needed=f"the package{'s' if len(missing) > 1 else ''} {' and '.join(missing)}",
            got="none",
            try_='pip install "misstep[web]"',
        )
