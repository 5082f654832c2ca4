"""The hosts that the dashboard answers to, and their spelling in ``Host`` headers.

A page of another site cannot read the dashboard, because its requests have another origin. With DNS
rebinding, the name of that site points at this machine, and only the ``Host`` header shows it. So
the dashboard answers only to known names.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ridealong.errors import RidealongError

_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?", re.ASCII)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Hosts:
    """The allowed hosts.

    Attributes:
        names: Names and addresses as `canonical` gives them, in addition to the loopback.
        any_address: Allow every IP address. This is safe for a server that listens on all of them,
            because DNS rebinding needs a name.
    """

    names: frozenset[str] = frozenset()
    any_address: bool = False

    def know(self, header: str) -> bool:
        """Whether a ``Host`` header (a name or address, optionally a port) is allowed."""
        found = _HOST.fullmatch(header.lower())
        if found is None:
            return False
        name = canonical(found["six"] or found["name"])
        address = address_of(name)
        if name in self.names or name == "localhost":
            return True
        return address is not None and (self.any_address or address.is_loopback)


def canonical(name: str) -> str:
    """A host's name in lower case without a final dot; an address in its shortest form."""
    name = name.lower().removesuffix(".")
    return str(address_of(name) or name)


def address_of(name: str) -> Address | None:
    """The IP address in a text; None if the text is a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def parse_host(name: str) -> str:
    """A name or address that a user allows, as `canonical` gives it.

    Raises:
        RidealongError: It is neither. A scheme, a port, a path or a ``*`` is not allowed.
    """
    bare = name.strip().lower().removeprefix("[").removesuffix("]")
    if address_of(bare) is None and not _NAME.fullmatch(bare):
        raise RidealongError(
            f"{name!r} is not a host name",
            where="--allowed-host",
            expected="a name or an address alone, such as dash.example.com or 192.168.1.5",
        )
    return canonical(bare)


def parse_header(name: str) -> str:
    """The name of a header that a user gives.

    Raises:
        RidealongError: It is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):  # RFC 9110, a token
        raise RidealongError(
            f"{name!r} is not the name of a header",
            where="--user-header",
            expected="a name such as X-Forwarded-User",
        )
    return name


def host_of_origin(origin: str) -> str | None:
    """Host and port of an ``Origin`` header; None if it has none, as ``null``."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:  # for example http://[
        return None
