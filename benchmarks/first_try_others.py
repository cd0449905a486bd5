"""Other libraries as opponents in ``first_try.py``: OpenSTEF 3 and 4, and skforecast.

Each runs in an interpreter of its own, as they ask for versions of pandas and Python that exclude each other: that of
``first_try.py --python NAME=PATH``, or the running one. There :func:`answer` has a table of what was
known: outcomes, their latency, and for each hour its weather and calendar, as for the hand-written models. It imports
NumPy, pandas and the library alone, fits at the same times, and gives the same levels. CPU seconds are those of
the fits and forecasts. Where a library cannot be imported, or has no way to forecast the task, the reason is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]
LEVELS: Final = tuple(round(0.05 * k, 2) for k in range(1, 20))
#: Names of the weather in OpenSTEF 3.
WEATHER: Final = {
    "ghi": "radiation",
    "temp_air": "temp",
    "wind_speed_10m": "windspeed",
    "wind_speed_100m": "windspeed_100m",
    "cloud_cover": "clouds",
    "relative_humidity": "humidity",
    "pressure": "pressure",
}
#: Factors to the units of OpenSTEF 3 (J/m2 in an hour, shares) and 4 (hPa).
UNITS: Final = {3: {"radiation": 3600.0, "humidity": 0.01}, 4: {"pressure": 0.01}}


@dataclass(frozen=True, eq=False)
class Known:
    """What a library is given: outcomes, and for each row its fit, issue, beginning of the interval and columns.

    Parameters
    ----------
    about : dict
        `latitude`, `longitude`, `country`, and `latency` of the outcomes. [min]
    power : Series
        Outcomes by the beginning of their interval. [MW]
    rows : DataFrame
        Columns `fold` (-1 where the row is not forecast), `issue`, `valid`, weather, and ``calendar ...``.
    """

    about: dict[str, Any]
    power: pd.Series
    rows: pd.DataFrame

    @cached_property
    def step(self) -> pd.Timedelta:
        """Length of an interval."""
        return pd.Timedelta(self.power.index[1] - self.power.index[0])

    @cached_property
    def hours(self) -> pd.DataFrame:
        """Weather and calendar of all intervals; each lies in one day-ahead forecast."""
        table = self.rows.drop_duplicates("valid").set_index("valid").drop(columns=["fold", "issue"])
        return table.asfreq(self.step).interpolate(limit=8)

    def weather(self, version: int) -> pd.DataFrame:
        """Weather of all intervals, in the names and units of a version of OpenSTEF."""
        table = self.hours[[name for name in WEATHER if name in self.hours]].rename(columns=WEATHER)
        return table * pd.Series(UNITS[version]).reindex(table.columns, fill_value=1.0)

    def newest(self, issue: pd.Timestamp) -> pd.Timestamp:
        """Beginning of the newest interval that was published at an issue."""
        return (issue - pd.Timedelta(minutes=self.about["latency"])).floor(self.step) - self.step

    def fits(self) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
        """For each fit the newest interval that it may learn from, and the rows that it forecasts."""
        for _, rows in self.rows[self.rows["fold"] >= 0].groupby("fold"):
            yield self.newest(rows["issue"].min()), rows

    def table(
        self, first: pd.Timestamp, newest: pd.Timestamp, last: pd.Timestamp, *, version: int
    ) -> pd.DataFrame:
        """Load, missing after the newest interval, and weather for OpenSTEF, from the first interval to the last."""
        index = pd.date_range(first, last, freq=self.step)
        return self.power[:newest].reindex(index).to_frame("load").join(self.weather(version))


# -- skforecast ------------------------------------------------------------------------------------


def skforecast_series(known: Known) -> tuple[pd.Series, pd.DataFrame]:
    """Outcomes without gaps from the first interval whose calendar is known, and the columns of all intervals."""
    return known.power[known.hours.index[0] :].interpolate().asfreq(known.step), known.hours


def skforecast_residuals(known: Known) -> Array:
    """Recursive skforecast as in its manual: LightGBM, quantiles from its errors of the last fifth of the history."""
    from lightgbm import LGBMRegressor
    from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster
    from skforecast.preprocessing import RollingFeatures
    from skforecast.recursive import ForecasterRecursive

    power, columns = skforecast_series(known)
    day = int(pd.Timedelta("1D") / known.step)
    forecaster = ForecasterRecursive(
        estimator=LGBMRegressor(random_state=1, verbose=-1, n_jobs=1),
        lags=[1, 2, 3, *(day * back + shift for back in range(1, 8) for shift in (-1, 0, 1))],
        window_features=RollingFeatures(stats=["mean", "mean"], window_sizes=[day, 7 * day]),
    )
    found = pd.DataFrame(index=known.rows.index, columns=list(LEVELS), dtype=float)
    for newest, rows in known.fits():
        past = power[:newest]
        split = TimeSeriesFold(steps=2 * day, initial_train_size=4 * len(past) // 5, refit=False)
        _, held_out = backtesting_forecaster(
            forecaster,
            past,
            cv=split,
            metric="mean_absolute_error",
            exog=columns,
            n_jobs=1,
            show_progress=False,
        )
        forecaster.fit(past, exog=columns[: past.index[-1]])
        forecaster.set_out_sample_residuals(past[held_out.index], held_out["pred"])
        for issue, part in rows.groupby("issue"):
            last, end = known.newest(issue), part["valid"].max()
            table = forecaster.predict_quantiles(
                steps=int((end - last) / known.step),
                last_window=power[last - 8 * pd.Timedelta("1D") : last],
                exog=columns[last + known.step : end],
                quantiles=list(LEVELS),
                use_in_sample_residuals=False,
            )
            found.loc[part.index] = table.reindex(part["valid"]).to_numpy()
    return found.to_numpy()


def skforecast_quantiles(known: Known) -> Array:
    """LightGBM's quantile regression in skforecast for each level: lags alone that are known for the whole day."""
    from lightgbm import LGBMRegressor
    from skforecast.recursive import ForecasterRecursive

    power, columns = skforecast_series(known)
    day = int(pd.Timedelta("1D") / known.step)
    lags = [
        day * back + shift
        for back in range(2, 8)
        for shift in (-1, 0, 1)
        if day * back + shift >= furthest(known)
    ]
    found = pd.DataFrame(index=known.rows.index, columns=list(LEVELS), dtype=float)
    for newest, rows in known.fits():
        past = power[:newest]
        for level in LEVELS:
            estimator = LGBMRegressor(objective="quantile", alpha=level, random_state=1, verbose=-1, n_jobs=1)
            forecaster = ForecasterRecursive(estimator=estimator, lags=lags)
            forecaster.fit(past, exog=columns[: past.index[-1]])
            for issue, part in rows.groupby("issue"):
                last, end = known.newest(issue), part["valid"].max()
                steps = int((end - last) / known.step)
                window = power[last - 8 * pd.Timedelta("1D") : last]
                values = forecaster.predict(steps, last_window=window, exog=columns[last + known.step : end])
                found.loc[part.index, level] = values.reindex(part["valid"]).to_numpy()
    return np.sort(found.to_numpy(), axis=1)


