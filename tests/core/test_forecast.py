"""A forecast: checked at birth, read and written without loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.tasks import day_ahead
from energyforecast.errors import (
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
)
from energyforecast.testing import example_forecast
from tests.support.error_messages import three_lines

LEVELS = (0.1, 0.5, 0.9)
TASK = day_ahead("09:00", timezone="Europe/Paris", quantiles=LEVELS)
#: Local days of 24, 25 and 24 hours.
WINDOWS = TASK.windows(TASK.issue_times("2024-10-26", "2024-10-28"))
ROWS = int(WINDOWS.inside.sum())


def _rows(scale: float = 1.0) -> np.ndarray:
    return scale * (np.array([2.0, 3.0, 5.0]) + np.arange(ROWS)[:, None] / 16)


def _forecast(a: np.ndarray | None = None, b: np.ndarray | None = None, **attrs: Any) -> Forecast:
    """A plant of 60 MW and an area without capacity."""
    runs = WINDOWS.issue_time - np.timedelta64(9, "h")
    plant = SiteRows(
        _rows() if a is None else a,
        capacity=60.0,
        kind="wind",
        fallback_level=np.array([0, 1, 3]),
        weather_init_time=runs,
    )
    area = SiteRows(
        _rows(100.0) if b is None else b,
        kind="demand",
        fallback_level=np.array([0, 0, 3]),
        weather_init_time=np.array([runs[0], runs[1], np.datetime64("NaT", "ns")]),
    )
    return Forecast.from_rows(
        {"plant": plant, "area": area},
        windows=WINDOWS,
        quantile_levels=LEVELS,
        attrs={"model": "test", "perfect_weather": 0, "timezone": "Europe/Paris"} | attrs,
    )


# --- Checked at birth -----------------------------------------------------------------------------


def _with(row: int, values: tuple[float, float, float]) -> np.ndarray:
    rows = _rows()
    rows[row] = values
    return rows


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((3.0, 2.0, 5.0), "crossing"),
        ((2.0, 5.0, 4.9), "crossing"),
        ((-0.5, 2.0, 5.0), "bounds"),
        ((2.0, 3.0, 60.5), "bounds"),
        ((2.0, np.nan, 5.0), "missing"),
        ((2.0, 3.0, np.inf), "missing"),
    ],
)
def test_impossible_quantiles_are_refused_with_site_and_hour(
    values: tuple[float, float, float], said: str
) -> None:
    with pytest.raises(RangeError) as caught:
        _forecast(a=_with(24, values))
    three_lines(caught.value, "'plant'", said, "2024-10-26 22:00:00+00:00", "1 hours")


def test_the_second_site_and_an_inside_cell_of_the_long_day_are_checked_too() -> None:
    rows = _rows(100.0)
    rows[48, 0] = np.nan  # the 25th hour of the second day
    with pytest.raises(RangeError, match=r"'area'.* 2024-10-27 22:00"):
        _forecast(b=rows)


def test_bounds_touched_equal_quantiles_and_rounding_are_accepted() -> None:
    rows = _rows()
    rows[:3] = [(0.0, 0.0, 60.0), (-1e-5, 0.0, 0.0), (60.0, 60.0, 60.0 + 1e-5)]
    assert _forecast(a=rows).sites == ("plant", "area")


def test_a_site_without_capacity_has_no_bounds() -> None:
    rows = _rows()
    rows[0] = (-500.0, 0.0, 9000.0)
    assert float(_forecast(b=rows).data.sel(site="area")[0, 0, 2]) == 9000.0


def test_cells_outside_the_windows_are_nan_and_belong_to_no_check() -> None:
    forecast = _forecast()
    assert forecast.inside.sum(axis=1).tolist() == [24, 25, 24]
    assert np.isnan(forecast.data.values[:, ~forecast.inside]).all()
    assert np.isnat(forecast.data["valid_time"].values[~forecast.inside]).all()


def test_each_value_lies_at_its_own_lead() -> None:
    """Issued at 01:00, the next midnight is 24 h away on the day on which the clock is put back, else 23 h."""
    task = day_ahead("01:00", timezone="Europe/Paris", quantiles=LEVELS)
    windows = task.windows(task.issue_times("2024-10-27", "2024-10-29"))
    hours = (windows.lead_time[windows.inside] / np.timedelta64(1, "h"))[:, None]
    data = Forecast.from_rows(
        {"plant": SiteRows(hours + np.array([0.0, 1.0, 2.0]), weather_init_time=windows.issue_time)},
        windows=windows,
        quantile_levels=LEVELS,
        attrs={},
    ).data
    inside = ~np.isnat(data["valid_time"].values)
    assert inside[:, 0].tolist() == [True, False, True]
    lead = np.broadcast_to(data["lead_time"].values, inside.shape)[inside]
    np.testing.assert_array_equal(data.values[0, inside, 0], lead / np.timedelta64(1, "h"))
    later = data["valid_time"].values - data["issue_time"].values[:, None]
    np.testing.assert_array_equal(later[inside], lead)


@pytest.mark.parametrize("name", ["valid_time", "capacity", "kind", "fallback_level"])
def test_a_cube_without_its_coordinates_is_refused(name: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Forecast(_forecast().data.drop_vars(name))
    three_lines(caught.value, name)


def test_a_cube_of_another_shape_is_refused() -> None:
    with pytest.raises(SchemaError) as caught:
        Forecast(_forecast().data.transpose("issue_time", "site", ...))
    three_lines(caught.value, "issue_time", "Transpose")


# --- Reading it -----------------------------------------------------------------------------------


def test_the_frame_has_a_row_for_each_hour_inside_a_window() -> None:
    table = _forecast().to_frame()
    assert len(table) == 2 * ROWS
    assert [name for name in table if name.startswith("q")] == ["q0.1", "q0.5", "q0.9"]
    plant = table[table["site"] == "plant"]
    np.testing.assert_allclose(plant[["q0.1", "q0.5", "q0.9"]], _rows(), rtol=1e-6)
    assert (plant["valid_time"].diff().dropna() == pd.Timedelta("1h")).all()
    assert str(plant["valid_time"].iloc[0]) == "2024-10-25 22:00:00+00:00"
    np.testing.assert_array_equal(
        plant["lead_hours"], (plant["valid_time"] - plant["issue_time"]) / pd.Timedelta("1h")
    )
    assert plant.groupby("issue_time")["fallback_level"].unique().explode().tolist() == [0, 1, 3]
    assert table[table["site"] == "area"]["weather_init_time"].isna().sum() == 24


def test_a_site_and_an_issue_can_be_chosen() -> None:
    forecast = _forecast()
    long_day = forecast.issue_times[1]
    chosen = forecast.sel(site="area", issue_time=long_day)
    assert chosen.sites == ("area",)
    assert chosen.data.shape == (1, 1, 25, 3)
    np.testing.assert_allclose(chosen.data.values[0, 0], _rows(100.0)[24:49], rtol=1e-6)
    assert forecast.sel(issue_time=forecast.issue_times[0]).data.shape == (2, 1, 24, 3)
    assert forecast.sel(issue_time=str(long_day)).data.identical(forecast.sel(issue_time=long_day).data)


@pytest.mark.parametrize("choice", [{"site": "elsewhere"}, {"issue_time": "2024-10-26 09:00"}])
def test_a_site_or_an_issue_that_is_not_there_is_refused(choice: dict[str, str]) -> None:
    with pytest.raises(MissingDataError) as caught:
        _forecast().sel(**choice)
    three_lines(caught.value, *choice.values())


def test_levels_between_those_of_the_forecast_are_interpolated() -> None:
    forecast = _forecast().sel(site="plant")
    for level, value in ((0.1, 2.0), (0.5, 3.0), (0.3, 2.5), (0.7, 4.0), (0.9, 5.0)):
        assert forecast.at(level).dims == ("site", "issue_time", "lead_time")
        assert float(forecast.at(level)[0, 0, 0]) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("level", [0.05, 0.95, 0.0, 1.0, -1.0, 50.0, float("nan")])
def test_levels_beyond_those_of_the_forecast_are_refused(level: float) -> None:
    with pytest.raises(RangeError) as caught:
        _forecast().at(level)
    three_lines(caught.value, str(level), "0.1", "0.9")


def test_the_mean_is_that_of_the_curve_through_the_quantiles() -> None:
    forecast = _forecast()
    fine = np.linspace(0, 1, 100_001)
    expected = np.interp(fine, LEVELS, [2.0, 3.0, 5.0]).mean()
    assert float(forecast.mean.sel(site="plant")[0, 0]) == pytest.approx(expected, rel=1e-4)
    assert np.isnan(forecast.mean.values[:, ~forecast.inside]).all()


def test_its_repr_says_what_it_is() -> None:
    assert repr(_forecast()) == (
        "Forecast of plant, area: 3 issues, 73 hours from 2024-10-25 22:00 UTC, 3 quantiles from 0.1 to 0.9 [MW]"
    )
    assert repr(_forecast(perfect_weather=1)).endswith("perfect weather")


# --- Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("caveats", ["", "perfect weather (ERA5): not forecast skill; Überprüft in Шелек"])
def test_what_is_saved_is_loaded_back(caveats: str, tmp_path: Path) -> None:
    forecast = _forecast(caveats=caveats)
    again = Forecast.load(forecast.save(tmp_path / "forecast.nc"))
    assert again.data.identical(forecast.data)
    for name in ("issue_time", "valid_time", "lead_time", "weather_init_time", "capacity", "quantile"):
        assert again.data[name].dtype == forecast.data[name].dtype
    assert again.data.dtype == forecast.data.dtype
    assert again.caveats == forecast.caveats
    assert repr(again) == repr(forecast)
    pd.testing.assert_frame_equal(again.to_frame(), forecast.to_frame(), check_dtype=False)


def test_seconds_of_an_issue_now_are_kept(tmp_path: Path) -> None:
    windows = TASK.windows([pd.Timestamp("2024-10-26 07:03:12.345678", tz="UTC")])
    values = np.tile([2.0, 3.0, 5.0], (25, 1))
    forecast = Forecast.from_rows(
        {"plant": SiteRows(values, capacity=60.0, kind="solar", weather_init_time=windows.issue_time)},
        windows=windows,
        quantile_levels=LEVELS,
        attrs={},
    )
    again = Forecast.load(forecast.save(tmp_path / "forecast.nc"))
    for name in ("issue_time", "lead_time"):
        late = again.data[name].values - forecast.data[name].values
        assert (np.abs(late) < np.timedelta64(1, "ms")).all()


@pytest.mark.parametrize("caveats", ["", "perfect weather (ERA5): not forecast skill"])
def test_the_csv_holds_every_row_and_its_caveat(caveats: str, tmp_path: Path) -> None:
    forecast = _forecast(caveats=caveats)
    table = pd.read_csv(
        forecast.write_csv(tmp_path / "forecast.csv"), parse_dates=["issue_time", "valid_time"]
    )
    frame = forecast.to_frame()
    assert table["valid_time"].tolist() == frame["valid_time"].tolist()
    np.testing.assert_allclose(table[["q0.1", "q0.5", "q0.9"]], frame[["q0.1", "q0.5", "q0.9"]], atol=5e-5)
    assert ("caveat" in table) == bool(caveats)
    if caveats:
        assert table["caveat"].eq(caveats).all()
        assert table.columns[-1] == "caveat"


def test_the_csv_of_a_household_keeps_its_figures(tmp_path: Path) -> None:
    """500 W are 0.0005 MW, of which four decimals would leave one figure."""
    windows = TASK.windows([pd.Timestamp("2024-10-26 07:00", tz="UTC")])
    values = np.tile([0.000401, 0.000503, 0.000617], (25, 1))
    home = SiteRows(values, capacity=None, kind="demand", weather_init_time=windows.issue_time)
    forecast = Forecast.from_rows({"home": home}, windows=windows, quantile_levels=LEVELS, attrs={})
    table = pd.read_csv(forecast.write_csv(tmp_path / "home.csv"))
    np.testing.assert_allclose(table[[f"q{level:g}" for level in LEVELS]], values, rtol=1e-4)


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"CDF\x01", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_forecast_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "forecast.nc"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        Forecast.load(path)
    three_lines(caught.value, str(path))


def test_a_missing_a_truncated_and_another_netcdf_are_refused(tmp_path: Path) -> None:
    whole = example_forecast().save(tmp_path / "forecast.nc").read_bytes()
    _, weather, _ = ef.datasets.la_haute_borne()
    others = [
        ef.weather.write(weather.isel(time=slice(0, 5)), tmp_path / "weather.nc"),
        tmp_path / "nowhere.nc",
    ]
    xr.Dataset({"power": ("hour", [1.0, 2.0])}).to_netcdf(tmp_path / "power.nc", engine="scipy")
    for length in range(10, len(whole), 50):
        (tmp_path / f"{length}.nc").write_bytes(whole[:length])
        others.append(tmp_path / f"{length}.nc")
    for path in (*others, tmp_path / "power.nc"):
        with pytest.raises(FileFormatError) as caught:
            Forecast.load(path)
        assert str(path) in str(caught.value)


def test_a_saved_forecast_that_was_tampered_with_is_checked_again(tmp_path: Path) -> None:
    values = example_forecast().data.values.copy()
    values[0, 0, 5] = values[0, 0, 5, ::-1]
    path = example_forecast().save(tmp_path / "forecast.nc")
    with xr.open_dataset(path, engine="scipy", decode_timedelta=True) as stored:
        spoilt = stored.load()
    spoilt["power"] = spoilt["power"].copy(data=values)
    spoilt.to_netcdf(tmp_path / "spoilt.nc", engine="scipy")
    with pytest.raises(RangeError, match="crossing"):
        Forecast.load(tmp_path / "spoilt.nc")


# --- Figures --------------------------------------------------------------------------------------


def test_a_figure_shows_the_site_and_the_zone_that_were_asked_for() -> None:
    figure = _forecast(caveats="perfect weather (ERA5): not forecast skill").plot(
        site="area", timezone="Asia/Almaty"
    )
    text = " ".join(item.get_text() for item in figure.findobj(lambda item: hasattr(item, "get_text")))
    for word in (
        "area",
        "Asia/Almaty",
        "12:00",
        "80% interval",
        "median",
        "Power [MW]",
        "not forecast skill",
    ):
        assert word in text
