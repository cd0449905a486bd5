"""Power curves: what is refused, what is read, and what measurements and libraries give."""

from __future__ import annotations

import dataclasses
import math
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import energyforecast as ef
from energyforecast import configuration
from energyforecast.errors import (
    ConfigurationError,
    DependencyError,
    EnergyForecastError,
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    UnitsError,
)
from energyforecast.forecasting import storage
from energyforecast.testing import example_forecaster
from tests.support.error_messages import three_lines

# Jonkman et al. (2009), NREL/TP-500-38060, https://doi.org/10.2172/947422; kW as in
# https://github.com/NREL/turbine-models (126 m, hub 90 m, rated at 11.4 m/s).
NREL_5MW = {
    3: 40.5, 4: 177.7, 5: 403.9, 6: 737.6, 7: 1187.2, 8: 1771.1, 9: 2518.6, 10: 3448.41, 11: 4562.51,
    11.4: 5000.37, 12: 5000, 15: 5000, 20: 5000, 25: 5000,
}  # fmt: skip


def _nrel() -> ef.PowerCurve:
    return ef.PowerCurve(list(NREL_5MW), [kw / 1000 for kw in NREL_5MW.values()], rated=5.0)


# --- What a curve is ------------------------------------------------------------------------------


def test_the_nrel_turbine_keeps_its_published_points() -> None:
    curve = _nrel()
    got = 5000 * curve.power_at(list(NREL_5MW))
    np.testing.assert_allclose(got, list(NREL_5MW.values()))
    assert (curve.rated_speed, curve.cut_in, curve.cut_out) == (11.4, 3.0, 25.0)
    assert curve.power_at([2.9, 25.1]).tolist() == [0.0, 0.0]
    assert repr(curve) == "PowerCurve(5 MW at 11.4 m/s, 3 to 25 m/s)"


