"""`Access`: at which address a page is served, under which names, and the token that opens more.

Knows names and numbers; opens no socket.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field

__all__ = ["Access", "is_loopback"]

# The port that browsers leave out of an address.
PLAIN_PORT = 80
# 256 random bits, as `secrets` counts them: nobody guesses that.
TOKEN_BYTES = 32
TOKEN_HEADER = "x-misstep-token"


@dataclass(frozen=True)
class Access:
    """Where a page is served: under the name `host`, at `port`.

    `is_local`: whether this machine alone can reach it. `token`: whoever sends it, in the header
    `X-Misstep-Token`, may change things, and read where others can reach the page. `names`: what
    else it is called in Host headers, with the port where that is not 80, as behind a proxy.
    """

    host: str
    port: int
    is_local: bool = True
    token: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES), repr=False)
    names: frozenset[str] = frozenset()

    @property
    def origin(self) -> str:
        """Return what every address on the page begins with."""
        return f"http://{self._authority(self.host)}"

    @property
    def address(self) -> str:
        """Return the address for the person who started it, with the token.

        It stands behind the #, which browsers keep to themselves: no log ever holds it.
        """
        return f"{self.origin}/#token={self.token}"

    def admits(self, authority: str, reached: str | None) -> bool:
        """Tell whether a Host header names this server.

        `reached`: the address of this machine at which the connection came in, perhaps an old one
        in the clothes of a new one (::ffff:127.0.0.1). Any other name is one that somebody made
        point here (DNS rebinding); localhost can't be made to.
        """
        if authority.lower() in self.names:
            return True
        names = {self.host, "localhost"} if self.is_local else {self.host}
        if reached is not None and not self.is_local:
            reached = reached.lower().removeprefix("::ffff:")
            names |= {reached, "localhost"} if is_loopback(reached) else {reached}
        return authority.lower() in {self._authority(name).lower() for name in names}

    def knows(self, token: str) -> bool:
        """Tell whether this is the token, in a time that tells nothing about it."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())

    def _authority(self, name: str) -> str:
        bracketed = f"[{name}]" if ":" in name else name
        return bracketed if self.port == PLAIN_PORT else f"{bracketed}:{self.port}"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, seen from itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
