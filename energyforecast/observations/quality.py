"""Quality flags of measured power, set by small rules that say their thresholds and where these come from.

Rules look at shares of capacity in order of time, with NaN for what was not measured; each returns where it
would flag. What is missing stays missing, and no value is ever changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, PVPlant, Site, Sites, as_sites
from energyforecast.core.variables import FLAG_VERSION, Flag
from energyforecast.errors import SchemaError
from energyforecast.observations.clock import ClockReport, check_clock, expected_at

__all__ = [
    "RULES",
    "RULES_VERSION",
    "Measured",
    "above_capacity",
    "clipping",
    "clock_suspect",
    "curtailed",
    "expected_power",
    "flag_quality",
    "flag_table",
    "interpolated",
    "night_generation",
    "outage",
    "spike",
    "stuck",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Grows when a rule or a threshold changes, so that flags can be compared over time.
RULES_VERSION: Final = 1

#: Below this share of capacity a plant stands still: calm, night, or own use.
_STILL: Final = 0.01
#: Of a median in a class of weather, at least so many values.
_IN_CLASS: Final = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One site's power as the rules see it.

    Parameters
    ----------
    power : array
        Shares of capacity (of the largest usual value where a site has none), NaN where nothing was measured.
    hours : float
        Length of an interval. [h]
    elevation : array, optional
        Of a PV plant: the highest elevation of the sun within each interval. [degree]
    expected : array, optional
        Usual power in such weather, as shares of capacity.

    Examples
    --------
    >>> Measured(power=np.array([0.0, 0.5]), hours=1.0).values(3.0)
    3
    """

    power: Floats
    hours: float
    elevation: Floats | None = None
    expected: Floats | None = None

    def values(self, hours: float, *, at_least: int = 1) -> int:
        """How many intervals last so long."""
        return max(at_least, int(np.ceil(hours / self.hours - 1e-9)))


Rule: TypeAlias = Callable[[Measured], Bools]


def night_generation(series: Measured) -> Bools:
    """A PV plant gives more than 1 % of its capacity in an interval through which the sun is down.

    Notes
    -----
    Down is 3 degrees below the horizon: the night of the Solar Forecast Arbiter begins at a zenith of 87
    degrees (https://github.com/SolarArbiter), but twilight lights modules, and places are a little wrong.
    What a plant uses at night is small and negative, and is no fault.

    Examples
    --------
    >>> night = Measured(power=np.array([-0.002, 0.2, 0.2]), hours=1.0, elevation=np.array([-20.0, -9.0, 30.0]))
    >>> night_generation(night).tolist()
    [False, True, False]
    """
    if series.elevation is None:
        return np.zeros(len(series.power), dtype=bool)
    return (series.elevation < -3.0) & (series.power > _STILL)


def stuck(series: Measured) -> Bools:
    """Six equal values or more, while the plant is neither at rest nor at its capacity.

    Notes
    -----
    Six values, to 1e-5: ``stale_values_diff`` of pvanalytics (https://github.com/pvlib/pvanalytics). Below
    1 % and above 97 % of capacity repetition is usual.

    Examples
    --------
    >>> stuck(Measured(power=np.array([0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4]), hours=1.0)).tolist()
    [False, True, True, True, True, True, True, False]
    """
    free = (np.abs(series.power) > _STILL) & (series.power < 0.97)
    return _plateaus(series.power, tolerance=1e-5, at_least=6) & free


def spike(series: Measured) -> Bools:
    """One value far from both its neighbours, which agree with each other.

    Notes
    -----
    Far is 30 % of capacity, and eight times the usual departure from the mean of the neighbours, ten times
    of a PV plant, whose clouds are brief (a scaled median, as in Hampel's filter: Pearson 2002,
    https://doi.org/10.1109/87.974338); neighbours agree within a quarter of it. Gusts and clouds seldom rise
    and fall so in one interval; a trip of one interval looks the same and is flagged too.

    Examples
    --------
    >>> spike(Measured(power=np.array([0.20, 0.21, 0.95, 0.22, 0.21]), hours=1.0)).tolist()
    [False, False, True, False, False]
    """
    before, after = _shifted(series.power, 1), _shifted(series.power, -1)
    away = series.power - (before + after) / 2
    lively = np.abs(away)[np.abs(away) > 1e-3]
    usual = 1.4826 * float(np.median(lively)) if lively.size > 100 else 0.0
    same_side = (series.power - before) * (series.power - after) > 0
    times_usual = 8 if series.elevation is None else 10
    far = np.abs(away) > max(0.3, times_usual * usual)
    return np.asarray(far & same_side & (np.abs(before - after) < np.abs(away) / 4))


