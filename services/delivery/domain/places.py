"""Where a webhook may go. Pure: names are looked up elsewhere, and what they resolve to is judged here."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network
HTTPS: Final = 443
_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_CARRIER: Final = ip_network("100.64.0.0/10")
_TUNNELS: Final = (ip_network("2002::/16"), ip_network("2001::/32"))
"""6to4 and Teredo, which carry an IPv4 address."""


class Forbidden(ValueError):
    """A URL that no webhook may have; says why."""


@dataclass(frozen=True, slots=True)
class Places:
    """What may be reached: the public internet over HTTPS at port 443, and whatever else is said here."""

    networks: Sequence[Network] = ()
    http: bool = False
    ports: bool = False

    def check(self, url: str) -> None:
        """Raises Forbidden."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Forbidden("is no URL") from None
        host = parts.hostname or ""
        if parts.scheme != "https" and not (self.http and parts.scheme == "http"):
            raise Forbidden("must begin with https://")
        if not host or parts.username is not None or parts.password is not None or parts.fragment:
            raise Forbidden("must have a host, no user and no fragment")
        if port not in {None, HTTPS} and not self.ports:
            raise Forbidden("must go to port 443")
        if (literal := _literal(host)) is not None and not self._listed(literal):
            raise Forbidden("must name its host, not an address")

    def allows(self, address: str) -> bool:
        """May a connection go to this address, as a look-up gave it?"""
        found = _literal(address)
        return found is not None and (self._listed(found) or is_public(found))

    def _listed(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Is it an address of the internet, that means what it says: none that stands for another one?"""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None or any(address in each for each in (*_NAT64, *_TUNNELS)):
            return False
        if address.is_site_local or address.scope_id:
            return False
    elif address in _CARRIER:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """An address, also in the ways in which resolvers read one (`127.1`, `0x7f000001`, `2130706433`)."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    last = host.rstrip(".").rpartition(".")[2].lower()
    numeric = last.isdecimal() or (last.startswith("0x") and all(each in "0123456789abcdef" for each in last[2:]))
    return IPv4Address(0) if numeric else None
