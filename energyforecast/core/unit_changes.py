"""Units that change within an archive: tested by run, by day and by stretches of weeks, not over the whole archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.errors import UnitsError

__all__ = ["check_radiation_units", "check_unit_changes"]

Floats = npt.NDArray[np.float64]

#: Length of a stretch in which a wrong unit differs from a clear sky or a calm. [days]
_STRETCH: Final = 21
#: Ratios of km/h to m/s as two stretches of different wind show them.
_KMH_OF_STRETCHES: Final = (2.2, 8.0)
#: Mean wind of a windy day in km/h, which days in m/s hardly reach.
_WINDY: Final = 15.0
#: Hours that two runs must share to be compared.
_SHARED: Final = 12
#: Spread of the wind over these hours, relative to its mean, from which hours that all rise by one factor are a sign.
_VARIED: Final = 0.1
#: Sine of the sun's elevation from which radiation is compared with the sun: 10 degrees.
_BRIGHT: Final = 0.17
#: Hours with such a sun, in a run or day that is compared with the sun.
_BRIGHT_HOURS: Final = 4
_TOO_LARGE: Final = (
    "Divide values in kJ m-2 of an hour by 3.6; read sums of an hour on each shorter step by "
    "weather.read_table(..., accumulated_over='1h')."
)
#: Bounds of what new observations usually change from run to run, as a logarithm; unknown, it is the larger.
_LEAST_NEWS: Final = 0.05
_MOST_NEWS: Final = 0.15
#: Factor below which a single run is no sign, and the number of runs that are.
_LARGE: Final = 3.0
_LASTING: Final = 20
#: Days at an end of an analysis that may be in km/h alone, and days of the rest to compare them with.
_LAST_DAYS: Final = (5, 7, 10, 14, 20, 30, 45, 60, 90)
_REST: Final = 40
#: Rise between two stamps from which a temperature may have become one in Fahrenheit. [K]
_LEAP: Final = 15.0
#: Standard deviation of a day below which values are none of a thermometer. [K]
_STILL: Final = 0.3
#: Share of the sun outside the air that one of so many days with a high sun exceeds under any sky.
_FAINT: Final = 0.2
_FAINT_DAYS: Final = 30
_SOLAR_CONSTANT: Final = 1361.0  # [W m-2]


def check_unit_changes(values: xr.DataArray, *, kind: str, name: str, label: str) -> None:
    """Refuse fractions in place of per cent, wind in km/h, mph or knots and °F, in some runs or from a day on.

    Parameters
    ----------
    values : DataArray
        One variable, dimensions in any order.
    kind : str
        Its name without a height.
    name, label : str
        Of the variable and of its dataset, in messages.

    Raises
    ------
    UnitsError
        With the first run or day in another unit.
    """
    axis = "init_time" if "init_time" in values.dims else "time"
    for site in values["site"].values:
        found = _first_change(values.sel(site=site), axis, kind)
        if found is not None:
            when, looks, remedy = found
            raise UnitsError(
                f"{label}[{name!r}] at site {str(site)!r} changes its unit at {when:%Y-%m-%d %H:%M} UTC: "
                f"this looks like {looks}.",
                "The whole archive must have one unit, that of the variable.",
                remedy,
            ).at(columns=[site], times=[when])


_FRACTION: Final = ("fractions in place of percent", "Multiply all values that are fractions by 100.")
_KMH: Final = ("a part in km/h, a part in m/s", "Divide all values in km/h by 3.6.")
_FAHRENHEIT: Final = ("a part in °F, a part in °C", "Convert all values in °F: (value - 32) / 1.8.")
#: By factor between two runs, the units that they show.
_FACTORS: Final = {
    3.6: _KMH,
    2.237: ("a part in mph, a part in m/s", "Multiply all values in mph by 0.44704."),
    1.944: ("a part in knots, a part in m/s", "Multiply all values in knots by 0.51444."),
    100.0: _FRACTION,
}


def _first_change(values: xr.DataArray, axis: str, kind: str) -> tuple[pd.Timestamp, str, str] | None:
    """Run or day from which one site's values have another unit, with the units and the remedy."""
    runs = axis == "init_time"
    if kind in ("relative_humidity", "cloud_cover"):
        whole_days = kind == "cloud_cover" or not runs
        top = _blocks(values, axis, by_day=whole_days).max(axis=1).groupby(level=0).max()
        when = _fractions(top, _STRETCH if kind == "cloud_cover" else 1)
        if when is None and kind == "cloud_cover":
            when = _fractions_at_an_end(_blocks(values, axis, by_day=True))
        if when is not None:
            return when, *_FRACTION
        changed = _by_factor(values, (100.0,)) if runs else None
    elif kind in ("wind_speed", "wind_gust"):
        changed = _by_factor(values, (3.6, 2.237, 1.944)) if runs else None
    elif kind in ("temp_air", "temp_dew"):
        when = _fahrenheit_of_runs(values) if runs else _fahrenheit_of_analysis(values)
        return None if when is None else (when, *_FAHRENHEIT)
    else:
        return None
    if changed is not None:
        return pd.Timestamp(values["init_time"].values[changed[0]]), *_FACTORS[changed[1]]
    if kind == "wind_speed":
        mean = _blocks(values, axis, by_day=True).mean(axis=1).groupby(level=0).mean()
        when = _kmh_of_stretches(mean)
        when = _kmh_at_an_end(mean) if when is None else when
        return None if when is None else (when, *_KMH)
    return None


