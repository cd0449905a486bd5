"""What a backtest gives: forecasts, outcomes, and what the forecasts are worth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Kind
from energyforecast.core.variables import Flag
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.evaluation import gates, result_files, significance
from energyforecast.evaluation.gates import Gate, GateReport
from energyforecast.evaluation.metrics import basic
from energyforecast.evaluation.metrics.basic import METRICS, Metric, Pairs

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
    origins : DataFrame
        For audit, a row for each model, site and issue: the fit, the newest outcome that it learnt from, the
        newest observation that a feature took, the weather run and its age, and the ``fallback_level``.

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
    origins: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def pairs(self) -> dict[str, Pairs]:
        """Aligned outcomes and forecasts, by model."""
        return {name: basic.align(self.observations, forecast) for name, forecast in self.forecasts.items()}

    @property
    def perfect_weather(self) -> bool:
        """Whether the weather was an analysis, so that scores are not forecast skill."""
        return any(forecast.perfect_weather for forecast in self.forecasts.values())

    def scores(
        self,
        *,
        by: str | Sequence[str] | None = None,
        chosen: Sequence[str | Metric] = METRICS,
        model: str | None = None,
        confidence: float | None = None,
    ) -> pd.DataFrame:
        """Table of scores of each model; see :func:`energyforecast.evaluation.score`.

        Parameters
        ----------
        by : str or sequence of str, optional
            ``"lead_time"`` [h], ``"hour"``, ``"month"``, ``"season"``, ``"site"``, ``"weather_age"`` (of the run at
            issue) [h], ``"quality"`` (the forecast's ``fallback_level``), ``"flags"`` (of the outcome, those that leave
            it fit, or ``"good"``), ``"level"``.
        chosen : sequence of str or Metric
            Names, such as ``("mae", "coverage")``, or metrics of your own; all by default.
        model : str, optional
            Only this one.
        confidence : float, optional
            Probability of an interval for each score: columns ``low`` and ``high``.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> table = example_result().scores(by="lead_time", chosen=["mae"], model="reference")
        >>> table[["metric", "lead_time", "value"]].head(2)
          metric  lead_time  value
        0    mae       15.0    2.0
        1    mae       16.0    2.0
        """
        wanted = [item for choice in chosen for item in basic.named(choice)]
        tables = []
        keys = [by] if isinstance(by, str) else list(by or ())
        for name, pairs in self.pairs.items():
            if model in (None, name):
                usable = [item for item in wanted if item.within(pairs.levels)]
                if "level" in keys:
                    usable = [item for item in usable if item.by_level or item.level is not None]
                table = self._score(usable, name, keys, confidence)
                table.insert(0, "model", name)
                tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def _score(
        self, chosen: Sequence[Metric], name: str, keys: list[str], confidence: float | None
    ) -> pd.DataFrame:
        """Scores by any groups; the flags of outcomes, which pairs do not know, are cut here."""
        pairs = self.pairs[name]
        if "flags" not in keys:
            return basic.score(chosen, pairs, by=keys, confidence=confidence)
        here, lost = (np.asarray(self._flags(labels)) for labels in (pairs.labels, pairs.missing))
        others = [key for key in keys if key != "flags"]
        tables = [
            basic.score(
                chosen, _part(pairs, here == flags, lost == flags), by=others, confidence=confidence
            ).assign(flags=flags)
            for flags in sorted({*here, *lost})
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[[*keys, *(column for column in table if column not in keys)]]

    def _flags(self, labels: pd.DataFrame) -> list[str]:
        bits = np.zeros(len(labels), dtype=np.int64)
        for site in labels["site"].unique():
            rows = np.flatnonzero(labels["site"] == site)
            bits[rows] = self.observations.flags_at(site, labels["valid_time"].iloc[rows])
        names = {bit: "|".join(flag.name or "" for flag in Flag(int(bit))) for bit in np.unique(bits)}
        return [names[bit].lower() or "good" for bit in bits]

    def beside(
        self, forecasts: Mapping[str, Forecast], *, missing: Literal["error", "drop"] = "error"
    ) -> Result:
        """With forecasts of others, on the same hours.

        Parameters
        ----------
        forecasts : mapping of Forecast
            By name; see :meth:`energyforecast.Forecast.from_frame`. Issue times may differ: what must be the
            same are sites and hours.
        missing : {"error", "drop"}
            What to do with hours that not all forecasts hold: refuse, or leave them out of all; they are counted
            in ``provenance["left_out"]``, by name the hours of which each had more than are common.

        Raises
        ------
        TimeError
            If the hours differ, naming them, or none is common.
        SchemaError
            If a name is there already, or a site is of two kinds. A site whose kind a forecast does not know has
            that which others know.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast, example_result
        >>> example_result().beside({"vendor": example_forecast()})
        Result of model, reference, vendor: 1 issues, 0 fits
        """
        doubled = [name for name in forecasts if name in self.forecasts]
        if doubled:
            raise SchemaError(
                f"There is a forecast {doubled[0]!r} already.", "Names differ.", "Choose another name."
            )
        every = _of_one_kind({**self.forecasts, **forecasts})
        cells = {name: _cells_of(forecast) for name, forecast in every.items()}
        common = set.intersection(*cells.values())
        left_out = {name: len(held - common) for name, held in cells.items()}
        if (missing == "error" and any(left_out.values())) or not common:
            name, held = next((name, held) for name, held in cells.items() if held - common)
            site, hour = min(held - common)
            others = ", ".join(other for other in every if (site, hour) not in cells[other])
            raise TimeError(
                f"{name} forecasts {site!r} at {timestamps.to_index([hour])[0]}, {others} does not "
                f"({sum(left_out.values())} such hours in all).",
                "Forecasts that are compared cover the same sites and hours, each once.",
                "Use missing='drop' to compare them on the hours that all have.",
            )
        kept = {
            name: _only(forecast, common) if left_out[name] else forecast for name, forecast in every.items()
        }
        return replace(self, forecasts=kept, provenance=dict(self.provenance) | {"left_out": left_out})

    @classmethod
    def from_forecasts(
        cls,
        forecasts: Mapping[str, Forecast],
        observations: Observations,
        *,
        references: Sequence[str] = (),
        missing: Literal["error", "drop"] = "error",
    ) -> Result:
        """A result of forecasts that are there already, such as those of others alone.

        Parameters
        ----------
        forecasts : mapping of Forecast
            By name.
        observations : Observations
        references : sequence of str
            Names of those that others are compared with.
        missing : {"error", "drop"}
            As in :meth:`beside`.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast, example_observations
        >>> Result.from_forecasts({"vendor": example_forecast()}, example_observations())
        Result of vendor: 1 issues, 0 fits
        """
        caveats = dict.fromkeys(line for item in forecasts.values() for line in item.caveats)
        told = {"caveats": list(caveats), "references": list(references)}
        name, *others = forecasts
        alone = cls({name: forecasts[name]}, observations, pd.DataFrame(), told)
        return alone.beside({other: forecasts[other] for other in others}, missing=missing)

    def gate(
        self,
        limits: Sequence[Gate] = (),
        *,
        baseline: Result | None = None,
        metrics: Sequence[str] = ("crps", "mae"),
        noise: float = 0.05,
    ) -> GateReport:
        """Hold scores against limits and against an earlier result.

        Parameters
        ----------
        limits : sequence of Gate
        baseline : Result, optional
            Of models of the same name. A score fails that is worse by more than noise: a paired block bootstrap
            of daily differences, one-sided.
        metrics : sequence of str
            Compared with the baseline.
        noise : float
            Chance of a false alarm of each comparison.

        Examples
        --------
        >>> from energyforecast.evaluation import Gate
        >>> from energyforecast.testing import example_result
        >>> example_result().gate([Gate(metric="mae", max=2), Gate(metric="coverage", level=0.8, min=0.7)]).passed
        True
        """
        return gates.check(self, limits, baseline=baseline, metrics=metrics, noise=noise)

    def skill(
        self,
        metric: str = "crps",
        *,
        reference: str,
        by: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """One minus the score divided by the reference's: 1 is perfect, 0 no better.

        :meth:`compare` gives it with an interval and a test.

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

        Notes
        -----
        A point forecast is the level 0.5 alone: its CRPS is its absolute error. Its pinball loss is no mean over
        the levels of others, so skill in that is NaN between forecasts of other levels.

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
        if metric == "pinball":  # Means over other levels are other scores.
            own = self.pairs[reference].levels
            same = {name: np.array_equal(pairs.levels, own) for name, pairs in self.pairs.items()}
            table["value"] = table["value"].where(table["model"].map(same))
        # A reference without error leaves nothing to be better than: skill is undefined there.
        worth = base.where(base > 0).reindex(against).to_numpy()
        table["value"] = 1.0 - table["value"].to_numpy() / worth
        table["percent"] = 100 * table["value"]
        return table.assign(metric=f"skill_{metric}", reference=reference)

    def compare(
        self,
        metric: str | Metric = "crps",
        *,
        reference: str,
        by: str | Sequence[str] | None = None,
        fill: significance.Fill = "reference",
        confidence: float = 0.9,
    ) -> pd.DataFrame:
        """Whether models are better than a reference, or luckier; see :func:`energyforecast.evaluation.compare`.

        Parameters
        ----------
        metric : str or Metric
        reference : str
            Name of a model of the result.
        by : str or sequence of str, optional
        fill : {"reference", "common"}
            What stands for hours that a model did not forecast.
        confidence : float
            Probability of the interval of the skill.

        Returns
        -------
        DataFrame
            A row for each other model: ``value``, ``reference``, ``skill`` with its interval ``low`` to ``high``,
            ``p``, and ``p_adjusted`` over all rows.

        Raises
        ------
        MissingDataError
            If there is no such model, or no other.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> example_result().compare("mae", reference="reference")[["model", "skill", "days", "n", "filled"]]
           model  skill  days   n  filled
        0  model    0.5     1  24       0
        """
        others = [name for name in self.forecasts if name != reference]
        if reference not in self.forecasts or not others:
            raise MissingDataError(
                f"A comparison with {reference!r} is asked for.",
                f"Models are {list(self.forecasts)}, and another than the reference is needed.",
                "Choose among them; give references to backtest together with the forecaster.",
            )
        given = {"metric": metric, "by": by, "fill": fill, "confidence": confidence}
        tables = [
            significance.compare(self.pairs[name], self.pairs[reference], **given).assign(model=name)  # type: ignore[arg-type]
            for name in others
        ]
        table = pd.concat(tables, ignore_index=True)
        table["p_adjusted"] = significance.benjamini_hochberg(table["p"])
        return table[["model", *table.columns.drop("model")]]

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

    def save(self, folder: str | Path, *, parquet: bool = False) -> Path:
        """Write scores, forecasts and outcomes into a folder.

        ``scores.json``, ``scores.csv``, ``forecast.csv`` and ``forecast.nc`` of the first model; and in
        ``result``, as NetCDF, all that :meth:`load` reads back.

        Parameters
        ----------
        folder : path
        parquet : bool
            Also write ``pairs.parquet``: forecasts of all models beside the outcomes. Needs pyarrow.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted(file.name for file in example_result().save(folder).iterdir())
        ['forecast.csv', 'forecast.nc', 'result', 'scores.csv', 'scores.json']
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        write_scores(target, self.records(), self.provenance)
        first = next(iter(self.forecasts.values()))
        first.write_csv(target / "forecast.csv")
        first.save(target / "forecast.nc")
        self.write(target)
        if parquet:
            result_files.write_parquet(self, target / "pairs.parquet")
        return target

    def write(self, folder: str | Path) -> Path:
        """Write only what :meth:`load` reads, as NetCDF and JSON, into ``result`` in a folder.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted(file.name for file in example_result().write(folder).iterdir())
        ['model000.nc', 'model001.nc', 'observations.nc', 'result.json']
        """
        target = Path(folder) / "result"
        target.mkdir(parents=True, exist_ok=True)
        result_files.write(self, target)
        return target

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FileFormatError
            If there is no result, or it is damaged.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Result.load(example_result().save(folder))
        Result of model, reference: 1 issues, 0 fits
        """
        inner = Path(folder) / "result"
        return result_files.read(inner if inner.is_dir() else Path(folder))

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
        from energyforecast.reporting import backtest_report

        return backtest_report.write(self, path, reference=reference)

    def __repr__(self) -> str:
        first = next(iter(self.forecasts.values()))
        caveat = "".join(f", {line}" for line in first.caveats)
        issues = first.data.sizes["issue_time"]
        return f"Result of {', '.join(self.forecasts)}: {issues} issues, {len(self.folds)} fits{caveat}"


