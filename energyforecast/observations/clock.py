"""Check of the clock of measured power: its lag behind the wind or the sun, overall and by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import observation_frames, timestamps
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.daylight import DarkDays, dark_days, proven_lag
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import PVPlant, Site
from energyforecast.errors import SchemaError, one_of
from energyforecast.observations.lag import Lag, estimate_lag
from energyforecast.observations.power_driver import clock_driver, measured_radiation

__all__ = ["WIND_TOLERANCE", "ClockReport", "check_clock"]

Floats = npt.NDArray[np.float64]
Verdict: TypeAlias = Literal[
    "right",
    "half an hour off",
    "off by a constant",
    "follows daylight saving",
    "change of zone",
    "drifts",
    "irregular",
    "unknown",
]

#: Largest lag of power behind the wind of a weather model with a right clock. [min]
WIND_TOLERANCE: Final = 35.0
#: The sun is exact. [min]
_SUN_TOLERANCE: Final = 15.0
#: Largest lag that is searched, so that local time taken for UTC is found. [h]
_REACH: Final = 13
#: Months by which a lag is known in all seasons.
_WHOLE_YEAR: Final = 10
#: Standard deviation of a month's lag in addition to its standard error. [min]
_MONTHLY_DEVIATION: Final = 8.0
#: Smallest change of a clock. [min]
_SMALLEST_CHANGE: Final = 30.0
#: Correlation from which a series is related to its driver.
_RELATED: Final = 0.4
_DAY: Final = pd.Timedelta("1D")
#: Calendars of daylight saving that are tried after that of the site.
_CALENDARS: Final = ("Europe/Berlin", "America/New_York", "Australia/Sydney")


@dataclass(frozen=True, eq=False)
class ClockReport:
    """Result of a check of the clock; the series itself is never changed.

    Parameters
    ----------
    site : str
    against : str
        Series with which it was compared.
    verdict : str
        ``"right"``, ``"half an hour off"`` (a label at the middle), ``"off by a constant"``, ``"follows
        daylight saving"``, ``"change of zone"``, ``"drifts"`` (a clock that runs fast or slow), ``"irregular"``
        (lags that differ without a pattern) or ``"unknown"`` (too little data, or unrelated series).
    lag : Lag or None
        Over the whole time; a mixture where the clock changes.
    table : DataFrame
        By month: ``lag`` and ``standard_error`` [min], ``correlation``, ``values`` (their number), ``compared`` (of
        them) and ``certain``; not certain is a lag of PV power that its orientation or shade may explain.
    constant : float
        Lag while the clock is not changed: in winter, before the change, or in the first month. [min]
    change : float
        Difference of the lag in summer, after the change, or in the last month; 0 otherwise. [min]
    since : Timestamp or None
        First month after a change of zone.
    days : DatetimeIndex
        Days, in UTC, on which values were compared; others have no evidence.
    hours : float
        Measured time that was compared. [h]

    See Also
    --------
    check_clock

    Examples
    --------
    >>> lag = Lag(minutes=60.0, standard_error=3.0, correlation=0.8)
    >>> since = pd.Timestamp("2024-03-01")
    >>> found = ClockReport("farm", "the wind", "change of zone", lag, pd.DataFrame(), 0.0, 60.0, since)
    >>> print(found)
    Clock of farm: change of zone. It lags by +0 min at first and +60 min more since March 2024. Overall lag
    behind the wind: 60 ± 3 min, over 0 h.
    """

    site: str
    against: str
    verdict: Verdict
    lag: Lag | None
    table: pd.DataFrame
    constant: float = float("nan")
    change: float = 0.0
    since: pd.Timestamp | None = None
    days: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([], tz="UTC"))
    hours: float = 0.0

    @property
    def right(self) -> bool:
        """Whether no fault of the clock was found."""
        return self.verdict == "right"

    def __str__(self) -> str:
        overall = (
            "not known"
            if self.lag is None
            else f"{self.lag.minutes:z.0f} ± {self.lag.standard_error:.0f} min"
        )
        return (
            f"Clock of {self.site}: {self.verdict}. {self._words()} Overall lag behind {self.against}: {overall}, "
            f"over {self.hours:,.0f} h."
        )

    def _words(self) -> str:
        constant, change = f"{self.constant:+z.0f} min", f"{self.change:+z.0f} min"
        since = "" if self.since is None else f"{self.since:%B %Y}"
        return {
            "right": "Shade, or modules that face another direction than declared, explain its lag: nothing comes "
            "without light."
            if np.isnan(self.constant)
            else f"Its lag of {constant} is within the usual range.",
            "half an hour off": f"It lags by {constant}; perhaps a stamp names the middle of its interval.",
            "off by a constant": f"It lags by {constant}; check the time zone, and which end of its interval a "
            "stamp names.",
            "follows daylight saving": f"It lags by {constant} in winter and {change} more in summer.",
            "change of zone": f"It lags by {constant} at first and {change} more since {since}.",
            "drifts": f"It lags by {constant} in its first month and {change} more in its last: it is never set.",
            "irregular": "Its months lag differently, and no calendar explains it.",
            "unknown": "There is too little data, or it is not related to the expected series.",
        }[self.verdict]


def check_clock(
    power: Observations | pd.Series,
    expected: pd.Series | xr.Dataset | None = None,
    *,
    site: Site,
    by: Literal["month", "quarter"] = "month",
) -> ClockReport:
    r"""Compare the clock of measured power with the wind or the sun, overall and by month.

    Parameters
    ----------
    power : Observations or Series
        Measured, at the beginnings of its intervals in UTC as believed. Flagged values are left out.
    expected : Series or Dataset, optional
        Driver of the power at instants in UTC: wind speed, irradiance, or a forecast of the power. Of
        a weather dataset, the wind speed nearest the hub (``ghi`` for a plant), and of several runs the
        newest. By default a PV plant is compared with the sun. In an area, measured ``ghi`` (of
        :func:`energyforecast.weather.measured_weather`) is itself compared with the sun: demand of the same table has
        its clock.
    site : Site
        The calendar of its zone is the first that is tried for daylight saving.
    by : {"month", "quarter"}
        Parts of the time, in UTC.

    Returns
    -------
    ClockReport

    Raises
    ------
    MissingDataError
        If there is no series to compare with.
    SchemaError, TimeError
        If the site or the wind is not in the data, or times are naive.

    See Also
    --------
    estimate_lag : The lag of one series behind another.
    audit_observations : All checks of measured power.

    Notes
    -----
    To the lags :math:`\tau_m` of the months, with standard deviations :math:`s_m`, four clocks are fitted by robust
    least squares (Huber's weights at five standard deviations): a constant one, one that follows daylight saving, one
    that changes once, and one that drifts,

    .. math::
        \tau_m = a + b\, z_m, \qquad
        z_m \in \left\{ 0,\; \text{share of summer time},\; \mathbf{1}(m \ge m_0),\;
        \frac{t_m - t_1}{t_M - t_1} \right\}, \qquad
        \text{misfit} = \sum_m \min\left( \left( \frac{\tau_m - a - b z_m}{s_m} \right)^2, 25 \right)

    A change counts if :math:`|b| \ge 30` min and its misfit is smaller by 12 (daylight saving), 16 (one change) or 14
    (drift) than that of the constant. Against the wind of a weather model a lag of up to 35 min is right, for the model
    errs as much; against the sun, 15 min.

    A PV plant is compared with the power of its modules as the site declares them. Where they face another direction,
    or hills shade them, the shape of a day moves without a fault of the clock. So its lag counts only in months in
    which a right clock would leave power without light on more than a tenth of the days: more than twice that of
    modules that follow the sun under a clear sky, both relative to their usual largest. Half an hour leaves hardly any:
    it is named if the lag is alike in all seasons, where that of another direction is largest in summer.

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> site, weather, power = la_haute_borne()
    >>> check_clock(power, weather, site=site).verdict
    'right'
    >>> late = power.values["La Haute Borne"].shift(3, freq="1h")
    >>> print(check_clock(late, weather, site=site))
    Clock of La Haute Borne: off by a constant. It lags by +191 min; check the time zone, and which end of its
    interval a stamp names. Overall lag behind wind_speed_100m: 195 ± 4 min, over 17,234 h.
    """
    check_types(locals(), of=check_clock)
    one_of("by", by, allowed=("month", "quarter"))
    radiation = measured_radiation(expected, site)
    series = _measured(power, site) if radiation is None else radiation
    step = observation_frames.check_frame(series.to_frame(site.name), label="power")
    rows = max(1, round(pd.Timedelta("1h") / step))
    reach = _REACH * pd.Timedelta("1h") // (rows * step) * rows
    index = pd.date_range(series.index[0] - reach * step, series.index[-1] + reach * step, freq=step)
    driver, against = clock_driver(index + step / 2, expected, site=site)
    places = np.arange(len(series))[:, None] + np.arange(0, 2 * reach + 1, rows)[None, :]
    shifted, measured = driver[places], series.to_numpy(dtype=float)
    lag = estimate_lag(measured, shifted, step=rows * step, interval=step)
    compared = series.index[np.isfinite(measured) & np.isfinite(shifted).all(axis=1)]
    period = pd.PeriodIndex(series.index.tz_localize(None), freq={"month": "M", "quarter": "Q"}[by])
    table = _by_part(measured, shifted, period, step=rows * step, interval=step)
    by_sun = radiation is not None or isinstance(site, PVPlant)
    dark, found = _dark(series, site, step) if by_sun else None, table
    if dark is not None:
        table = _proven(table, dark, period.freqstr)
    counts = {
        "days": pd.DatetimeIndex(compared.floor("D").unique()),
        "hours": len(compared) * (step / pd.Timedelta("1h")),
    }
    if lag is None or not (table["correlation"] > _RELATED).any():
        return ClockReport(site.name, against, "unknown", lag, table, **counts)
    if not table["certain"].any():
        return ClockReport(site.name, against, lag=lag, table=table, **counts, **_without_proof(found))
    tolerance = _SUN_TOLERANCE if by_sun else WIND_TOLERANCE
    return ClockReport(site.name, against, lag=lag, table=table, **counts, **_verdict(table, site, tolerance))


def _dark(power: pd.Series, site: Site, step: pd.Timedelta) -> DarkDays:
    """Days with power or radiation in the dark."""
    known = power[power.notna()]
    generation = known.to_numpy(dtype=float)
    return dark_days(timestamps.to_ns(known.index), generation, step=step.to_timedelta64(), site=site)


def _proven(table: pd.DataFrame, dark: DarkDays, part: str) -> pd.DataFrame:
    """Lags that light proves; a larger one than the usual that it does not prove is not certain."""
    parts = pd.PeriodIndex(pd.DatetimeIndex(dark.day), freq=part)
    table = table.copy()
    for start, lag in table.loc[table["certain"], "lag"].items():
        chosen = np.asarray(parts == pd.Period(pd.Timestamp(start).tz_localize(None), freq=part))
        proven = proven_lag(float(lag), dark.possible(chosen))
        if proven is not None:
            table.loc[start, "lag"] = proven
        elif abs(lag) > _SUN_TOLERANCE:
            table.loc[start, "certain"] = False
    return table


def _without_proof(table: pd.DataFrame) -> dict[str, Any]:
    """Verdict on lags that light does not prove: half an hour is no direction of modules if it is alike all year."""
    lag, noise, starts = _certain(table)
    season = np.cos(2 * np.pi * (starts.day_of_year.to_numpy() - 172) / 365.25)
    misfit, constant, _ = _fit(lag, noise, np.zeros(len(lag)))
    # The lag of modules that face another direction is two times larger in summer.
    steady = misfit < _fit(lag, noise, season)[0] + 4 and misfit < 2 * len(lag)
    if len(lag) >= _WHOLE_YEAR and steady and _SUN_TOLERANCE + 5 <= abs(constant) < 45:
        return {"verdict": "half an hour off", "constant": constant}
    return {"verdict": "right"}


def _measured(power: Observations | pd.Series, site: Site) -> pd.Series:
    """Power of a site, without flagged values."""
    if isinstance(power, pd.Series):
        return pd.Series(as_numbers("power", power), index=power.index)
    if site.name not in power.sites:
        raise SchemaError(
            f"The observations hold {list(power.sites)}, not {site.name!r}.",
            "They must hold the site.",
            "Rename the column, or give its series.",
        )
    return power.values[site.name].mask(power.unfit[site.name])


def _by_part(
    measured: Floats, shifted: Floats, label: pd.PeriodIndex, *, step: pd.Timedelta, interval: pd.Timedelta
) -> pd.DataFrame:
    """Lags of the months or quarters."""
    rows = {}
    compared = np.isfinite(measured) & np.isfinite(shifted).all(axis=1)
    for period in label.unique():
        chosen = np.asarray(label == period)
        lag = estimate_lag(measured[chosen], shifted[chosen], step=step, interval=interval, blocks=10)
        start = pd.Timestamp(period.start_time, tz="UTC")
        counts = int(np.isfinite(measured[chosen]).sum()), int(compared[chosen].sum())
        rows[start] = (
            (np.nan, np.nan, np.nan, *counts, False)
            if lag is None
            else (lag.minutes, lag.standard_error, lag.correlation, *counts, lag.correlation > _RELATED)
        )
    columns = ["lag", "standard_error", "correlation", "values", "compared", "certain"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _verdict(table: pd.DataFrame, site: Site, tolerance: float) -> dict[str, Any]:
    """Simplest of the clocks that explains the months."""
    lag, noise, starts = _certain(table)
    none = np.zeros(len(lag))
    steady = _fit(lag, noise, none)
    saving = [_fit(lag, noise, part) for part in _summers(starts, table, site.timezone)]
    changes = [_fit(lag, noise, (starts >= start).astype(float)) for start in starts[1:]]
    best = {
        "follows daylight saving": min(saving, key=lambda fit: fit[0], default=steady),
        "change of zone": min(changes, key=lambda fit: fit[0], default=steady),
        "drifts": _fit(lag, noise, np.asarray((starts - starts[0]) / max(starts[-1] - starts[0], _DAY))),
    }
    # A change may begin with any month, so it must explain more than a calendar does.
    cost = {"follows daylight saving": 12.0, "change of zone": 16.0, "drifts": 14.0}
    name = min(best, key=lambda kind: best[kind][0] + cost[kind])
    misfit, constant, change = best[name]
    if abs(change) >= _SMALLEST_CHANGE and misfit + cost[name] < steady[0]:
        since = starts[1:][changes.index(best[name])] if name == "change of zone" else None
        return {"verdict": name, "constant": constant, "change": change, "since": since}
    return {"verdict": _constant_verdict(steady, len(lag), tolerance), "constant": steady[1]}


def _certain(table: pd.DataFrame) -> tuple[Floats, Floats, pd.DatetimeIndex]:
    """Lags of the months that are certain, their noise and beginnings."""
    months = table[table["certain"]]
    error = months["standard_error"].to_numpy(dtype=float)
    # An error from ten blocks is itself uncertain; half of it is that of the usual month.
    noise = np.sqrt((error**2 + np.median(error**2)) / 2 + _MONTHLY_DEVIATION**2)
    return months["lag"].to_numpy(dtype=float), noise, pd.DatetimeIndex(months.index)


def _constant_verdict(fit: tuple[float, float, float], count: int, tolerance: float) -> Verdict:
    """Verdict on a clock that does not change."""
    misfit, constant, _ = fit
    if misfit > 4 * count + 12:
        return "irregular"
    if abs(constant) <= tolerance:
        return "right"
    return "half an hour off" if abs(constant) < 45 else "off by a constant"


def _fit(lag: Floats, noise: Floats, part: Floats) -> tuple[float, float, float]:
    """Robust fit of a constant and a change: misfit, constant, change; no month counts for more than 5 errors."""
    weight = 1 / noise
    design = np.column_stack([np.ones_like(lag), part]) if np.ptp(part) > 0 else np.ones((len(lag), 1))
    for _ in range(10):
        answer = np.linalg.lstsq(design * weight[:, None], lag * weight, rcond=None)[0]
        far = np.abs(lag - design @ answer) / noise
        weight = 1 / noise / np.sqrt(np.maximum(far / 5, 1))
    return float(np.minimum(far**2, 25).sum()), float(answer[0]), float(answer[1]) if len(answer) > 1 else 0.0


def _summers(starts: pd.DatetimeIndex, table: pd.DataFrame, timezone: str) -> Sequence[Floats]:
    """Share of summer time in each month, for each calendar that has daylight saving."""
    ends = dict(zip(table.index, [*table.index[1:], table.index[-1] + pd.Timedelta("31D")], strict=True))
    parts = []
    for name in dict.fromkeys((timezone, *_CALENDARS)):
        place = timestamps.zone(name)
        part = [
            np.mean(
                [bool(hour.dst()) for hour in pd.date_range(start, ends[start], freq="6h").tz_convert(place)]
            )
            for start in starts
        ]
        if np.ptp(part) > 0:
            parts.append(np.array(part))
    return parts
