import pytest

from tests.api.gateway import Gateway, gateway

__all__ = ["gateway", "outside"]


@pytest.fixture
def outside(gateway: Gateway) -> Gateway:
    """Somebody with an organisation header and nothing that proves who they are."""
    return gateway.having(Authorization=None)
