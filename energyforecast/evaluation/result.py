"""Result of a backtest: forecasts, outcomes and fits, with gates, files and a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from energyforecast.core.arguments import check_types
from energyforecast.core.file_sets import whole_set
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.wording import counted
from energyforecast.errors import SchemaError
from energyforecast.evaluation import gates, result_files
from energyforecast.evaluation.common_hours import on_common_hours
from energyforecast.evaluation.gates import Gate, GateReport
from energyforecast.evaluation.published_limits import implausible_scores
from energyforecast.evaluation.scored_forecasts import ScoredForecasts

__all__ = ["Result"]

#: Of the files that are read again, in that of a result.
_FOLDER: Final = "result"
_SKILLS: Final = ("mae", "rmse", "pinball", "crps")


@dataclass(frozen=True, eq=False, repr=False)
class Result(ScoredForecasts):
    """Result of a backtest: forecasts of one or several models for identical hours, with the outcomes.

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

    See Also
    --------
    energyforecast.backtest, energyforecast.evaluation.score, energyforecast.evaluation.Gate

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> result = example_result()  # "model" is 1 MW too low, "reference" 2 MW
    >>> result.scores(chosen=["mae"])[["model", "metric", "value", "n"]]
           model metric  value   n
    0      model    mae    1.0  24
    1  reference    mae    2.0  24
    """

    folds: pd.DataFrame
    provenance: Mapping[str, Any]
    origins: pd.DataFrame = field(default_factory=pd.DataFrame)

    def with_forecasts(
        self, forecasts: Mapping[str, Forecast], *, missing: Literal["error", "drop"] = "error"
    ) -> Result:
        """Add forecasts of others, on the same hours.

        Parameters
        ----------
        forecasts : mapping of Forecast
            By name; see :meth:`energyforecast.Forecast.from_frame`. Sites and hours must be the same; issue times
            may differ.
        missing : {"error", "drop"}
            Whether hours that not all forecasts hold are refused, or left out of all; they are counted in
            ``provenance["left_out"]``, by name the hours of which each had more than are common.

        Raises
        ------
        TimeError
            If the hours differ, naming them, or none is common.
        SchemaError
            If a name is used already, or a site is of two kinds. A site whose kind a forecast does not know has
            that which others know.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast, example_result
        >>> example_result().with_forecasts({"vendor": example_forecast()})
        Result of model, reference, vendor: 1 issues, 0 fits
        """
        doubled = [name for name in forecasts if name in self.forecasts]
        if doubled:
            raise SchemaError(
                f"There is a forecast {doubled[0]!r} already.", "Names must differ.", "Choose another name."
            )
        kept, left_out = on_common_hours({**self.forecasts, **forecasts}, missing=missing)
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
        """Compare given forecasts, such as those of others alone.

        Parameters
        ----------
        forecasts : mapping of Forecast
            By name.
        observations : Observations
        references : sequence of str
            Names of those that others are compared with.
        missing : {"error", "drop"}
            As in :meth:`with_forecasts`.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast, example_observations
        >>> Result.from_forecasts({"vendor": example_forecast()}, example_observations())
        Result of vendor: 1 issues, 0 fits
        """
        check_types(locals(), of=Result.from_forecasts)
        if not forecasts:
            raise SchemaError("No forecast is given.", "There must be at least one.", "Give it by a name.")
        caveats = [line for item in forecasts.values() for line in item.caveats]
        caveats += implausible_scores(ScoredForecasts(forecasts, observations))
        provenance = {"caveats": list(dict.fromkeys(caveats)), "references": list(references)}
        name, *others = forecasts
        alone = cls({name: forecasts[name]}, observations, pd.DataFrame(), provenance)
        return alone.with_forecasts({other: forecasts[other] for other in others}, missing=missing)

    def gate(
        self,
        limits: Sequence[Gate] = (),
        *,
        baseline: Result | None = None,
        metrics: Sequence[str] = ("crps", "mae"),
        noise: float = 0.05,
    ) -> GateReport:
        r"""Check scores against limits and against an earlier result.

        .. math:: p = P(T_{n-1} \ge t(0))

        is the p-value of a score that is worse than the baseline's, with Student's :math:`T` and the statistic
        :math:`t(0)` of :func:`energyforecast.evaluation.compare` on :math:`n` days.

        Parameters
        ----------
        limits : sequence of Gate
        baseline : Result, optional
            Of models of the same name. A score that is worse by more than noise fails: a one-sided paired test of
            daily differences, which knows the chance of days and of fits.
        metrics : sequence of str
            Compared with the baseline.
        noise : float
            Chance of a false alarm of each comparison: it fails with :math:`p` below it.

        See Also
        --------
        compare, energyforecast.evaluation.Gate, energyforecast.evaluation.read_gates

        Examples
        --------
        >>> from energyforecast.evaluation import Gate
        >>> from energyforecast.testing import example_result
        >>> example_result().gate([Gate(metric="mae", max=2), Gate(metric="coverage", level=0.8, min=0.7)]).passed
        True
        """
        return gates.check(self, limits, baseline=baseline, metrics=metrics, noise=noise)

    def records(self) -> list[dict[str, Any]]:
        """Scores for all leads and by lead, with skill, in the form of ``scores.json``.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> first = example_result().records()[0]
        >>> first["metric"], first["value"], first["unit"], first["n"]
        ('mae', 1.0, 'MW', 24)
        """
        tables = [result_files.score_records(self.scores(by=by)) for by in (["site"], ["site", "lead_time"])]
        for reference in [name for name in self.forecasts if name in self.provenance.get("references", ())]:
            for metric in _SKILLS:
                for by in (["site"], ["site", "lead_time"]):
                    table = self.skill(metric, reference=reference, by=by)
                    table = table[table["model"] != reference]
                    table = table.assign(metric=f"skill_{metric}_vs_{reference}")
                    tables.append(result_files.score_records(table, share=True))
        return [record for table in tables for record in table]

    def save(self, folder: str | Path, *, parquet: bool = False) -> Path:
        """Write scores, forecasts and outcomes into a folder.

        ``scores.json``, ``scores.csv``, ``forecast.csv`` and ``forecast.nc`` of the first model; and in
        ``result``, as NetCDF, everything that :meth:`load` reads. They take the place of older ones together.

        Parameters
        ----------
        folder : path
        parquet : bool
            Also write ``pairs.parquet``: forecasts of all models with the outcomes. Needs pyarrow.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted(file.name for file in example_result().save(folder).iterdir())
        ['forecast.csv', 'forecast.nc', 'result', 'scores.csv', 'scores.json']
        """
        target = Path(folder)
        first = next(iter(self.forecasts.values()))
        with whole_set(target, index=f"{_FOLDER}/{result_files.INDEX}") as stage:
            result_files.write_scores(stage, self.records(), self.provenance)
            first.write_csv(stage / "forecast.csv")
            first.save(stage / "forecast.nc")
            self.write(stage)
            if parquet:
                result_files.write_parquet(stage / "pairs.parquet", self.forecasts, self.observations)
        return target

    def write(self, folder: str | Path) -> Path:
        """Write the files that :meth:`load` reads, NetCDF and JSON, into ``result`` in a folder.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted(file.name for file in example_result().write(folder).iterdir())
        ['model000.nc', 'model001.nc', 'observations.nc', 'result.json']
        """
        target = Path(folder) / _FOLDER
        tables = {"folds": self.folds, "origins": self.origins}
        with whole_set(target, index=result_files.INDEX) as stage:
            result_files.write(stage, self.forecasts, self.observations, **tables, provenance=self.provenance)
        return target

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """Read a result that :meth:`save` wrote.

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
        inner = Path(folder) / _FOLDER
        return cls(**result_files.read(inner if inner.is_dir() else Path(folder)))

    def report(self, path: str | Path, *, reference: str | None = None) -> Path:
        """Write a report: one HTML file with text, tables and figures, which needs no network.

        Parameters
        ----------
        path : path
        reference : str, optional
            Model over which skill is reported; by default the first reference.

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
        issues, count = first.data.sizes["issue_time"], self.provenance.get("without_weather", 0)
        lost = f", {counted(count, 'issue')} left out without weather" if count else ""
        notes = f"{caveat}{self._learnt()}{lost}"
        return f"Result of {', '.join(self.forecasts)}: {issues} issues, {len(self.folds)} fits{notes}"

    def _learnt(self) -> str:
        """Words for the first hours from which models learnt, where they differ."""
        if "training_first" not in self.folds:
            return ""
        first = self.folds.groupby("model", sort=False)["training_first"].first()
        if first.nunique() < 2:
            return ""
        named = (f"{first[model][:10]} ({model})" for model in self.forecasts if model in first)
        return f", learnt from {', '.join(named)}"
