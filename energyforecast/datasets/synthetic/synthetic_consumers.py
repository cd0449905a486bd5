"""Synthetic consumers: demand with its true distribution, known from each issue of a forecast."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.wording import counted, intervals, short
from energyforecast.datasets.synthetic.synthetic_site import Statistic, tabulated
from energyforecast.errors import SchemaError, TimeError, of_type

__all__ = ["LogitNormal", "SyntheticConsumers", "clock_time", "interval_index", "labelled"]

Floats = npt.NDArray[np.float64]

#: Intervals that have no place in the record.
_OUTSIDE: Final = -1


@dataclass(frozen=True, eq=False)
class LogitNormal:
    """Demand of consumers by interval, as a bounded function of Gaussian processes.

    Parameters
    ----------
    median : array
        Shape (intervals, consumers). [MW]
    spread : array
        Standard deviation of the logit, of the same shape.
    capacity : array
        Demand that is never exceeded, by consumer. [MW]
    weights, memory : array
        Weight of each process, whose squares add up to 1, and its memory. [intervals]
    states : array
        Shape (processes, intervals, consumers), each of variance 1.
    """

    median: Floats
    spread: Floats
    capacity: Floats
    weights: Floats
    memory: Floats
    states: Floats

    def power(self) -> Floats:
        """Demand of each interval. [MW]"""
        score = (self.weights[:, None, None] * self.states).sum(axis=0)
        return _demand(score, self.median, spread=self.spread, capacity=self.capacity)

    def quantiles(
        self,
        consumer: int,
        *,
        known: npt.NDArray[np.int64],
        valid: npt.NDArray[np.int64],
        levels: Floats,
    ) -> Floats:
        """Quantiles of the `valid` intervals where the processes are known at the interval `known`. [MW]"""
        kept = np.exp(-(valid - known)[:, None] / self.memory)
        mean = (self.weights * kept * self.states[:, known, consumer].T).sum(axis=1)
        width = np.sqrt((self.weights**2 * (1.0 - kept**2)).sum(axis=1))
        return _demand(
            mean[:, None] + width[:, None] * special.ndtri(levels),
            self.median[valid, consumer, None],
            spread=self.spread[valid, consumer, None],
            capacity=self.capacity[consumer],
        )


def _demand(score: Floats, median: Floats, *, spread: Floats, capacity: Floats | float) -> Floats:
    """Demand at a standard normal score. [MW]"""
    return np.asarray(capacity * special.expit(special.logit(median / capacity) + spread * score))


@dataclass(frozen=True, eq=False, repr=False)
class SyntheticConsumers:
    r"""Synthetic consumers with their true distribution, reproducible from the seed.

    Parameters
    ----------
    name : str
        Contains "synthetic".
    sites : tuple of DemandArea
        Their names contain "synthetic".
    observations : Observations
        Demand as metered, with gaps, flags and planned operation.
    truth : DataFrame
        Median of each interval, where only calendar, plans and weather are known. [MW]
    temperature : DataFrame or None
        Measured air temperature by consumer, instants. [°C]
    seed : int
        Of the generator.
    distribution : LogitNormal
        Processes from which the demand was made.
    measure : callable
        Statistics, with those of measured consumers as targets.

    See Also
    --------
    works, households, city, SyntheticSite

    Notes
    -----
    Demand :math:`y_t` of a consumer with the capacity :math:`c` and the median :math:`m_t` is

    .. math::
        y_t = c \, \sigma\Bigl(\operatorname{logit}(m_t / c) + s_t \sum_k w_k z_{k,t}\Bigr), \quad \sum_k w_k^2 = 1,

    with the logistic function :math:`\sigma`, the spread :math:`s_t` and Gaussian processes :math:`z_k` of memory
    :math:`\tau_k`. Where these are known at :math:`t`, the sum at :math:`t + h` is normal with the mean
    :math:`\sum_k w_k e^{-h / \tau_k} z_{k,t}` and the variance :math:`\sum_k w_k^2 (1 - e^{-2 h / \tau_k})`:
    the true quantiles of any lead time.

    References
    ----------
    Pinson (2012), Very-short-term probabilistic forecasting of wind power with generalized logit-normal distributions,
    https://doi.org/10.1111/j.1467-9876.2011.01026.x.

    Examples
    --------
    >>> from energyforecast.datasets import works
    >>> synthetic = works(days=28)
    >>> synthetic
    SyntheticConsumers works (synthetic): seed 1, 1 consumer, 2688 intervals of 15min from 2022-12-31 18:00 UTC
    """

    name: str
    sites: tuple[DemandArea, ...]
    observations: Observations
    truth: pd.DataFrame
    temperature: pd.DataFrame | None
    seed: int
    distribution: LogitNormal
    measure: Callable[[SyntheticConsumers], Iterable[Statistic]] = field(kw_only=True)

    @property
    def site(self) -> DemandArea:
        """The first consumer."""
        return self.sites[0]

    def best_possible(self, forecast: Forecast) -> Forecast:
        """True quantiles of the sites, issues, hours and levels of a forecast: no forecast has a lower expected loss.

        They take as known what no meter shows: the processes in the newest published interval, apart. Weather and
        planned operation of the hours to come are known as they came.

        Parameters
        ----------
        forecast : Forecast
            Its quantiles are replaced.

        Returns
        -------
        Forecast

        Raises
        ------
        SchemaError
            If it is no forecast, or a site is none of the consumers.
        TimeError
            If an interval is none of the record, or an issue precedes its first published interval.

        Examples
        --------
        The true distribution holds as often as it says, and no forecast beats it for long.

        >>> import energyforecast as ef
        >>> synthetic = ef.datasets.works(days=120)
        >>> task = ef.day_ahead("09:00", timezone="Asia/Almaty", frequency="15min")
        >>> forecaster = ef.Forecaster(synthetic.site, task, model=ef.SeasonalNaive())
        >>> forecaster = forecaster.fit(None, synthetic.observations, as_of="2023-02-20")
        >>> issues = pd.date_range("2023-02-20 09:00", periods=60, tz="Asia/Almaty")
        >>> last_week = forecaster.predict(None, synthetic.observations, issue_time=issues)
        >>> best = synthetic.best_possible(last_week)
        >>> held = ef.evaluation.coverage(synthetic.observations, best, interval=0.8)["percent"].iloc[0]
        >>> bool(77 < held < 83)
        True
        >>> losses = [ef.evaluation.score("pinball", synthetic.observations, f) for f in (best, last_week)]
        >>> bool(losses[0]["value"].iloc[0] < 0.7 * losses[1]["value"].iloc[0])
        True
        """
        of_type(
            "forecast", forecast, expected=Forecast, remedy="Give that of Forecaster.predict or a backtest."
        )
        data = forecast.data
        names, levels = [site.name for site in self.sites], data["quantile"].to_numpy()
        unknown = [name for name in forecast.sites if name not in names]
        if unknown:
            raise SchemaError(
                f"The forecast has {unknown[0]!r}.",
                f"The consumers are {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}.",
                "Give a forecast of these.",
            )
        values = np.full(data.shape, np.nan)
        known, valid = self._places(data["issue_time"].to_numpy(), data["valid_time"].to_numpy())
        for k, name in enumerate(forecast.sites):
            inside = data.notnull().all("quantile").to_numpy()[k]
            self._check(known[inside], valid[inside])
            values[k][inside] = self.distribution.quantiles(
                names.index(name), known=known[inside], valid=valid[inside], levels=levels
            )
        attrs = {"model": "best possible", "caveats": "synthetic: the true distribution"}
        return Forecast(data.copy(data=values).assign_attrs(attrs))

    def _places(
        self, issued: npt.NDArray[np.datetime64], valid: npt.NDArray[np.datetime64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Position of the newest published interval and of each valid one, shape (issues, leads)."""
        index = self.observations.index
        after = pd.Timedelta(self.observations.frequency) + pd.Timedelta(self.observations.published_after)
        published = index.searchsorted(timestamps.to_index(issued) - after, side="right") - 1
        place = index.get_indexer(timestamps.to_index(valid.ravel())).reshape(valid.shape)
        return np.repeat(published[:, None], valid.shape[1], axis=1), place

    def _check(self, known: npt.NDArray[np.int64], valid: npt.NDArray[np.int64]) -> None:
        if (known == _OUTSIDE).any() or (valid == _OUTSIDE).any():
            index = self.observations.index
            raise TimeError(
                "The forecast is issued before the record begins, or covers intervals that it does not have.",
                f"The record has {index[0]:%Y-%m-%d %H:%M} to {index[-1]:%Y-%m-%d %H:%M} UTC, "
                f"every {short(pd.Timedelta(self.observations.frequency))}.",
                "Issue forecasts within it, at its step.",
            )

    def statistics(self) -> tuple[Statistic, ...]:
        """Statistics with their targets, of the default length; those of a short record may miss them."""
        return tuple(self.measure(self))

    def describe(self) -> pd.DataFrame:
        """Target, reached value and tolerance of each statistic, one per row."""
        return tabulated(self.statistics(), attrs=dict(self.truth.attrs))

    def __repr__(self) -> str:
        index = self.observations.index
        return (
            f"SyntheticConsumers {self.name}: seed {self.seed}, {counted(len(self.sites), 'consumer')}, "
            f"{intervals(len(index), self.observations.frequency)} from {index[0]:%Y-%m-%d %H:%M} UTC"
        )


def interval_index(start: str, *, days: int, step: str, timezone: str) -> pd.DatetimeIndex:
    """Intervals of whole local days, in UTC."""
    first = pd.Timestamp(timestamps.instant(start, timezone=timezone)).tz_convert(timezone).normalize()
    end = first + pd.DateOffset(days=days)
    return pd.date_range(first.tz_convert("UTC"), end.tz_convert("UTC"), freq=step, inclusive="left")


def clock_time(local: pd.DatetimeIndex) -> Floats:
    """Time of the day on a clock. [h]"""
    return np.asarray(local.hour + local.minute / 60.0)


def labelled(table: pd.DataFrame, *, name: str, seed: int) -> pd.DataFrame:
    """A table with its origin in its attributes."""
    table.attrs = {"source": f"synthetic consumers {name!r} of energyforecast", "synthetic": 1, "seed": seed}
    return table
