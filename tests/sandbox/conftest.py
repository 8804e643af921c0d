"""The sandbox is tested on machines of any speed."""

import pytest
from hypothesis import HealthCheck, settings

from tests.sandbox.driver import Driver

settings.register_profile("any_speed", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("any_speed")


@pytest.fixture
def driver() -> Driver:
    """A sandbox that behaves as TropiPay does, and a client of it."""
    return Driver()
