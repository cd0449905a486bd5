"""Statistics of consumers that need no knowledge of them, of synthetic as of measured demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from energyforecast.datasets.synthetic.synthetic_site import Statistic

__all__ = ["consumer_statistics", "statistics_of"]


def statistics_of(power: pd.Series) -> dict[str, float]:
    """Shape of a demand by its local clock: ratios and correlations without a unit.

    Examples
    --------
    Twice the power after noon of working days.

    >>> hours = pd.date_range("2024-01-01", periods=28 * 24, freq="1h", tz="UTC")
    >>> power = pd.Series(1.0 + (hours.hour >= 12) * (hours.day_of_week < 5), index=hours)
    >>> found = statistics_of(power)
    >>> names = ("load factor", "Sunday / weekday", "highest hour", "spread within an hour")
    >>> [round(found[name], 2) for name in names]
    [0.68, 0.67, 1.33, 0.0]
    """
    index = pd.DatetimeIndex(power.index)
    hour, day, weekday = index.hour, index.normalize(), index.day_of_week
    usual = power[weekday < 5]
    by_hour = usual.groupby(hour[weekday < 5])
    daily = power.groupby(day).mean()
    energy = daily[pd.DatetimeIndex(daily.index).day_of_week < 5]
    step = index[1] - index[0]

    def correlation(lag: str) -> float:
        return float(power.autocorr(int(pd.Timedelta(lag) / step)))

    return {
        "load factor": float(power.mean() / power.max()),
        "load factor of a day": float((daily / power.groupby(day).max()).mean()),
        "Saturday / weekday": float(power[weekday == 5].mean() / usual.mean()),
        "Sunday / weekday": float(power[weekday == 6].mean() / usual.mean()),
        "lowest hour": float(by_hour.mean().min() / usual.mean()),
        "highest hour": float(by_hour.mean().max() / usual.mean()),
        "spread within an hour": float((by_hour.std() / by_hour.mean()).median()),
        "spread of the day's energy": float(energy.std() / energy.mean()),
        "autocorrelation 1 h": correlation("1h"),
        "autocorrelation 24 h": correlation("24h"),
        "autocorrelation 168 h": correlation("168h"),
    }


def consumer_statistics(
    power: pd.Series, *, targets: Mapping[str, tuple[float, float]], label: str = ""
) -> Iterator[Statistic]:
    """Statistics of a demand with target and tolerance of each that has them."""
    found = statistics_of(power)
    for name, (target, tolerance) in targets.items():
        yield Statistic(label + name, "1", target, tolerance, found[name])
