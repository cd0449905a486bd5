"""Quality flags of measured power: the rules applied to observations, the clock, and a table of the flags.

Missing values stay missing, and no value is ever changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types, checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.sites import DemandArea, PVPlant, Site, Sites, as_sites
from energyforecast.core.variables import FLAG_VERSION, UNFIT, Flag
from energyforecast.errors import SchemaError, of_type
from energyforecast.observations.clock import ClockReport, check_clock
from energyforecast.observations.power_driver import driver_at, expected_power
from energyforecast.observations.quality_rules import EXCLUSIVE, RULES, RULES_VERSION, MeasuredPower

__all__ = ["clock_suspect", "flag_quality", "flag_table"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Lag of a month from which its hours are flagged. [min]
_SUSPECT: Final = 45


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
        Sites of the observations; the rules of a PV plant need its coordinates.
    weather : Dataset, optional
        Of the sites. Curtailment, outages and the clock of a wind farm are found with it. Of several runs the
        newest is taken: flags may use later weather than a forecast, for they only set wrong values aside.
    rules : iterable of Flag, optional
        Rules to apply, of :data:`energyforecast.observations.quality_rules.RULES`, and ``Flag.CLOCK_SUSPECT``; all of
        them by default.

    Returns
    -------
    Observations
        The same values. ``flags.attrs`` names the versions of bits and rules.

    Raises
    ------
    SchemaError
        If there is no rule for a flag, or a site is not among the observations.

    See Also
    --------
    energyforecast.observations.quality_rules : The rules, with their thresholds.
    check_clock, audit_observations

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
    check_types(locals(), of=flag_quality)
    wanted = [*RULES, Flag.CLOCK_SUSPECT] if rules is None else list(rules)
    unknown = [flag for flag in wanted if flag not in RULES and flag != Flag.CLOCK_SUSPECT]
    if unknown:
        raise SchemaError(
            f"There is no rule for {unknown[0]!r}.",
            f"Rules set {', '.join(str(flag.name) for flag in (*RULES, Flag.CLOCK_SUSPECT))}.",
            "DUPLICATE is set by read_power(duplicates='flag'), INCOMPLETE by resample, UNREADABLE by the daily run, "
            "USER by you.",
        )
    of_type("observations", observations, expected=Observations, remedy="Read a table with read_power.")
    found = pd.DataFrame(0, index=observations.index, columns=list(observations.sites), dtype="int64")
    for site in as_sites(sites):
        if site.name not in observations.sites:
            raise SchemaError(
                f"The observations hold {list(observations.sites)}, not {site.name!r}.",
                "They must hold every site that is checked.",
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
    """Intervals that lag by three quarters of an hour or more, on the days and in the months that were compared."""
    if report.verdict in ("right", "unknown", "half an hour off"):
        return np.zeros(len(index), dtype=bool)
    lag = report.table["lag"].where(report.table["certain"])
    if report.verdict == "off by a constant":
        lag = lag.where(lag.isna(), report.constant)
    elif report.verdict == "change of zone":
        lag = lag.where(lag.isna(), report.constant + np.where(lag.index >= report.since, report.change, 0.0))
    months = pd.PeriodIndex(pd.DatetimeIndex(lag.index[lag.abs() >= _SUSPECT]).tz_localize(None), freq="M")
    suspect = pd.DatetimeIndex(index).tz_localize(None).to_period("M").isin(months)
    return np.asarray(suspect & index.floor("D").isin(report.days))


@checked()
def flag_table(observations: Observations) -> pd.DataFrame:
    """Number of intervals with each flag, by site.

    Parameters
    ----------
    observations : Observations

    Returns
    -------
    DataFrame
        Columns ``site``, ``flag``, ``bit``, ``intervals``, ``hours``, ``share`` and ``unfit`` (whether such
        hours are left out of training and scores); a row for each flag that occurs.

    See Also
    --------
    flag_quality : The flags.
    audit_observations : All checks of measured power.

    Examples
    --------
    >>> from energyforecast.datasets import shelek
    >>> table = flag_table(shelek(hours=2000).observations)
    >>> table[["flag", "hours"]].values.tolist()
    [['INCOMPLETE', 47.0], ['OUTAGE', 25.0], ['CURTAILED', 4.0], ['STUCK', 7.0]]
    """
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


def _found(series: MeasuredPower, wanted: Iterable[Flag]) -> Mapping[Flag, Bools]:
    """Values found by each rule, without flags that exclude each other."""
    chosen = [flag for flag in RULES if flag in set(wanted)]
    found = {flag: RULES[flag](series) & np.isfinite(series.power) for flag in chosen}
    for flag, others in EXCLUSIVE.items():
        for other in others:
            if flag in found and other in found:
                found[other] = found[other] & ~found[flag]
    return found


def _measured(observations: Observations, site: Site, weather: xr.Dataset | None) -> MeasuredPower:
    """Power of a site with all that its rules need."""
    values = observations.values[site.name].to_numpy(dtype=float)
    usual = float(np.nanquantile(np.abs(values), 0.999)) if np.isfinite(values).any() else 1.0
    power = values / (site.capacity or usual or 1.0)
    index, step = observations.index, observations.frequency
    elevation = _highest_sun(index, step, site) if isinstance(site, PVPlant) else None
    expected = None
    if weather is not None and not isinstance(site, DemandArea):
        driver = driver_at(index + step / 2, weather, site=site)[0]
        # Values that are set aside already do not show usual power.
        expected = expected_power(np.where(observations.unfit[site.name], np.nan, power), driver)
    # The largest load that was measured is no bound; a plant without a capacity is at most as large as usual.
    known = site.capacity is not None or site.kind != "demand"
    return MeasuredPower(
        power=power,
        hours=step / pd.Timedelta("1h"),
        elevation=elevation,
        expected=expected,
        bounds=power_bounds(1.0 if known else None, kind=site.kind),
    )


def _highest_sun(index: pd.DatetimeIndex, step: pd.Timedelta, site: Site) -> Floats:
    """Highest elevation of the sun at the beginnings, middles and ends of intervals. [degree]"""
    moments = [timestamps.to_ns(index + part * step) for part in (0.0, 0.5, 1.0)]
    heights = [90.0 - physics.solar_position(when, site.latitude, site.longitude).zenith for when in moments]
    return np.asarray(np.max(heights, axis=0))
