"""What reconciliation is worth: load of Germany and its four transmission areas, 2019.

Needs ENERGYFORECAST_DATA, a folder that holds Open Power System Data's table of the areas. Day-ahead forecasts,
issued at 09:00 UTC for the next day in UTC, of each area and of Germany apart: a linear model for each hour of the
day, of what was published (the day before yesterday, a week ago, this morning and the morning of a week before) and
of the kind of day, learnt anew every month, with the spread of its own errors of the last 60 days. So areas and
Germany do not add up. ``load`` is the demand; ``net load`` is demand minus wind and sun, whose weather these
forecasts do not know. Scenarios are drawn with a copula learnt from all days before the month; weights come from
errors that were published by each issue. Every second day from July to December is scored: CRPS of each, and the
energy score of the four areas together.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from energyforecast import Forecast, Observations
from energyforecast.core import timestamps
from energyforecast.core.calendars import look_up
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.evaluation.sample_losses import crps_of_samples
from energyforecast.evaluation.vector_losses import energy_score
from energyforecast.planning import GaussianCopula, hindcast_residuals, reconcile, sample_scenarios

AREAS = ("50hertz", "amprion", "tennet", "transnetbw")
LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))
METHODS = ("as forecast", "bottom_up", "ols", "wls_struct", "wls", "mint_cov", "mint_shrink")


def series(path: Path, *, net: bool) -> pd.DataFrame:
    """A column for each area, and for Germany. [MW]"""
    table = pd.read_parquet(path)
    table.index = pd.DatetimeIndex(pd.to_datetime(table["utc_timestamp"], utc=True), freq="1h")
    found = {}
    for area in AREAS:
        found[area] = table[f"DE_{area}_load_actual_entsoe_transparency"].astype(float)
        sources = [name for name in table if name.startswith(f"DE_{area}_") and "generation" in name]
        if net:
            found[area] = found[area] - table[sources].sum(axis=1)
    areas = pd.DataFrame(found)
    return areas.assign(Germany=areas.sum(axis=1))


def features(values: pd.Series, days: pd.DatetimeIndex, hour: int) -> np.ndarray:
    """What was published at 09:00 UTC of the day before: an hour's value is, an hour after its end."""
    at = days + pd.Timedelta(hours=hour)
    morning = values.rolling(6).mean()  # until 08:00
    now = days - pd.Timedelta("17h")
    kind = look_up(
        days.tz_convert("Europe/Berlin").tz_localize(None).values.astype("datetime64[D]"), country="DE"
    )
    week = np.asarray(days.day_of_week)[:, None] == np.arange(1, 7)
    return np.column_stack(
        [
            values.reindex(at - pd.Timedelta("48h")),
            values.reindex(at - pd.Timedelta("168h")),
            morning.reindex(now),
            morning.reindex(now - pd.Timedelta("144h")),
            1e3 * week,
            1e3 * kind.holiday,
            1e3 * kind.bridge,
        ]
    )


def mean_forecast(values: pd.Series) -> pd.DataFrame:
    """A row for each day from March on, a column for each hour; learnt anew every month."""
    days = pd.date_range("2019-01-09", "2019-12-30", tz="UTC")
    outcome = values.reindex(pd.date_range("2019-01-01", "2019-12-30 23:00", freq="1h", tz="UTC"))
    grid = outcome.to_numpy().reshape(-1, 24)[8:]
    found = pd.DataFrame(np.nan, index=days, columns=range(24))
    for hour in range(24):
        columns = features(values, days, hour)
        for month in range(3, 13):
            # On the eve of a month's first day the outcome of the day before is known.
            begin = days.searchsorted(pd.Timestamp(2019, month, 1, tz="UTC"))
            known, here = slice(0, begin - 2), days.month == month
            model = Ridge(alpha=1e5).fit(columns[known], grid[known, hour])
            found.loc[here, hour] = model.predict(columns[here])
    return found.dropna()


def forecast_of(values: pd.DataFrame) -> Forecast:
    """Quantiles from May on: the mean, and quantiles of its errors of the same hour in the last 60 days."""
    rows = {}
    for name in values:
        mean = mean_forecast(values[name])
        outcome = values[name].reindex(
            pd.date_range(mean.index[0], periods=24 * len(mean), freq="1h", tz="UTC")
        )
        errors = outcome.to_numpy().reshape(-1, 24) - mean.to_numpy()
        spread = [np.quantile(errors[k - 61 : k - 1], LEVELS, axis=0).T for k in range(61, len(mean))]
        rows[name] = np.concatenate([mean.to_numpy()[61 + k][:, None] + one for k, one in enumerate(spread)])
    days = timestamps.to_ns(mean.index[61:])
    valid = days[:, None] + np.arange(24) * np.timedelta64(1, "h")
    issued = days - np.timedelta64(15, "h")
    return Forecast.from_rows(
        {name: SiteRows(table.astype(np.float32), weather_init_time=issued) for name, table in rows.items()},
        windows=Windows(issued, valid, np.ones(valid.shape, dtype=bool), pd.Timedelta("1h")),
        quantile_levels=LEVELS,
        attrs={"perfect_weather": 0},
    )


def scores(values: pd.DataFrame, *, number: int = 200, every: int = 2) -> tuple[pd.DataFrame, float]:
    """Mean scores from July on, a row for each method; and the greatest gap between a sum and its parts. [MW]"""
    forecast, observations = forecast_of(values), Observations(values, published_after="1h")
    issues = forecast.issue_times[forecast.issue_times >= timestamps.instant("2019-06-30")][::every]
    rows, copula, fitted, gap = [], None, None, 0.0
    for issue in issues:
        if fitted != issue.month:
            copula, fitted = GaussianCopula.fit(forecast, observations, until=issue), issue.month
        errors = hindcast_residuals(forecast, observations, until=issue)
        drawn = sample_scenarios(forecast, n_scenarios=number, dependence=copula, issue_time=issue)
        outcome = values.loc[drawn.valid_times]
        for method in METHODS:
            made = drawn
            if method != "as forecast":
                made = reconcile(drawn, hierarchy={"Germany": AREAS}, residuals=errors, method=method)
                apart = made.of("Germany") - sum(made.of(area) for area in AREAS)
                gap = max(gap, float(np.abs(apart).max()))
            row: dict[str, Any] = {"method": method}
            for name in values:
                row[name] = crps_of_samples(outcome[name].to_numpy(), made.of(name).T).mean()
            areas = np.concatenate([made.of(area) for area in AREAS], axis=1)
            row["areas, energy score"] = energy_score(
                outcome[list(AREAS)].to_numpy().T.reshape(1, -1), areas[None]
            )[0]
            rows.append(row)
    table = pd.DataFrame(rows).groupby("method", sort=False).mean()
    return table.assign(days=len(issues)), gap


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    path = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere"), "opsd", "de_4tso_2019.parquet")
    if not path.exists():
        parser.error("ENERGYFORECAST_DATA names no folder that holds opsd/de_4tso_2019.parquet")
    found = {}
    for name, net in (("load", False), ("net load", True)):
        table, gap = scores(series(path, net=net))
        print(f"\n{name} [MW], greatest gap {gap:.1e}\n{table.round(1).to_string()}", flush=True)
        found[name] = table.reset_index().to_dict("records")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