@pytest.mark.parametrize(
    ("speeds", "power", "kind", "named"),
    [
        ((3, 12, 8, 25), (0, 1, 0.5, 1), SchemaError, "from 12 to 8 m/s"),
        ((25, 12, 3), (1, 1, 0), SchemaError, "from 25 to 12 m/s"),
        ((3, 8, 8, 25), (0, 0.5, 0.5, 1), SchemaError, "from 8 to 8 m/s"),
        ((3, math.nan, 25), (0, 0.5, 1), RangeError, "nan"),
        ((3, 12, 25), (0, math.inf, 1), RangeError, "inf"),
        ((3, 12, 25), (-0.1, 0.5, 1), RangeError, "-0.1"),
        ((3, 8, 10, 12), (0, 0.6, 0.4, 1), RangeError, "from 0.6 to 0.4 at 10 m/s"),
        ((3, 8, 12), (0, 500, 2500), RangeError, "2500"),
        ((3, 8, 12), (0, 0.1, 0.3), RangeError, "0.3"),
        ((3, 8, 12), (0, 0, 0), RangeError, "0 of rated"),
        ((3, 12), (0, 1), SchemaError, "2 wind speeds"),
        ((3, 8, 12), (0, 1), SchemaError, "3 wind speeds and 2"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(
    speeds: tuple[float, ...], power: tuple[float, ...], kind: type[EnergyForecastError], named: str
) -> None:
    with pytest.raises(kind) as caught:
        ef.PowerCurve(speeds, power, name="mine")
    three_lines(caught.value, "'mine'", named)


@pytest.mark.parametrize("above", [(1, 1), (1, 0), (0, 1), (0.2, 0)])
@pytest.mark.parametrize("cut_out", [24.0, 25.0])
def test_above_a_given_cut_out_the_table_has_no_points(above: tuple[float, float], cut_out: float) -> None:
    curve = ef.PowerCurve((3, 12, 25, 28, 30), (0, 1, 1, *above), cut_out=cut_out)
    assert (curve.wind_speed, curve.power) == ((3, 12, cut_out), (0, 1, 1))
    assert curve.power_at([cut_out, cut_out + 0.01, 28, 30]).tolist() == [1, 0, 0, 0]
    assert curve.power_at([cut_out - 0.1, cut_out + 0.1], 1.4).tolist() == [1, 0]
    assert curve == ef.PowerCurve((3, 12, cut_out), (0, 1, 1)) == dataclasses.replace(curve)
    at = np.arange(0, 40, 0.25)
    np.testing.assert_array_equal(
        curve.smoothed(0.8).power_at(at),
        ef.PowerCurve((3, 12, cut_out), (0, 1, 1)).smoothed(0.8).power_at(at),
    )


def test_a_curve_made_anew_of_its_fields_is_the_same() -> None:
    curve = ef.PowerCurve((3, 12, 25, 25.5, 30), (0, 1, 1, 0, 0))
    assert curve == ef.PowerCurve(**dataclasses.asdict(curve))
    assert curve.power_at([25, 25.25, 25.5, 26]).tolist() == [1, 0.5, 0, 0]


def test_what_falls_after_rated_power_is_a_storm_control() -> None:
    curve = ef.PowerCurve((3, 12, 22, 28, 28.5), (0, 1, 1, 0.4, 0))
    assert curve.cut_out == 28.5
    assert float(curve.power_at(25.0)) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("rated", "cut_out"), [(0.0, None), (math.nan, None), (1.0, 30.0), (1.0, 2.0), (1.0, 12.0)]
)
def test_rated_power_and_cut_out_are_checked(rated: float, cut_out: float | None) -> None:
    with pytest.raises(RangeError) as caught:
        ef.PowerCurve((3, 12, 25), (0, 1, 1), rated=rated, cut_out=cut_out)
    three_lines(caught.value)


@given(st.floats(0.9, 1.4), st.floats(0, 30))
def test_thin_air_gives_no_more_power(density: float, speed: float) -> None:
    curve = _nrel()
    standard, other = float(curve.power_at(speed)), float(curve.power_at(speed, density))
    assert (other >= standard - 1e-3) if density >= 1.225 else (other <= standard + 1e-3)


def test_a_farm_curve_is_smoother_and_keeps_its_area() -> None:
    farm = _nrel().smoothed(1.2)
    grid = np.arange(0, 40, 0.01)
    assert farm.power_at(grid).sum() == pytest.approx(_nrel().power_at(grid).sum(), rel=3e-3)
    assert float(farm.power_at(11.4)) < 0.95
    assert 0 < float(farm.power_at(25.5)) < 0.5
    with pytest.raises(RangeError) as caught:
        _nrel().smoothed(0.0)
    three_lines(caught.value)


# --- Files ----------------------------------------------------------------------------------------


def _write(folder: Path, text: str) -> Path:
    file = folder / "curve.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("wind_speed [m/s],power [kW]\n3,0\n12,2500\n25,2500\n", {}),
        ("wind_speed,power\n3,0\n12,2.5\n25,2.5\n", {"unit": "MW"}),
        (
            "v;P [W]\n3,0;0\n12,0;2500000\n25,0;2500000\n",
            {"wind_speed": "v", "power": "P", "delimiter": ";", "decimal": ","},
        ),
        ("\ufeffwind_speed [m/s], power [share]\n3,0\n12,1\n25,1\n", {"rated": 2.5}),
    ],
)
def test_a_file_says_its_columns_and_units(tmp_path: Path, text: str, settings: dict[str, str]) -> None:
    curve = ef.PowerCurve.read(_write(tmp_path, text), **settings)
    assert repr(curve) == "PowerCurve('curve', 2.5 MW at 12 m/s, 3 to 25 m/s)"


@pytest.mark.parametrize(
    ("text", "settings", "kind", "named"),
    [
        ("wind_speed,power\n3,0\n12,1\n25,1\n", {}, UnitsError, "unit"),
        ("wind_speed,power [kW]\n3,0\n12,1\n25,1\n", {"unit": "MW"}, UnitsError, "'kW'"),
        ("wind_speed [km/h],power [kW]\n3,0\n12,1\n25,1\n", {}, UnitsError, "km/h"),
        ("speed,power [kW]\n3,0\n12,1\n25,1\n", {}, SchemaError, "wind_speed"),
        ("wind_speed,power [kW]\n3,none\n12,1\n25,1\n", {}, FileFormatError, "none"),
        ("wind_speed,power [kW]\n25,1\n12,1\n3,0\n", {}, SchemaError, "from 25 to 12"),
        ("", {}, MissingDataError, "curve.csv"),
    ],
)
def test_a_file_that_is_not_clear_is_refused(
    tmp_path: Path, text: str, settings: dict[str, str], kind: type[EnergyForecastError], named: str
) -> None:
    with pytest.raises(kind) as caught:
        ef.PowerCurve.read(_write(tmp_path, text), **settings)
    three_lines(caught.value, named)


