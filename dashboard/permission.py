"""Who may change something: read-only servers, the token of a server, and a proxy's header.

The server makes a secret token when it starts, and gives it to browsers as a cookie that belongs to
its pages alone (`dashboard.guard`). A page of another site can send neither this cookie nor our
origin, so it can change nothing. The token is no login: whoever reaches the pages has it.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from dashboard.hosts import host_of_origin

READ_ONLY = "This dashboard is read-only: it was started with --read-only."
OTHER_ORIGIN = "This request does not come from a page of this dashboard: reload the page."
NO_TOKEN = "This browser has no token of this server: reload the page."
LONGEST_NAME = 200


class Headers(Protocol):
    """The headers of a request, by names in any case."""

    def get_all(self, key: str) -> list[str]:
        """All values of a header."""


@dataclass(frozen=True)
class Permission:
    """What a server lets browsers change.

    Attributes:
        read_only: Nobody may change anything.
        cookie: Name of the cookie with the token.
        token: This server's secret; without one nobody may change anything.
        user_header: The header in which a proxy names the person; None without such a proxy.
    """

    read_only: bool = False
    cookie: str = ""
    token: str = ""
    user_header: str | None = None

    @classmethod
    def of_server(cls, port: int, read_only: bool, user_header: str | None) -> "Permission":
        """That of a new server; the port tells its cookie from those of other servers here."""
        return cls(read_only, f"ridealong-{port}", secrets.token_urlsafe(32), user_header)

    @classmethod
    def of_secrets(cls, shared: Mapping[str, object]) -> "Permission":
        """That of the server which shares these secrets with its pages."""
        return cls(
            bool(shared.get("read_only", False)),
            str(shared.get("cookie", "")),
            str(shared.get("token", "")),
            str(shared.get("user_header", "")) or None,
        )

    def as_secrets(self) -> dict[str, str | bool]:
        """What the pages need to know."""
        return asdict(self) | {"user_header": self.user_header or ""}

    def holds(self, cookies: Mapping[str, str]) -> bool:
        """Whether the browser has the token."""
        given = cookies.get(self.cookie, "").encode("utf-8", "replace")
        return bool(self.token) and hmac.compare_digest(given, self.token.encode())

    def refusal(self, headers: Headers, cookies: Mapping[str, str]) -> str | None:
        """Why a browser may change nothing, in a sentence; None if it may.

        Args:
            headers: Of the handshake of its session.
            cookies: Of the same request.
        """
        if self.read_only:
            return READ_ONLY
        hosts, origins = headers.get_all("host"), headers.get_all("origin")
        if len(hosts) != 1 or [host_of_origin(one) for one in origins] != [hosts[0].lower()]:
            return OTHER_ORIGIN
        if not self.holds(cookies):
            return NO_TOKEN
        if self.user_header and self.person(headers) is None:
            return f"The proxy must name one person in the header {self.user_header}."
        return None

    def person(self, headers: Headers) -> str | None:
        """The person whom the proxy names; None without a proxy, or if it names none or several."""
        given = headers.get_all(self.user_header) if self.user_header else []
        return given[0].strip()[:LONGEST_NAME] or None if len(given) == 1 else None
