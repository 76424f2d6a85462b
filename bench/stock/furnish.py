"""`python -m bench.stock.furnish`: tables, a program, a maker and a checker; prints their tokens."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.stock.settings")


def main() -> None:
    django.setup()
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from rest_framework.authtoken.models import Token

    from bench.stock.models import Program

    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)  # our own tables, which point to those of the migrations
    Program.objects.create(number=2739, name="Points")
    maker, checker = (User.objects.create(username=name) for name in ("maker", "checker"))
    checker.groups.add(Group.objects.create(name="checkers"))
    print(*(Token.objects.create(user=user).key for user in (maker, checker)))


if __name__ == "__main__":
    main()
