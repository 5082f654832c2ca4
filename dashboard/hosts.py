"""The names under which the dashboard answers, and how ``Host`` headers spell them.

A page of another site cannot read the dashboard: its requests have another origin. Unless its name
is made to point at this machine (DNS rebinding): then only the ``Host`` header still tells. So the
dashboard answers to names that it knows, and to no other.
"""

import ipaddress
import re
from dataclasses import dataclass

from ridealong.errors import RidealongError

_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?", re.ASCII)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Hosts:
    """Which hosts are ours.

    Attributes:
        names: Names and addresses as `canonical` gives them, besides those of the loopback.
        any_address: Every IP address is ours: right for a server that listens on all of them,
            since a page that was made to point here came by a name.
    """

    names: frozenset[str] = frozenset()
    any_address: bool = False

    def know(self, header: str) -> bool:
        """Whether a ``Host`` header, a name or address and perhaps a port, is one of ours."""
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
    """The IP address that a name is, None where it is a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def parse_host(name: str) -> str:
    """A name or address that a user allows, as `canonical` gives it.

    Raises:
        RidealongError: It is neither; a scheme, a port, a path or a ``*`` is no part of one.
    """
    bare = name.strip().lower().removeprefix("[").removesuffix("]")
    if address_of(bare) is None and not _NAME.fullmatch(bare):
        raise RidealongError(
            f"{name!r} is not a host name",
            where="--allowed-host",
            expected="a name or an address alone, such as dash.example.com or 192.168.1.5",
        )
    return canonical(bare)
