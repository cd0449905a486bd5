"""Sites are checked when they are made."""

from __future__ import annotations

import numpy as np
import pytest

from energyforecast.core.sites import WindFarm, as_sites
from energyforecast.errors import RangeError, SchemaError
from tests.support.error_messages import three_lines

FARM = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2)
OTHER = WindFarm(name="other", latitude=43.64, longitude=78.54, capacity=60)
HOURS = np.timedelta64(1, "h")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("latitude", 95),
        ("latitude", float("nan")),
        ("longitude", 181),
        ("longitude", -200),
        ("capacity", 0),
        ("capacity", -3),
        ("capacity", float("inf")),
        ("hub_height", 0),
        ("altitude", 10_000),
    ],
)
def test_an_impossible_site_is_refused_at_birth(field: str, value: float) -> None:
    good = {"latitude": 48.45, "longitude": 5.59, "capacity": 8.2}
    with pytest.raises(RangeError, match=field) as caught:
        WindFarm(name="farm", **(good | {field: value}))  # type: ignore[arg-type]
    three_lines(caught.value, "'farm'", str(value))


def test_names_of_sites_are_unique_and_there_is_at_least_one() -> None:
    with pytest.raises(SchemaError, match="'farm' is given twice"):
        as_sites([FARM, OTHER, FARM])
    for nothing in ([], ["farm"]):
        with pytest.raises(SchemaError):
            as_sites(nothing)  # type: ignore[arg-type]