def test_a_farm_keeps_its_curve_through_storage(tmp_path: Path) -> None:
    forecaster = example_forecaster()
    curve = _nrel()
    site = ef.WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2, power_curve=curve)
    forecaster.sites = (site,)
    again = storage.load(forecaster.save(tmp_path / "farm.forecaster"))
    assert again.sites == (site,)
    assert hash(again.sites[0]) == hash(site)


CONFIGURATION = """
[sites.farm]
kind = "wind"
latitude = 43.6
longitude = 78.5
capacity = 60
power_curve = "curve.csv"
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
issue = "08:00"
timezone = "Asia/Almaty"
"""


def test_a_configuration_names_a_curve_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "farm.toml"
    file.write_text(CONFIGURATION)
    with pytest.raises(ConfigurationError) as caught:
        configuration.read(file)
    three_lines(caught.value, "sites.farm", "curve.csv")
    _write(tmp_path, "wind_speed [m/s],power [kW]\n3,0\n12,2500\n25,2500\n")
    site = configuration.read(file).sites[0]
    assert isinstance(site, ef.WindFarm)
    assert site.power_curve == ef.PowerCurve((3, 12, 25), (0, 2.5, 2.5), rated=2.5, name="curve")


def test_a_farm_wants_a_curve_not_a_path() -> None:
    with pytest.raises(SchemaError) as caught:
        ef.WindFarm(name="farm", latitude=0, longitude=0, power_curve="curve.csv")  # type: ignore[arg-type]
    three_lines(caught.value, "curve.csv")


# --- Measurements ---------------------------------------------------------------------------------


def _measured(count: int = 20_000, seed: int = 5) -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=count, freq="10min", tz="UTC")
    wind = pd.Series(7.3 * rng.weibull(1.94, count), index=index)
    power = 60 * _nrel().power_at(wind) + rng.normal(0, 1.0, count)
    return pd.Series(power, index=index), wind


def _distance(curve: ef.PowerCurve) -> float:
    grid = np.arange(3.5, 15, 0.1)
    return float(np.abs(curve.power_at(grid) - _nrel().power_at(grid)).max())


def test_measurements_give_the_curve_back_in_spite_of_curtailment_and_gaps() -> None:
    power, wind = _measured()
    rng = np.random.default_rng(6)
    power[(rng.random(len(power)) < 0.2) & (wind > 6)] *= 0.3  # without a flag
    power[rng.random(len(power)) < 0.05] = np.nan
    curve = ef.PowerCurve.from_measurements(power, wind, rated=60)
    assert _distance(curve) < 0.04
    assert curve.cut_out == 25
    assert (np.diff(curve.share) >= 0).all()


def test_flagged_hours_are_left_out() -> None:
    power, wind = _measured()
    curtailed = pd.Series(np.random.default_rng(7).random(len(power)) < 0.7, index=power.index)
    held = power.mask(curtailed, power * 0.3)
    assert _distance(ef.PowerCurve.from_measurements(held, wind, rated=60, usable=~curtailed)) < 0.04
    with pytest.raises(RangeError) as caught:
        ef.PowerCurve.from_measurements(held, wind, rated=60)
    three_lines(caught.value, "measured")


@pytest.mark.parametrize("stop", [22.0, 24.0])
@pytest.mark.parametrize("gap", [0.0, 3.0])
def test_turbines_that_stop_below_the_cut_out_are_not_pooled_with_those_that_run(
    stop: float, gap: float
) -> None:
    _, wind = _measured()
    storms = np.random.default_rng(8).uniform(18.0, 25.0, 400)
    storms = storms[(storms < stop - gap) | (storms > stop)]
    wind = pd.concat([wind[wind < 18.0], pd.Series(storms)], ignore_index=True)
    curve = ef.PowerCurve.from_measurements(60 * _nrel().power_at(wind) * (wind < stop), wind, rated=60)
    running = np.arange(12.0, stop - 0.75, 0.25)
    np.testing.assert_allclose(curve.power_at(running), 1.0, atol=1e-3)
    assert curve.power_at([stop + 0.5, 24.8, 25.0, 26.0]).tolist() == [0, 0, 0, 0]
    assert stop <= curve.cut_out <= stop + 0.5


