"""Gates: limits for scores, and a baseline that they must not miss by more than noise."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.errors import ConfigurationError, MissingDataError, one_of
from energyforecast.evaluation import paired_difference, significance
from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.score import METRICS, named
from energyforecast.evaluation.scored_forecasts import ScoredForecasts

__all__ = ["Check", "Gate", "GateReport", "check"]

_UNITS: Final = ("MW", "MW²", "MWh", "h", "events", "currency", "% of capacity", "%", "1")
_PERCENT: Final = ("% of capacity", "%")


@checked()
@dataclass(frozen=True, kw_only=True)
class Gate:
    """A limit for a score.

    Parameters
    ----------
    metric : str
        Any of :func:`energyforecast.evaluation.metric_names`, or of their parts: ``"crps"``; ``"coverage"`` and
        ``"width"`` with a level; ``"skill_crps"`` with a reference.
    max, min : float, optional
        The limits, themselves allowed.
    unit : {"MW", "MW²", "MWh", "h", "events", "currency", "% of capacity", "%", "1"}, optional
        Of the limits: by default that of the metric, and 1 for skill.
    level : float, optional
        Of the central interval.
    model : str, optional
        The first of the result by default.
    site : str, optional
        All together by default.
    reference : str, optional
        Of a skill.
    parameters : mapping, optional
        Of the metric, such as ``{"threshold": 50.0}`` of ``"brier"``.

    See Also
    --------
    energyforecast.evaluation.read_gates, energyforecast.Result.gate

    Examples
    --------
    >>> Gate(metric="crps", max=7, unit="% of capacity").unit
    '% of capacity'
    """

    metric: str
    max: float | None = None
    min: float | None = None
    unit: str | None = None
    level: float | None = None
    model: str | None = None
    site: str | None = None
    reference: str | None = None
    parameters: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.max is None and self.min is None:
            raise ConfigurationError(
                f"The gate of {self.metric!r} has no limit.",
                "It must have max, min or both.",
                "Add max = ...",
            )
        low, high = (-np.inf if self.min is None else self.min), (np.inf if self.max is None else self.max)
        if not low <= high:
            raise ConfigurationError(
                f"The gate of {self.metric!r} is from {low:g} to {high:g}.",
                "The minimum must be at most the maximum, and neither may be missing.",
                "Exchange them, or leave one out.",
            )
        if self.unit is not None:
            one_of(
                f"unit of the gate of {self.metric!r}", self.unit, allowed=_UNITS, error=ConfigurationError
            )
        if self.metric.startswith("skill_") and self.reference is None:
            raise ConfigurationError(
                f"The gate of {self.metric!r} has no reference.",
                "Skill must have a reference.",
                'Add reference = "Climatology", or another model of the result.',
            )


@dataclass(frozen=True)
class Check:
    """One line of a report: a score, its limit in words, and a note on its certainty."""

    passed: bool
    against: str
    model: str
    site: str
    metric: str
    unit: str
    value: float
    limit: str
    n: int
    note: str


@dataclass(frozen=True)
class GateReport:
    """Checks of gates and of a comparison with a baseline.

    Parameters
    ----------
    checks : tuple of Check
    caveats : tuple of str
        Of the result.

    See Also
    --------
    energyforecast.Result.gate

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> report = example_result().gate([Gate(metric="mae", max=0.5)])
    >>> report.passed
    False
    >>> print(report.to_markdown())
    **Forecast gates: 1 of 1 failed**
    <BLANKLINE>
    | | model | site | score | value | limit | n | note |
    |---|---|---|---|---:|---|---:|---|
    | ❌ | model | all | mae | 1 MW | at most 0.5 MW | 24 |  |
    """

    checks: tuple[Check, ...]
    caveats: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(item.passed for item in self.checks)

    def to_markdown(self) -> str:
        """Table in Markdown, for a pull request."""
        failed = sum(not item.passed for item in self.checks)
        verdict = f"{failed} of {len(self.checks)} failed" if failed else f"all {len(self.checks)} passed"
        lines = [f"**Forecast gates: {verdict}**", ""]
        lines += [f"> {caveat}\n" for caveat in self.caveats]
        lines += ["| | model | site | score | value | limit | n | note |"]
        lines += ["|---|---|---|---|---:|---|---:|---|"]
        for item in self.checks:
            cells = ("✅" if item.passed else "❌", item.model, item.site, item.metric)
            value = f"{item.value:.4g} {item.unit}".removesuffix(" 1")
            line = (*cells, value, item.limit, str(item.n), item.note)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |")
        return "\n".join(lines)

    def to_json(self) -> str:
        """Checks and verdict as JSON.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> report = example_result().gate([Gate(metric="mae", max=1.5)])
        >>> json.loads(report.to_json())["passed"]
        True
        """
        checks = [
            asdict(item) | {"value": None if math.isnan(item.value) else item.value} for item in self.checks
        ]
        content = {"schema": 1, "passed": self.passed, "caveats": list(self.caveats), "checks": checks}
        return json.dumps(content, indent=1, allow_nan=False)


def check(
    result: ScoredForecasts,
    gates: Sequence[Gate],
    *,
    baseline: ScoredForecasts | None = None,
    metrics: Sequence[str] = ("crps", "mae"),
    noise: float = 0.05,
) -> GateReport:
    """Check gates, and compare with a baseline; see :meth:`energyforecast.Result.gate`."""
    checks = [_held(result, gate) for gate in gates]
    if baseline is not None:
        checks += [
            _against(result, baseline, name, metric, noise)
            for name in result.forecasts
            if name in baseline.forecasts
            for metric in metrics
        ]
        if not set(result.forecasts) & set(baseline.forecasts):
            raise MissingDataError(
                f"The baseline holds {list(baseline.forecasts)}, the result {list(result.forecasts)}.",
                "Models are compared by name: at least one must be in both.",
                "Give them the same names.",
            )
    caveats = [line for forecast in result.forecasts.values() for line in forecast.caveats]
    return GateReport(tuple(checks), tuple(dict.fromkeys(caveats)))


def _held(result: ScoredForecasts, gate: Gate) -> Check:
    """Check one gate."""
    model = gate.model or next(iter(result.forecasts))
    table, unit = _table_of(result, gate)
    table = table[table["model"] == model]
    table = table if gate.site is None else table[table["site"] == gate.site]
    if len(table) != 1:
        raise MissingDataError(
            f"The gate of {gate.metric!r} (model {model!r}, site {gate.site!r}, level {gate.level}) meets "
            f"{len(table)} scores.",
            f"It must meet one score, of the models {list(result.forecasts)} and their metrics.",
            "Correct its fields; an interval needs a level.",
        )
    row = table.iloc[0]
    value = float(row["percent"] if unit in _PERCENT else row["value"])
    lower, upper = (-math.inf if gate.min is None else gate.min), (math.inf if gate.max is None else gate.max)
    words = [f"at least {gate.min:g}"] if gate.min is not None else []
    words += [f"at most {gate.max:g}"] if gate.max is not None else []
    level = "" if gate.level is None else f" {gate.level:g}"
    return Check(
        # A missing score is within no limit.
        passed=bool(lower <= value <= upper),
        against="gate",
        model=model,
        site=gate.site or "all",
        metric=gate.metric + level + (f" over {gate.reference}" if gate.reference else ""),
        unit=unit,
        value=value,
        limit=f"{' and '.join(words)} {unit}".removesuffix(" 1"),
        n=int(row["n"]),
        note="" if row["n"] else "no hour was scored",
    )


def _table_of(result: ScoredForecasts, gate: Gate) -> tuple[pd.DataFrame, str]:
    """Table in which the score of a gate is found, and the unit of its limits."""
    by = None if gate.site is None else "site"
    if gate.metric.startswith("skill_"):
        table = result.skill(gate.metric.removeprefix("skill_"), reference=str(gate.reference), by=by)
        return table, gate.unit or "1"
    metrics = named(gate.metric, gate.parameters)
    if gate.unit not in (None, *_PERCENT, metrics[0].unit):
        raise ConfigurationError(
            f"The gate of {gate.metric!r} has the unit {gate.unit!r}.",
            f"Its scores are in {metrics[0].unit} or in {_PERCENT}.",
            "Correct the unit.",
        )
    table = result.scores(by=by, chosen=metrics)
    table = table[table["metric"] == gate.metric]
    if gate.level is not None:
        table = table[np.isclose(table["level"].astype(float), gate.level)]
    return table, gate.unit or metrics[0].unit


def _against(
    result: ScoredForecasts,
    baseline: ScoredForecasts,
    model: str,
    metric: str,
    noise: float,
) -> Check:
    item = _of_losses(metric)
    joined, unshared = _joined(result, baseline, model, item)
    # Points of the RMSE are squared errors, and days of them are compared; roots are reported.
    losses = joined[["new", "old"]].to_numpy().T
    spread = paired_difference.usual_fit_spread(result.pairs[model].labels["kind"].unique())
    day = joined["day"].to_numpy()
    test = significance.skill_test(item, losses, day, alternative="greater", fit_spread=spread)
    new, old = (item.aggregate(joined[name].to_numpy()) for name in ("new", "old"))
    if math.isnan(test.p):
        worse, note = False, f"{test.days} days: too few to tell a difference from noise"
    else:
        worse = new > old and test.p < noise
        note = f"{100 * (new / old - 1):+.2f} %" if old > 0 else ""
        note += f", p = {test.p:.3f} of {test.days} days"
    note += f"; {unshared} hours of one only" if unshared else ""
    return Check(
        passed=not worse,
        against="baseline",
        model=model,
        site="all",
        metric=metric,
        unit="MW",
        value=new,
        limit=f"baseline {old:.4g} MW",
        n=len(joined),
        note=note,
    )


def _of_losses(metric: str) -> Metric:
    """The one metric of a name, a mean of losses by which days can be compared."""
    known = {item.name: item for item in METRICS if item.lower_is_better and item.level is None}
    if metric not in known:
        raise ConfigurationError(
            f"The baseline is compared in {metric!r}.",
            f"Metrics must be among {list(known)}.",
            "Choose among them.",
        )
    return known[metric]


def _joined(
    result: ScoredForecasts, baseline: ScoredForecasts, model: str, item: Metric
) -> tuple[pd.DataFrame, int]:
    """Points of both at the same hours, and the number of hours that one of them has alone."""
    keys = ["site", "issue_time", "valid_time"]
    both = []
    for scored in (result, baseline):
        pairs = scored.pairs[model]
        if not item.within(pairs.quantile_levels):
            raise MissingDataError(
                f"{model!r} holds the levels from {pairs.quantile_levels[0]:g} to {pairs.quantile_levels[-1]:g}.",
                f"{item.name} looks from {item.reach[0]:g} to {item.reach[1]:g}.",
                "Choose another metric.",
            )
        both.append(pairs.labels[keys].assign(points=pairs.points(item)))
    joined = both[0].merge(both[1], on=keys, suffixes=("_new", "_old"), validate="one_to_one")
    if not len(joined):
        raise MissingDataError(
            f"The baseline and the result of {model!r} share no hour.",
            "They must forecast the same sites, issues and hours.",
            "Run the backtest over the period of the baseline.",
        )
    zone = timestamps.zone(str(result.forecasts[model].data.attrs.get("timezone", "UTC")))
    joined["day"] = joined["valid_time"].dt.tz_convert(zone).dt.normalize()
    unshared = len(both[0]) + len(both[1]) - 2 * len(joined)
    return joined.rename(columns={"points_new": "new", "points_old": "old"}), unshared
