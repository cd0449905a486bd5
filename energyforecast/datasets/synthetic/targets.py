"""Statistics of the synthetic sites and their published or designed targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import plausibility, timestamps
from energyforecast.datasets.synthetic.synthetic_site import Statistic, SyntheticSite

__all__ = ["PVTargets", "demand_statistics", "pv_statistics", "shelek_statistics"]

Floats = npt.NDArray[np.float64]
#: Wind speed and power of a power curve. [m s⁻¹; fraction of capacity]
Curve: TypeAlias = tuple[Sequence[float], Sequence[float]]

#: Mean demand by month relative to the year: the whole market of Kazakhstan in 2018 (KOREM).
_PUBLISHED_MONTHS: Final = (
    1.127, 1.117, 1.035, 0.956, 0.908, 0.897,
    0.931, 0.900, 0.914, 0.989, 1.093, 1.141,
)  # fmt: skip


class PVTargets(NamedTuple):
    """Targets of a synthetic PV plant; radiation errors are relative to the mean, by weather model."""

    capacity_factor: float
    clear_sky_index: float
    radiation: Mapping[str, float]


def at_lead(weather: xr.Dataset, name: str, first: int, index: pd.DatetimeIndex) -> pd.Series:
    """Forecast of each hour by the last run with a lead time of at least `first` hours, and less than six more."""
    lead = np.arange(first, first + 6)
    values = weather[name].isel(site=0).sel(lead_time=(lead * np.timedelta64(1, "h"))).to_numpy()
    valid = weather["init_time"].to_numpy()[:, None] + (lead * np.timedelta64(1, "h"))[None, :]
    series = pd.Series(values.ravel(), index=pd.DatetimeIndex(valid.ravel(), tz="UTC"))
    return series.reindex(index)


def shelek_statistics(synthetic: SyntheticSite, *, curve: Curve) -> Iterator[Statistic]:
    """Wind, power and forecast errors of the synthetic wind farm."""
    truth = synthetic.truth
    assert synthetic.site.capacity is not None
    power = truth["power"] / synthetic.site.capacity
    wind = truth["wind_speed_mean"]
    month, hour = truth.index.month, (truth.index.hour + 5) % 24
    yield Statistic("mean wind", "m s-1", 6.45, 0.25, float(wind.mean()))
    yield Statistic("wind, 95th percentile", "m s-1", 12.8, 0.5, float(wind.quantile(0.95)))
    yield Statistic("wind, maximum", "m s-1", 23.0, 4.0, float(wind.max()))
    yield Statistic("capacity factor", "1", 0.37, 0.02, float(power.mean()))
    yield Statistic("power, standard deviation", "1", 0.36, 0.02, float(power.std()))
    for lag, target, tolerance in ((1, 0.90, 0.02), (6, 0.42, 0.06), (24, 0.10, 0.06), (48, 0.07, 0.06)):
        yield Statistic(f"power, autocorrelation {lag} h", "1", target, tolerance, float(power.autocorr(lag)))
    yield Statistic("capacity factor, December", "1", 0.48, 0.09, float(power[month == 12].mean()))
    yield Statistic(
        "capacity factor, July and August", "1", 0.26, 0.06, float(power[(month == 7) | (month == 8)].mean())
    )
    yield Statistic("capacity factor, night", "1", 0.33, 0.03, float(power[(hour >= 0) & (hour < 6)].mean()))
    yield Statistic(
        "capacity factor, afternoon", "1", 0.40, 0.03, float(power[(hour >= 14) & (hour < 20)].mean())
    )
    yield Statistic(
        "persistence of 24 h, MAE", "1", 0.35, 0.03, float((power - power.shift(24)).abs().mean())
    )
    yield Statistic(
        "climatology by hour, MAE",
        "1",
        0.318,
        0.02,
        float((power - power.groupby(hour).transform("mean")).abs().mean()),
    )
    expected = np.interp(wind, *curve)
    yield Statistic("curve on measured wind, MAE", "1", 0.027, 0.01, float((power - expected).abs().mean()))
    yield from _forecast_statistics(synthetic, wind, power, curve)
    yield from _regime_statistics(truth["wind_direction_100m"].to_numpy())


def _forecast_statistics(
    synthetic: SyntheticSite, wind: pd.Series, power: pd.Series, curve: Curve
) -> Iterator[Statistic]:
    day = {
        model: at_lead(weather, "wind_speed_100m", 24, wind.index)
        for model, weather in synthetic.weather.items()
    }
    published = {"ecmwf": (2.82, 0.726), "icon": (2.86, 0.695), "gfs": (3.36, 0.670)}
    for model, series in day.items():
        rmse, correlation = published[model]
        yield Statistic(
            f"{model} 24 h, wind RMSE", "m s-1", rmse, 0.25, float(((series - wind) ** 2).mean() ** 0.5)
        )
        yield Statistic(f"{model} 24 h, wind correlation", "1", correlation, 0.03, float(series.corr(wind)))
    if "ecmwf" in synthetic.weather:
        for lead, correlation in ((48, 0.675), (67, 0.60)):
            series = at_lead(synthetic.weather["ecmwf"], "wind_speed_100m", lead, wind.index)
            yield Statistic(
                f"ecmwf {lead} h, wind correlation",
                "1",
                correlation,
                0.03,
                float(series.corr(wind)),
                "design",
            )
    if len(day) == len(published):
        mean = pd.concat(day, axis=1).mean(axis=1, skipna=False)
        yield Statistic("mean of models 24 h, wind correlation", "1", 0.772, 0.03, float(mean.corr(wind)))
    first = next(iter(day.values()))
    guess = pd.Series(np.interp(first, *curve), index=wind.index).where(first.notna())
    yield Statistic("curve on one forecast 24 h, MAE", "1", 0.19, 0.015, float((guess - power).abs().mean()))


def _regime_statistics(direction: Floats) -> Iterator[Statistic]:
    for name, low, high, share, margin, length, spread in (
        ("east-north-east", 45, 105, 0.65, 0.06, 43.0, 8.0),
        ("west-south-west", 225, 295, 0.31, 0.06, 19.0, 6.0),
    ):
        inside = (direction >= low) & (direction <= high)
        episodes = int((np.diff(inside.astype(int), prepend=0) == 1).sum())
        yield Statistic(f"wind from {name}, share", "1", share, margin, float(inside.mean()))
        yield Statistic(
            f"wind from {name}, mean episode", "h", length, spread, float(inside.sum() / max(episodes, 1))
        )


def pv_statistics(synthetic: SyntheticSite, *, targets: PVTargets) -> Iterator[Statistic]:
    """Power, clear-sky index and forecast errors of a synthetic PV plant."""
    truth = synthetic.truth
    assert synthetic.site.capacity is not None
    power = truth["power"] / synthetic.site.capacity
    day = truth["ghi_clear"] > 50.0
    yield Statistic("capacity factor", "1", targets.capacity_factor, 0.01, float(power.mean()))
    dark = truth["ghi_clear"] <= 0.0
    yield Statistic("power without sun, largest", "1", 0.0, 1e-6, float(power[dark].max()), "design")
    lag = plausibility.check_sun(
        timestamps.to_ns(truth.index), truth["power"].to_numpy(), site=synthetic.site, label="truth"
    )
    yield Statistic("power after the sun", "min", 0.0, 15.0, float("nan") if lag is None else lag, "design")
    index = (truth["ghi"] / truth["ghi_clear"])[day]
    yield Statistic("mean clear-sky index", "1", targets.clear_sky_index, 0.03, float(index.mean()), "design")
    for model, weather in synthetic.weather.items():
        ghi = at_lead(weather, "ghi", 24, truth.index)
        valid = day & ghi.notna()
        error = (ghi - truth["ghi"])[valid]
        share = float((error**2).mean() ** 0.5 / truth["ghi"][valid].mean())
        yield Statistic(
            f"{model} 24 h, radiation RMSE", "mean", targets.radiation[model], 0.05, share, "design"
        )


def demand_statistics(synthetic: SyntheticSite, *, errors: Mapping[str, float]) -> Iterator[Statistic]:
    """Energy, daily and weekly cycle, and forecast errors of the synthetic demand."""
    truth = synthetic.truth
    total, industry = (truth[site.name] for site in synthetic.sites[:2])
    local = truth.index.tz_convert(synthetic.site.timezone)
    year = total.iloc[:8760]
    yield Statistic("energy of the first year", "TWh", 11.4, 0.3, float(year.sum() / 1e6))
    monthly = year.groupby(truth.index[: len(year)].month).mean() / year.mean()
    for month, target in enumerate(_PUBLISHED_MONTHS, start=1):
        reached = float(monthly.get(month, np.nan))
        yield Statistic(f"month {month}, demand a day", "year", target, 0.06, reached)
    change = total.iloc[8760:].sum() / max(len(total) - 8760, 1) / year.mean() - 1.0
    yield Statistic("second year against the first", "1", 0.045, 0.02, float(change), "design")
    yield Statistic("share of industry", "1", 0.33, 0.03, float(industry.mean() / total.mean()), "design")
    ordinary = pd.Series(local.day_of_week < 5, index=truth.index)
    weekend = float(total[~ordinary].mean() / total[ordinary].mean() - 1.0)
    yield Statistic("weekend against weekdays", "1", -0.055, 0.02, weekend, "design")
    hourly = total.groupby(local.hour).mean()
    yield Statistic(
        "daily peak against the mean", "1", 1.20, 0.04, float(hourly.max() / hourly.mean()), "design"
    )
    week_ago = float(((total - total.shift(168)).abs() / total).mean())
    yield Statistic("same hour last week, MAPE", "1", 0.038, 0.01, week_ago, "design")
    for model, weather in synthetic.weather.items():
        error = at_lead(weather, "temp_air", 24, truth.index) - truth["temp_air"]
        yield Statistic(
            f"{model} 24 h, temperature RMSE", "degree_Celsius", errors[model] * 1.03, 0.15,
            float((error**2).mean() ** 0.5), "design",
        )  # fmt: skip
