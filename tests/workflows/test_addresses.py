"""Which addresses may be called, by policy: the table of what looks harmless and is not."""

from __future__ import annotations

import pytest

from workflows.intouch.addresses import AddressPolicy

PUBLIC_ONLY = AddressPolicy(allows_internal=False, allows_loopback=False)
INTERNAL = AddressPolicy(allows_internal=True, allows_loopback=False)
DEVELOPMENT = AddressPolicy(allows_internal=True, allows_loopback=True)

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
PRIVATE = [
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "198.18.0.1",
    "fc00::1", "fdff::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "::ffff:192.168.1.1",
]  # fmt: skip
LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"]
NEVER = [
    # cloud metadata, in every spelling
    "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fe80::a9fe:a9fe",
    "169.254.170.2", "100.100.100.200", "::ffff:100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
    "168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::",
    # this host, every host, and nobody
    "0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "ff02::1", "fe80::1", "fe80::1%eth0", "febf::1",
    # IPv4-compatible, long abolished: what it leads to depends on the stack
    "::127.0.0.1", "::169.254.169.254", "::a00:1",
]  # fmt: skip
NONSENSE = ["", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4",
            " 8.8.8.8",
            "8.8.8.8 ", "8.8.8.8/32", "[::1]", ":::", "١٢٧.٠.٠.١"]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called_always(address: str) -> None:
    assert PUBLIC_ONLY.allows(address)
    assert INTERNAL.allows(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_be_called_where_the_target_says_so(address: str) -> None:
    assert not PUBLIC_ONLY.allows(address)
    assert INTERNAL.allows(address)


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_very_host_may_be_called_in_development_only(address: str) -> None:
    assert not PUBLIC_ONLY.allows(address)
    assert not INTERNAL.allows(address)
    assert DEVELOPMENT.allows(address)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_needs_the_target_to_allow_internal_addresses_as_well(address: str) -> None:
    assert not AddressPolicy(allows_internal=False, allows_loopback=True).allows(address)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str) -> None:
    assert not any(policy.allows(address) for policy in (PUBLIC_ONLY, INTERNAL, DEVELOPMENT))


@pytest.mark.parametrize("address", NONSENSE)
def test_what_is_no_address_is_not_called(address: str) -> None:
    assert not DEVELOPMENT.allows(address)
