"""Capacity in service: what it accepts, and what was known of an hour at a moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import errors
from energyforecast.point_in_time.capacity import CapacityInService, capacity_in_service
from tests.support.toy_weather import wind_farm

FARM = wind_farm(capacity=100.0)
HOURS = pd.date_range("2024-01-01", periods=6, freq="1h", tz="UTC")
HOUR = pd.Timedelta("1h")


def _frame(values: list[float], *, freq: str = "1h", start: str = "2024-01-01") -> pd.DataFrame:
    index = pd.date_range(start, periods=len(values), freq=freq, tz="UTC")
    return pd.DataFrame({"farm": values}, index=index)


def _known(*several: ef.AvailableCapacity, site: ef.Site = FARM, step: str = "1h") -> CapacityInService:
    found = capacity_in_service(None, several, sites=[site], step=pd.Timedelta(step))
    assert found is not None
    return found


def _service(known: CapacityInService, hours: Any, as_of: Any = None) -> list[float]:
    return known.in_service(
        FARM, pd.DatetimeIndex(hours).tz_localize(None).to_numpy("M8[ns]"), as_of
    ).tolist()


def test_an_hour_has_its_own_value_once_it_was_known() -> None:
    known = _known(ef.AvailableCapacity(_frame([100, 50, 80]), published_time="2024-01-01 01:30"))
    assert _service(known, HOURS[:3], "2024-01-01 01:29") == [100, 100, 100]  # rated: nothing was known
    assert _service(known, HOURS[:3], "2024-01-01 01:30") == [100, 50, 80]


def test_an_hour_to_come_takes_the_newest_value_of_an_hour_that_had_begun() -> None:
    known = _known(ef.AvailableCapacity(_frame([90, 80, 70, 60, 50, 40]), published_after="1h"))
    # At 04:00 the values of 00:00 to 02:00 had been published.
    assert _service(known, [*HOURS, HOURS[-1] + 24 * HOUR], "2024-01-01 04:00") == [
        90,
        80,
        70,
        70,
        70,
        70,
        70,
    ]


def test_an_announced_outage_does_not_last_beyond_its_hours() -> None:
    values = [100, np.nan, 20, np.nan, np.nan, np.nan]
    known = _known(ef.AvailableCapacity(_frame(values), published_time="2023-12-31 12:00"))
    assert _service(known, HOURS[:4], "2024-01-01 00:30") == [100, 100, 20, 100]


def test_without_a_moment_every_value_counts_and_gaps_take_the_value_before() -> None:
    known = _known(ef.AvailableCapacity(_frame([100, np.nan, 20, np.nan]), published_after="1h"))
    assert _service(known, HOURS[:5]) == [100, 100, 20, 20, 20]
    assert _service(known, [HOURS[0] - HOUR]) == [100.0]


def test_the_newest_publication_of_an_hour_counts() -> None:
    plan = ef.AvailableCapacity(_frame([60, 60, 60]), published_time="2023-12-31")
    later = ef.AvailableCapacity(
        _frame([80], start="2024-01-01 01:00").asfreq("1h"), published_time="2024-01-01", frequency="1h"
    )
    for known in (_known(plan, later), _known(later, plan)):
        assert _service(known, HOURS[:3], "2023-12-31 12:00") == [60, 60, 60]
        assert _service(known, HOURS[:3], "2024-01-01") == [60, 80, 60]


@pytest.mark.parametrize("published", [["01:00", "03:00", "02:00"], ["03:00", "02:00", "01:00"]])
def test_publications_out_of_order_are_searched_one_by_one(published: list[str]) -> None:
    frame = _frame([90, 80, 70])
    times = pd.DataFrame(
        {"farm": pd.DatetimeIndex([f"2024-01-01 {time}" for time in published], tz="UTC")}, index=frame.index
    )
    known = _known(ef.AvailableCapacity(frame, published_time=times))
    for moment in ("00:30", "01:00", "01:30", "02:00", "02:30", "03:00"):
        at = pd.Timestamp(f"2024-01-01 {moment}", tz="UTC")
        begun = (frame.index <= at) & (times["farm"] <= at).to_numpy()
        expected = frame["farm"][begun].iloc[-1] if begun.any() else 100
        assert _service(known, [HOURS[5]], at) == [expected], moment


def test_a_capacity_that_was_never_known_is_none() -> None:
    frame = _frame([50, 60])
    never = ef.AvailableCapacity(frame, published_time=pd.DataFrame(pd.NaT, frame.index, frame.columns))
    assert capacity_in_service(None, never, sites=[FARM], step=HOUR) is None


def test_days_hold_in_all_their_hours_and_quarters_are_averaged() -> None:
    days = ef.AvailableCapacity(_frame([50, 100], freq="24h"), published_time="2023-12-01")
    assert _service(_known(days), [HOURS[5], HOURS[5] + 24 * HOUR], "2024-01-01") == [50, 100]
    quarters = ef.AvailableCapacity(
        _frame([100, 100, 40, 40, 80, 80, 80, np.nan], freq="15min"), published_after="0h"
    )
    known = _known(quarters)
    assert _service(known, HOURS[:2]) == [70, 70]
    assert _service(known, HOURS[:1], "2024-01-01 00:59") == [100]  # its last quarter was not known
    with pytest.raises(errors.TimeError, match="whole multiple"):
        _known(ef.AvailableCapacity(_frame([1, 2, 3], freq="40min"), published_after="0h"))


def test_an_order_holds_in_its_hours_alone() -> None:
    order = ef.AvailableCapacity(
        _frame([30], start="2024-01-01 02:00"), published_time="2024-01-01", limit=True, frequency="1h"
    )
    known = _known(order)
    hours = HOURS[:4].tz_localize(None).to_numpy("M8[ns]")
    assert known.limit(FARM, hours, "2024-01-01").tolist() == [np.inf, np.inf, 30, np.inf]
    assert np.isinf(known.limit(FARM, hours, "2023-12-31")).all()
    assert known.is_free(FARM, hours).tolist() == [True, True, False, True]


def test_power_is_brought_to_the_rated_capacity() -> None:
    known = _known(ef.AvailableCapacity(_frame([50, 0, 100, 50]), published_after="0h"))
    hours = HOURS[:4].tz_localize(None).to_numpy("M8[ns]")
    found = known.to_rated(FARM, np.array([20.0, 0.0, -1.0, 60.0]), hours)
    np.testing.assert_array_equal(found, [40.0, np.nan, -1.0, 100.0])
    area = ef.DemandArea(name="farm", latitude=48, longitude=10, capacity=100)
    demand = _known(ef.AvailableCapacity(_frame([50, 0, 100, 50]), published_after="0h"), site=area)
    assert demand.to_rated(area, np.array([20.0]), hours[:1]).tolist() == [20.0]


# -- what is refused, and what is not --------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"published_after": None}, errors.MissingDataError, "Exactly one"),
        ({"published_time": "2024-01-01"}, errors.MissingDataError, "Exactly one"),
        ({"published_after": "soon"}, errors.TimeError, "length of time"),
        ({"published_after": None, "published_time": "yesterday"}, errors.TimeError, "moment"),
        ({"values": _frame([50, -1])}, errors.RangeError, "0 or above"),
        ({"values": _frame([50, np.inf])}, errors.SchemaError, "infinite"),
        ({"values": _frame([50, 60]).tz_localize(None)}, errors.TimeError, "UTC"),
        ({"values": 50.0}, errors.SchemaError, "DataFrame"),
    ],
)
def test_wrong_tables_are_refused(given: dict[str, Any], kind: type[Exception], words: str) -> None:
    right = {"values": _frame([50, 60]), "published_after": "1h", "published_time": None}
    values, rest = (right | given)["values"], {k: v for k, v in (right | given).items() if k != "values"}
    with pytest.raises(kind, match=words):
        ef.AvailableCapacity(values, **rest)


def test_other_sites_and_other_types_are_refused() -> None:
    other = ef.AvailableCapacity(_frame([50, 60]).rename(columns={"farm": "fram"}), published_after="1h")
    with pytest.raises(errors.SchemaError, match="fram"):
        _known(other)
    with pytest.raises(errors.SchemaError, match="AvailableCapacity"):
        ef.Observations(_frame([1, 2]), published_after="1h", available_capacity=100.0)
    with pytest.raises(errors.SchemaError, match="rated"):
        _known(
            ef.AvailableCapacity(_frame([50, 60]), published_after="1h"), site=replace(FARM, capacity=None)
        )


def test_a_frame_of_other_intervals_is_refused_and_its_remedy_gives_each_its_hour() -> None:
    quarters = _frame([10.0] * 8, freq="15min")
    with pytest.raises(errors.SchemaError, match=r"Give AvailableCapacity\(frame, published_after="):
        ef.Observations(quarters, published_after="1h", available_capacity=_frame([50, 80]))
    capacity = ef.AvailableCapacity(_frame([50, 80]), published_after="0h")
    power = ef.Observations(quarters, published_after="1h", available_capacity=capacity)
    assert power.available_capacity_at("farm", quarters.index).tolist() == [50] * 4 + [80] * 4


def test_observations_keep_it_in_slices() -> None:
    capacity = ef.AvailableCapacity(_frame([50, 60, 70]), published_time="2023-12-01")
    frame = pd.concat([_frame([1, 2]), _frame([3, 4]).rename(columns={"farm": "other"})], axis=1)
    power = ef.Observations(frame, published_after="1h", available_capacity=capacity)
    assert power[:"2024-01-01 00:00"].capacities == (capacity,)  # hours to come are known too
    assert power[["farm"]].capacities == (capacity,)
    assert power[["other"]].capacities == ()
    assert power.resample("2h").capacities == (capacity,)
    assert power.available_capacity_at("farm", HOURS[:2]).tolist() == [50, 60]
    assert np.isnan(power.available_capacity_at("other", HOURS[:2])).all()