def _blocks(values: xr.DataArray, axis: str, *, by_day: bool) -> pd.DataFrame:
    """Values with the start of their run as index (their hour, in an analysis), or the day of it."""
    block = values.transpose(axis, ...).values
    start = pd.DatetimeIndex(values[axis].values)
    return pd.DataFrame(block.reshape(len(block), -1), index=start.floor("D") if by_day else start)


def _fractions(largest: pd.Series, days: int) -> pd.Timestamp | None:
    """First day of a stretch of which no value exceeds 1.

    A clear sky reaches 0 percent only, so that a stretch of fractions has values above 0.5 too.
    """
    known = largest.dropna()
    top = known.rolling(days).max().to_numpy()
    low = 0.5 if days > 1 else 0.0
    found = np.flatnonzero((top > low) & (top <= 1.01))
    return known.index[found[0] - days + 1] if found.size else None


def _fractions_at_an_end(values: pd.DataFrame) -> pd.Timestamp | None:
    """First of five days at an end that have broken values up to 1 only: clear skies are 0."""
    days = values.index.unique()
    for chosen in (days[-5:], days[:5]) if len(days) > 10 else ():
        part = values.loc[chosen].to_numpy().ravel()
        part = part[np.isfinite(part)]
        broken = part != np.round(part)
        if part.size and 0.5 < part.max() <= 1.01 and broken.mean() > 0.3:
            return chosen[0]
    return None


def _kmh_of_stretches(mean: pd.Series) -> pd.Timestamp | None:
    """First day from which calm, usual and windy days are all faster, or all slower, by the factor of km/h."""
    known = mean.dropna()
    before, after = [], []
    for share in (0.1, 0.5, 0.9):
        stretch = known.rolling(_STRETCH).quantile(share).to_numpy()
        before.append(stretch[:-_STRETCH])
        after.append(stretch[_STRETCH:])
    early, late = np.array(before), np.array(after)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(late / early, early / late)
        one_way = (late > early).all(axis=0) | (late < early).all(axis=0)
    inside = ((ratio > _KMH_OF_STRETCHES[0]) & (ratio < _KMH_OF_STRETCHES[1])).all(axis=0)
    windy = np.maximum(early[2], late[2]) > _WINDY
    found = np.flatnonzero(inside & one_way & windy)
    return known.index[found[0] + 1] if found.size else None