def above_capacity(series: Measured) -> Bools:
    """More than 105 % of capacity, or a use of more than 5 % of it.

    Notes
    -----
    The margin is ours: meters are good to 1 %, and capacities are rounded. Wrong units are another
    thing, which :func:`energyforecast.core.plausibility.check_observations` refuses.

    Examples
    --------
    >>> above_capacity(Measured(power=np.array([1.02, 1.3, -0.2]), hours=1.0)).tolist()
    [False, True, True]
    """
    return np.asarray((series.power > 1.05) | (series.power < -0.05))


def clipping(series: Measured) -> Bools:
    """A PV plant stays at its own highest level for two hours or more, on at least five occasions.

    Notes
    -----
    The level is the 99.5 % quantile by daylight, a plateau stays within 0.5 % of it (the tolerance of
    ``clipping.levels`` of pvanalytics). It trains models: a limit of the plant itself is no fault.

    Examples
    --------
    >>> day = np.clip(1.3 * np.sin(np.linspace(0, np.pi, 24)), 0, 0.8)
    >>> series = Measured(power=np.tile(day, 10), hours=1.0, elevation=np.full(240, 30.0))
    >>> clipping(series).sum() // 10
    np.int64(14)
    """
    nothing = np.zeros(len(series.power), dtype=bool)
    if series.elevation is None:
        return nothing
    light = series.power[series.power > 0.05]
    if not light.size:
        return nothing
    top = float(np.quantile(light, 0.995))
    held = _runs(np.abs(series.power - top) <= 0.005 * top, series.values(2.0, at_least=3))
    return held if np.count_nonzero(np.diff(held.astype(int)) == 1) >= 5 else nothing


def curtailed(series: Measured) -> Bools:
    """A level is kept for two hours or more while the weather would have given 10 % of capacity more.

    Notes
    -----
    Kept is within 0.5 % of capacity from one value to the next, three values or more, between 2 and 95 %:
    our choice, strict, for flagged hours do not train. A plant that follows an order that changes all the
    time is not found by it. Without weather nothing is flagged.

    Examples
    --------
    >>> power = np.array([0.6, 0.4, 0.4, 0.4, 0.4, 0.7])
    >>> curtailed(Measured(power=power, hours=1.0, expected=np.full(6, 0.7))).tolist()
    [False, True, True, True, True, False]
    """
    if series.expected is None:
        return np.zeros(len(series.power), dtype=bool)
    inside = (series.power > 0.02) & (series.power < 0.95)
    flat = _plateaus(series.power, tolerance=0.005, at_least=series.values(2.0, at_least=3)) & inside
    return _by_run(flat, lambda run: bool(np.nanmean(series.expected[run] - series.power[run]) > 0.1))  # type: ignore[index]


def outage(series: Measured) -> Bools:
    """Standstill of two hours or more while the weather would have given 25 % of capacity.

    Notes
    -----
    Of a PV plant without weather: nothing at all by full day, with the sun above 15 degrees, where an
    overcast sky still gives 1 %. Snow on the modules looks the same. Thresholds are ours; cf. the
    unresponsive sensors of OpenOA (https://doi.org/10.21105/joss.02171). A part of a plant that is out of
    service is not found.

    Examples
    --------
    >>> power = np.array([0.5, 0.0, 0.0, 0.0, 0.5])
    >>> outage(Measured(power=power, hours=1.0, expected=np.full(5, 0.5))).tolist()
    [False, True, True, True, False]
    """
    long = series.values(2.0, at_least=2)
    if series.expected is not None:
        idle = (np.abs(series.power) <= _STILL) & (series.expected > 0.05)
        still = _runs(idle, long)
        return _by_run(still, lambda run: bool(np.nanmean(series.expected[run]) > 0.25))  # type: ignore[index]
    if series.elevation is not None:
        return _runs((series.power <= 0.002) & (series.elevation > 15.0), series.values(2.0, at_least=3))
    return np.zeros(len(series.power), dtype=bool)


