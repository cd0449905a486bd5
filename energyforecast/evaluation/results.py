"""What a backtest gives: forecasts, outcomes, and what the forecasts are worth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.errors import MissingDataError
from energyforecast.evaluation import metrics
from energyforecast.evaluation.metrics import METRICS, Metric, Pairs
from energyforecast.forecast import Forecast
from energyforecast.observations import Observations

__all__ = ["Result", "write_scores"]

_SCHEMA: Final = 1
_SKILLS: Final = ("mae", "rmse", "pinball", "crps")


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Forecasts of one or several models for identical hours, with the outcomes.

    Parameters
    ----------
    forecasts : dict of Forecast
        By name of the model.
    observations : Observations
    folds : DataFrame
        A row for each fit: model, time of the fit, rows, CPU seconds.
    provenance : dict
        Versions, periods, caveats.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> result = example_result()  # "model" is 1 MW too low, "reference" 2 MW
    >>> result.scores(chosen=METRICS[:1])[["model", "metric", "value", "n"]]
           model metric  value   n
    0      model    mae    1.0  24
    1  reference    mae    2.0  24
    """

    forecasts: Mapping[str, Forecast]
    observations: Observations
    folds: pd.DataFrame
    provenance: Mapping[str, Any]

    @cached_property
    def pairs(self) -> dict[str, Pairs]:
        """Aligned outcomes and forecasts, by model."""
        return {name: metrics.align(self.observations, forecast) for name, forecast in self.forecasts.items()}

    @property
    def perfect_weather(self) -> bool:
        """Whether the weather was an analysis, so that scores are not forecast skill."""
        return any(forecast.perfect_weather for forecast in self.forecasts.values())

    def scores(
        self,
        *,
        by: str | Sequence[str] | None = None,
        chosen: Sequence[Metric] = METRICS,
        model: str | None = None,
    ) -> pd.DataFrame:
        """Table of scores of each model; see :func:`energyforecast.evaluation.metrics.score`.

        Parameters
        ----------
        by : str or sequence of str, optional
            ``"lead_time"``, ``"hour"``, ``"month"``, ``"site"``.
        chosen : sequence of Metric
        model : str, optional
            Only this one.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> table = example_result().scores(by="lead_time", chosen=METRICS[:1], model="reference")
        >>> table[["metric", "lead_time", "value"]].head(2)
          metric  lead_time  value
        0    mae       15.0    2.0
        1    mae       16.0    2.0
        """
        tables = []
        for name, pairs in self.pairs.items():
            if model in (None, name):
                usable = [item for item in chosen if item.within(pairs.levels)]
                table = metrics.score(usable, pairs, by=by)
                table.insert(0, "model", name)
                tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def skill(
        self, metric: str = "crps", *, reference: str, by: str | Sequence[str] | None = None
    ) -> pd.DataFrame:
        """One minus the score divided by the reference's: 1 is perfect, 0 no better.

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

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> example_result().skill("mae", reference="reference")[["model", "metric", "value"]]
               model     metric  value
        0      model  skill_mae    0.5
        1  reference  skill_mae    0.0
        """
        usable = {item.name: item for item in METRICS if item.lower_is_better}
        if reference not in self.forecasts or metric not in usable:
            raise MissingDataError(
                f"Skill in {metric!r} against {reference!r} is asked for.",
                f"Models are {list(self.forecasts)}, metrics {list(usable)}.",
                "Choose among them; give references to backtest together with the forecaster.",
            )
        table = self.scores(by=by, chosen=[usable[metric]])
        keys = ([by] if isinstance(by, str) else list(by or ())) or ["metric"]
        base = table[table["model"] == reference].set_index(keys)["value"]
        against = pd.MultiIndex.from_frame(table[keys]) if len(keys) > 1 else pd.Index(table[keys[0]])
        # A reference without error leaves nothing to be better than: skill is undefined there.
        worth = base.where(base > 0).reindex(against).to_numpy()
        table["value"] = 1.0 - table["value"].to_numpy() / worth
        table["percent"] = 100 * table["value"]
        return table.assign(metric=f"skill_{metric}", reference=reference)

    def calibration(self, *, model: str) -> pd.DataFrame:
        """How often the outcome lay at or below each quantile. Columns ``level``, ``frequency``, ``n``.

        An outcome on a mass of the distribution, such as no power at all, counts by its share; see
        :attr:`energyforecast.evaluation.Pairs.share_at_or_below`.

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
        return pd.DataFrame({"level": pairs.levels, "frequency": frequency, "n": len(pairs)})

    def records(self) -> list[dict[str, Any]]:
        """Scores for all leads and by lead, with skill, in the form of ``scores.json``.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> first = example_result().records()[0]
        >>> first["metric"], first["value"], first["unit"], first["n"]
        ('mae', 1.0, 'MW', 24)
        """
        tables = [self._tidy(self.scores(by=by)) for by in (["site"], ["site", "lead_time"])]
        for reference in [name for name in self.forecasts if name in self.provenance.get("references", ())]:
            for metric in _SKILLS:
                for by in (["site"], ["site", "lead_time"]):
                    table = self.skill(metric, reference=reference, by=by)
                    table = table[table["model"] != reference]
                    table = table.assign(metric=f"skill_{metric}_vs_{reference}")
                    tables.append(self._tidy(table, share=True))
        return [record for table in tables for record in table]

    @staticmethod
    def _tidy(table: pd.DataFrame, *, share: bool = False) -> list[dict[str, Any]]:
        records = []
        for row in table.to_dict("records"):
            lead = row.get("lead_time", "all")
            base = {
                "site": row["site"],
                "model": row["model"],
                "lead_hours": lead if lead == "all" else float(lead),
                "metric": row["metric"],
                "level": None if pd.isna(row["level"]) else float(row["level"]),
            }
            if share or row["metric"] == "coverage":
                units = [(row["percent"], "%")]
            else:
                units = [(row["value"], "MW"), (row["percent"], "% of capacity")]
            records += [
                base | {"value": _number(value), "unit": unit, "n": int(row["n"])}
                for value, unit in units
                if not (unit == "% of capacity" and math.isnan(value) and row["n"])
            ]
        return records

    def save(self, folder: str | Path) -> Path:
        """Write scores, forecasts and outcomes into a folder.

        ``scores.json``, ``scores.csv``, ``forecast.csv`` and ``forecast.nc`` of the first model.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted(file.name for file in example_result().save(folder).iterdir())
        ['forecast.csv', 'forecast.nc', 'scores.csv', 'scores.json']
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        write_scores(target, self.records(), self.provenance)
        first = next(iter(self.forecasts.values()))
        first.write_csv(target / "forecast.csv")
        first.save(target / "forecast.nc")
        return target

    def report(self, path: str | Path, *, reference: str | None = None) -> Path:
        """Write a page for people: one HTML file with text, tables and figures, which needs no network.

        Parameters
        ----------
        path : path
        reference : str, optional
            Model over which skill is told; by default the first reference.

        Raises
        ------
        DependencyError
            If plotly is not installed (extra ``report``).
        MissingDataError
            If there is no such reference.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     example_result().report(folder + "/backtest.html").name
        'backtest.html'
        """
        from energyforecast import report

        return report.write(self, path, reference=reference)

    def __repr__(self) -> str:
        first = next(iter(self.forecasts.values()))
        caveat = "".join(f", {line}" for line in first.caveats)
        issues = first.data.sizes["issue_time"]
        return f"Result of {', '.join(self.forecasts)}: {issues} issues, {len(self.folds)} fits{caveat}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def write_scores(folder: Path, records: Sequence[dict[str, Any]], provenance: Mapping[str, Any]) -> None:
    """Write ``scores.json`` and, the same list with a column for the caveat, ``scores.csv``.

    Parameters
    ----------
    folder : Path
        It is there already.
    records : sequence of dict
        A score each, such as those of :meth:`Result.records`.
    provenance : dict

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_scores(Path(folder), [{"metric": "mae", "value": 1.0}], {"caveats": ["perfect weather"]})
    ...     Path(folder, "scores.csv").read_text().splitlines()
    ['metric,value,caveat', 'mae,1.0,perfect weather']
    """
    content = {"schema": _SCHEMA, "provenance": dict(provenance), "scores": list(records)}
    text = json.dumps(content, indent=1, default=_plain, allow_nan=False)
    (folder / "scores.json").write_text(text + "\n", encoding="utf-8")
    table = pd.DataFrame(list(records))
    if provenance.get("caveats"):
        table["caveat"] = "; ".join(provenance["caveats"])
    table.to_csv(folder / "scores.csv", index=False, lineterminator="\n")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