def furthest(known: Known) -> int:
    """Steps from the newest outcome to the last interval of a forecast, at most."""
    ends = known.rows.groupby("issue")["valid"].max()
    return max(int((end - known.newest(issue)) / known.step) for issue, end in ends.items())


# -- OpenSTEF --------------------------------------------------------------------------------------


def openstef_3(known: Known, *, model: str) -> Array:
    """OpenSTEF 3: its features and horizons of training by default, one operational forecast an issue."""
    from openstef.data_classes.model_specifications import ModelSpecificationDataClass
    from openstef.data_classes.prediction_job import PredictionJobDataClass
    from openstef.enums import BiddingZone
    from openstef.pipeline.create_forecast import create_forecast_pipeline_core
    from openstef.pipeline.train_model import train_model_pipeline_core

    zone = known.about["country"]
    if zone not in {item.value for item in BiddingZone}:
        raise SystemExit(f"it knows European bidding zones and their holidays alone, and not {zone}")
    job = PredictionJobDataClass(
        id=1,
        name="area",
        model=model,
        forecast_type="demand",
        quantiles=list(LEVELS),
        resolution_minutes=int(known.step / pd.Timedelta("1min")),
        lat=known.about["latitude"],
        lon=known.about["longitude"],
        electricity_bidding_zone=zone,
    )
    found = pd.DataFrame(index=known.rows.index, columns=list(LEVELS), dtype=float)
    for newest, rows in known.fits():
        past = known.table(known.hours.index[0], newest, newest, version=3)
        fitted, _, specification, _ = train_model_pipeline_core(job, ModelSpecificationDataClass(id=1), past)
        fitted.path = "in memory"  # of its store, which a forecast names
        for issue, part in rows.groupby("issue"):
            last = known.newest(issue)
            table = known.table(last - pd.Timedelta("15D"), last, part["valid"].max(), version=3)
            forecast = create_forecast_pipeline_core(job, table, fitted, specification)
            quantiles = forecast[[f"quantile_P{100 * level:02.0f}" for level in LEVELS]]
            found.loc[part.index] = quantiles.reindex(part["valid"]).to_numpy()
    return found.to_numpy()


