"""Sums and means over windows longer than the rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import physics
from energyforecast.errors import EnergyForecastError, TimeError, UnitsError
from energyforecast.weather import Label, read_table

PLANT = ef.PVPlant(name="pv", latitude=52.0, longitude=10.4, capacity=1.0)
START = "2023-01-02"
COLUMNS = {"rad": "ghi", "temp": "temp_air", "rain": "precipitation"}
UNITS = {"ghi": "J/m2", "temp_air": "°C", "precipitation": "mm/h"}
QUARTER = np.timedelta64(15, "m")


def _minutes(count: int) -> pd.Series:
    """Clear sky in the middle of each minute, stamped at its beginning. [W m-2]"""
    index = pd.date_range(START, periods=count, freq="1min")
    sun = physics.solar_position(index.to_numpy("M8[ns]") + np.timedelta64(30, "s"), 52.0, 10.4)
    return pd.Series(physics.clear_sky(sun).ghi, index=index)


SKY = _minutes(8 * 1440)


def _table(kind: str, days: int = 7) -> pd.DataFrame:
    """Rows of quarter-hours with the energy of an hour: the last one, moving, or repeated on each of its quarters."""
    stamps = pd.date_range(START, periods=96 * days, freq="15min")
    if kind == "moving":
        energy = SKY.rolling(60).sum().shift(1).reindex(stamps)
    else:
        energy = SKY.resample("1h").sum().reindex(stamps, method="ffill")
    table = pd.DataFrame({"t": stamps, "rad": energy.to_numpy() * 60, "temp": np.arange(len(stamps)) / 100.0})
    return table.assign(rain=0.5)


def _read(table: pd.DataFrame, *names: str, label: Label = Label.MEAN_ENDING, **changed: Any) -> xr.Dataset:
    labels = {"ghi": label, "temp_air": Label.INSTANT, "precipitation": Label.MEAN_BEGINNING}
    form = {"columns": {name: COLUMNS[name] for name in names}, "timezone": "UTC", "time": "t"}
    form |= changed.pop("form", {})
    settings = {"available_after": "2h"} | changed
    return read_table(
        table, sites=PLANT, format=ef.TableFormat(**form), units=UNITS, label=labels, **settings
    )


@pytest.mark.parametrize(
    ("kind", "label"), [("moving", Label.MEAN_ENDING), ("repeated", Label.MEAN_BEGINNING)]
)
def test_sums_of_an_hour_on_quarter_hours_are_refused_and_right_by_the_remedy(
    kind: str, label: Label
) -> None:
    table = _table(kind)
    with pytest.raises(UnitsError, match=r"accumulated_over='1h'"):
        _read(table, "rad", label=label)
    weather = _read(table, "rad", label=label, accumulated_over="1h")
    found = weather["ghi"].sel(site="pv").to_series().dropna()
    assert (np.diff(found.index) == np.timedelta64(1, "h")).all()
    assert len(found) >= 166
    np.testing.assert_allclose(found, SKY.resample("1h").mean().reindex(found.index), atol=0.1)


def test_next_to_instants_of_quarter_hours_the_energy_of_the_hour_is_kept() -> None:
    table = _table("moving")
    weather = _read(table, "rad", "temp", "rain", accumulated_over={"ghi": "1h"})
    found = weather["ghi"].sel(site="pv").to_series().dropna()
    assert len(found) == 4 * (7 * 24 - 1)
    np.testing.assert_allclose(found, SKY.resample("15min").mean().reindex(found.index), atol=2.0)
    hours = found.resample("1h").mean()
    np.testing.assert_allclose(hours, SKY.resample("1h").mean().reindex(hours.index), atol=0.1)
    np.testing.assert_allclose(
        weather["temp_air"].sel(site="pv", time=table["t"].to_numpy()), table["temp"], atol=1e-5
    )
    assert float(weather["precipitation"].max()) == pytest.approx(0.5)
    ready = (weather["available_time"] - weather["time"]).sel(time=f"{START}T10:00").values
    assert ready == np.timedelta64(3, "h")  # after the hour of which the quarter is made


def test_sums_of_runs() -> None:
    table = _table("moving", days=2)
    table["lead"] = (table["t"] - table["t"].iloc[0]) / pd.Timedelta("1h")
    runs = pd.concat([table.assign(run=START), table.assign(run="2023-01-03", rad=table["rad"] / 2)])
    form = {"init_time": "run", "lead_time": "lead", "time": None}
    weather = _read(runs, "rad", "temp", accumulated_over="1h", form=form)
    quarters = SKY.resample("15min").mean()[: 47 * 4].to_numpy()
    np.testing.assert_allclose(
        weather["ghi"].transpose("site", "init_time", ...)[0, 0, : 47 * 4], quarters, atol=2.0
    )
    assert weather.sizes["lead_time"] == 192
    assert (weather["available_time"] - weather["init_time"] == np.timedelta64(2, "h")).all()


def test_rows_published_one_by_one_make_a_quarter_available_with_its_hour() -> None:
    table = _table("moving").assign(published=lambda rows: rows["t"] + pd.Timedelta("10min"))
    form = {"published_time": "published"}
    weather = _read(table, "rad", "temp", accumulated_over="1h", form=form, available_after=None)
    ready = weather["available_time"].sel(time=[f"{START}T10:00", f"{START}T10:45"]).values
    assert (ready == np.datetime64(f"{START}T11:10")).all()


@pytest.mark.parametrize("given", ["40min", {"temp_air": "1h"}, {"dni": "1h"}, "20min", "often"])
def test_windows_that_cannot_be_are_refused(given: Any) -> None:
    with pytest.raises(EnergyForecastError) as refusal:
        _read(_table("moving"), "rad", "temp", accumulated_over=given)
    assert len(str(refusal.value).splitlines()) == 3


def test_a_window_of_one_step_changes_nothing() -> None:
    table = _table("moving").assign(rad=lambda rows: rows["rad"] / 4)
    xr.testing.assert_identical(_read(table, "rad", accumulated_over="15min"), _read(table, "rad"))


def test_energy_of_each_quarter_is_not_refused() -> None:
    """Right tables, of clear and of dark days, pass without the argument."""
    quarters = SKY.resample("15min").sum() * 60
    for clearness in (0.05, 0.4, 1.0):
        table = pd.DataFrame({"t": quarters.index, "rad": clearness * quarters.to_numpy()})
        weather = _read(table, "rad", label=Label.MEAN_BEGINNING)
        assert float(weather["ghi"].max()) == pytest.approx(clearness * quarters.max() / 900, rel=1e-4)
    with pytest.raises(TimeError):
        _read(table.iloc[:40], "rad", accumulated_over="50min")
