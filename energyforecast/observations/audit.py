"""Audit of measured power: gaps, flags, units and clock in one report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import xarray as xr

from energyforecast.core import plausibility
from energyforecast.core.arguments import check_types
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_series import is_counter
from energyforecast.core.sites import PVPlant, Site, Sites, as_sites
from energyforecast.core.variables import FLAG_VERSION
from energyforecast.errors import WrongDataError
from energyforecast.observations import quality
from energyforecast.observations.clock import ClockReport, check_clock
from energyforecast.observations.quality_rules import RULES_VERSION

__all__ = ["LARGEST_SHARE", "AuditReport", "audit_observations"]

#: A file does not pass if a larger share is missing or set aside by flags.
LARGEST_SHARE: Final = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditReport:
    """Findings of an audit of measured power.

    Parameters
    ----------
    observations : Observations
        With the flags that were found.
    clocks : mapping of ClockReport
        By site, where weather or the sun was compared.
    problems : tuple of str
        Problems found; empty if the series passes.

    See Also
    --------
    audit_observations

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> site, weather, power = la_haute_borne()
    >>> found = audit_observations(power, sites=site, weather=weather)
    >>> found.passed, found.clocks["La Haute Borne"].verdict
    (True, 'right')
    """

    observations: Observations
    clocks: Mapping[str, ClockReport]
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """For JSON: period, frequency, missing shares, flags by site, clocks and problems."""
        power = self.observations
        missing = power.values.isna().sum()
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "start": power.index[0].isoformat(),
            "end": (power.index[-1] + power.frequency).isoformat(),
            "frequency_minutes": power.frequency / pd.Timedelta("1min"),
            "intervals": len(power),
            "flag_version": FLAG_VERSION,
            "rules_version": RULES_VERSION,
            "sites": {name: self._site(name, int(missing[name])) for name in power.sites},
        }

    def _site(self, name: str, missing: int) -> dict[str, Any]:
        table = quality.flag_table(self.observations)
        flags = table[table["site"] == name].drop(columns="site")
        clock = self.clocks.get(name)
        return {
            "missing": missing,
            "missing_share": missing / len(self.observations),
            "largest_mw": _number(self.observations.values[name].max()),
            "mean_mw": _number(self.observations.values[name].mean()),
            "flags": flags.to_dict("records"),
            "clock": None
            if clock is None
            else {
                "verdict": clock.verdict,
                "against": clock.against,
                "compared_hours": clock.hours,
                "constant_minutes": _number(clock.constant),
                "change_minutes": _number(clock.change),
                "since": None if clock.since is None else clock.since.isoformat(),
                "summary": str(clock),
            },
        }


def audit_observations(
    observations: Observations, *, sites: Sites, weather: xr.Dataset | None = None
) -> AuditReport:
    """Flag doubtful values, check units and clock, and judge whether the series can be used.

    Parameters
    ----------
    observations : Observations
    sites : Site or sequence of Site
    weather : Dataset, optional
        Without it neither curtailment nor the clock of a wind farm can be checked.

    Returns
    -------
    AuditReport

    Notes
    -----
    It does not pass if more than a fifth of a site is missing, or set aside by flags; if the unit
    cannot be right, or changes; if the series rises with hardly a fall, as readings of a meter do; or if the clock is
    wrong by half an hour or more, or changes.

    See Also
    --------
    flag_quality : The flags.
    check_clock : The clock.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from energyforecast.datasets import la_haute_borne
    >>> site, weather, power = la_haute_borne()
    >>> print(audit_observations(replace(power, values=power.values * 1000), sites=site).problems[0])
    A tenth of La Haute Borne is above 3718.76 MW, 454 times its 8.2 MW: this looks like another unit.
    """
    check_types(locals(), of=audit_observations)
    places = as_sites(sites)
    checked = quality.flag_quality(observations, sites=places, weather=weather)
    clocks = {
        site.name: check_clock(observations, weather, site=site)
        for site in places
        if weather is not None or isinstance(site, PVPlant)
    }
    problems = [problem for site in places for problem in _problems(checked, site, clocks.get(site.name))]
    return AuditReport(observations=checked, clocks=clocks, problems=tuple(problems))


def _problems(power: Observations, site: Site, clock: ClockReport | None) -> list[str]:
    found = []
    try:
        plausibility.check_observations(power.values, sites=[site], unfit=power.unfit, label="power")
    except WrongDataError as error:
        found.append(f"{error.found} {error.expected}")
    # Hours above capacity are set aside one by one; if most are, the unit is wrong.
    usual = float(power.values[site.name].abs().quantile(0.9))
    if site.capacity is not None and usual > 5 * site.capacity:
        found.append(
            f"A tenth of {site.name} is above {usual:g} MW, {usual / site.capacity:.0f} times its "
            f"{site.capacity:g} MW: this looks like another unit."
        )
    if is_counter(power.values[site.name]):
        found.append(
            f"{site.name} rises with hardly a fall: this looks like readings of a meter, which are read with "
            "TableFormat(cumulative=True), an energy as unit and label='ending'."
        )
    missing = float(power.values[site.name].isna().mean())
    unfit = float(power.unfit[site.name].mean())
    for share, kind in ((missing, "missing"), (unfit, "set aside by flags")):
        if share > LARGEST_SHARE:
            found.append(f"{share:.0%} of {site.name} is {kind}, more than {LARGEST_SHARE:.0%}.")
    if clock is not None and clock.verdict not in ("right", "unknown"):
        found.append(str(clock))
    return found


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
