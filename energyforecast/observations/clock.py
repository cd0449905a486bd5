"""Whether the clock of a measured series is right: its lag behind the wind or the sun, overall and by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import frames, timestamps, variables, weather_schema
from energyforecast.core.sites import PVPlant, Site, WindFarm
from energyforecast.errors import MissingDataError, SchemaError, TimeError

if TYPE_CHECKING:
    from energyforecast.core.observation_series import Observations

__all__ = ["WIND_TOLERANCE", "ClockReport", "Lag", "check_clock", "estimate_lag", "expected_at"]

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

#: Power may come this long before or after the wind of a weather model without its clock being wrong. [min]
WIND_TOLERANCE: Final = 35.0
#: The sun is exact; modules that do not face the equator come earlier or later. [min]
_SUN_TOLERANCE: Final = 15.0
#: Lags are looked for up to here, so that local time taken for UTC is found. [h]
_REACH: Final = 13
#: What a month's lag wanders by itself, beside its standard error. [min]
_WANDER: Final = 8.0
#: Less than this is no change of a clock. [min]
_SMALLEST_CHANGE: Final = 30.0
_DAY: Final = pd.Timedelta("1D")
#: Calendars of daylight saving that are tried beside the site's own.
_CALENDARS: Final = ("Europe/Berlin", "America/New_York", "Australia/Sydney")


@dataclass(frozen=True)
class Lag:
    """By how much one series comes after another, with its standard error.

    Parameters
    ----------
    minutes : float
        Positive if the measured series comes late.
    standard_error : float
        From a jackknife over blocks of time. [minutes]
    correlation : float
        At the best lag.

    Examples
    --------
    >>> Lag(minutes=60.0, standard_error=3.0, correlation=0.8).certain
    True
    >>> Lag(minutes=60.0, standard_error=3.0, correlation=0.1).certain
    False
    """

    minutes: float
    standard_error: float
    correlation: float

    @property
    def certain(self) -> bool:
        """Whether the series are related well enough for the lag to mean something."""
        return self.correlation > 0.4 and self.standard_error < 15.0


def estimate_lag(measured: Floats, shifted: Floats, *, step: pd.Timedelta, blocks: int = 24) -> Lag | None:
    """Lag of a measured series behind an expected one, from correlations at whole steps.

    Parameters
    ----------
    measured : array, shape (n,)
        Measured values in order of time; NaN is left out.
    shifted : array, shape (n, 2 K + 1)
        Expected values at K steps before to K steps after the time of the measured one.
    step : Timedelta
        Length of a step.
    blocks : int
        Blocks of the jackknife.

    Returns
    -------
    Lag or None
        ``None`` if there are fewer than 20 rows in each block.

    Notes
    -----
    The peak of the correlation is refined by a parabola through its three highest neighbours.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> wind = np.convolve(rng.normal(size=3000), np.ones(12) / 12, mode="same")
    >>> shifts = np.column_stack([np.roll(wind, -k) for k in range(-3, 4)])
    >>> round(estimate_lag(np.roll(wind, 1), shifts, step=pd.Timedelta("1h")).minutes)
    60
    """
    keep = np.isfinite(measured) & np.isfinite(shifted).all(axis=1)
    y, x = measured[keep], shifted[keep]
    if len(y) < 20 * blocks:
        return None
    block = np.arange(len(y)) * blocks // len(y)
    terms = np.concatenate(
        [np.ones((len(y), 1)), y[:, None], (y**2)[:, None], x, x**2, x * y[:, None]], axis=1
    )
    sums = np.add.reduceat(terms, np.searchsorted(block, np.arange(blocks)), axis=0)
    total = sums.sum(axis=0)
    width = shifted.shape[1]
    minutes = step / pd.Timedelta("1min")
    best, correlation = _peak(total, width)
    left_out = np.array([_peak(total - part, width)[0] for part in sums])
    error = np.sqrt((blocks - 1) / blocks * ((left_out - left_out.mean()) ** 2).sum())
    # Expected values at +k steps that fit best mean that the measured stamps come k steps early.
    return Lag(-best * minutes, float(error) * minutes, correlation)


def _peak(sums: Floats, width: int) -> tuple[float, float]:
    n, y, yy = sums[0], sums[1] / sums[0], sums[2] / sums[0]
    x, xx, xy = (sums[3 + k * width : 3 + (k + 1) * width] / n for k in range(3))
    spread = np.sqrt(np.maximum((xx - x**2) * (yy - y**2), 1e-300))
    correlation = (xy - x * y) / spread
    top = int(correlation.argmax())
    inner = min(max(top, 1), width - 2)
    before, at, after = correlation[inner - 1 : inner + 2]
    curve = before - 2 * at + after
    refined = 0.5 * (before - after) / curve if curve < 0 else 0.0
    position = inner + refined if inner == top else float(top)
    return float(position - width // 2), float(correlation[top])


@dataclass(frozen=True, eq=False)
class ClockReport:
    """Findings of :func:`check_clock`; the series itself is never changed.

    Parameters
    ----------
    site : str
    against : str
        What the series was compared with.
    verdict : str
        ``"right"``, ``"half an hour off"`` (a label at the middle), ``"off by a constant"``, ``"follows
        daylight saving"``, ``"change of zone"``, ``"drifts"`` (a clock that runs fast or slow), ``"irregular"``
        (lags that differ without a pattern) or ``"unknown"`` (too little data, or unrelated series).
    lag : Lag or None
        Over the whole time; a mixture where the clock changes.
    table : DataFrame
        By month: ``lag`` and ``standard_error`` [min], ``correlation``, ``values`` (how many), and
        ``certain``.
    constant : float
        Lag while the clock is not changed: in winter, before the change, or in the first month. [min]
    change : float
        By how much the lag differs in summer, after the change, or in the last month; 0 otherwise. [min]
    since : Timestamp or None
        First month after a change of zone.

    Examples
    --------
    >>> lag = Lag(minutes=60.0, standard_error=3.0, correlation=0.8)
    >>> since = pd.Timestamp("2024-03-01")
    >>> found = ClockReport("farm", "the wind", "change of zone", lag, pd.DataFrame(), 0.0, 60.0, since)
    >>> print(found)
    Clock of farm: change of zone. It lags by +0 min at first and +60 min more since March 2024. Overall lag
    behind the wind: 60 ± 3 min.
    """

    site: str
    against: str
    verdict: Verdict
    lag: Lag | None
    table: pd.DataFrame
    constant: float = float("nan")
    change: float = 0.0
    since: pd.Timestamp | None = None

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
        return f"Clock of {self.site}: {self.verdict}. {self._words()} Overall lag behind {self.against}: {overall}."

    def _words(self) -> str:
        constant, change = f"{self.constant:+z.0f} min", f"{self.change:+z.0f} min"
        since = "" if self.since is None else f"{self.since:%B %Y}"
        return {
            "right": f"Its lag of {constant} is within what is usual.",
            "half an hour off": f"It lags by {constant}; perhaps a stamp names the middle of its interval.",
            "off by a constant": f"It lags by {constant}; check the time zone, and which end of its interval a "
            "stamp names.",
            "follows daylight saving": f"It lags by {constant} in winter and {change} more in summer.",
            "change of zone": f"It lags by {constant} at first and {change} more since {since}.",
            "drifts": f"It lags by {constant} in its first month and {change} more in its last: it is never set.",
            "irregular": "Its months lag differently, and no calendar explains it.",
            "unknown": "There is too little data, or it is not related to what was expected.",
        }[self.verdict]


def check_clock(
    power: Observations | pd.Series,
    expected: pd.Series | xr.Dataset | None = None,
    *,
    site: Site,
    by: Literal["month", "quarter"] = "month",
) -> ClockReport:
    """Compare the clock of measured power with the wind or the sun, overall and by month.

    Parameters
    ----------
    power : Observations or Series
        Measured, at the beginnings of its intervals in UTC as believed. Flagged values are left out.
    expected : Series or Dataset, optional
        Instants in UTC of what drives the power: wind speed, irradiance, or a forecast of the power. Of
        a weather dataset, the wind speed nearest the hub (``ghi`` for a plant), and of several runs the
        freshest. By default a PV plant is compared with the sun.
    site : Site
        Where; its zone is the first whose daylight saving is tried.
    by : {"month", "quarter"}
        Parts of the time, in UTC.

    Returns
    -------
    ClockReport

    Raises
    ------
    MissingDataError
        If nothing is given to compare with.
    SchemaError, TimeError
        If the site or the wind is not in the data, or times are naive.

    Notes
    -----
    A month's lag is the peak of the correlation, see :func:`estimate_lag`. To the months are fitted a
    constant, a constant with a calendar of daylight saving, one that changes once, and one that drifts; a change
    counts if it is 30 min or more and explains the months far better. Wind tells hours, not minutes:
    a lag of up to 35 min is right, for weather models err as much. Against the sun it is 15 min; modules
    of unknown tilt that face east or west come earlier or later by more.

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> site, weather, power = la_haute_borne()
    >>> check_clock(power, weather, site=site).verdict
    'right'
    >>> late = power.values["La Haute Borne"].shift(3, freq="1h")
    >>> print(check_clock(late, weather, site=site))
    Clock of La Haute Borne: off by a constant. It lags by +191 min; check the time zone, and which end of its
    interval a stamp names. Overall lag behind wind_speed_100m: 195 ± 4 min.
    """
    series = _measured(power, site)
    step = frames.check_frame(series.to_frame(site.name), label="power")
    rows = max(1, round(pd.Timedelta("1h") / step))
    reach = _REACH * pd.Timedelta("1h") // (rows * step) * rows
    index = pd.date_range(series.index[0] - reach * step, series.index[-1] + reach * step, freq=step)
    driver, against = expected_at(index + step / 2, expected, site=site)
    places = np.arange(len(series))[:, None] + np.arange(0, 2 * reach + 1, rows)[None, :]
    shifted, measured = driver[places], series.to_numpy(dtype=float)
    lag = estimate_lag(measured, shifted, step=rows * step)
    table = _by_part(measured, shifted, series.index, rows * step, {"month": "M", "quarter": "Q"}[by])
    if lag is None or not table["certain"].any():
        return ClockReport(site.name, against, "unknown", lag, table)
    tolerance = _SUN_TOLERANCE if isinstance(site, PVPlant) else WIND_TOLERANCE
    return ClockReport(site.name, against, lag=lag, table=table, **_verdict(table, site, tolerance))


def _measured(power: Observations | pd.Series, site: Site) -> pd.Series:
    if isinstance(power, pd.Series):
        return power
    if site.name not in power.sites:
        raise SchemaError(
            f"The observations hold {list(power.sites)}, not {site.name!r}.",
            "The site is one of theirs.",
            "Rename the column, or give its series.",
        )
    return power.values[site.name].mask(power.unfit[site.name])


def expected_at(
    middle: pd.DatetimeIndex, expected: pd.Series | xr.Dataset | None = None, *, site: Site
) -> tuple[Floats, str]:
    """Driver of a site's power at some moments, and its name: wind speed, irradiance, or the sun.

    Parameters
    ----------
    middle : DatetimeIndex
        Moments, such as the middles of intervals.
    expected : Series or Dataset, optional
        As in :func:`check_clock`.
    site : Site

    Returns
    -------
    values : array
        NaN where nothing is expected.
    name : str

    Raises
    ------
    MissingDataError, SchemaError, TimeError
        As :func:`check_clock`.

    Examples
    --------
    >>> wind = pd.Series([4.0, 8.0], index=pd.date_range("2024-01-01", periods=2, freq="1h", tz="UTC"), name="wind")
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> values, name = expected_at(pd.DatetimeIndex(["2024-01-01 00:30"], tz="UTC"), wind, site=farm)
    >>> values.tolist(), name
    ([6.0], 'wind')
    """
    if expected is None:
        if not isinstance(site, PVPlant):
            raise MissingDataError(
                f"Nothing is given to compare {site.name!r} with.",
                "A wind farm or an area is compared with its weather; only a PV plant has the sun.",
                "Give expected=..., the wind speed or a weather dataset.",
            )
        return _sun(site, middle), "the sun"
    series = _freshest(expected, site) if isinstance(expected, xr.Dataset) else expected
    if not isinstance(series.index, pd.DatetimeIndex) or series.index.tz is None:
        raise TimeError(
            "The expected series has no zone-aware index.",
            "Its times are in UTC.",
            "Use expected.tz_localize('UTC') if they are.",
        )
    known = series.dropna().sort_index()
    stamps, wanted = (timestamps.to_ns(index).astype("int64") for index in (known.index, middle))
    if not len(stamps):
        raise MissingDataError("The expected series is empty.", "It has values.", "Check the period.")
    values = np.interp(wanted, stamps, known.to_numpy(dtype=float), left=np.nan, right=np.nan)
    # Between instants that lie too far apart nothing is expected.
    after = np.clip(np.searchsorted(stamps, wanted), 1, max(len(stamps) - 1, 1))
    gap = stamps[after % len(stamps)] - stamps[after - 1]
    values[gap > pd.Timedelta("3h").value] = np.nan
    return values, str(series.name or "what was expected")


def _freshest(weather: xr.Dataset, site: Site) -> pd.Series:
    """Driver of the site in a weather dataset, for each time from the youngest run that has it."""
    if isinstance(site, PVPlant):
        name = "ghi"
    else:
        hub = (site.hub_height if isinstance(site, WindFarm) else None) or 100.0
        speeds = [str(name) for name in weather.data_vars if str(name).startswith("wind_speed_")]
        name = min(speeds, key=lambda name: abs((variables.height_of(name) or hub) - hub), default="")
    if name not in weather or site.name not in weather["site"].values:
        raise SchemaError(
            f"The weather has {list(map(str, weather.data_vars))} at {list(weather['site'].values)}.",
            f"It has what drives {site.name!r}: wind speed, or ghi for a PV plant.",
            "Give the series itself as expected=...",
        )
    values = weather[name].sel(site=site.name)
    values = values.mean("member") if "member" in values.dims else values
    if weather_schema.is_analysis(weather):
        series = pd.Series(values.values, index=timestamps.to_index(values["time"].values), name=name)
    else:
        values = values.transpose("lead_time", "init_time")
        lead = values["lead_time"].values.astype("timedelta64[ns]")
        valid = timestamps.to_ns(values["init_time"].values)[None, :] + lead[:, None]
        whole = pd.Series(values.values.ravel(), index=timestamps.to_index(valid.ravel()), name=name).dropna()
        series = whole[~whole.index.duplicated()].sort_index()
    if variables.lookup(name).cell_methods == variables.MEAN and len(series) > 1:
        series.index = series.index + pd.Series(series.index).diff().median() / 2
    return series


def _sun(site: PVPlant, when: pd.DatetimeIndex) -> Floats:
    """How much of the sun's beam falls on the modules, on level ground where their tilt is not known."""
    from pvlib import irradiance, solarposition

    sun = solarposition.spa_python(when, site.latitude, site.longitude)
    known = site.surface_tilt is not None and site.surface_azimuth is not None
    tilt, azimuth = (site.surface_tilt, site.surface_azimuth) if known else (0.0, 180.0)
    beam = irradiance.aoi_projection(tilt, azimuth, 90.0 - sun["elevation"], sun["azimuth"])
    return np.where(sun["elevation"] > 0, np.clip(beam, 0.0, None), 0.0)


