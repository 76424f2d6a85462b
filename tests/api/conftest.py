from typing import Any

import pytest

from tests.api.gateway import Gateway, gateway, gateway_of
from tests.house import House

__all__ = ["checker", "gateway"]


@pytest.fixture
def checker(house: House, settings: Any) -> Gateway:
    """The API as the house's checker sees it; no worker runs, so an approval does not wait for one."""
    settings.DECISION_WAIT_SECONDS = 0
    return gateway_of(house, house.checker)