def _lasts(values: xr.DataArray, run: npt.NDArray[np.int64], change: Floats) -> npt.NDArray[np.bool_]:
    """Whether runs before and after a change differ on average as well: two forecasts may differ by chance."""
    level = np.log(values.mean([dim for dim in values.dims if dim != "init_time"]).values)
    size = _LASTING
    rise = [np.nanmean(level[k : k + size]) - np.nanmean(level[max(k - size, 0) : k]) for k in run]
    return np.asarray((np.array(rise) / change > 0.4) & (np.array(rise) / change < 2.0))


def _kmh_at_an_end(mean: pd.Series) -> pd.Timestamp | None:
    """First of the last days, or first after the first days, if these are faster than any day of the rest."""
    known = mean.dropna()
    for days in _LAST_DAYS if len(known) >= _REST else ():
        for end, rest, first in (
            (known.iloc[-days:], known.iloc[:-days], len(known) - days),
            (known.iloc[:days], known.iloc[days:], days),
        ):
            usual, ratio = end.median(), end.median() / rest.median()
            lowest = end.quantile(0.1) > rest.median()
            within = _KMH_OF_STRETCHES[0] < ratio < _KMH_OF_STRETCHES[1]
            top = float(rest.max() if days < 14 else rest.quantile(0.9))
            if usual > max(_WINDY, top) and lowest and within:
                return known.index[first]
    return None


def _fahrenheit_of_runs(values: xr.DataArray) -> pd.Timestamp | None:
    """First run that has the hours of the run before in Fahrenheit, or in Celsius after that."""
    first = []
    for run, before, after in _pairs(values):
        cold, warm = np.minimum(before, after), np.maximum(before, after)
        enough = np.isfinite(cold).sum(axis=1) >= _SHARED
        cold, warm = cold[enough], warm[enough]
        off, leap = np.abs(warm - (1.8 * cold + 32)), warm - cold
        found = (np.nanmedian(off, axis=1) < 5) & (np.nanmedian(leap, axis=1) > _LEAP)
        first += run[enough][found].tolist()
    return pd.Timestamp(values["init_time"].values[min(first)]) if first else None


def _fahrenheit_of_analysis(values: xr.DataArray) -> pd.Timestamp | None:
    """First stamp at which the temperature becomes that of Fahrenheit, or of Celsius, for a day at least."""
    if "member" in values.dims:
        values = values.mean("member")
    known = values.dropna("time")
    series, stamps = known.values.astype(float), pd.DatetimeIndex(known["time"].values)
    leap = np.flatnonzero(np.abs(np.diff(series)) > _LEAP)
    for place in leap:
        day = pd.Timedelta("1D")
        before = series[(stamps > stamps[place] - day) & (stamps <= stamps[place])]
        after = series[(stamps > stamps[place]) & (stamps <= stamps[place] + day)]
        if min(np.std(before), np.std(after)) < _STILL:
            continue
        at_once = sorted(series[place : place + 2])
        on_average = sorted((before.mean(), after.mean()))
        off = [abs(warm - (1.8 * cold + 32)) for cold, warm in (at_once, on_average)]
        if off[0] < 6 and off[1] < 12 and on_average[1] - on_average[0] > _LEAP:
            return stamps[place + 1]
    return None


def _pairs(values: xr.DataArray) -> Iterator[tuple[npt.NDArray[np.int64], Floats, Floats]]:
    """Runs, and the hours that the run before each and it have in common, in the order of its leads."""
    if "member" in values.dims:
        values = values.mean("member")
    block = values.transpose("init_time", "lead_time").values.astype(float)
    lead = values["lead_time"].values.astype("m8[ns]")
    steps = np.diff(values["init_time"].values.astype("M8[ns]"))
    for step in np.unique(steps):
        _, old, new = np.intersect1d(lead, lead + step, return_indices=True)
        if len(old) >= _SHARED:
            run = np.flatnonzero(steps == step) + 1
            yield run, block[run - 1][:, old], block[run][:, new]


