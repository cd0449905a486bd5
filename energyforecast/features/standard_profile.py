"""Standard load profiles on the calendar of a site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.load_profiles import LoadProfile, profile_at
from energyforecast.core.sites import DemandArea, Site
from energyforecast.errors import SchemaError
from energyforecast.features.base import Array, Columns, Feature, step_hours
from energyforecast.features.day_class import classes_of
from energyforecast.point_in_time.history import Past, begun
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["PROFILE_COLUMN", "StandardLoadProfile", "load_profiles_of", "profile_columns"]

#: Column of a profile in parts of its mean of a year.
PROFILE_COLUMN: Final = "load_profile[{}]"
_DAY: Final = timestamps.duration("24h")
_WEEK: Final = 7
#: Class of a day (working, bridge, first and second day of the weekend, holiday) as kind of the profiles' days.
_KIND: Final = np.array([0, 0, 1, 2, 2])


@checked()
@dataclass(frozen=True)
class StandardLoadProfile(Feature):
    r"""Standard load profile of consumers of a kind, scaled to the site: ``standard_load_profile``.

    .. math::

        P_t = p_t \, \frac{\sum_i y_i}{\sum_i p_i}
        \qquad \text{or} \qquad
        P_t = p_t \, \frac{E}{8760\,\mathrm{h}},

    with the profile :math:`p` by period of the year, kind of day and quarter of an hour, the published demand
    :math:`y_i` of the newest week at the hours of the window, and the energy :math:`E` of a year. It is known in
    advance: a first shape of the day, the week and the year where a short history has none.

    Parameters
    ----------
    profile : str, optional
        One of ``core.load_profiles.LOAD_PROFILES``, such as ``"H25"`` (households), ``"G25"``
        (trade) or ``"L25"`` (farms); by default the `load_profile` of the site.
    scaled_by : {"history", "yearly_energy"}
        Demand of the newest week, where it is published and else the energy of a year; or that energy alone.

    Raises
    ------
    SchemaError
        If neither the feature nor the site names a profile.
    DependencyError
        If demandlib, the extra ``profiles``, is not installed.

    See Also
    --------
    DayClass, energyforecast.DemandArea, energyforecast.models.ProfileStart

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW; NaN where the demand is not known. Days are those of
    the site's own calendar: the first day of the weekend is a Saturday, the second and holidays are Sundays, bridge
    days are working days. The seasons are those of Germany.

    References
    ----------
    BDEW (2025), Standardlastprofile Strom, https://www.bdew.de/energie/standardlastprofile-strom/

    Examples
    --------
    A home takes 4.38 MWh a year, 0.5 kW in the mean, and more in the evening than in the morning.

    >>> from energyforecast.testing import example_snapshot
    >>> home = DemandArea(
    ...     name="home", latitude=52.5, longitude=13.4, timezone="Europe/Berlin", yearly_energy=0.00438
    ... )
    >>> profile = StandardLoadProfile("H25", scaled_by="yearly_energy")
    >>> for start in ("2024-01-02 03:00", "2024-01-02 18:00"):
    ...     columns = profile.compute(example_snapshot(sites=home, start=start, hours=2))
    ...     print((1000 * columns["standard_load_profile"]).round(2).tolist())  # kW
    [[0.34, 0.39]]
    [[0.9, 0.82]]
    """

    profile: LoadProfile | None = None
    scaled_by: Literal["history", "yearly_energy"] = "history"

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The hour of each of seven days, where demand scales the profile."""
        if self.scaled_by == "yearly_energy":
            return ()
        return tuple(Past(_DAY * back, _DAY) for back in range(1, _WEEK + 1))

    def compute(self, now: Snapshot) -> Columns:
        """Column ``standard_load_profile``."""
        profile = self.profile or getattr(now.site, "load_profile", None)
        if profile is None:
            raise SchemaError(
                f"StandardLoadProfile() names no profile, and {now.site.name!r} has no load_profile.",
                "One of them must name it.",
                "Give StandardLoadProfile('H25') of households, 'G25' of trade or 'L25' of farms; of an area, "
                "load_profile='H25'.",
            )
        energy = now.site.yearly_energy
        mean = np.full((len(now.windows.issue_time), 1), np.nan if energy is None else 1000 * energy / 8760)
        if self.history:
            known = self._mean_of_history(now, profile)
            mean = np.where(np.isfinite(known), known, mean)
        shape = _profile(now, now.valid_time, profile)
        return {"standard_load_profile": shape * mean / (now.site.capacity or 1.0)}

    def _mean_of_history(self, now: Snapshot, profile: LoadProfile) -> Array:
        """Mean of a year by the newest week of each issue, shape (origins, 1); NaN where none is known. [MW]"""
        issued, demand, standard = now.windows.issue_time, 0.0, 0.0
        for past in self.history:
            value = np.where(now.windows.inside, now.lag(past.lag, step="24h"), np.nan)
            then = begun(now.lag_age(past.lag, step="24h"), issued)
            known = np.isfinite(value) & ~np.isnat(then)
            shape = _profile(now, np.where(known, then, issued[:, None]), profile)
            demand = demand + np.where(known, value, 0.0).sum(axis=1, keepdims=True)
            standard = standard + np.where(known, shape, 0.0).sum(axis=1, keepdims=True)
        return np.asarray(np.where(standard > 0, demand / np.where(standard > 0, standard, 1.0), np.nan))


def _profile(now: Snapshot, times: Array, profile: LoadProfile) -> Array:
    """Profile at the beginnings of intervals, shape (origins, steps), in parts of its mean of a year."""
    local = timestamps.on_clock(times, now.site.timezone)
    day = local.astype("datetime64[D]")
    hour = (local - day) / np.timedelta64(1, "h")
    kind = _KIND[classes_of(now, day).astype(np.int64)]
    return profile_at(profile, day, kind=kind, hour=hour, step=step_hours(now))


def load_profiles_of(sites: Iterable[Site]) -> tuple[LoadProfile, ...]:
    """Load profiles of areas of demand, each once."""
    named = (site.load_profile for site in sites if isinstance(site, DemandArea))
    return tuple(dict.fromkeys(name for name in named if name is not None))


def profile_columns(now: Snapshot, profiles: Iterable[LoadProfile]) -> Columns:
    """Profiles of an area of demand in parts of their means, by their names; of other sites none."""
    if not isinstance(now.site, DemandArea):
        return {}
    return {PROFILE_COLUMN.format(name): _profile(now, now.valid_time, name) for name in profiles}
