"""An example of the daily run: a configuration, and an archive of forecasts and measurements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from energyforecast import archive as archives
from energyforecast import configuration
from energyforecast.core import timestamps
from energyforecast.core.files import whole_file
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.testing.examples import example_days

__all__ = ["example_operations"]

_TEXT = """
[sites.{site}]
kind = "wind"
latitude = 43.64
longitude = 78.54
capacity = 100
hub_height = 90

[weather]
file = "weather.nc"

[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"

[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
quantiles = {quantiles}

[archive]
file = "archive.sqlite"
"""


def example_operations(
    folder: str | Path, *, days: int = 40, site: str = "farm", extra: str = ""
) -> tuple[Any, Any]:
    """Configuration of one farm, and an archive of its calibrated forecasts with the outcomes.

    Parameters
    ----------
    folder : path
        In which ``farm.toml`` and ``archive.sqlite`` are written; there is no file of weather or power.
    days : int
        Forecasts were issued for these days from 2024-01-02 on, and recorded a minute later.
    site : str
        Name of the farm.
    extra : str
        Further sections of the configuration.

    Returns
    -------
    Configuration, Archive

    See Also
    --------
    example_days, energyforecast.operations.verify

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings, archive = example_operations(folder, days=3)
    ...     settings.sites[0].name, len(archive.issues("farm"))
    ('farm', 3)
    """
    forecast, observations = example_days(days=days, sites=("a", "b"), kind="wind")
    named = Forecast(forecast.data.isel(site=[0]).assign_coords(site=[site], capacity=("site", [100.0])))
    power = Observations(
        observations.values[["a"]].set_axis([site], axis=1).clip(0, 100), published_after="1h"
    )
    target = Path(folder)
    file = target / "farm.toml"
    quoted = json.dumps(site)
    with whole_file(file) as scratch:
        text = _TEXT.format(site=quoted, quantiles=list(named.quantiles))
        scratch.write_text(text + extra, encoding="utf-8")
    moment = [named.issue_times[0]]
    archive = archives.open(target / "archive.sqlite", clock=lambda: moment[0])
    for issue in named.issue_times:
        moment[0] = issue + pd.Timedelta("1min")
        known = power.index[power.published[:, 0] <= timestamps.to_ns([issue])[0]]
        if len(known) > 1:
            archive.write_observations(power[known[0] : known[-1]])
        archive.write_forecast(named.sel(issue_time=issue))
    moment[0] = power.index[-1] + pd.Timedelta("2h")
    archive.write_observations(power)
    return configuration.read(file), archive
