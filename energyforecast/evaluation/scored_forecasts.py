"""Scores of forecasts of one or several models for identical hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.variables import Flag
from energyforecast.errors import MissingDataError
from energyforecast.evaluation import significance
from energyforecast.evaluation.aggregation import By, aggregate
from energyforecast.evaluation.confidence_set import Statistic, confidence_set_of_pairs
from energyforecast.evaluation.matching import Fill
from energyforecast.evaluation.paired_difference import Alternative
from energyforecast.evaluation.pairing import Pairs, align
from energyforecast.evaluation.registry import Parameters
from energyforecast.evaluation.score import METRICS, AnyMetric, named

__all__ = ["ScoredForecasts"]


@dataclass(frozen=True, eq=False, repr=False)
class ScoredForecasts:
    """Forecasts of one or several models for identical hours, with the outcomes.

    Parameters
    ----------
    forecasts : dict of Forecast
        By name of the model.
    observations : Observations

    See Also
    --------
    energyforecast.Result : The same with the fits of a backtest, and files.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> scored = ScoredForecasts({"vendor": example_forecast()}, example_observations())
    >>> scored.scores(chosen=["mae"])[["model", "metric", "value", "n"]]
        model metric  value   n
    0  vendor    mae    1.0  24
    """

    forecasts: Mapping[str, Forecast]
    observations: Observations

    @cached_property
    def pairs(self) -> dict[str, Pairs]:
        """Aligned outcomes and forecasts, by model."""
        return {name: align(self.observations, forecast) for name, forecast in self.forecasts.items()}

    @property
    def perfect_weather(self) -> bool:
        """Whether the weather was an analysis, so that scores are not forecast skill."""
        return any(forecast.perfect_weather for forecast in self.forecasts.values())

    def scores(
        self,
        *,
        by: By = None,
        chosen: Sequence[AnyMetric] = METRICS,
        model: str | None = None,
        confidence: float | None = None,
        parameters: Parameters | None = None,
    ) -> pd.DataFrame:
        """Table of scores of each model; see :func:`energyforecast.evaluation.score`.

        Parameters
        ----------
        by : str or sequence of str, optional
            ``"lead_time"`` [h], ``"hour"``, ``"month"``, ``"season"``, ``"site"``, ``"weather_age"`` (of the run at
            issue) [h], ``"quality"`` (the forecast's ``fallback_level``), ``"flags"`` (of the outcome, those that leave
            it fit, or ``"good"``), ``"level"``.
        chosen : sequence of str or Metric
            Names, such as ``("mae", "coverage")`` (:func:`energyforecast.evaluation.metric_names`), or metrics of your
            own; those of the usual table by default.
        model : str, optional
            Only this one.
        confidence : float, optional
            Probability of an interval for each score: columns ``low`` and ``high``.
        parameters : mapping, optional
            Of the one metric that is chosen, such as ``{"threshold": 50.0}`` of ``"brier"``.

        See Also
        --------
        skill, compare

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> table = example_result().scores(by="lead_time", chosen=["mae"], model="reference")
        >>> table[["metric", "lead_time", "value"]].head(2)
          metric  lead_time  value
        0    mae       15.0    2.0
        1    mae       16.0    2.0
        """
        check_types(locals(), of=ScoredForecasts.scores)
        wanted = [item for choice in chosen for item in named(choice, parameters)]
        tables = []
        keys = [by] if isinstance(by, str) else list(() if by is None else by)
        for name, pairs in self.pairs.items():
            if model in (None, name):
                usable = [item for item in wanted if item.within(pairs.quantile_levels)]
                if "level" in keys:
                    usable = [item for item in usable if item.by_level or item.level is not None]
                labelled = self._with_flags(pairs) if "flags" in keys else pairs
                table = aggregate(usable, labelled, by=keys, confidence=confidence)
                table.insert(0, "model", name)
                tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def _with_flags(self, pairs: Pairs) -> Pairs:
        """Pairs labelled by the flags of their outcomes."""
        labels, missing = (part.assign(flags=self._flags(part)) for part in (pairs.labels, pairs.missing))
        return replace(pairs, labels=labels, missing=missing)

    def _flags(self, labels: pd.DataFrame) -> list[str]:
        """Names of the flags of each outcome."""
        bits = np.zeros(len(labels), dtype=np.int64)
        for site in labels["site"].unique():
            rows = np.flatnonzero(labels["site"] == site)
            bits[rows] = self.observations.flags_at(site, labels["valid_time"].iloc[rows])
        names = {bit: "|".join(flag.name or "" for flag in Flag(int(bit))) for bit in np.unique(bits)}
        return [names[bit].lower() or "good" for bit in bits]

    def skill(
        self,
        metric: str = "crps",
        *,
        reference: str,
        by: By = None,
    ) -> pd.DataFrame:
        r"""Skill score: one minus the score divided by that of the reference.

        .. math:: 1 - \frac{S}{S_{\mathrm{reference}}}

        1 is perfect, 0 as good as the reference. :meth:`compare` gives it with an interval and a test.

        Parameters
        ----------
        metric : str
            Name of a metric of which less is better.
        reference : str
            Name of a model of the result.
        by : str or sequence of str, optional

        Raises
        ------
        MissingDataError
            If there is no such model or metric.

        See Also
        --------
        scores, compare

        Notes
        -----
        A point forecast is the level 0.5 alone: its CRPS is its absolute error. Mean pinball losses over different
        levels are not comparable: the skill in pinball loss is NaN between forecasts of other levels.

        References
        ----------
        Murphy (1988), https://doi.org/10.1175/1520-0493(1988)116%3C2417:SSBOTM%3E2.0.CO;2.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> example_result().skill("mae", reference="reference")[["model", "metric", "value"]]
               model     metric  value
        0      model  skill_mae    0.5
        1  reference  skill_mae    0.0
        """
        check_types(locals(), of=ScoredForecasts.skill)
        usable = {item.name: item for item in METRICS if item.lower_is_better}
        if reference not in self.forecasts or metric not in usable:
            raise MissingDataError(
                f"Skill in {metric!r} against {reference!r} is asked for.",
                f"Models must be among {list(self.forecasts)}, metrics among {list(usable)}.",
                "Choose among them; give references to backtest together with the forecaster.",
            )
        table = self.scores(by=by, chosen=[usable[metric]])
        keys = ([by] if isinstance(by, str) else list(() if by is None else by)) or ["metric"]
        base = table[table["model"] == reference].set_index(keys)["value"]
        against = pd.MultiIndex.from_frame(table[keys]) if len(keys) > 1 else pd.Index(table[keys[0]])
        if metric == "pinball":  # Means over other levels are other scores.
            levels = self.pairs[reference].quantile_levels
            same = {name: np.array_equal(pairs.quantile_levels, levels) for name, pairs in self.pairs.items()}
            table["value"] = table["value"].where(table["model"].map(same))
        # No forecast can be better than a reference without error: skill is undefined there.
        divisor = base.where(base > 0).reindex(against).to_numpy()
        table["value"] = 1.0 - table["value"].to_numpy() / divisor
        table["percent"] = 100 * table["value"]
        return table.assign(metric=f"skill_{metric}", reference=reference)

    def compare(
        self,
        metric: AnyMetric = "crps",
        *,
        reference: str,
        by: By = None,
        fill: Fill = "reference",
        confidence: float = 0.9,
        alternative: Alternative = "two-sided",
        fit_spread: float | None = None,
    ) -> pd.DataFrame:
        """Test models against a reference, with the skill of each; see :func:`energyforecast.evaluation.compare`.

        Parameters
        ----------
        metric : str or Metric
        reference : str
            Name of a model of the result.
        by : str or sequence of str, optional
        fill : {"reference", "common"}
            Which forecast is taken for hours that a model did not forecast: the reference's, or none (only common
            hours are compared).
        confidence : float
            Probability of the interval of the skill.
        alternative : {"two-sided", "less", "greater"}
            Of the loss of a model minus that of the reference: ``"less"`` tests whether the model is better.
        fit_spread : float, optional
            Standard deviation of the loss between fits that differ by seed alone, as a share of the loss; by default
            0.025 for demand and 0.004 for other sites.

        Returns
        -------
        DataFrame
            A row for each other model: ``value``, ``reference``, ``skill`` with its interval ``low`` to ``high``,
            ``p``, and ``p_adjusted`` over all rows.

        Raises
        ------
        MissingDataError
            If there is no such model, or no other.

        See Also
        --------
        skill, confidence_set, energyforecast.evaluation.compare

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> example_result().compare("mae", reference="reference")[["model", "skill", "days", "n", "filled"]]
           model  skill  days   n  filled
        0  model    0.5     1  24       0
        """
        check_types(locals(), of=ScoredForecasts.compare)
        others = [name for name in self.forecasts if name != reference]
        if reference not in self.forecasts or not others:
            raise MissingDataError(
                f"A comparison with {reference!r} is asked for.",
                f"Models are {list(self.forecasts)}, and one besides the reference is needed.",
                "Choose among them; give references to backtest together with the forecaster.",
            )
        given = {
            "metric": metric,
            "by": by,
            "fill": fill,
            "confidence": confidence,
            "alternative": alternative,
            "fit_spread": fit_spread,
        }
        tables = [
            significance.compare(self.pairs[name], self.pairs[reference], **given).assign(model=name)  # type: ignore[arg-type]
            for name in others
        ]
        table = pd.concat(tables, ignore_index=True)
        table["p_adjusted"] = significance.benjamini_hochberg(table["p"])
        return table[["model", *table.columns.drop("model")]]

    def confidence_set(
        self, metric: AnyMetric = "crps", *, confidence: float = 0.9, statistic: Statistic = "range"
    ) -> pd.DataFrame:
        """Models inseparable from the best one; see :func:`energyforecast.evaluation.model_confidence_set`.

        Parameters
        ----------
        metric : str or Metric
            A mean of points of which less is better, as in :meth:`compare`.
        confidence : float
            Probability that the best model is in the set.
        statistic : {"range", "max"}

        Returns
        -------
        DataFrame
            A row for each model, the best first: ``model``, ``metric``, ``value``, ``p``, ``inside``, ``days``, ``n``
            (hours that all models forecast) and ``left_out``, those of the first model that another does not.

        See Also
        --------
        compare, energyforecast.evaluation.model_confidence_set

        References
        ----------
        Hansen, Lunde and Nason (2011), https://doi.org/10.3982/ECTA5771.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> example = example_result().confidence_set("mae")  # of a single day: no model can be excluded
        >>> example[["model", "metric", "value", "p", "inside", "days", "n"]]
               model metric  value   p  inside  days   n
        0      model    mae    1.0 NaN    True     1  24
        1  reference    mae    2.0 NaN    True     1  24
        """
        check_types(locals(), of=ScoredForecasts.confidence_set)
        return confidence_set_of_pairs(self.pairs, metric=metric, confidence=confidence, statistic=statistic)

    def calibration(self, *, model: str) -> pd.DataFrame:
        r"""Frequency of outcomes at or below each quantile. Columns ``level``, ``frequency``, ``n``.

        .. math:: \hat\tau_k = \frac{1}{n} \sum_i \mathbf{1}[y_i \le q_{ik}]

        An outcome on a mass of the distribution, such as no power at all, counts by its share; see
        :attr:`energyforecast.evaluation.Pairs.share_at_or_below`.

        See Also
        --------
        energyforecast.evaluation.reliability : The same by group, with consistency bars.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> example_result().calibration(model="model")  # every outcome lay 1 MW above the median
           level  frequency   n
        0    0.1        0.0  24
        1    0.5        0.0  24
        2    0.9        1.0  24
        """
        pairs = self.pairs[model]
        frequency = pairs.share_at_or_below.mean(axis=0)
        return pd.DataFrame({"level": pairs.quantile_levels, "frequency": frequency, "n": len(pairs)})