def interpolated(series: Measured) -> Bools:
    """Six values or more on one sloping line, or twelve hours or more copied from the day before.

    Notes
    -----
    Six values on a line: ``interpolation_diff`` of pvanalytics. To 2e-5 of capacity, for loggers round.

    Examples
    --------
    >>> interpolated(Measured(power=np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.1]), hours=1.0)).tolist()
    [True, True, True, True, True, True, False]
    """
    step = series.power - _shifted(series.power, 1)
    bent = _shifted(series.power, -1) - 2 * series.power + _shifted(series.power, 1)
    inner = _runs((np.abs(bent) <= 2e-5) & (np.abs(step) > 2e-4), 4)
    line = inner | np.append(inner[1:], False) | np.append(False, inner[:-1])
    day = series.values(24.0)
    same = np.abs(series.power - _shifted(series.power, day)) <= 1e-6
    copied = _by_run(
        _runs(same, series.values(12.0)),
        lambda run: bool(np.nanstd(series.power[run]) > 0.02 and len(np.unique(series.power[run])) > 5),
    )
    return np.asarray(line | copied)


#: By the flag that it sets: the rules that need nothing but one site's series, in the order of precedence.
RULES: Final[dict[Flag, Rule]] = {
    Flag.NIGHT_GENERATION: night_generation,
    Flag.ABOVE_CAPACITY: above_capacity,
    Flag.SPIKE: spike,
    Flag.CLIPPING: clipping,
    Flag.CURTAILED: curtailed,
    Flag.OUTAGE: outage,
    Flag.STUCK: stuck,
    Flag.INTERPOLATED: interpolated,
}

#: Where the first flag is set, the others are not: the same plateau has one cause.
_INSTEAD: Final = {
    Flag.CLIPPING: (Flag.CURTAILED, Flag.STUCK),
    Flag.CURTAILED: (Flag.STUCK,),
    Flag.ABOVE_CAPACITY: (Flag.SPIKE,),
}


def flag_quality(
    observations: Observations,
    *,
    sites: Sites,
    weather: xr.Dataset | None = None,
    rules: Iterable[Flag] | None = None,
) -> Observations:
    """Observations with doubtful values flagged, in addition to earlier flags.

    Parameters
    ----------
    observations : Observations
    sites : Site or sequence of Site
        Theirs; the rules of a PV plant need its place.
    weather : Dataset, optional
        Of the sites. Curtailment, outages and the clock of a wind farm are told by it. Of several runs the
        freshest is taken: flags may know more than a forecast may, for they only set aside what was wrong.
    rules : iterable of Flag, optional
        Those of :data:`RULES` that are applied, and ``Flag.CLOCK_SUSPECT``; all of them by default.

    Returns
    -------
    Observations
        The same values. ``flags.attrs`` names the versions of bits and rules.

    Raises
    ------
    SchemaError
        If there is no rule for a flag, or a site is not among the observations.

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> site, weather, power = la_haute_borne()
    >>> frozen = power.values.copy()
    >>> frozen.loc["2014-03-11 00:00":"2014-03-11 11:00"] = 2.345
    >>> checked = flag_quality(replace(power, values=frozen), sites=site, rules=[Flag.STUCK])
    >>> int((checked.flags["La Haute Borne"]["2014-03-11"] == int(Flag.STUCK)).sum())
    12
    """
    wanted = [*RULES, Flag.CLOCK_SUSPECT] if rules is None else list(rules)
    unknown = [flag for flag in wanted if flag not in RULES and flag != Flag.CLOCK_SUSPECT]
    if unknown:
        raise SchemaError(
            f"There is no rule for {unknown[0]!r}.",
            f"Rules set {', '.join(str(flag.name) for flag in (*RULES, Flag.CLOCK_SUSPECT))}.",
            "DUPLICATE is set by read_power(duplicates='flag'), INCOMPLETE by resample, USER by you.",
        )
    found = pd.DataFrame(0, index=observations.index, columns=list(observations.sites), dtype="int64")
    for site in as_sites(sites):
        if site.name not in observations.sites:
            raise SchemaError(
                f"The observations hold {list(observations.sites)}, not {site.name!r}.",
                "Every site that is checked is theirs.",
                "Rename the column, or choose its site.",
            )
        series = _measured(observations, site, weather)
        for flag, where in _found(series, wanted).items():
            found.loc[where, site.name] |= int(flag)
        if Flag.CLOCK_SUSPECT in wanted and (isinstance(site, PVPlant) or weather is not None):
            report = check_clock(observations, weather, site=site)
            where = clock_suspect(report, observations.index)
            found.loc[where, site.name] |= int(Flag.CLOCK_SUSPECT)
    flags = found if observations.flags is None else observations.flags | found
    flags.attrs = {"flag_version": FLAG_VERSION, "rules_version": RULES_VERSION}
    return replace(observations, flags=flags)


