"""Data and times of the fits of a backtest; a killed run goes on with the same result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import timestamps
from energyforecast.errors import FileFormatError, SchemaError, TimeError
from energyforecast.evaluation import Execution, Result, Splits
from energyforecast.testing import example_forecaster, example_observations, examples, poison_observations

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
AREA = ef.DemandArea(name="area", latitude=47, longitude=14, timezone="UTC", country="AT")
SPAN = {"start": "2024-02-01", "end": "2024-02-20"}


def _power(days: int = 60, *, seed: int = 0) -> ef.Observations:
    index = pd.date_range("2024-01-01", periods=24 * days, freq="1h", tz="UTC")
    load = 100 + 20 * np.sin(np.arange(len(index)) * np.pi / 12)
    noise = np.random.default_rng(seed).normal(size=len(index))
    return ef.Observations(pd.DataFrame({"area": load + noise}, index=index), published_after="1h")


def _named(*models: ef.QuantileModel) -> dict[str, ef.Forecaster]:
    return {type(model).__name__: ef.Forecaster(AREA, TASK, model=model) for model in models}


def _both() -> dict[str, ef.Forecaster]:
    return _named(ef.Climatology(), ef.Persistence())


def _run(power: ef.Observations | None = None, **changes: Any) -> Result:
    """Backtest with fields of Splits and Execution among its options."""
    forecasters = changes.pop("forecasters", None) or _both()
    for name, kind in (("splits", Splits), ("execution", Execution)):
        given = {item.name: changes.pop(item.name) for item in fields(kind) if item.name in changes}
        changes[name] = kind(**given)
    return ef.backtest(forecasters, {}, power or _power(), **(SPAN | changes))


def _same(one: Result, two: Result) -> None:
    assert list(one.forecasts) == list(two.forecasts)
    for name in one.forecasts:
        xr.testing.assert_identical(one.forecasts[name].data, two.forecasts[name].data)
    pd.testing.assert_frame_equal(one.origins, two.origins)
    pd.testing.assert_frame_equal(one.scores(), two.scores())


# --- What a fit learns ------------------------------------------------------------------------------


def test_a_window_forgets_what_is_older() -> None:
    """Everything before the window becomes another number; no forecast changes. One that grows does change."""
    power = _power()
    spoilt = power.values.copy()
    # The first fit, on 31 January at 09:00, looks back ten days.
    spoilt.loc[: pd.Timestamp("2024-01-21 08:00", tz="UTC")] = 999.0
    other = replace(power, values=spoilt)
    forecasters = _named(ef.Climatology())
    moving = [_run(data, window="10D", refit=None, forecasters=forecasters) for data in (power, other)]
    growing = [_run(data, refit=None, forecasters=forecasters) for data in (power, other)]
    first, second = (result.forecasts["Climatology"].data.values for result in moving)
    np.testing.assert_array_equal(first, second)
    assert (
        growing[0].forecasts["Climatology"].data.values != growing[1].forecasts["Climatology"].data.values
    ).any()
    assert moving[0].folds["training_rows"].tolist() == [10 * 24 - 1]


def test_a_gap_hides_what_was_published_in_it() -> None:
    power, knows = _power(), timestamps.instant("2024-01-29 09:00")
    forecasters = _named(ef.Climatology())
    honest = _run(power, gap="2D", refit=None, forecasters=forecasters)
    fooled = _run(poison_observations(power, knows), gap="2D", refit=None, forecasters=forecasters)
    np.testing.assert_array_equal(
        honest.forecasts["Climatology"].data.values, fooled.forecasts["Climatology"].data.values
    )
    # Published an hour after their end: at 09:00 that of 07:00.
    assert honest.origins["newest_outcome"].unique().tolist() == [pd.Timestamp("2024-01-29 07:00", tz="UTC")]


@pytest.mark.parametrize(
    ("refit", "counts"),
    [
        (7, [7, 7, 6]),
        (lambda now, last: last is not None and (now - last).days >= 15, [15, 5]),
        (lambda now, last: False, [20]),
    ],
)
def test_refits_by_count_or_callable(refit: Any, counts: list[int]) -> None:
    result = _run(refit=refit, forecasters=_named(ef.Climatology()))
    assert result.folds["origins"].tolist() == counts
    assert result.folds["as_of"].is_monotonic_increasing


def test_a_young_site_is_fitted_each_week_an_older_one_each_fortnight_then_each_month() -> None:
    """Observed from Monday 1 January 2024 on: 26 weeks end on 1 July, 52 on 30 December."""
    span = {"start": "2024-02-05", "end": "2025-03-10"}
    result = _run(_power(440), refit="auto", forecasters=_named(ef.Climatology()), **span)
    fits = pd.DatetimeIndex(result.folds["as_of"]).tz_localize(None).normalize()
    until, after = fits[fits < "2024-06-30"], fits[fits > "2024-12-29"]
    assert set(np.diff(until).astype("timedelta64[D]").astype(int)) == {7}
    assert set(
        np.diff(fits[(fits > "2024-07-14") & (fits < "2024-12-29")]).astype("timedelta64[D]").astype(int)
    ) == {14}
    assert after.strftime("%m-%d").tolist() == ["12-31", "01-31", "02-28"]
    assert result.provenance["refit"] == "auto"


@pytest.mark.parametrize("options", [{"window": "28D"}, {"forecasters": "young"}])
def test_the_shortest_history_decides_on_refits(options: dict[str, Any]) -> None:
    """A moving window is a short history; so is the site that began last."""
    power, forecasters = _power(400), _named(ef.Climatology())
    if options.get("forecasters") == "young":
        values = power.values.assign(young=power.values["area"].where(power.values.index >= "2024-12-01"))
        power = replace(power, values=values, flags=None)
        areas = [AREA, replace(AREA, name="young")]
        forecasters, options = {"both": ef.Forecaster(areas, TASK, model=ef.Climatology())}, {}
    span = {"start": "2025-01-01", "end": "2025-01-31"}
    assert len(_run(power, refit="auto", forecasters=forecasters, **span, **options).folds) == 5
    assert len(_run(_power(400), refit="auto", forecasters=_named(ef.Climatology()), **span).folds) == 1


@pytest.mark.slow
def test_later_outcomes_do_not_move_the_fits_of_auto() -> None:
    power, run = _power(280), {"refit": "auto", "start": "2024-03-01", "end": "2024-06-30"}
    as_of = pd.Timestamp("2024-05-01 09:00", tz="UTC")
    fits = [_run(data, **run).folds["as_of"].tolist() for data in (power, poison_observations(power, as_of))]
    assert fits[0] == fits[1]


@pytest.mark.parametrize(("changes", "error"), [({"refit": 0}, SchemaError), ({"stride": 0}, SchemaError),
    ({"refit": True}, SchemaError), ({"skip": "2024-02"}, SchemaError), ({"gap": "-1h"}, TimeError),
    ({"window": "0h"}, TimeError)])  # fmt: skip
def test_options_that_mean_nothing_are_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        _run(**changes)
    assert len(str(caught.value).splitlines()) == 3


def test_strides_and_skips_leave_origins_out() -> None:
    forecasters = _named(ef.Climatology())
    skipped = _run(skip=["2024-02-03", ("2024-02-10", "2024-02-12")], forecasters=forecasters)
    days = skipped.forecasts["Climatology"].issue_times.day.tolist()
    assert days == [31, 1, *range(3, 9), *range(12, 20)]
    assert _run(stride=6, forecasters=forecasters).forecasts["Climatology"].issue_times.day.tolist() == [
        31,
        6,
        12,
        18,
    ]


# --- Audit ------------------------------------------------------------------------------------------


def test_each_origin_says_what_it_knew() -> None:
    result = _run(refit=10)
    table = result.origins
    assert len(table) == 2 * 20
    used = table[table["model"] == "Persistence"]
    # Issued at 09:00, published an hour after its end: that of 07:00.
    assert (used["newest_observation"] == used["issue_time"] - pd.Timedelta("2h")).all()
    assert table.loc[table["model"] == "Climatology", "newest_observation"].isna().all(), "no lag is taken"
    assert (table["newest_outcome"] < table["as_of"]).all()
    assert used["fold"].tolist() == [0] * 10 + [1] * 10


def test_the_run_of_each_origin_is_kept() -> None:
    observations = example_observations(days=30)
    init = timestamps.to_ns(observations.index[::24])
    speed = np.full((1, len(init), 73), 8.0)
    weather = examples._runs({"wind_speed_100m": speed}, init, np.arange(73) * examples._HOUR, ["farm"])
    result = ef.backtest(
        example_forecaster().unfitted(),
        weather,
        observations,
        start="2024-01-10",
        end="2024-01-12",
    )
    # Issued at 09:00, from the run of 00:00.
    assert (result.origins["issue_time"] - result.origins["weather_init_time"]).eq(pd.Timedelta("9h")).all()
    assert result.origins["weather_age"].tolist() == [9.0] * 3
    assert result.scores(by="weather_age")["weather_age"].unique().tolist() == [9.0]


# --- Going on ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_resumed_run_is_the_same_to_the_bit(tmp_path: Path) -> None:
    plain = _run(refit="D")
    kept = _run(refit="D", resume=tmp_path / "run")
    _same(plain, kept)
    checkpoints = sorted((tmp_path / "run").glob("*.npz"))
    assert len(checkpoints) == 40
    for path in checkpoints[2::3]:
        path.unlink()
    checkpoints[1].write_bytes(checkpoints[1].read_bytes()[:100])  # damaged: made again
    calls: list[tuple[int, int]] = []
    again = _run(refit="D", resume=tmp_path / "run", progress=lambda *call: calls.append(call))
    _same(plain, again)
    assert calls[0] == (40 - 13 - 1, 40)
    assert calls[-1] == (40, 40)
    assert isinstance(again.forecasts["Climatology"].data.values.base, np.memmap), "on disk, not in memory"


@pytest.mark.parametrize("change", ["observations", "window", "model", "period"])
def test_another_backtest_is_not_gone_on_with(change: str, tmp_path: Path) -> None:
    _run(resume=tmp_path)
    changes: dict[str, Any] = {
        "observations": {"power": _power(seed=1)},
        "window": {"window": "20D"},
        "model": {"forecasters": _named(ef.Climatology(by=("hour", "weekday")), ef.Persistence())},
        "period": {"end": "2024-02-21"},
    }[change]
    with pytest.raises(SchemaError, match="holds a backtest of other"):
        _run(resume=tmp_path, **changes)


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_backtest_options import _run
def progress(done, total):
    print(done, flush=True)
    if done == 7:
        import time
        time.sleep(60)  # killed here
_run(refit="D", resume=Path({folder!r}), progress=progress)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "run"))
    root = str(Path(ef.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "7":
                break
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "run").glob("*.npz"))) == 7
    calls: list[tuple[int, int]] = []
    result = _run(refit="D", resume=tmp_path / "run", progress=lambda *call: calls.append(call))
    assert calls[0] == (7, 40)
    _same(result, _run(refit="D"))


# --- Results ----------------------------------------------------------------------------------------


def test_a_result_is_read_back_as_it_was(tmp_path: Path) -> None:
    power = _power()
    flags = power.values.astype(int) * 0
    flags.iloc[800:810] = int(ef.Flag.CLIPPING)
    result = _run(replace(power, flags=flags), refit=10)
    again = Result.load(result.save(tmp_path))
    _same(result, again)
    assert again.provenance["versions"] == result.provenance["versions"]
    pd.testing.assert_frame_equal(again.observations.values, result.observations.values, check_freq=False)
    assert again.observations.published_after == pd.Timedelta("1h")
    pd.testing.assert_frame_equal(again.scores(by="flags"), result.scores(by="flags"))
    (tmp_path / "result" / "model001.nc").unlink()
    with pytest.raises(FileFormatError):
        Result.load(tmp_path)


def test_parquet_holds_forecasts_beside_outcomes(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    result = _run()
    table = pd.read_parquet(result.save(tmp_path, parquet=True) / "pairs.parquet")
    climatology = table[table["model"] == "Climatology"]
    error = (climatology["observed"] - climatology["q0.5"]).abs().mean()
    assert error == pytest.approx(result.scores(model="Climatology")["value"].iloc[0])


def test_scores_by_more_groups_add_up() -> None:
    power = _power()
    flags = power.values.astype(int) * 0
    flags.iloc[750:760] = int(ef.Flag.CLIPPING)
    flags.iloc[770] = int(ef.Flag.OUTAGE)
    result = _run(replace(power, flags=flags), forecasters=_named(ef.Climatology()))
    whole = result.scores().set_index("metric").loc["mae"]
    table = result.scores(by=["flags", "hour"])
    table = table[table["metric"] == "mae"]
    assert set(table["flags"]) == {"good", "clipping", "outage"}
    assert table["n"].sum() == whole["n"] == 479
    assert np.average(table["value"].fillna(0), weights=table["n"]) == pytest.approx(whole["value"])
    assert table.loc[table["flags"] == "outage", ["n", "missing"]].sum().tolist() == [0, 1]
    assert result.scores(by="season")["season"].unique().tolist() == ["DJF"]
    levels = result.scores(by="level")
    levels = levels[levels["metric"] == "pinball"]
    assert levels["level"].tolist() == [0.1, 0.5, 0.9]
    pinball = result.scores().set_index("metric").loc["pinball", "value"]
    assert levels["value"].mean() == pytest.approx(pinball)
    ages = result.scores(by="weather_age")
    assert ages["n"].eq(479).all(), "no weather is a group too"
