from tests.api.gateway import gateway

__all__ = ["gateway"]
