"""Can these places be filled by different people? A matching, not a head count.

Two places that only one person can fill pass a head count of three and wait for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import TypeVar

Person = TypeVar("Person", bound=Hashable)


def unfilled(places: Sequence[Collection[Person]]) -> list[int]:
    """Indexes of the places that stay empty in a largest matching; none where everybody can be found.

    Args:
        places: for each place, who could fill it.
    """
    holder: dict[Person, int] = {}

    def place(index: int, seen: set[Person]) -> bool:
        # Kuhn's augmenting paths: whoever holds another place already moves on if they can.
        for person in places[index]:
            if person not in seen:
                seen.add(person)
                if person not in holder or place(holder[person], seen):
                    holder[person] = index
                    return True
        return False

    return [index for index in range(len(places)) if not place(index, set())]