def _part(pairs: Pairs, rows: npt.NDArray[np.bool_], missing: npt.NDArray[np.bool_]) -> Pairs:
    return replace(
        pairs,
        observed=pairs.observed[rows],
        quantiles=pairs.quantiles[rows],
        labels=pairs.labels[rows].reset_index(drop=True),
        capacity=pairs.capacity[rows],
        missing=pairs.missing[missing].reset_index(drop=True),
        _points={},
    )


def _of_one_kind(forecasts: Mapping[str, Forecast]) -> dict[str, Forecast]:
    """Forecasts of the same sites, whose kinds are those that any of them knows."""
    known: dict[str, Kind] = {}
    for name, forecast in forecasts.items():
        for site, kind in forecast.kinds.items():
            if kind != "site" and known.setdefault(site, kind) != kind:
                raise SchemaError(
                    f"Site {site!r} is {kind} in the forecast {name!r}, and {known[site]} in another.",
                    "Forecasts that are compared are of the same sites.",
                    "Correct it: forecast.with_kind(...).",
                )
    return {
        name: forecast.with_kind({site: known[site] for site in forecast.sites if site in known})
        for name, forecast in forecasts.items()
    }


def _cells_of(forecast: Forecast) -> set[tuple[str, int]]:
    """Sites and hours that a forecast covers."""
    hours = forecast.data["valid_time"].values[forecast.inside].astype("datetime64[ns]")
    unique = np.unique(hours)
    if len(unique) != len(hours):
        raise TimeError(
            f"A forecast covers {len(hours) - len(unique)} hours more than once.",
            "Forecasts beside others cover each hour once, so that it is clear which stand side by side.",
            "Choose one issue for each hour.",
        )
    return {(site, int(hour)) for site in forecast.sites for hour in unique.astype("int64")}


def _only(forecast: Forecast, cells: set[tuple[str, int]]) -> Forecast:
    """The hours that are in a set for every site of the forecast."""
    data = forecast.data.copy()
    hours = np.unique([hour for _, hour in cells])
    whole = [hour for hour in hours if all((site, int(hour)) in cells for site in forecast.sites)]
    valid = data["valid_time"].values.astype("datetime64[ns]")
    keep = np.isin(valid.astype("int64"), whole)
    data["valid_time"] = (data["valid_time"].dims, np.where(keep, valid, np.datetime64("NaT", "ns")))
    data = data.where(xr.DataArray(keep, dims=("issue_time", "lead_time")))
    return Forecast(data.isel(issue_time=keep.any(axis=1)))


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
