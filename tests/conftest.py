"""What every test runs under: machines of any speed, and the same examples in every run of the project's CI."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "project",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=(HealthCheck.too_slow,),
    print_blob=True,
)
settings.load_profile("project")