def clock_suspect(report: ClockReport, index: pd.DatetimeIndex) -> Bools:
    """Intervals of months that lag by three quarters of an hour or more, as a clock check found it.

    Parameters
    ----------
    report : ClockReport
    index : DatetimeIndex
        Beginnings of intervals in UTC.

    Returns
    -------
    array of bool

    Notes
    -----
    Half an hour of a PV plant is reported and not flagged: it may be the way its modules face.

    Examples
    --------
    >>> since = pd.Timestamp("2024-03-01", tz="UTC")
    >>> report = ClockReport("farm", "wind", "change of zone", None, pd.DataFrame(), 0.0, 60.0, since)
    >>> clock_suspect(report, pd.date_range("2024-02-29 22:00", periods=4, freq="1h", tz="UTC")).tolist()
    [False, False, True, True]
    """
    nothing = np.zeros(len(index), dtype=bool)
    if report.verdict in ("right", "unknown", "half an hour off"):
        return nothing
    if report.verdict == "change of zone" and report.since is not None:
        after = np.asarray(index >= report.since)
        return np.where(after, abs(report.constant + report.change) >= 45, abs(report.constant) >= 45)
    if report.verdict == "off by a constant":
        return ~nothing
    bad = report.table[report.table["certain"] & (report.table["lag"].abs() >= 45)].index
    months = pd.DatetimeIndex(index).tz_localize(None).to_period("M")
    return np.asarray(months.isin(pd.DatetimeIndex(bad).tz_localize(None).to_period("M")))


