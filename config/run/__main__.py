"""`python -m config.run serve|demo`, inside `python -m config.embedded --`, which gives it servers and settings."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from config.embedded.processes import Interrupted, catch_signals
from config.run import place as places
from config.run.children import Children
from config.run.demo_data import DemoData, write_summary
from config.run.gateway import Gateway
from config.run.place import Place
from config.run.readiness import wait_until_ready
from config.run.story import tell
from config.run.trouble import Trouble
from config.run.welcome import submit_seed, welcome

DESCRIPTION = """\
serve  set up, start web, worker, beat and the Intouch sandbox, submit the first request, and serve until Ctrl-C
demo   the same on free ports, then submit, approve, credit and read back without a person; 0 if all went well
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m config.run", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["serve", "demo"])
    what = parser.parse_args().what
    catch_signals()
    try:
        with ExitStack() as stack:
            return _serve(stack) if what == "serve" else _demo(stack)
    except (Trouble, OSError) as trouble:
        print(f"config.run: {trouble}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        return 128 + int(interrupted.args[0])


def _serve(stack: ExitStack) -> int:
    """Until a signal, which is the good end once everything was up; 0 then."""
    place = places.from_environment()
    places.occupy(place, stack)
    place.summary.unlink(missing_ok=True)
    children, demo = _start(stack, place)
    said, to_approve = submit_seed(Gateway(place, demo), demo)
    write_summary(place, demo)
    _show(welcome(place, demo, said, to_approve))
    try:
        while True:
            children.watch()
    except Interrupted:
        _show("\nEnding everything.")
        return 0


def _demo(stack: ExitStack) -> int:
    """Beside a running `make run`: own ports and an own directory, gone at the end."""
    kept = stack.enter_context(tempfile.TemporaryDirectory(prefix="goodwill-demo-"))
    place = places.somewhere(Path(kept))
    places.occupy(place, stack)
    children, demo = _start(stack, place, "--fresh")
    _show(f"\n{tell(children, place, demo, _show)}")
    return 0


def _start(stack: ExitStack, place: Place, *options: str) -> tuple[Children, DemoData]:
    """Set up and start everything; all of it answers when this returns, and ends with `stack`."""
    children = stack.enter_context(Children(environment=place.environment(), logs=place.logs, show=_show))
    commands = place.set_up_commands()
    _show("Migrating the database ...")
    children.run("migrate", commands["migrate"])
    _show("Creating the demo organisation ...")
    demo = DemoData.from_json(children.run("create_demo", [*commands["create_demo"], *options]))
    if demo["is_new"]:
        # What an earlier database had credited would make the sandbox refuse the references of this one.
        place.ledger.unlink(missing_ok=True)
    for name, command in place.lasting_commands().items():
        children.start(name, command)
    _show(f"Starting {children.named()} ...")
    wait_until_ready(children, place)
    return children, demo


def _show(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