def _by_factor(values: xr.DataArray, factors: Sequence[float]) -> tuple[int, float] | None:
    """First run with all hours larger or smaller than in the run before by one of the factors, and the factor.

    The factor of two units is constant from hour to hour, and far from what new observations change.
    """
    runs, ratios, spreads = [], [], []
    for run, before, after in _pairs(values):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(np.where((before > 0) & (after > 0), after / before, np.nan))
        enough = np.isfinite(ratio).sum(axis=1) >= _SHARED
        ratio, low = ratio[enough], np.minimum(before, after)[enough]
        middle = np.nanmedian(ratio, axis=1)
        varied = np.nanstd(low, axis=1) > _VARIED * np.nanmean(low, axis=1)
        runs.append(run[enough][varied])
        ratios.append(middle[varied])
        spreads.append(np.nanmedian(np.abs(ratio - middle[:, None]), axis=1)[varied])
    if not runs or not sum(map(len, runs)):
        return None
    run, found, spread = (np.concatenate(parts) for parts in (runs, ratios, spreads))
    usual = 1.5 * float(np.median(np.abs(found))) if len(found) >= _SHARED else _MOST_NEWS
    steady = spread < 2 * np.median(spread) + 0.01
    steady &= np.abs(found) > 8 * np.clip(usual, _LEAST_NEWS, _MOST_NEWS)
    for factor in factors:
        match = steady & (np.abs(np.abs(found) - np.log(factor)) < (0.15 if factor > _LARGE else 0.08))
        if factor < _LARGE:
            match[match] = _lasts(values, run[match], found[match])
        if match.any():
            return int(run[match].min()), factor
    return None


def check_radiation_units(
    ghi: Floats, *, height: Floats, start: npt.NDArray[Any], site: str, label: str
) -> None:
    """Refuse radiation of a run or day, while the sun is well up, that is far too small or too large for W m-2.

    Parameters
    ----------
    ghi : array, shape (values,)
    height : array, shape (values,)
        Sine of the sun's elevation in the middle of each value's interval.
    start : array of datetime64, shape (values,)
        Of the run, or of the day in an analysis.
    site, label : str
        Name of the site, and of the variable in messages.

    Raises
    ------
    UnitsError
        With the first run or day in another unit.
    """
    bright = np.isfinite(ghi) & (height > _BRIGHT)
    table = pd.DataFrame({"ghi": ghi[bright], "sun": _SOLAR_CONSTANT * height[bright]})
    blocks = table.groupby(start[bright])
    sums = blocks.sum()[blocks.size() >= _BRIGHT_HOURS]
    share = sums["ghi"] / sums["sun"]
    # Below the thickest cloud more than a hundredth arrives; the clearest air lets less than nine tenths pass.
    for wrong, looks, remedy in (
        ((share > 0) & (share < 0.002), "kW m-2", "Multiply all values in kW m-2 by 1000."),
        (share > 1.2, "kJ m-2 of an hour, or sums of an hour on each shorter step", _TOO_LARGE),
    ):
        if wrong.any():
            first = pd.Timestamp(share.index[wrong.to_numpy()][0])
            raise UnitsError(
                f"{label} at site {site!r} is {share[first]:.2g} of the sun's outside the air in the run or day of "
                f"{first:%Y-%m-%d %H:%M} UTC: this looks like {looks}.",
                "Radiation must be in W m-2 in every run and on every day.",
                remedy,
            )
    high = (sums["sun"] / blocks.size()[sums.index]) > 0.4 * _SOLAR_CONSTANT
    brightest = share[high].groupby(share.index[high].floor("D")).max()
    faint = np.flatnonzero(brightest.rolling(_FAINT_DAYS).max().to_numpy() < _FAINT)
    if faint.size:
        first, last = brightest.index[faint[0] - _FAINT_DAYS + 1], brightest.index[faint[0]]
        raise UnitsError(
            f"{label} at site {site!r} never exceeds {brightest[first:last].max():.2g} of the sun's outside the air "
            f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}: this looks like Wh m-2 of an interval shorter than an hour.",
            "Radiation must be in W m-2 in every run and on every day.",
            "Multiply such values by the number of intervals in an hour.",
        )