def expected_power(power: Floats, driver: Floats, *, classes: int = 30) -> Floats:
    """Usual power at each value of its driver: medians in classes, with straight lines between them.

    Parameters
    ----------
    power, driver : array, shape (n,)
    classes : int
        Of the driver, equally full.

    Returns
    -------
    array
        NaN where there is no driver, or too little data for a median.

    Notes
    -----
    As the method of bins of IEC 61400-12-1, with medians, which neither curtailments nor outages move.

    Examples
    --------
    >>> wind = np.tile(np.arange(20.0), 50)
    >>> expected_power(wind**2, wind, classes=20)[:4].round().tolist()
    [0.0, 1.0, 4.0, 9.0]
    """
    known = np.isfinite(power) & np.isfinite(driver)
    if known.sum() < 5 * _IN_CLASS:
        return np.full(len(power), np.nan)
    count = min(classes, int(known.sum()) // _IN_CLASS)
    edges = np.unique(np.quantile(driver[known], np.linspace(0, 1, count + 1)))
    place = np.clip(np.searchsorted(edges, driver[known], side="right") - 1, 0, max(len(edges) - 2, 0))
    medians = pd.DataFrame({"x": driver[known], "y": power[known]}).groupby(place).median()
    usual = np.interp(driver, medians["x"], medians["y"])
    return np.where(np.isfinite(driver), usual, np.nan)


def flag_table(observations: Observations) -> pd.DataFrame:
    """How many intervals bear each flag, by site.

    Parameters
    ----------
    observations : Observations

    Returns
    -------
    DataFrame
        Columns ``site``, ``flag``, ``bit``, ``intervals``, ``hours``, ``share`` and ``unfit`` (whether such
        hours are left out of training and scores); a row for each flag that occurs.

    Examples
    --------
    >>> from energyforecast.datasets import shelek
    >>> table = flag_table(shelek(hours=2000).observations)
    >>> table[["flag", "hours"]].values.tolist()
    [['INCOMPLETE', 47.0], ['OUTAGE', 25.0], ['CURTAILED', 4.0], ['STUCK', 7.0]]
    """
    from energyforecast.core.variables import UNFIT

    columns = ["site", "flag", "bit", "intervals", "hours", "share", "unfit"]
    if observations.flags is None:
        return pd.DataFrame(columns=columns)
    hours = observations.frequency / pd.Timedelta("1h")
    rows = []
    for name in observations.sites:
        for flag in Flag:
            count = int(((observations.flags[name] & int(flag)) != 0).sum())
            if count:
                share = count / len(observations)
                rows.append((name, flag.name, int(flag), count, count * hours, share, flag in UNFIT))
    return pd.DataFrame(rows, columns=columns)


def _found(series: Measured, wanted: Iterable[Flag]) -> Mapping[Flag, Bools]:
    chosen = [flag for flag in RULES if flag in set(wanted)]
    found = {flag: RULES[flag](series) & np.isfinite(series.power) for flag in chosen}
    for flag, others in _INSTEAD.items():
        for other in others:
            if flag in found and other in found:
                found[other] = found[other] & ~found[flag]
    return found


def _measured(observations: Observations, site: Site, weather: xr.Dataset | None) -> Measured:
    values = observations.values[site.name].to_numpy(dtype=float)
    usual = float(np.nanquantile(np.abs(values), 0.999)) if np.isfinite(values).any() else 1.0
    power = values / (site.capacity or usual or 1.0)
    index, step = observations.index, observations.frequency
    elevation = _highest_sun(index, step, site) if isinstance(site, PVPlant) else None
    expected = None
    if weather is not None and not isinstance(site, DemandArea):
        driver = expected_at(index + step / 2, weather, site=site)[0]
        # What is set aside already says nothing about what is usual.
        expected = expected_power(np.where(observations.unfit[site.name], np.nan, power), driver)
    return Measured(power=power, hours=step / pd.Timedelta("1h"), elevation=elevation, expected=expected)


def _highest_sun(index: pd.DatetimeIndex, step: pd.Timedelta, site: Site) -> Floats:
    """At the beginnings, middles and ends of intervals, whichever is highest."""
    moments = [timestamps.to_ns(index + part * step) for part in (0.0, 0.5, 1.0)]
    heights = [90.0 - physics.solar_position(when, site.latitude, site.longitude).zenith for when in moments]
    return np.asarray(np.max(heights, axis=0))


def _shifted(values: Floats, by: int) -> Floats:
    """The value so many places before, NaN where there is none."""
    result = np.full(len(values), np.nan)
    if abs(by) < len(values):
        result[max(by, 0) : len(values) + min(by, 0)] = values[max(-by, 0) : len(values) - max(by, 0)]
    return result


def _plateaus(values: Floats, *, tolerance: float, at_least: int) -> Bools:
    """Runs of values, each as the one before."""
    same = np.abs(values - _shifted(values, 1)) <= tolerance
    later = _runs(same, at_least - 1)
    return np.asarray(later | np.append(later[1:], False))


def _runs(mask: Bools, at_least: int) -> Bools:
    """Where a mask holds in runs of so many places."""
    return _by_run(mask, lambda run: run.stop - run.start >= at_least)


def _by_run(mask: Bools, keep: Callable[[slice], bool]) -> Bools:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    result = np.zeros(len(mask), dtype=bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        run = slice(int(begin), int(end))
        result[run] = keep(run)
    return result
