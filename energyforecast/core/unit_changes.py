"""Units that change within an archive: tested by run, by day and by stretches of weeks, not over the whole archive."""

from __future__ import annotations

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
_SOLAR_CONSTANT: Final = 1361.0  # [W m-2]


def check_unit_changes(values: xr.DataArray, *, kind: str, name: str, label: str) -> None:
    """Refuse fractions in place of per cent in some runs or weeks, and wind in km/h from a run or day on.

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
        found = None
        place = values.sel(site=site)
        if kind in ("relative_humidity", "cloud_cover"):
            whole_days = kind == "cloud_cover" or axis == "time"
            top = _blocks(place, axis, by_day=whole_days).max(axis=1).groupby(level=0).max()
            found = _fractions(top, _STRETCH if kind == "cloud_cover" else 1)
        elif kind == "wind_speed":
            found = _kmh_of_runs(place) if axis == "init_time" else None
            if found is None:
                found = _kmh_of_stretches(
                    _blocks(place, axis, by_day=True).mean(axis=1).groupby(level=0).mean()
                )
        if found is not None:
            looks, remedy = _WIND if kind == "wind_speed" else _FRACTION
            raise _changed(f"{label}[{name!r}]", str(site), found, looks, remedy)


_FRACTION: Final = ("fractions in place of percent", "Multiply all values that are fractions by 100.")
_WIND: Final = ("a part in km/h, a part in m/s", "Divide all values in km/h by 3.6.")


def _changed(what: str, site: str, when: pd.Timestamp, looks: str, remedy: str) -> UnitsError:
    return UnitsError(
        f"{what} at site {site!r} changes its unit at {when:%Y-%m-%d %H:%M} UTC: this looks like {looks}.",
        "The whole archive must have one unit, that of the variable.",
        remedy,
    )


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


def _kmh_of_runs(values: xr.DataArray) -> pd.Timestamp | None:
    """First run that gives the hours it shares with the run before by the factor of km/h faster or slower."""
    if "member" in values.dims:
        values = values.mean("member")
    block = values.transpose("init_time", "lead_time").values.astype(float)
    init = values["init_time"].values.astype("M8[ns]")
    lead = values["lead_time"].values.astype("m8[ns]")
    steps = np.diff(init)
    first: list[int] = []
    for step in np.unique(steps):
        _, old, new = np.intersect1d(lead, lead + step, return_indices=True)
        run = np.flatnonzero(steps == step)
        if len(old) >= _SHARED:
            changed = _are_kmh(block[run][:, old], block[run + 1][:, new])
            first += (run[changed] + 1).tolist()
    return pd.Timestamp(init[min(first)]) if first else None


def _are_kmh(before: Floats, after: Floats) -> npt.NDArray[np.bool_]:
    """Whether one of two runs is in km/h and the other in m/s, hour by hour within a quarter."""
    shared = np.isfinite(before) & np.isfinite(after)
    before, after = np.where(shared, before, 0.0), np.where(shared, after, 0.0)
    slow = np.where((after.sum(axis=1) > before.sum(axis=1))[:, None], before, after)
    fast = before + after - slow
    close = (np.abs(fast - 3.6 * slow) <= 0.25 * fast) & (fast > 0)
    hours = np.maximum(shared.sum(axis=1), 1)
    mean = slow.sum(axis=1) / hours
    spread = np.sqrt(np.where(shared, (slow - mean[:, None]) ** 2, 0.0).sum(axis=1) / hours)
    enough = (hours >= _SHARED) & (spread > _VARIED * mean)
    return np.asarray(enough & (close.sum(axis=1) > 0.6 * hours))


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