def _by_part(
    measured: Floats, shifted: Floats, index: pd.Index, step: pd.Timedelta, part: str
) -> pd.DataFrame:
    label = pd.PeriodIndex(pd.DatetimeIndex(index).tz_localize(None), freq=part)
    rows = {}
    for period in label.unique():
        chosen = np.asarray(label == period)
        lag = estimate_lag(measured[chosen], shifted[chosen], step=step, blocks=10)
        start = pd.Timestamp(period.start_time, tz="UTC")
        count = int(np.isfinite(measured[chosen]).sum())
        rows[start] = (
            (np.nan, np.nan, np.nan, count, False)
            if lag is None
            else (lag.minutes, lag.standard_error, lag.correlation, count, lag.correlation > 0.4)
        )
    columns = ["lag", "standard_error", "correlation", "values", "certain"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _verdict(table: pd.DataFrame, site: Site, tolerance: float) -> dict[str, Any]:
    """The simplest of the clocks that explains the months."""
    months = table[table["certain"]]
    lag = months["lag"].to_numpy(dtype=float)
    error = months["standard_error"].to_numpy(dtype=float)
    # An error from ten blocks is itself uncertain; half of it is that of the usual month.
    noise = np.sqrt((error**2 + np.median(error**2)) / 2 + _WANDER**2)
    starts = pd.DatetimeIndex(months.index)
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


def _constant_verdict(fit: tuple[float, float, float], count: int, tolerance: float) -> Verdict:
    misfit, constant, _ = fit
    if misfit > 4 * count + 12:
        return "irregular"
    if abs(constant) <= tolerance:
        return "right"
    return "half an hour off" if abs(constant) < 45 else "off by a constant"


def _fit(lag: Floats, noise: Floats, part: Floats) -> tuple[float, float, float]:
    """Least squares of a constant and a change for a part: misfit, constant, change.

    A single month far off counts as five standard errors, so that it decides nothing alone.
    """
    weight = 1 / noise
    design = np.column_stack([np.ones_like(lag), part]) if np.ptp(part) > 0 else np.ones((len(lag), 1))
    for _ in range(10):
        answer = np.linalg.lstsq(design * weight[:, None], lag * weight, rcond=None)[0]
        far = np.abs(lag - design @ answer) / noise
        weight = 1 / noise / np.sqrt(np.maximum(far / 5, 1))
    return float(np.minimum(far**2, 25).sum()), float(answer[0]), float(answer[1]) if len(answer) > 1 else 0.0


def _summers(starts: pd.DatetimeIndex, table: pd.DataFrame, own: str) -> Sequence[Floats]:
    """For each calendar that has daylight saving, which part of each month lies in it."""
    ends = dict(zip(table.index, [*table.index[1:], table.index[-1] + pd.Timedelta("31D")], strict=True))
    parts = []
    for name in dict.fromkeys((own, *_CALENDARS)):
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
