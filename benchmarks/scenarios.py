"""What scenarios cost, and what each dependence is worth against independent sampling.

Cost: CPU seconds for 200 scenarios of 50 sites and 48 hours, with a copula learnt from 365 issues.

Worth, on a synthetic site whose correlation is known (``example_days``: exp(-lag / 6 h) between hours, times 0.5
between sites), and on the ten farms of GEFCom2014 where the environment variable ENERGYFORECAST_DATA names a folder
that holds it: quantiles of the farm's power among the hours of about the same forecast wind are learnt until the end of
September 2012, dependence from what they made of October to December, and January to March 2013 are scored. The
energy and the variogram score are of all hours at all sites together; the CRPS is of the sum over sites in each
hour, of the energy of the day over all sites, and of the largest change of the sum within three hours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from energyforecast import Forecast, Observations
from energyforecast.core import timestamps
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.tasks import day_ahead
from energyforecast.evaluation.sample_losses import crps_of_samples
from energyforecast.evaluation.vector_losses import energy_score, variogram_score
from energyforecast.planning import GaussianCopula, Independence, SchaakeShuffle, sample_scenarios
from energyforecast.planning.scenario_generation.dependence import Dependence
from energyforecast.reporting import figures
from energyforecast.testing import example_days

LEVELS = (0.01, 0.02, *(round(0.05 * k, 2) for k in range(1, 20)), 0.98, 0.99)
#: Scenarios that are scored, of every second day: scores of 240 dimensions are dearer than the scenarios.
NUMBER, EVERY = 100, 2
DAY = np.timedelta64(24, "h")


def cost() -> dict[str, float]:
    """CPU seconds of a fit and of a draw; the best of three."""
    names = [f"site {k:02d}" for k in range(50)]
    task = day_ahead("09:00", timezone="UTC", days=2)
    issues = task.issue_times("2023-01-02", timestamps.instant("2023-01-02") + pd.Timedelta(366, "D"))
    windows = task.windows(issues)
    rng = np.random.default_rng(0)
    rows = int(windows.inside.sum())
    curve = np.linspace(0.0, 60.0, 99, dtype=np.float32)
    forecast = Forecast.from_rows(
        dict.fromkeys(names, SiteRows(np.broadcast_to(curve, (rows, 99)), capacity=60.0, kind="wind")),
        windows=windows,
        quantile_levels=task.quantiles,
        attrs={"perfect_weather": 0},
    )
    hours = pd.date_range(windows.valid_time[0, 0], periods=24 * 366, freq="1h", tz="UTC")
    observed = pd.DataFrame(rng.uniform(0, 60, (len(hours), 50)), hours, names)
    observations = Observations(observed, published_after="1h")
    last = forecast.issue_times[-1]
    found = {"fit": np.inf, "draw_learnt": np.inf, "draw_exponential": np.inf}
    for _ in range(3):
        begun = time.process_time()
        learnt = GaussianCopula.fit(forecast, observations, until=last, shrinkage=0.5)
        found["fit"] = min(found["fit"], time.process_time() - begun)
        begun = time.process_time()
        sample_scenarios(forecast, dependence=learnt, issue_time=last)
        found["draw_learnt"] = min(found["draw_learnt"], time.process_time() - begun)
        begun = time.process_time()
        sample_scenarios(forecast, dependence=GaussianCopula.exponential(range_hours=8.0), issue_time=last)
        found["draw_exponential"] = min(found["draw_exponential"], time.process_time() - begun)
    return {name: round(seconds, 3) for name, seconds in found.items()}


def scores(
    forecast: Forecast, observations: Observations, ways: dict[str, Dependence], first: Any, last: Any
) -> pd.DataFrame:
    """Mean scores over the days of a period, a row for each way; days with a missing outcome are left out."""
    inside = (timestamps.instant(first) <= forecast.issue_times) & (
        forecast.issue_times < timestamps.instant(last)
    )
    issues = forecast.issue_times[inside][::EVERY]
    rows = []
    for issue in issues:
        for name, way in ways.items():
            scenarios = sample_scenarios(forecast, n_scenarios=NUMBER, dependence=way, issue_time=issue)
            wanted = np.stack(
                [observations.value_at(site, scenarios.valid_times) for site in scenarios.sites]
            )
            if np.isfinite(wanted).all():
                rows.append({"way": name, "issue": issue} | _of_day(wanted, scenarios.data.values))
    table = pd.DataFrame(rows)
    means = table.groupby("way", sort=False).mean(numeric_only=True)
    apart = table.pivot_table(index="issue", columns="way", values=["energy", "variogram"])
    for score in ("energy", "variogram"):
        gain = apart[score].sub(apart[score]["independent"], axis=0)
        means[f"{score}_t"] = gain.mean() / (gain.std() / np.sqrt(len(gain)))
    return means.assign(days=table["issue"].nunique())


def _of_day(outcome: np.ndarray, samples: np.ndarray) -> dict[str, float]:
    """Scores of one day; outcome of shape (sites, hours), samples with the scenarios before."""
    flat, drawn = outcome.ravel()[None], samples.reshape(1, len(samples), -1)
    total, sums = outcome.sum(axis=0), samples.sum(axis=1)
    return {
        "energy": float(energy_score(flat, drawn)[0]),
        "variogram": float(variogram_score(flat, drawn)[0]),
        "crps_site_hour": float(crps_of_samples(flat[0], drawn[0].T).mean()),
        "crps_sum": float(crps_of_samples(total, sums.T).mean()),
        "crps_day": float(crps_of_samples(total.sum()[None], sums.sum(axis=1)[None])[0]),
        "crps_ramp_3h": float(crps_of_samples(_ramp(total)[None], _ramp(sums)[None])[0]),
    }


def _ramp(trajectories: np.ndarray) -> np.ndarray:
    return np.abs(trajectories[..., 3:] - trajectories[..., :-3]).max(axis=-1)


def known_correlation() -> pd.DataFrame:
    """Copulas learnt from 20, 60 and 300 days, and the truth, on 60 days not seen."""
    forecast, observations = example_days(days=360, sites=("a", "b", "c"))
    begin = forecast.issue_times[300]
    ways: dict[str, Dependence] = {
        "independent": Independence(),
        "truth": GaussianCopula.exponential(range_hours=6.0, site_correlation=0.5),
        "wrong: 12 h, no sites": GaussianCopula.exponential(range_hours=12.0),
        "copula, 300 days": GaussianCopula.fit(forecast, observations, until=begin),
        "copula, 60 days": GaussianCopula.fit(_part(forecast, 240, 300), observations, until=begin),
        "copula, 60 days, no shrinkage": GaussianCopula.fit(
            _part(forecast, 240, 300), observations, until=begin, shrinkage=0.0
        ),
        "copula, 20 days": GaussianCopula.fit(_part(forecast, 280, 300), observations, until=begin),
        "Schaake, newest days": SchaakeShuffle(observations),
    }
    return scores(forecast, observations, ways, begin, forecast.issue_times[-1])


def _part(forecast: Forecast, first: int, last: int) -> Forecast:
    return Forecast(forecast.data.isel(issue_time=slice(first, last)))


def gefcom_forecast(path: Path) -> tuple[Forecast, Observations]:
    """Quantiles of power among the 400 hours of about the same forecast wind, until the end of September 2012."""
    table = pd.read_parquet(path)
    table["begin"] = pd.to_datetime(table["timestamp"], utc=True) - pd.Timedelta("1h")
    table = table[table["task"] <= 6]
    table["speed"] = np.hypot(table["u100"], table["v100"])
    later = table[table["task"] > 0]
    days = np.unique(later["begin"].dt.floor("D").dt.tz_localize(None).to_numpy()).astype("datetime64[ns]")
    valid = days[:, None] + np.arange(24) * np.timedelta64(1, "h")
    windows = Windows(days, valid, np.ones(valid.shape, dtype=bool), pd.Timedelta("1h"))
    rows, outcomes = {}, {}
    for zone, farm in table.groupby("zoneid"):
        name = f"farm {int(zone):02d}"
        known = farm[(farm["task"] == 0) & farm["targetvar"].notna()].sort_values("speed")
        speed = farm.set_index("begin")["speed"].reindex(timestamps.to_index(valid.ravel())).to_numpy()
        place = np.searchsorted(known["speed"].to_numpy(), speed)
        start = np.clip(place - 200, 0, len(known) - 400)
        near = known["targetvar"].to_numpy()[start[:, None] + np.arange(400)]
        rows[name] = np.quantile(near, LEVELS, axis=1).T.astype(np.float32)
        outcomes[name] = farm.set_index("begin")["targetvar"]
    forecast = Forecast.from_rows(
        {name: SiteRows(table, capacity=1.0, kind="wind") for name, table in rows.items()},
        windows=windows,
        quantile_levels=LEVELS,
        attrs={"perfect_weather": 0},
    )
    frame = pd.DataFrame(outcomes).asfreq("1h")
    return forecast, Observations(frame, published_after="0h")


def gefcom() -> pd.DataFrame | None:
    """Ten farms, January to March 2013; None where the data is not there."""
    path = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere"), "gefcom2014", "wind.parquet")
    if not path.exists():
        return None
    forecast, observations = gefcom_forecast(path)
    begin = timestamps.instant("2013-01-01 00:00")
    past = _part(forecast, 0, int((forecast.issue_times < begin).sum()))
    fit = {"forecasts": past, "observations": observations, "until": begin}
    ways: dict[str, Dependence] = {
        "independent": Independence(),
        "exponential, 8 h, 0.5": GaussianCopula.exponential(range_hours=8.0, site_correlation=0.5),
        "copula": GaussianCopula.fit(**fit),
        "copula, no target": GaussianCopula.fit(**fit, target="independent"),
        "copula, no shrinkage": GaussianCopula.fit(**fit, shrinkage=0.0),
        "Schaake, newest days": SchaakeShuffle(observations),
        "Schaake, similar days": SchaakeShuffle(observations, similar_to=forecast),
    }
    return scores(forecast, observations, ways, begin, "2013-04-01")


def draw_figure(path: Path) -> None:
    """One farm on one day, tied by a copula."""
    data = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere"), "gefcom2014", "wind.parquet")
    forecast, observations = gefcom_forecast(data)
    copula = GaussianCopula.fit(forecast, observations, until="2013-01-01")
    scenarios = sample_scenarios(forecast, dependence=copula, issue_time="2013-01-29")
    figure = figures.scenarios(scenarios, observations, site="farm 01")
    figure.axes[0].set_ylabel("Power [share of capacity]")
    figures.save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--figure", type=Path, help="draw a day of GEFCom2014 here, and nothing else")
    options = parser.parse_args()
    if options.figure:
        draw_figure(options.figure)
        return
    found: dict[str, Any] = {"cpu_seconds": cost(), "python": platform.python_version()}
    print(found["cpu_seconds"], flush=True)
    for name, make in (("known correlation", known_correlation), ("GEFCom2014 wind", gefcom)):
        table = make()
        if table is None:
            print(f"{name}: ENERGYFORECAST_DATA does not hold it")
            continue
        print(f"\n{name}\n{table.round(4).to_string()}", flush=True)
        found[name] = table.reset_index().to_dict("records")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
