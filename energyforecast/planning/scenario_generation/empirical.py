"""Rank reordering by observed trajectories: the Schaake shuffle and ensemble copula coupling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import check_same_step, frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.sites import Site
from energyforecast.errors import MissingDataError, RangeError, SchemaError
from energyforecast.planning.scenario_generation.dependence import ranks_of
from energyforecast.planning.scenario_generation.marginals import Marginals
from energyforecast.planning.scenario_generation.merging import as_list, observed_of
from energyforecast.point_in_time import weather_access
from energyforecast.weather.processing.temporal import Steps, cell_methods_at_steps

__all__ = ["EnsembleCopulaCoupling", "SchaakeShuffle", "Template"]

Array = npt.NDArray[Any]

_DAY: Final = np.timedelta64(24, "h")
#: Smallest number of days in a template.
_MIN_DAYS: Final = 5


@dataclass(frozen=True, eq=False)
class Template:
    """Past days or ensemble members that give the scenarios their ranks."""

    #: Trajectories, shape (trajectories, sites, hours).
    values: Array
    #: Time from the beginning of each day to that of the window; empty for members.
    shifts: npt.NDArray[np.timedelta64]
    #: Number of days left out because a value was missing, flagged or not yet published.
    incomplete: int

    def ranks(self, n_scenarios: int, *, rng: np.random.Generator) -> Array:
        """Ranks of the scenarios, shape (n_scenarios, sites, hours)."""
        # Each trajectory is used equally often, some once more by chance. Where trajectories are equal, as two
        # without power, one order of the scenarios decides in all hours.
        count = len(self.values)
        rest = rng.permutation(count)[: n_scenarios % count]
        chosen = np.concatenate([np.tile(np.arange(count), n_scenarios // count), rest])
        return ranks_of(self.values[chosen], rng.uniform(size=n_scenarios))


@checked(days=(1, inf))
@dataclass(frozen=True, eq=False, repr=False)
class SchaakeShuffle:
    r"""Schaake shuffle: the scenarios take the ranks of past days.

    .. math:: r_{k,i,t} = \sum_{l=1}^{n} \mathbf{1}\{y_{d_l,i,t} < y_{d_k,i,t}\}

    with the power y observed at site i on day d, at the time of day of hour t; scenario k follows day dₖ.

    Parameters
    ----------
    observations : Observations or sequence of Observations
        Days count if every hour at every site was published by the issue.
    similar_to : Forecast or sequence of Forecast, optional
        Forecasts of past days, of all sites. The days are then those of the most similar forecast: the smallest
        mean squared difference of the medians, in standard deviations of each site. By default, the newest days.
    days : int, optional
        Number of days; by default the number of scenarios, or, of similar days, a quarter of all usable days.

    Notes
    -----
    The hours of a past day are those of the window shifted by whole days of 24 h. The newest days have the dependence
    of season, weather and daily cycle together; that of forecast errors is usually shorter, and similar days are
    closer to it.

    References
    ----------
    - Clark, Gangopadhyay, Hay, Rajagopalan and Wilby (2004), The Schaake Shuffle,
      https://doi.org/10.1175/1525-7541(2004)005%3C0243:TSSAMF%3E2.0.CO;2
    - Similar days: Schefzik (2016), https://doi.org/10.1175/MWR-D-15-0227.1

    See Also
    --------
    EnsembleCopulaCoupling : Ranks of members in place of days.
    GaussianCopula : Learns from forecast errors, also from days with gaps.

    Examples
    --------
    >>> from energyforecast.planning import sample_scenarios
    >>> from energyforecast.testing import example_days
    >>> forecast, observations = example_days(days=60)
    >>> shuffle = SchaakeShuffle(observations)
    >>> shuffle
    SchaakeShuffle(newest days)
    >>> sample_scenarios(forecast, dependence=shuffle, issue_time=forecast.issue_times[-1], n_scenarios=50)
    50 scenarios of a, b: 24 intervals of 1h from 2024-03-01 00:00 UTC [MW]
    """

    observations: Observations | Sequence[Observations]
    _: KW_ONLY
    similar_to: Forecast | Sequence[Forecast] | None = None
    days: int | None = None

    def __post_init__(self) -> None:
        if self.days is not None and self.days < _MIN_DAYS:
            raise RangeError(
                f"days={self.days}.", f"At least {_MIN_DAYS} are needed.", "Leave it out, or give e.g. 60."
            )

    def ranks(self, marginals: Marginals, *, n_scenarios: int, rng: np.random.Generator) -> Array:
        """Ranks of the scenarios, as :class:`Dependence` defines them."""
        return self.template(marginals, n_scenarios=n_scenarios).ranks(n_scenarios, rng=rng)

    def template(self, marginals: Marginals, *, n_scenarios: int) -> Template:
        """Past days that give the ranks of `n_scenarios` scenarios.

        Raises
        ------
        MissingDataError
            If fewer than five complete days were published by the issue.
        """
        shifts = self._shifts(marginals)
        values = np.stack([self._observed(marginals, name, shifts) for name in marginals.sites], axis=1)
        complete = np.isfinite(values).all(axis=(1, 2))
        distance = np.arange(len(shifts), dtype=float)
        if self.similar_to is not None:
            distance = _distance(self.similar_to, marginals, shifts)
        usable = np.flatnonzero(complete & np.isfinite(distance))
        if len(usable) < _MIN_DAYS:
            raise MissingDataError(
                f"{len(usable)} days of {', '.join(marginals.sites)} were complete and published by "
                f"{marginals.issue_time}{' and had been forecast' if self.similar_to is not None else ''}; "
                f"{int((~complete).sum())} were not complete.",
                f"The Schaake shuffle needs {_MIN_DAYS} days or more, of all sites.",
                "Give longer observations, or use GaussianCopula, which takes days with gaps.",
            )
        count = self.days or (n_scenarios if self.similar_to is None else max(_MIN_DAYS, len(usable) // 4))
        chosen = usable[np.argsort(distance[usable], kind="stable")[:count]]
        return Template(values[chosen], shifts[chosen], int((~complete).sum()))

    def _shifts(self, marginals: Marginals) -> npt.NDArray[np.timedelta64]:
        """Whole days back, from the newest that was over at the issue to the oldest that was observed."""
        first = max(
            timestamps.to_ns(observed_of(self.observations, name).index)[0] for name in marginals.sites
        )
        newest = int(np.ceil((marginals.valid_time[-1] - timestamps.to_ns([marginals.issue_time])[0]) / _DAY))
        oldest = int((marginals.valid_time[0] - first) // _DAY)
        return np.asarray(np.arange(max(newest, 1), oldest + 1) * _DAY)

    def _observed(self, marginals: Marginals, site: str, shifts: npt.NDArray[np.timedelta64]) -> Array:
        """Power of a site on the shifted days, as published by the issue, shape (days, hours)."""
        hours = (marginals.valid_time - shifts[:, None]).astype("datetime64[ns]")
        observed = observed_of(self.observations, site)
        return outcomes_at(
            observed,
            hours,
            site=site,
            step=marginals.frequency,
            as_of=marginals.issue_time,
            outside="missing",
        )

    def __repr__(self) -> str:
        which = "newest days" if self.similar_to is None else "days of similar forecasts"
        return f"SchaakeShuffle({which if self.days is None else f'{self.days} {which}'})"


def _distance(
    archive: Forecast | Sequence[Forecast], marginals: Marginals, shifts: npt.NDArray[np.timedelta64]
) -> Array:
    """Mean squared difference of the medians, in standard deviations; NaN where a day was not forecast."""
    total = np.zeros(len(shifts))
    for name, today in zip(marginals.sites, marginals.medians, strict=True):
        past = _medians(archive, name, marginals.issue_time, marginals.frequency)
        shifted = past.reindex(timestamps.to_index((marginals.valid_time - shifts[:, None]).ravel()))
        scale = max(float(past.std()), 1e-9)
        total += (((shifted.to_numpy().reshape(len(shifts), -1) - today) / scale) ** 2).mean(axis=1)
    return total


def _medians(
    archive: Forecast | Sequence[Forecast], site: str, issue_time: pd.Timestamp, step: pd.Timedelta
) -> pd.Series[float]:
    """Median of each hour in the newest forecast of it that was issued before."""
    several = as_list(archive)
    for forecast in several:
        if site in forecast.sites:
            check_same_step(forecast, step, name="The archive of forecasts", other="the forecast")
            rows = np.flatnonzero(forecast.issue_times < issue_time)
            data = forecast.at(0.5).values[forecast.sites.index(site)][rows]
            valid = forecast.data["valid_time"].values[rows]
            inside = ~np.isnat(valid)
            series = pd.Series(data[inside].astype(float), index=timestamps.to_index(valid[inside]))
            return series[~series.index.duplicated(keep="last")]
    raise MissingDataError(
        f"Site {site!r} is in none of the past forecasts.",
        f"They are of {sorted({name for forecast in several for name in forecast.sites})}.",
        "Similar days need past forecasts of all sites.",
    )


@checked()
@dataclass(frozen=True, eq=False, repr=False)
class EnsembleCopulaCoupling:
    r"""Ensemble copula coupling: the scenarios take the ranks of the members of an ensemble.

    .. math:: r_{k,i,t} = \sum_{l=1}^{n} \mathbf{1}\{z_{m_l,i,t} < z_{m_k,i,t}\}

    with the value z of a member m at site i and hour t; scenario k follows member mₖ. The values themselves are those
    of the forecast's distribution.

    Parameters
    ----------
    members : Scenarios, DataArray or Dataset
        Members of a power ensemble; or an array with the dimensions ``member``, ``site`` and ``valid_time``, made
        from data known at the issue; or weather forecasts with members, of which the newest run that had
        arrived by the issue is taken.
    variable : str, optional
        Of the weather: one with which power rises, such as ``"wind_speed_100m"`` or ``"ghi"``.

    References
    ----------
    Schefzik, Thorarinsdottir and Gneiting (2013), https://doi.org/10.1214/13-STS443.

    See Also
    --------
    SchaakeShuffle : Ranks of past days in place of members.

    Examples
    --------
    Three scenarios of three members: the windiest member is always the highest.

    >>> from energyforecast.planning import sample_scenarios
    >>> from energyforecast.testing import example_forecast
    >>> forecast = example_forecast()
    >>> wind = xr.DataArray(
    ...     np.array([6.0, 7.0, 5.0])[:, None, None] + np.zeros((1, 1, 24)),
    ...     dims=("member", "site", "valid_time"),
    ...     coords={"site": ["farm"], "valid_time": forecast.data["valid_time"].values[0]},
    ... )
    >>> scenarios = sample_scenarios(forecast, n_scenarios=3, dependence=EnsembleCopulaCoupling(wind))
    >>> scenarios.of()[:, 0].round(2).tolist()
    [10.0, 13.33, 6.67]
    """

    members: Scenarios | xr.DataArray | xr.Dataset
    _: KW_ONLY
    variable: str | None = None

    def __post_init__(self) -> None:
        weather = isinstance(self.members, xr.Dataset)
        if weather != (self.variable is not None):
            raise SchemaError(
                f"The members are {'weather' if weather else 'an array'}, and variable={self.variable!r}.",
                "Of weather, one variable gives the ranks; an array is one already.",
                'Give variable="wind_speed_100m"' if weather else "Leave the variable out.",
            )

    def ranks(self, marginals: Marginals, *, n_scenarios: int, rng: np.random.Generator) -> Array:
        """Ranks of the scenarios, as :class:`Dependence` defines them."""
        return self.template(marginals).ranks(n_scenarios, rng=rng)

    def template(self, marginals: Marginals) -> Template:
        """Members at the sites and hours of a window; MissingDataError where a value is missing."""
        if isinstance(self.members, xr.Dataset):
            assert self.variable is not None
            values = np.stack(
                [_weather(self.members, self.variable, marginals, name) for name in marginals.sites], axis=1
            )
        else:
            values = _array(self.members, marginals)
        bad = ~np.isfinite(values)
        if bad.any():
            _, site, hour = (int(k) for k in np.argwhere(bad)[0])
            raise MissingDataError(
                f"A member has no value for site {marginals.sites[site]!r} at "
                f"{timestamps.to_index(marginals.valid_time)[hour]}.",
                "Members must cover every hour of the window at every site.",
                "Leave out the members that are incomplete, or take an older, complete run.",
            )
        return Template(values, np.array([], dtype="timedelta64[ns]"), 0)

    def __repr__(self) -> str:
        source = f"{self.variable} of the newest run" if self.variable else "members"
        return f"EnsembleCopulaCoupling({source})"


def _array(members: Scenarios | xr.DataArray, marginals: Marginals) -> Array:
    """Members as an array of shape (members, sites, hours)."""
    data = members.data.rename(scenario="member") if isinstance(members, Scenarios) else members
    if set(data.dims) != {"member", "site", "valid_time"}:
        raise SchemaError(
            f"The members have the dimensions {tuple(map(str, data.dims))}.",
            "They must be member, site and valid_time.",
            "Select one variable and run, and rename the dimensions.",
        )
    absent = [name for name in marginals.sites if name not in data["site"].values]
    if absent:
        raise MissingDataError(
            f"The members do not hold site {absent[0]!r}.",
            f"They hold {[str(name) for name in data['site'].values]}.",
            "Give members of all sites that are sampled together.",
        )
    given = frequency_of(timestamps.to_index(data["valid_time"].values)) or marginals.frequency
    check_same_step(given, marginals.frequency, name="The ensemble", other="the forecast")
    chosen = data.sel(site=list(marginals.sites)).reindex(valid_time=marginals.valid_time)
    return np.asarray(chosen.transpose("member", "site", "valid_time").values, dtype=float)


def _weather(weather: xr.Dataset, variable: str, marginals: Marginals, site: str) -> Array:
    """One variable of the newest run that had arrived, shape (members, hours)."""
    if variable not in weather or "member" not in weather[variable].dims or site not in weather["site"]:
        raise SchemaError(
            f"The weather has the variables {[str(name) for name in weather.data_vars]}, the dimensions "
            f"{tuple(map(str, weather.dims))} and the sites {[str(name) for name in weather['site'].values]}.",
            f"It must hold {variable!r} with members at site {site!r}.",
            "Fetch an ensemble for all sites.",
        )
    step = marginals.frequency.to_timedelta64()
    ends = np.append(marginals.valid_time, marginals.valid_time[-1] + step)
    inside = np.ones((1, len(ends)), dtype=bool)
    inside[0, -1] = False  # the end of the last hour is used where it is known
    # Ranks need no place: a sky changes all members alike.
    anywhere = Steps.of_windows(Site(name=site, latitude=0, longitude=0), ends[:1], marginals.frequency)
    gathered = weather_access.weather_as_of(
        weather,
        site=site,
        issue_time=timestamps.to_ns([marginals.issue_time]),
        valid_time=ends[None, :],
        inside=inside,
        names=[variable],
        steps=anywhere,
    )
    begins, after = gathered.values[variable][0, :-1], gathered.values[variable][0, 1:]
    native = weather[variable].attrs.get("cell_methods", "")
    if cell_methods_at_steps(variable, native, gathered.converted) != "time: point":
        return np.asarray(begins.T, dtype=float)
    middle = 0.5 * (begins + np.where(np.isfinite(after), after, begins))
    return np.asarray(middle.T, dtype=float)
