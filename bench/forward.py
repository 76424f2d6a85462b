"""Servers that listen on this host's loopback alone, reachable at another address of it.

    python -m bench.forward ADDRESS PORT...

Every port of the address leads to the same port of 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await source.read(65536):
            target.write(block)
            await target.drain()
    target.close()


async def _listen(address: str, port: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass_on(reader, before), _pass_on(behind, writer))

    server = await asyncio.start_server(connected, address, port)
    await server.serve_forever()


async def main(address: str, ports: list[int]) -> None:
    await asyncio.gather(*(_listen(address, port) for port in ports))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], [int(port) for port in sys.argv[2:]]))
