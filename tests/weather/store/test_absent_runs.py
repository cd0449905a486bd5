"""A run that was asked for and was not there did not arrive before: the store remembers, also for a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import Site
from energyforecast.core import timestamps
from energyforecast.errors import RunNotPublishedError
from energyforecast.testing import example_source
from energyforecast.weather import Store
from tests.support.toy_weather import wind_farm

RUN = timestamps.instant("2024-06-03 00:00")


class Late(type(example_source())):  # type: ignore[misc]
    """Source whose run of 3 June is absent, empty, or half there."""

    state = "whole"

    def get_run(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        run = super().get_run(sites, init_time)
        if init_time != RUN or self.state == "whole":
            return run
        if self.state == "absent":
            raise RunNotPublishedError("404.", "The run is there.", "Wait.")
        return run.where(run["lead_time"] < np.timedelta64(0 if self.state == "empty" else 12, "h"))


def _available(folder: Path, source: Late, *asked: tuple[str, str]) -> np.ndarray:
    """Availability of the leads of the run, after updates at moments at which it was in these states."""
    for moment, source.state in asked:
        store = Store(folder / "store", clock=partial(timestamps.instant, moment))
        store.update(source, sites=[wind_farm()], since="2024-06-01")
    run = store.open().load().sel(init_time=RUN.tz_localize(None))["available_time"]
    return np.asarray(run.values).ravel()


@pytest.mark.parametrize("state", ["absent", "empty"])
@pytest.mark.parametrize("later", ["2024-06-04 06:00", "2024-06-20 08:00"])
def test_a_run_did_not_arrive_before_it_was_seen_absent(tmp_path: Path, state: str, later: str) -> None:
    seen = ("2024-06-03 06:00", "2024-06-03 08:00")
    times = _available(tmp_path, Late(), *((moment, state) for moment in seen), (later, "whole"))
    assert times.min() >= np.datetime64(seen[-1])
    assert times.max() <= np.datetime64(later)


@pytest.mark.slow
def test_leads_that_were_missing_did_not_arrive_before(tmp_path: Path) -> None:
    times = _available(tmp_path, Late(), ("2024-06-03 06:00", "half"), ("2024-06-20 08:00", "whole"))
    assert times.min() >= np.datetime64("2024-06-03T06:00")


def test_a_run_that_was_never_asked_for_has_its_declared_time(tmp_path: Path) -> None:
    declared = Late().get_run([wind_farm()], RUN)["available_time"].values.max()
    times = _available(tmp_path, Late(), ("2024-06-20 08:00", "whole"))
    assert times.max() == declared
