"""Which addresses a target's name may lead to. Checked on the very address that is then connected to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloud metadata services and their like: never a loyalty platform, whatever a name resolves to.
_NEVER = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
        "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128", "ff00::/8",
    )
]  # fmt: skip
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What one target may resolve to.

    Attributes:
        allows_internal: private addresses too; the entry of the allow-list says so explicitly.
        allows_loopback: this very host too; for development.
    """

    allows_internal: bool
    allows_loopback: bool

    def allows(self, text: str) -> bool:
        """Whether to connect to this address, given as text without a zone."""
        try:
            address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return False
        if address.is_loopback:
            return self.allows_internal and self.allows_loopback
        if any(address.version == network.version and address in network for network in _NEVER):
            return False
        return self.allows_internal or address.is_global


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped, 6to4, Teredo or NAT64."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        teredo = address.teredo
        return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
    return address