def test_series_of_different_times_are_refused() -> None:
    power, wind = _measured(1000)
    with pytest.raises(SchemaError) as caught:
        ef.PowerCurve.from_measurements(power, wind.shift(freq="1h"), rated=60)
    three_lines(caught.value, "different times")
    with pytest.raises(SchemaError):
        ef.PowerCurve.from_measurements(power, wind.to_numpy()[:-1], rated=60)


def test_too_few_measurements_are_refused() -> None:
    with pytest.raises(MissingDataError) as caught:
        ef.PowerCurve.from_measurements([1.0, math.nan, 3.0], [5.0, 6.0, 7.0], rated=60)
    three_lines(caught.value, "2 usable")


# --- Published curves -----------------------------------------------------------------------------


def test_without_windpowerlib_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "windpowerlib", None)  # as if it were not installed
    with pytest.raises(DependencyError) as caught:
        ef.PowerCurve.from_windpowerlib("N100/2500")
    three_lines(caught.value, "energyforecast[examples]")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pandas, about windpowerlib's code
def test_windpowerlib_gives_its_curves() -> None:
    theirs = pytest.importorskip("windpowerlib", reason="windpowerlib is not installed")
    curve = ef.PowerCurve.from_windpowerlib("N100/2500")
    table = theirs.WindTurbine(hub_height=100, turbine_type="N100/2500").power_curve
    np.testing.assert_allclose(2.5e6 * curve.power_at(table["wind_speed"]), table["value"])
    with pytest.raises(MissingDataError) as caught:
        ef.PowerCurve.from_windpowerlib("no such machine")
    three_lines(caught.value, "no such machine")


def test_an_unsorted_curve_of_windpowerlib_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("windpowerlib", reason="windpowerlib is not installed")

    class Shuffled(theirs.WindTurbine):  # type: ignore[misc,name-defined]
        def __init__(self, **settings: object) -> None:
            super().__init__(**settings)
            self.power_curve = self.power_curve.iloc[::-1]

    monkeypatch.setattr(theirs, "WindTurbine", Shuffled)
    with pytest.raises(SchemaError) as caught:
        ef.PowerCurve.from_windpowerlib("N100/2500")
    three_lines(caught.value, "N100/2500")


def _database() -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = Path(os.environ.get("ENERGYFORECAST_DATA", "")) / "turbine_curves"
    if not os.environ.get("ENERGYFORECAST_DATA") or not folder.is_dir():
        pytest.skip("ENERGYFORECAST_DATA is not set, or holds no turbine_curves")
    curves, turbines = (
        pd.read_csv(folder / name, index_col=0) for name in ("power_curves.csv", "turbine_data.csv")
    )
    return curves, turbines[~turbines.index.duplicated()].loc[curves.index]


def test_every_curve_of_the_open_energy_database_is_taken_and_unsorted_refused() -> None:
    curves, turbines = _database()
    for name, row in curves.iterrows():
        there = row.dropna()
        speeds, power = there.index.astype(float).to_numpy(), there.to_numpy() / 1e6
        rated = float(turbines.loc[name, "nominal_power"]) / 1e6
        np.testing.assert_allclose(ef.PowerCurve(speeds, power, rated=rated).share, power / rated)
        with pytest.raises(SchemaError):
            ef.PowerCurve(speeds[::-1], power[::-1], rated=rated)


def test_the_generic_curve_is_near_published_ones() -> None:
    """Root mean square difference up to 18 m/s over all machines of 1.5 to 4 MW in the database."""
    curves, turbines = _database()
    modern = turbines[turbines["nominal_power"].between(1.5e6, 4e6)]
    errors = {}
    for name, turbine in modern.iterrows():
        there = curves.loc[name].dropna()
        speeds, share = there.index.astype(float).to_numpy(), there.to_numpy() / turbine["nominal_power"]
        rotor = np.pi / 4 * float(turbine["rotor_diameter"]) ** 2
        generic = ef.PowerCurve.generic(specific_power=turbine["nominal_power"] / rotor)
        low = speeds <= 18
        errors[name] = float(np.sqrt(np.mean((generic.power_at(speeds) - share)[low] ** 2)))
    assert len(errors) > 40
    assert np.median(list(errors.values())) < 0.02
    assert max(errors.values()) < 0.07