def openstef_4(known: Known, *, model: str) -> Array:
    """OpenSTEF 4: its preset of a model, for the furthest interval of a forecast.

    It uses no outcome that is newer than the horizon, so one call forecasts all issues of a fit.
    """
    from openstef_core.datasets import TimeSeriesDataset
    from openstef_core.types import LeadTime, Quantile
    from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow
    from openstef_models.presets.forecasting_workflow import LocationConfig

    step = timedelta(seconds=known.step.total_seconds())
    place = {name: known.about[name] for name in ("latitude", "longitude")}
    config = ForecastingWorkflowConfig(
        model_id="area",
        model=model,
        quantiles=[Quantile(level) for level in LEVELS],
        sample_interval=step,
        horizons=[LeadTime(furthest(known) * step)],
        location=LocationConfig(name="area", coordinate=place, country_code=known.about["country"]),
        temperature_column="temp",
        relative_humidity_column="humidity",
        wind_speed_column="windspeed_100m" if "wind_speed_100m" in known.rows else "windspeed",
        mlflow_storage=None,
    )
    found = pd.DataFrame(index=known.rows.index, columns=list(LEVELS), dtype=float)
    for newest, rows in known.fits():
        workflow = create_forecasting_workflow(config)
        past = known.table(known.hours.index[0], newest, newest, version=4)
        workflow.fit(TimeSeriesDataset(past, sample_interval=step))
        first, last = rows["valid"].min(), rows["valid"].max()
        table = known.table(first - pd.Timedelta("15D"), last, last, version=4)
        forecast = workflow.predict(TimeSeriesDataset(table, sample_interval=step), forecast_start=first)
        quantiles = forecast.data[[Quantile(level).format() for level in LEVELS]]
        found.loc[rows.index] = quantiles.reindex(rows["valid"]).to_numpy()
    return found.to_numpy()


OTHERS: Final[dict[str, tuple[str, Callable[[Known], Array]]]] = {
    "skforecast": ("skforecast", skforecast_residuals),
    "skforecast, quantiles": ("skforecast", skforecast_quantiles),
    "OpenSTEF 3, XGBoost": ("openstef", lambda known: openstef_3(known, model="xgb_quantile")),
    "OpenSTEF 4, XGBoost": ("openstef_models", lambda known: openstef_4(known, model="xgboost")),
    "OpenSTEF 4, linear": ("openstef_models", lambda known: openstef_4(known, model="gblinear")),
}


# -- asking them -----------------------------------------------------------------------------------


class Answer(NamedTuple):
    """Quantiles of all rows, shape (rows, levels), CPU seconds, and the version of the library."""

    quantiles: Array
    cpu: float
    version: str


def ask(name: str, python: str, known: Known) -> Answer | str:
    """Answer of a library, or the reason for which there is none."""
    if known.rows.duplicated("valid").any():
        return "it forecasts each interval once: tasks of several issues an interval are left out"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        known.rows.to_parquet(folder / "rows.parquet")
        known.power.rename("power").to_frame().to_parquet(folder / "power.parquet")
        (folder / "about.json").write_text(json.dumps(known.about), encoding="utf-8")
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [python, "-c", "import first_try_others; first_try_others.answer()", name, place]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parent, check=False
        )
        if done.returncode:
            return (done.stderr.strip() or "no reason was given").splitlines()[-1]
        found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
        return Answer(np.load(folder / "quantiles.npy"), float(found["cpu"]), str(found["version"]))


def answer() -> None:
    """Answer in the interpreter of the library: its name and the folder of the tables are the arguments."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    library, forecast = OTHERS[name]
    __import__(library)
    rows, power = (pd.read_parquet(folder / f"{table}.parquet") for table in ("rows", "power"))
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    begun = time.process_time()
    quantiles = forecast(Known(about, power["power"], rows))
    found = {"cpu": time.process_time() - begun, "version": version(library.replace("_", "-"))}
    np.save(folder / "quantiles.npy", quantiles)
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")
