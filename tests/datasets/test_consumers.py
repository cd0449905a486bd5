"""Synthetic consumers: reproducible, as regular as measured ones, and with a true distribution that is true."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core import calendars
from energyforecast.core.variables import Flag
from energyforecast.datasets import SyntheticConsumers
from energyforecast.errors import RangeError, SchemaError, TimeError

LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
GENERATORS: tuple[Callable[..., SyntheticConsumers], ...] = (
    ef.datasets.works,
    ef.datasets.households,
    ef.datasets.city,
)
every_kind = pytest.mark.parametrize("make", GENERATORS, ids=lambda make: make.__name__)


@cache
def consumers(make: Callable[..., SyntheticConsumers], seed: int = 1) -> SyntheticConsumers:
    return make(seed=seed)


@cache
def month(make: Callable[..., SyntheticConsumers], seed: int = 1) -> SyntheticConsumers:
    return make(seed=seed, days=31)


@cache
def last_week() -> ef.Forecast:
    """A reference forecast of the works, 12 hours from each of two issues."""
    made = month(ef.datasets.works)
    task = ef.intraday(every="1h", leads="12h", frequency="15min", quantiles=tuple(LEVELS))
    forecaster = ef.Forecaster(made.site, task, model=ef.SeasonalNaive())
    forecaster.fit(None, made.observations, as_of="2023-01-23 00:00Z")
    issues = pd.to_datetime(["2023-01-23 03:00Z", "2023-01-24 09:00Z"])
    return forecaster.predict(None, made.observations, issue_time=issues)


@every_kind
def test_the_same_seed_makes_the_same_numbers_and_another_one_others(
    make: Callable[..., SyntheticConsumers],
) -> None:
    one, again, other = month(make), make(seed=1, days=31), month(make, 2)
    pd.testing.assert_frame_equal(one.observations.values, again.observations.values)
    pd.testing.assert_frame_equal(one.truth, again.truth)
    assert not one.observations.values.equals(other.observations.values)
    assert one.truth.attrs["synthetic"] == 1
    assert all("synthetic" in site.name for site in one.sites)


@every_kind
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_statistics_are_near_those_of_measured_consumers(
    make: Callable[..., SyntheticConsumers], seed: int
) -> None:
    table = consumers(make, seed).describe()
    assert table["within"].all(), table[~table["within"]].to_string()
    assert (table["basis"] == "published").sum() >= 10


@every_kind
@pytest.mark.parametrize("lag", [1, 7, 60])
def test_the_true_quantiles_hold_as_often_as_they_say(
    make: Callable[..., SyntheticConsumers], lag: int
) -> None:
    made = consumers(make)
    known = np.arange(0, len(made.observations.index) - lag, 4)
    true = made.distribution.quantiles(0, known=known, valid=known + lag, levels=LEVELS)
    came = made.distribution.power()[known + lag, 0]
    below = (came[:, None] <= true).mean(axis=0)
    np.testing.assert_allclose(below, LEVELS, atol=0.05)
    assert (np.diff(true, axis=1) > 0).all()


def test_the_true_quantiles_know_no_more_than_the_newest_published_interval() -> None:
    made, forecast = month(ef.datasets.works), last_week()
    best = made.best_possible(forecast)
    issued = forecast.issue_times[0]
    index = made.observations.index
    newest = index.get_loc(issued - pd.Timedelta("30min"))  # 02:30 to 02:45, published at 03:00
    valid = index.get_indexer([issued + pd.Timedelta("45min")])
    expected = made.distribution.quantiles(0, known=np.array([newest]), valid=valid, levels=LEVELS)
    cell = best.data.isel(site=0, issue_time=0)
    np.testing.assert_allclose(cell.sel(lead_time=pd.Timedelta("45min")).to_numpy(), expected[0])
    assert best.data["valid_time"].identical(forecast.data["valid_time"])
    width = cell.sel(quantile=0.95) - cell.sel(quantile=0.05)
    assert width[-1] > width[0], "night into the shift"


def test_the_widest_true_quantiles_are_those_of_the_median_alone() -> None:
    """Ten memories ahead, all that was known is forgotten: the median is that of the calendar."""
    made = consumers(ef.datasets.city)
    valid = np.arange(9000, 9010)
    far = made.distribution.quantiles(0, known=valid - 5000, valid=valid, levels=np.array([0.5]))
    np.testing.assert_allclose(far[:, 0], made.truth.iloc[9000:9010, 0], rtol=1e-6)


def test_forecasts_of_others_and_of_other_times_are_refused() -> None:
    forecast = last_week()
    with pytest.raises(SchemaError, match=r"household 001") as caught:
        month(ef.datasets.households).best_possible(forecast)
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(SchemaError, match="forecast is"):
        month(ef.datasets.works).best_possible("forecast.csv")  # type: ignore[arg-type]
    with pytest.raises(TimeError, match="every 15min"):
        ef.datasets.works(days=21).best_possible(forecast)
    with pytest.raises(TimeError, match="before the record"):
        ef.datasets.works(start="2023-02-10", days=21).best_possible(forecast)


@every_kind
@pytest.mark.parametrize("change", [{"days": 3}, {"seed": -1}])
def test_too_short_records_are_refused(
    make: Callable[..., SyntheticConsumers], change: dict[str, int]
) -> None:
    with pytest.raises(RangeError):
        make(**change)


def test_plans_of_the_works_are_known_before_its_day_and_explain_its_demand() -> None:
    made = consumers(ef.datasets.works)
    planned, name = made.observations.planned, made.site.name
    assert planned is not None
    rows = planned.rows
    ahead = pd.to_datetime(rows["start"]) - pd.to_datetime(rows["published"])
    assert ahead.min() >= pd.Timedelta("40h")
    index = made.observations.index
    running = planned.at(name, "furnace", index) > 0
    local = index.tz_convert(made.site.timezone)
    noon = (local.hour == 10) & (local.day_of_week < 5)
    assert made.truth[name][noon & running].mean() > 1.5 * made.truth[name][noon & ~running].mean()
    out = made.observations.flags[name] == int(Flag.OUTAGE)  # type: ignore[index]
    assert 0 < out.mean() < 0.02
    assert (made.observations.values[name][out] < 0.02).all()


def test_some_households_move_in_later_and_some_meters_have_gaps() -> None:
    values = consumers(ef.datasets.households).observations.values
    first = values.apply(pd.Series.first_valid_index)
    late = first > values.index[0] + pd.Timedelta("30D")
    assert 3 <= late.sum() <= 20
    assert values.loc[:, ~late].isna().any().sum() >= 5
    assert values.mean().max() > 3 * values.mean().min()


def test_ramadan_moves_through_the_years_of_the_city() -> None:
    """At two in the night, days of Ramadan against those of the three weeks before it, where its calendar has it."""
    made = consumers(ef.datasets.city)
    local = made.truth.iloc[:, 0].tz_convert(made.site.timezone)
    night = local[(local.index.hour == 2) & (local.index.minute == 0)]
    fasting = calendars.ramadan(night.index.tz_localize(None).to_numpy().astype("datetime64[D]"))
    begins = night.index[1:][fasting[1:] & ~fasting[:-1]]
    assert [f"{day:%m}" for day in begins] == ["04", "03", "03"]
    for begin in begins:
        before = night[begin - pd.Timedelta("21D") : begin - pd.Timedelta("1D")]
        assert night[begin : begin + pd.Timedelta("21D")].mean() > 1.15 * before.mean()
