"""`python -m config.embedded [--temporary] [--no-servers] -- COMMAND ARG...`"""

import argparse
import os
import sys
from contextlib import ExitStack

from config.embedded import development
from config.embedded.directories import postgres_home, state_directory
from config.embedded.postgres import Postgres
from config.embedded.processes import (
    Interrupted,
    StartError,
    catch_signals,
    run_command,
    unprivileged_account,
)
from config.embedded.valkey import Valkey

DESCRIPTION = """\
Run COMMAND with the servers and settings of development.

A PostgreSQL is started unless DATABASE_URL is set, a Valkey or Redis unless
CELERY_BROKER_URL is; both listen on 127.0.0.1 only, want a password, and end with
COMMAND. Their programs are looked for on the PATH, then in the wheels of
requirements-dev.txt. Data and generated secrets are kept in var/ (the database, for
root, in /var/lib/goodwill-embedded/). Variables that are set are left alone.
"""
EPILOG = """\
The exit code is COMMAND's (128 + N if signal N ended it); 2 if something cannot be
started; 126 or 127 if COMMAND cannot be. Ctrl-C and SIGTERM let COMMAND end by itself
for 30 seconds; a second one hurries it.

  python -m config.embedded -- python manage.py runserver
  python -m config.embedded -- sh -c 'psql "$DATABASE_URL"'   (joins servers that already run)
  python -m config.embedded --temporary -- pytest
  python -m config.embedded --no-servers -- python manage.py makemigrations --check
"""
NO_SERVERS = {
    "DATABASE_URL": "postgresql://nobody:none@127.0.0.1:9/none",
    "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
}


def main() -> int:
    options, command = _parse(sys.argv[1:])
    catch_signals()
    try:
        with ExitStack() as stack:
            environment = _environment(stack, temporary=options.temporary, servers=not options.no_servers)
            return run_command(command, environment)
    except (StartError, OSError) as error:
        print(f"config.embedded: {error}", file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        return 128 + int(interrupted.args[0])


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m config.embedded",
        usage="%(prog)s [--temporary] [--no-servers] -- COMMAND [ARG ...]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--temporary", action="store_true", help="keep nothing: new data and secrets, gone at the end")
    parser.add_argument("--no-servers", action="store_true", help="settings only, with URLs that lead nowhere")
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    options, command = parser.parse_args(arguments[:cut]), arguments[cut + 1 :]
    if not command:
        parser.error("-- COMMAND is missing")
    return options, command


def _environment(stack: ExitStack, *, temporary: bool, servers: bool) -> dict[str, str]:
    """The environment of COMMAND. What is started for it ends with `stack`. An empty variable is unset."""
    wanted = {*NO_SERVERS, *development.SETTINGS, *development.SECRETS}
    given = {name: value for name, value in os.environ.items() if value or name not in wanted}
    found = development.SETTINGS | ({} if servers else NO_SERVERS) | given
    missing = wanted - found.keys()
    if not missing:  # as in production: nothing is read or written
        return found
    state = state_directory(stack, temporary=temporary)
    found = development.kept_secrets(state / "development.env") | found
    if "DATABASE_URL" in missing:
        account = unprivileged_account()
        home = postgres_home(stack, state, account, temporary=temporary)
        found["DATABASE_URL"] = Postgres(state, home, account, temporary=temporary).serve(stack)
    if "CELERY_BROKER_URL" in missing:
        found["CELERY_BROKER_URL"] = Valkey(state).serve(stack)
    return found


if __name__ == "__main__":
    sys.exit(main())
