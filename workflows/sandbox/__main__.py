"""Run the sandbox on its own: `python -m workflows.sandbox --port 8900 --ledger FILE`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from workflows.sandbox.ledger import LedgerError
from workflows.sandbox.server import make_server

DEFAULT_PORT = "8900"


class CannotStart(Exception):
    """The sandbox cannot start; the message says why."""


def _port(text: str) -> int:
    """Read a port for argparse, which also applies it to the default from the environment."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; their names are those of `run`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port",
        type=_port,
        default=os.environ.get("SANDBOX_PORT", DEFAULT_PORT),
        help=f"port to listen on, 0 for a free one (default: $SANDBOX_PORT, or {DEFAULT_PORT})",
    )
    parser.add_argument("--ledger", type=Path, help="file that remembers the credits over a restart")


def run(*, host: str, port: int, ledger: Path | None) -> None:
    """Serve until SIGTERM or SIGINT, then return.

    Raises CannotStart if the port or the file is not to be had.
    """
    try:
        server = make_server(host, port, ledger)
    except (OSError, LedgerError) as error:
        raise CannotStart(f"the sandbox cannot start: {error}") from error
    with server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # shutdown() waits for the loop that this handler interrupts, so it needs a thread of its own.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"listening on {server.url}", flush=True)
        server.serve_forever(poll_interval=0.1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m workflows.sandbox", description=__doc__)
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        run(host=options.host, port=options.port, ledger=options.ledger)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
