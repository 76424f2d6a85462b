"""Hosts beside this one: network namespaces of the kernel, each with a loopback of its own, on one bridge."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

NETWORK = "10.213.57"
ADDRESS = f"{NETWORK}.1"  # of this host, as the others see it


class NoHosts(Exception):
    """The kernel or the rights of this account do not allow any; why."""


@dataclass(frozen=True, slots=True)
class Host:
    name: str

    def command(self, *arguments: str) -> list[str]:
        """What runs a program on this host."""
        return ["ip", "netns", "exec", self.name, *arguments]


@contextmanager
def hosts(number: int) -> Iterator[list[Host]]:
    """So many hosts that reach this one at ADDRESS, and that nobody else reaches. They go with the block.

    Raises:
        NoHosts: see there.
    """
    bridge = f"gw{os.getpid()}"
    with ExitStack() as stack:
        _ip("link", "add", bridge, "type", "bridge")
        stack.callback(_ip, "link", "delete", bridge)
        _ip("address", "add", f"{ADDRESS}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        found = []
        for place in range(number):
            host = Host(f"{bridge}-{place}")
            _ip("netns", "add", host.name)
            stack.callback(_ip, "netns", "delete", host.name)  # takes its end of the cable along, and so the cable
            _plug_in(host, bridge, place)
            found.append(host)
        yield found


def _plug_in(host: Host, bridge: str, place: int) -> None:
    plug = f"{bridge}v{place}"
    _ip("link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", host.name)
    _ip("link", "set", plug, "master", bridge, "up")
    _ip("-n", host.name, "address", "add", f"{NETWORK}.{place + 2}/24", "dev", "eth0")
    _ip("-n", host.name, "link", "set", "eth0", "up")
    _ip("-n", host.name, "link", "set", "lo", "up")


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoHosts("there is no program `ip` here (iproute2)") from error
    except subprocess.CalledProcessError as error:
        raise NoHosts(f"`ip {' '.join(arguments)}`: {error.stderr.strip()}") from error
