"""Numbers as people read them: grouped, never with an exponent, never padded."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format


def decimals_of(number: Decimal) -> int:
    """How many decimal places it takes to write the number down."""
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def readable(number: Decimal, *, least_decimals: int = 0) -> str:
    """`1,500.5` for 1500.500000, in the reader's language."""
    return number_format(number, decimal_pos=max(decimals_of(number), least_decimals), force_grouping=True)
