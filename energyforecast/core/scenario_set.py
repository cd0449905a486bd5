"""Scenarios of the future, joint over hours and sites and equally likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.power_kinds import Kind, check_kind, kind_of_sum, kinds_of
from energyforecast.core.quantiles import check_levels
from energyforecast.core.wording import short
from energyforecast.errors import MissingDataError, RangeError, SchemaError, TimeError

__all__ = ["Scenarios"]

Array = npt.NDArray[Any]

_DIMS: Final = ("scenario", "site", "valid_time")


@dataclass(frozen=True, eq=False, repr=False)
class Scenarios:
    """Equally likely trajectories of power or demand over the hours of one window, at one or several sites.

    Quantiles of a sum are not sums of quantiles: sums, storage and dispatch over hours and sites are computed in
    each scenario, and summarised at the end.

    Parameters
    ----------
    data : DataArray
        Dimensions ``(scenario, site, valid_time)`` [MW]; coordinate ``kind(site)``, one of
        :data:`energyforecast.core.power_kinds.KINDS`; ``valid_time`` are beginnings of intervals in UTC, regular
        and rising. Attributes: ``frequency``, length of an interval; ``caveats`` to show wherever the scenarios
        are shown; ``issue_time``, if known.

    Raises
    ------
    SchemaError
        If dimensions differ, a site is doubled, or its kind is absent or unknown.
    RangeError
        If a value is not finite, or hours are not regular.

    See Also
    --------
    energyforecast.planning.sample_scenarios : Samples them from forecasts.
    energyforecast.planning.net_load, energyforecast.planning.reserve, energyforecast.planning.schedule : Use them.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> scenarios = Scenarios.from_values([[[1.0, 2.0]], [[3.0, 4.0]]], sites=["farm"], valid_time=hours)
    >>> scenarios
    2 scenarios of farm: 2 intervals of 1h from 2024-01-02 00:00 UTC [MW]
    >>> scenarios.quantiles([0.5])["q0.5"].tolist()
    [2.0, 3.0]
    """

    data: xr.DataArray

    def __post_init__(self) -> None:
        if self.data.dims != _DIMS:
            raise SchemaError(
                f"Scenarios have the dimensions {self.data.dims}.",
                f"They must be {_DIMS}.",
                "Transpose or expand the array, or use Scenarios.from_values.",
            )
        if len(set(self.sites)) < len(self.sites):
            raise SchemaError(
                f"The sites {list(self.sites)} hold one twice.",
                "Names of sites must be unique.",
                "Rename one.",
            )
        if "kind" not in self.data.coords:
            raise SchemaError(
                "Scenarios have no coordinate 'kind'.",
                "It must be kind(site): wind, solar, generation, demand or site.",
                "Use assign_coords, or Scenarios.from_values(..., kind=...).",
            )
        self._check_hours()
        bad = ~np.isfinite(self.data.values)
        if bad.any():
            scenario, site, hour = (int(k) for k in np.argwhere(bad)[0])
            raise RangeError(
                f"Scenario {scenario} of site {self.sites[site]!r} is not finite at {self.valid_times[hour]} "
                f"({int(bad.sum())} values in all).",
                "Scenarios must be finite.",
                "Sample them from forecasts that have a value for each hour.",
            )

    def _check_hours(self) -> None:
        hours = self.data["valid_time"].values
        if np.isnat(hours).any():
            raise TimeError(
                f"Hour {int(np.isnat(hours).argmax())} of the scenarios has no time.",
                "Each must have the time at which it begins.",
                "Give valid_time without NaT.",
            )
        steps = np.diff(hours)
        if (steps != timestamps.duration(self.data.attrs["frequency"]).to_timedelta64()).any():
            raise RangeError(
                f"Hours of scenarios are {sorted({str(pd.Timedelta(step)) for step in steps})} apart.",
                f"They must follow each other by {self.data.attrs['frequency']}.",
                "Sample scenarios of one window without gaps.",
            )

    @classmethod
    def from_values(
        cls,
        values: Any,
        *,
        sites: Sequence[str],
        valid_time: pd.DatetimeIndex,
        kind: Kind | Mapping[str, Kind] = "site",
        frequency: str | None = None,
        caveats: Sequence[str] = (),
        attrs: Mapping[str, Any] | None = None,
    ) -> Scenarios:
        """Scenarios of an array.

        Parameters
        ----------
        values : array, shape (scenarios, sites, hours)
            [MW]
        sites : sequence of str
        valid_time : DatetimeIndex
            Beginnings of intervals, with a time zone.
        kind : str or mapping of str
            Of all sites, or by site: one of :data:`energyforecast.core.power_kinds.KINDS`;
            ``"site"`` where it is not known.
        frequency : str, optional
            Length of an interval; the step between the first two by default.
        caveats : sequence of str
        attrs : mapping, optional
            Provenance.

        Raises
        ------
        SchemaError
            If the values have another shape.
        TimeError
            If `valid_time` has no time zone.

        Examples
        --------
        >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
        >>> Scenarios.from_values([[[5.0]]], sites=["farm"], valid_time=hours, frequency="1h").n_scenarios
        1
        """
        check_types(locals(), of=Scenarios.from_values)
        if isinstance(valid_time, pd.DatetimeIndex) and valid_time.tz is None:
            raise TimeError(
                f"Hours of scenarios begin at {valid_time[0]}, without a time zone.",
                "Times must have their zone.",
                'Use valid_time.tz_localize("UTC"), or the zone of their clock.',
            )
        stamps = timestamps.to_ns(valid_time)
        if frequency is None and len(stamps) < 2:
            raise SchemaError(
                f"There are {len(stamps)} hours and no frequency.",
                "The step between hours, or the frequency, must be known.",
                'Give frequency="1h".',
            )
        step = pd.Timedelta(stamps[1] - stamps[0]) if frequency is None else timestamps.duration(frequency)
        power = as_numbers("values", values)
        if power.ndim != 3 or power.shape[1:] != (len(sites), len(stamps)):
            raise SchemaError(
                f"The values have the shape {power.shape}.",
                f"It must be (scenarios, {len(sites)} sites, {len(stamps)} hours).",
                "Transpose or expand the array.",
            )
        data = xr.DataArray(
            power,
            dims=_DIMS,
            coords={
                "site": list(sites),
                "valid_time": stamps,
                "kind": ("site", kinds_of(sites, kind, usual=dict.fromkeys(sites, "site"))),
            },
            name="power",
            attrs={
                "units": "MW",
                "frequency": short(step),
                "caveats": "; ".join(dict.fromkeys(caveats)),
            }
            | dict(attrs or {}),
        )
        return cls(data)

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return int(self.data.sizes["scenario"])

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(str(name) for name in self.data["site"].values)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kind of power by site: one of :data:`energyforecast.core.power_kinds.KINDS`."""
        return {
            name: check_kind(str(kind), of=name)
            for name, kind in zip(self.sites, self.data["kind"].values, strict=True)
        }

    def with_kind(self, kind: Kind | Mapping[str, Kind]) -> Scenarios:
        """The same scenarios of sites of another kind, as :meth:`energyforecast.Forecast.with_kind`.

        Examples
        --------
        >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
        >>> Scenarios.from_values([[[1.0, 2.0]]], sites=["farm"], valid_time=hours).with_kind("wind").kinds
        {'farm': 'wind'}
        """
        return Scenarios(self.data.assign_coords(kind=("site", kinds_of(self.sites, kind, usual=self.kinds))))

    @property
    def valid_times(self) -> pd.DatetimeIndex:
        """Beginnings of the intervals, in UTC."""
        return timestamps.to_index(self.data["valid_time"].values)

    @property
    def step(self) -> float:
        """Length of an interval. [h]"""
        return float(timestamps.duration(self.data.attrs["frequency"]) / pd.Timedelta("1h"))

    @property
    def caveats(self) -> tuple[str, ...]:
        """Caveats to show with the scenarios."""
        return tuple(line for line in str(self.data.attrs.get("caveats", "")).split("; ") if line)

    def of(self, site: str | None = None) -> Array:
        """Trajectories of one site, shape (scenarios, hours); of the only one by default. [MW]

        Raises
        ------
        MissingDataError
            If the site is absent, or none of several is named.
        """
        if site is None and len(self.sites) == 1:
            return np.asarray(self.data.values[:, 0])
        if site not in self.sites:
            raise MissingDataError(
                f"The scenarios of site {site!r} are asked for.",
                f"There are {list(self.sites)}.",
                "Name one of them.",
            )
        return np.asarray(self.data.values[:, self.sites.index(site)])

    def total(self, groups: Mapping[str, Sequence[str]]) -> Scenarios:
        """Sums over groups of sites in each scenario, such as areas or sectors.

        Plants of several kinds together are ``"generation"``; see :func:`energyforecast.core.power_kinds.kind_of_sum`.

        Parameters
        ----------
        groups : mapping of sequence of str
            The sites of each sum.

        Examples
        --------
        >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
        >>> pair = Scenarios.from_values([[[1.0, 2.0], [3.0, 4.0]]], sites=["a", "b"], valid_time=hours)
        >>> pair.total({"both": ["a", "b"]}).of().tolist()
        [[4.0, 6.0]]
        """
        check_types(locals(), of=Scenarios.total)
        if not groups:
            raise SchemaError("No group is given.", "There must be at least one.", "Give {'all': [...]}.")
        sums = np.stack([sum(self.of(name) for name in members) for members in groups.values()], axis=1)
        kinds = [kind_of_sum(self.kinds[name] for name in members) for members in groups.values()]
        data = xr.DataArray(
            sums,
            dims=_DIMS,
            coords={
                "site": list(groups),
                "valid_time": self.data["valid_time"].values,
                "kind": ("site", kinds),
            },
            name="power",
            attrs=self.data.attrs,
        )
        return Scenarios(data)

    def quantiles(self, quantile_levels: Sequence[float], *, site: str | None = None) -> pd.DataFrame:
        r"""Quantiles of one site: a row for each hour, a column for each level (``q0.5``). [MW]

        .. math:: \hat Q\left( \frac{k - 1/2}{n} \right) = x_{(k)}

        with the :math:`k`-th of :math:`n` scenarios in order, and straight lines between, as
        :func:`energyforecast.planning.sample_scenarios` samples them: the quantiles of a forecast come back. Levels
        beyond the first and last take these.

        See Also
        --------
        energyforecast.Forecast.at

        References
        ----------
        Hazen's plotting position, definition 5 of Hyndman and Fan (1996), https://doi.org/10.1080/00031305.1996.10473566.

        Raises
        ------
        RangeError
            If a level is not between 0 and 1, or levels do not rise.

        Examples
        --------
        >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
        >>> faces = [[[float(k)]] for k in range(11)]
        >>> dice = Scenarios.from_values(faces, sites=["a"], valid_time=hours, frequency="1h")
        >>> dice.quantiles([0.1, 0.9])
           valid_time                 q0.1  q0.9
        0  2024-01-02 00:00:00+00:00   0.6   9.4
        """
        check_types(locals(), of=Scenarios.quantiles)
        found = np.quantile(self.of(site), check_levels(quantile_levels), axis=0, method="hazen")
        columns = {f"q{level:g}": found[k] for k, level in enumerate(quantile_levels)}
        return pd.DataFrame({"valid_time": self.valid_times} | columns)

    def to_frame(self) -> pd.DataFrame:
        """A row for each scenario, site and hour: ``scenario``, ``site``, ``valid_time``, ``power``. [MW]"""
        frame = self.data.to_dataframe(name="power").reset_index()
        frame["valid_time"] = timestamps.to_index(frame["valid_time"].to_numpy())
        return frame[["scenario", "site", "valid_time", "power"]]

    def __repr__(self) -> str:
        return (
            f"{self.n_scenarios} scenarios of {', '.join(self.sites)}: {len(self.valid_times)} intervals of "
            f"{self.data.attrs['frequency']} from {self.valid_times[0]:%Y-%m-%d %H:%M} UTC [MW]"
        )
