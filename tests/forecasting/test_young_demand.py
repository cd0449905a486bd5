"""Consumers that are known for days or weeks: a forecast with honest errors, marked as a cold start."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import MissingDataError, UncalibratedWarning
from energyforecast.forecasting.default_of_demand import model_of_demand

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.25, 0.5, 0.75, 0.9))
AREAS = {
    sector: ef.DemandArea(name="home", latitude=52.0, longitude=13.0, sector=sector)
    for sector in ("households", "industry")
}


def _demand(days: float, *, names: tuple[str, ...] = ("home",)) -> ef.Observations:
    """A consumer of 1 MW at night and 3 by day, less on days off, with noise."""
    index = pd.date_range("2024-02-19", periods=int(24 * days), freq="1h", tz="UTC")
    day = (index.hour >= 7) & (index.hour < 19)
    rng = np.random.default_rng(0)
    columns = {
        name: 1 + day * np.where(index.day_of_week < 5, 2.0, 0.7) + 0.2 * rng.normal(size=len(index))
        for name in names
    }
    return ef.Observations(pd.DataFrame(columns, index=index), published_after="1h")


def _newest(demand: ef.Observations) -> pd.Timestamp:
    return demand.index[-1].floor("D") + pd.Timedelta("9h")


@pytest.mark.parametrize("sector", list(AREAS))
@pytest.mark.parametrize("days", [2.5, 3.5, 5.5, 9.5])
def test_a_consumer_of_some_days_is_forecast_and_marked(sector: str, days: float) -> None:
    demand, area = _demand(days), AREAS[sector]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UncalibratedWarning)
        forecaster = ef.Forecaster(area, TASK).fit(None, demand)
    forecast = forecaster.predict(None, demand, issue_time=_newest(demand))
    words = f"cold start: {round(days)} days of demand known for home"
    assert forecaster.training_.young == {"home": days}
    assert forecast.caveats == (words,) == forecaster.cold_starts
    assert forecast.data.attrs["cold_start"] == "home"
    assert "few days of demand known for home" in repr(forecaster)
    assert (forecast.data["fallback_level"].values == 0).all()
    values = forecast.data.transpose("site", "issue_time", "lead_time", "quantile").values[0, 0]
    assert np.isfinite(values).all()
    assert (np.ptp(values, axis=1) > 0.2).all()
    noon, night = values[12, 2], values[2, 2]
    assert noon > night + 0.3


def test_it_is_the_same_when_read_back(tmp_path: Path) -> None:
    demand = _demand(8.5)
    forecaster = ef.Forecaster(AREAS["households"], TASK).fit(None, demand)
    again = ef.load(forecaster.save(tmp_path / "home.forecaster"))
    first, second = (one.predict(None, demand, issue_time=_newest(demand)) for one in (forecaster, again))
    assert second.data.identical(first.data)


def test_four_weeks_are_no_cold_start() -> None:
    forecaster = ef.Forecaster(AREAS["households"], TASK, model=ef.LightGBMQuantiles(n_estimators=5))
    assert forecaster.fit(None, _demand(27.5)).training_.young == {"home": 27.5}
    assert forecaster.fit(None, _demand(28.0)).cold_starts == ()
    # Of what was published as of the fit alone.
    assert forecaster.fit(None, _demand(40), as_of="2024-03-01 00:00").training_.young == {"home": 10.958}


def test_a_backtest_names_the_fits_that_were_cold() -> None:
    demand, model = _demand(40), ef.LightGBMQuantiles(n_estimators=5, folds=0)
    result = ef.backtest(
        ef.Forecaster(AREAS["households"], TASK, model=model),
        None,
        demand,
        start="2024-03-01",
        end="2024-03-28",
        refit=20,
    )
    folds = result.folds[result.folds["model"] == "model"]
    assert folds["cold_start"].tolist() == ["cold start: 10 days of demand known for home", ""]


def test_without_any_published_value_it_is_refused() -> None:
    demand = _demand(5.5)
    forecaster = ef.Forecaster(AREAS["households"], TASK).fit(None, demand)
    with pytest.raises(MissingDataError, match="no observation of 'home' had been published") as caught:
        forecaster.predict(None, demand["2024-02-23":], issue_time="2024-02-22 09:00")
    assert len(str(caught.value).splitlines()) == 3


def test_less_than_a_window_is_refused_in_fit() -> None:
    with pytest.raises(MissingDataError, match="No window can be used for training") as caught:
        ef.Forecaster(AREAS["households"], TASK).fit(None, _demand(0.9))
    assert len(str(caught.value).splitlines()) == 3


def test_a_reference_of_lags_is_no_cold_start() -> None:
    demand = _demand(5.5)
    forecaster = ef.Forecaster(AREAS["households"], TASK, model=ef.SeasonalNaive()).fit(None, demand)
    assert forecaster.cold_starts == ()


@pytest.mark.parametrize(
    ("sector", "days", "kinds"),
    [
        ("households", 20, {"DayProfile"}),
        ("households", 80, {"DayProfile", "LightGBMQuantiles"}),
        ("industry", 20, {"DayProfile", "LightGBMQuantiles"}),
        ("industry", 80, {"LightGBMQuantiles"}),
    ],
)
def test_the_default_follows_the_length_of_the_history(sector: str, days: int, kinds: set[str]) -> None:
    area = AREAS[sector]
    given = model_of_demand(area)
    few = {name: _small(model) for name, model in given.get_params(deep=False)["candidates"].items()}
    forecaster = ef.Forecaster(area, TASK, model=given.set_params(candidates=few, blend=False))
    model = forecaster.fit(None, _demand(days)).models_["home"]
    assert {type(one).__name__ for one in model.models_.values()} == kinds  # type: ignore[attr-defined]


def _small(model: ef.QuantileModel) -> ef.QuantileModel:
    """The same with three trees."""
    small = {"n_estimators": 3} if isinstance(model, ef.LightGBMQuantiles) else {}
    return model.set_params(**small)


def test_days_off_follow_the_country() -> None:
    weekends = {
        country: model_of_demand(ef.DemandArea(name="area", latitude=25.0, longitude=50.0, country=country))
        .get_params(deep=False)["candidates"]["profile from the newest day"]
        .weekend
        for country in ("DE", "SA")
    }
    assert weekends == {"DE": (5, 6), "SA": (4, 5)}


# --- Among others of its sector -------------------------------------------------------------------


def _homes(*, days_of_young: int, sector: str = "households") -> tuple[list[ef.DemandArea], ef.Observations]:
    """Two old consumers and a young one of three times their size, which all take most on weekend evenings."""
    names = ("old", "older", "young")
    index = pd.date_range("2024-01-01", periods=24 * 70, freq="1h", tz="UTC")
    usual = 1 + ((index.hour >= 17) & (index.hour < 22)) * np.where(index.day_of_week < 5, 1.0, 3.0)
    rng = np.random.default_rng(0)
    noise = rng.lognormal(0, 0.1, (len(index), 3))
    values = pd.DataFrame(np.asarray(usual)[:, None] * noise * [1.0, 2.0, 3.0], index=index, columns=names)
    values.loc[index < index[-1] - pd.Timedelta(days=days_of_young), "young"] = np.nan
    areas = [ef.DemandArea(name=n, latitude=52, longitude=13, sector="households") for n in names[:2]]
    young = ef.DemandArea(name="young", latitude=52, longitude=13, sector=sector)  # type: ignore[arg-type]
    return [*areas, young], ef.Observations(values, published_after="1h")


def _forecaster(areas: list[ef.DemandArea]) -> ef.Forecaster:
    """The default for the young one, small trees for the others."""
    small = ef.LightGBMQuantiles(n_estimators=3, folds=0)
    return ef.Forecaster(areas, TASK, model={"old": small, "older": small, "young": "auto"})


@pytest.mark.slow
def test_a_young_consumer_knows_the_weekend_of_the_others_at_its_own_size() -> None:
    areas, demand = _homes(days_of_young=7)  # from Monday on, to Sunday
    before = demand[:"2024-03-08"]  # type: ignore[misc]
    together = _forecaster(areas).fit(None, before)
    alone = ef.Forecaster(areas[2], TASK).fit(
        None, ef.Observations(before.values[["young"]], published_after="1h")
    )
    assert sorted(together.training_.alike["young"]) == ["old", "older"]
    issued = "2024-03-08 09:00"
    one, other = (
        each.predict(None, before, issue_time=issued).sel(site="young").at(0.5).values.ravel()
        for each in (together, alone)
    )
    evening = slice(17, 22)  # of Saturday
    assert one[evening].mean() > other[evening].mean() + 0.5  # of 12, where Friday has 6
    (caveat,) = together.cold_starts
    assert caveat.startswith("cold start: 5 days of demand known for young, with weeks of old")


def test_a_young_consumer_among_others_of_another_sector_learns_alone() -> None:
    areas, demand = _homes(days_of_young=10, sector="industry")
    assert _forecaster(areas).fit(None, demand).training_.alike == {}


@pytest.mark.slow
def test_what_others_take_after_the_fit_changes_nothing() -> None:
    areas, demand = _homes(days_of_young=12)
    moment = "2024-03-06 09:00"
    later = demand.values.index >= "2024-03-06 09:00"
    changed = demand.values.mask(later[:, None] & np.ones((1, 3), dtype=bool), 99.0)
    first, second = (
        _forecaster(areas)
        .fit(None, ef.Observations(values, published_after="1h"), as_of=moment)
        .predict(None, ef.Observations(values, published_after="1h"), issue_time=moment)
        for values in (demand.values, changed)
    )
    np.testing.assert_array_equal(first.data.values, second.data.values)


def test_the_nearest_days_lend_their_weeks() -> None:
    areas, demand = _homes(days_of_young=12)
    night = demand.values["old"].to_numpy()[::-1]  # its evening is a morning
    odd = ef.Observations(demand.values.assign(old=night), published_after="1h")
    assert _forecaster(areas).fit(None, odd).training_.alike == {"young": ["older", "old"]}
