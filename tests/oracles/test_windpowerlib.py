"""Wind against windpowerlib: profiles, density, power curves and coefficients, wakes and aggregation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast import physics
from energyforecast.core import power_curve_sources
from tests.support.oracles import Pair, compared, peer

theirs = peer("windpowerlib")
density, power_curves, power_output = (
    peer(f"windpowerlib.{name}") for name in ("density", "power_curves", "power_output")
)
temperature, wake_losses, wind_speed = (
    peer(f"windpowerlib.{name}") for name in ("temperature", "wake_losses", "wind_speed")
)

EFFICIENCIES = (
    "dena_mean", "dena_extreme1", "dena_extreme2", "knorr_mean", "knorr_extreme1", "knorr_extreme2", "knorr_extreme3",
)  # fmt: skip
WINDS = np.r_[0.0, np.arange(0.05, 35.0, 0.35), np.nan]


@cache
def _machines(draws: int) -> tuple[Any, ...]:
    """Turbines of the Open Energy Database: every fifth in the suite, all in the benchmark."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' about the peer's code; turbines without a curve
        names = theirs.get_turbine_types(print_out=False)["turbine_type"].iloc[:: 1 if draws >= 100 else 5]
        return tuple(theirs.WindTurbine(hub_height=300, turbine_type=name) for name in names)


def _columns(table: Any) -> tuple[np.ndarray, np.ndarray]:
    return table["wind_speed"].to_numpy(float), table["value"].to_numpy(float)


def _curves(draws: int) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
    """Turbines whose table of power rises in wind speed, which the library asks for."""
    for machine in _machines(draws):
        if machine.power_curve is not None:
            speeds, watts = _columns(machine.power_curve)
            if (np.diff(speeds) > 0).all():
                yield machine, speeds, watts


@compared(
    "Wind at hub height, power law and logarithmic law",
    area="wind",
    ours="physics.wind_speed_power_law, wind_speed_log_law",
    theirs="hellman, logarithmic_profile",
    peer="windpowerlib",
)
def test_profiles(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        low, hub = rng.uniform(10, 120), rng.uniform(30, 250)
        rough, exponent = rng.uniform(1e-4, 2.0), rng.uniform(-0.1, 0.5)
        yield (
            physics.wind_speed_power_law(WINDS, height=low, hub_height=hub, exponent=exponent),
            wind_speed.hellman(WINDS, low, hub, hellman_exponent=exponent),
        )
        yield (
            physics.wind_speed_log_law(WINDS, height=low, hub_height=hub, roughness_length=rough),
            wind_speed.logarithmic_profile(WINDS, low, hub, rough),
        )


@compared(
    "Temperature at hub height",
    area="wind",
    ours="physics.temp_air_at_height",
    theirs="temperature.linear_gradient",
    peer="windpowerlib",
)
def test_temperature(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        warmth, low, hub = np.r_[rng.uniform(-60, 50, 20), np.nan], rng.uniform(0, 50), rng.uniform(10, 250)
        found = physics.temp_air_at_height(warmth, hub_height=hub, height=low)
        yield found + 273.15, temperature.linear_gradient(warmth + 273.15, low, hub)


@compared(
    "Density at hub height from the pressure there",
    area="wind",
    ours="physics.air_density_at_height",
    theirs="density.ideal_gas",
    peer="windpowerlib",
    tolerance=4e-5,
    convention="The gas constant of dry air is 287.05 J/(kg K) here, 287.058 there.",
)
def test_density_of_the_pressure_at_the_hub(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        warmth, pressure, hub = rng.uniform(-60, 50, 20), rng.uniform(50e3, 108e3, 20), rng.uniform(10, 250)
        found = physics.air_density_at_height(warmth, pressure, hub_height=hub, pressure_height=hub)
        there = temperature.linear_gradient(warmth + 273.15, 2.0, hub)
        yield found, density.ideal_gas(pressure, hub, hub, there)


@compared(
    "Density at hub height from the pressure at the surface",
    area="wind",
    ours="physics.air_density_at_height",
    theirs="density.barometric, density.ideal_gas",
    peer="windpowerlib",
    tolerance=5e-3,
    convention="The barometric formula here, 1 hPa per 8 m there: compared from -10 to 30 °C and 95 to 105 kPa. "
    "At 500 hPa they differ by up to 4 %, where 1 hPa per 8 m is no longer the weight of the air.",
)
def test_density_of_the_pressure_at_the_surface(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        warmth, pressure, hub = rng.uniform(-10, 30, 20), rng.uniform(95e3, 105e3, 20), rng.uniform(10, 250)
        found = physics.air_density_at_height(warmth, pressure, hub_height=hub)
        there = temperature.linear_gradient(warmth + 273.15, 2.0, hub)
        for model in (density.barometric, density.ideal_gas):
            yield found, model(pressure, 0.0, hub, there)


@compared(
    "Power of published curves",
    area="wind",
    ours="PowerCurve.from_windpowerlib, power_at",
    theirs="power_output.power_curve",
    peer="windpowerlib",
    convention="Tables whose wind speeds do not rise are refused here.",
)
def test_power_curves(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for machine, speeds, watts in _curves(draws):
        curve = ef.PowerCurve(speeds, watts / 1e6, rated=machine.nominal_power / 1e6)
        wind = np.r_[WINDS[:-1], speeds, rng.uniform(0, 35, draws)]
        found = curve.power_at(wind) * curve.rated
        yield found, power_output.power_curve(wind, speeds, watts) / 1e6


@compared(
    "Power corrected for the density",
    area="wind",
    ours="physics.curve_power(density=...)",
    theirs="power_output.power_curve_density_correction",
    peer="windpowerlib",
    tolerance=1e-12,
    convention="The exponent is 1/3 at every wind speed here (IEC 61400-12-1); there it grows from 1/3 at 7.5 m/s to "
    "2/3 at 12.5 m/s (Svenningsen 2010): compared on curves up to 7.5 m/s.",
)
def test_density_correction(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        speeds = np.sort(rng.uniform(2.0, 7.5, 12))
        power, air = np.sort(rng.uniform(0, 1, 12)), rng.uniform(0.9, 1.4, 30)
        # Below the first and up to the last point after the correction; at the cut-out the two differ by choice.
        wind = rng.uniform(0.0, 0.95, 30) * speeds[-1] * np.minimum((1.225 / air) ** (1 / 3), 1.0)
        yield (
            physics.curve_power(wind, speeds, power, density=air),
            power_output.power_curve_density_correction(wind, speeds, power, air),
        )


@compared(
    "Power of curves of power coefficients",
    area="wind",
    ours="physics.power_from_coefficient",
    theirs="power_output.power_coefficient_curve",
    peer="windpowerlib",
    convention="Without rated power, which limits it here alone.",
)
def test_power_coefficients(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for machine in _machines(draws):
        if machine.power_coefficient_curve is None:
            continue
        speeds, coefficient = _columns(machine.power_coefficient_curve)
        wind = np.r_[WINDS, speeds, rng.uniform(0, 35, draws)]
        air = rng.uniform(0.9, 1.4, wind.shape)
        rotor = machine.rotor_diameter
        found = physics.power_from_coefficient(wind, speeds, coefficient, rotor_diameter=rotor, density=air)
        yield found, power_output.power_coefficient_curve(wind, speeds, coefficient, rotor, air) / 1e6


@compared(
    "Wind behind wakes, seven efficiency curves",
    area="wind",
    ours="physics.wake_wind_speed",
    theirs="wake_losses.reduce_wind_speed",
    peer="windpowerlib",
)
def test_wake_curves(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    wind = np.r_[WINDS, rng.uniform(0, 35, draws)]
    for name in EFFICIENCIES:
        points = power_curve_sources.efficiency_points(name, of="wind_speed")
        yield physics.wake_wind_speed(wind, *points), wake_losses.reduce_wind_speed(wind, name)


@compared(
    "Power of a farm behind wakes, at the points of its curve",
    area="wind",
    ours="PowerCurve.with_wakes",
    theirs="wake_losses.reduce_wind_speed, power_curves.wake_losses_to_power_curve",
    peer="windpowerlib",
    tolerance=1e-4,
    convention="With points every 0.1 m/s here. Turbines stop by the free wind here, by the reduced wind there: "
    "compared below the cut-out.",
)
def test_farm_curves_with_wakes(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    machine, speeds, watts = next(_curves(draws))
    curve = ef.PowerCurve(speeds, watts / 1e6, rated=machine.nominal_power / 1e6)
    wind = rng.uniform(0.0, 24.0, draws)
    for name in EFFICIENCIES:
        expected = power_output.power_curve(wake_losses.reduce_wind_speed(wind, name), speeds, watts) / 1e6
        yield curve.with_wakes(name).power_at(wind), expected / curve.rated
    pairs = np.array([(3.0, 0.8), (10.0, 0.9), (15.0, 0.99)])
    table = pd.DataFrame(pairs, columns=["wind_speed", "efficiency"])
    lossy = power_curves.wake_losses_to_power_curve(speeds, watts, wind_farm_efficiency=table)
    inner = np.unique(lossy["wind_speed"])[:-1]
    expected = np.interp(inner, lossy["wind_speed"], lossy["value"]) / 1e6
    yield curve.with_wakes(pairs, of="power").power_at(inner), expected / curve.rated


@compared(
    "Farms of several turbine types: capacity, mean hub height, sum of curves",
    area="wind",
    ours="WindFarm(turbine_groups=...)",
    theirs="WindFarm.mean_hub_height, assign_power_curve; WindTurbineCluster.mean_hub_height",
    peer="windpowerlib",
    tolerance=1e-9,
    convention="Each group has the wind of its own height here, the farm that of its mean height there: compared at "
    "one wind, below the cut-outs.",
    suite=8,
    benchmark=100,
)
def test_farms_of_several_types(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    known = [machine for machine, _, _ in _curves(draws) if machine.power_curve["wind_speed"].max() >= 20]
    for _ in range(draws):
        chosen = rng.choice(len(known), size=rng.integers(1, 4), replace=False)
        counts, heights = rng.integers(1, 30, len(chosen)), rng.uniform(60, 160, len(chosen))
        fleet, groups = [], []
        for k, count, height in zip(chosen, counts, heights, strict=True):
            table, watts = known[k].power_curve, known[k].nominal_power
            turbine = theirs.WindTurbine(hub_height=height, power_curve=table, nominal_power=watts)
            fleet.append({"wind_turbine": turbine, "number_of_turbines": int(count)})
            speeds, values = _columns(table)
            curve = ef.PowerCurve(speeds, values / 1e6, rated=watts / 1e6)
            capacity = float(count * watts / 1e6)
            groups.append(ef.TurbineGroup(capacity=capacity, hub_height=float(height), power_curve=curve))
        farm = ef.WindFarm(name="farm", latitude=50, longitude=8, turbine_groups=groups)
        other = theirs.WindFarm(wind_turbine_fleet=fleet)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The inplace keyword", category=DeprecationWarning)
            other.mean_hub_height().assign_power_curve(wake_losses_model=None)
        cluster = theirs.WindTurbineCluster([other]).mean_hub_height()
        yield [farm.capacity, farm.hub_height], [other.nominal_power / 1e6, other.hub_height]
        yield [farm.hub_height], [cluster.hub_height]
        wind = rng.uniform(5.0, 19.5, 40)
        shares = farm.group_shares(np.datetime64("2024-01-01", "ns"))
        power = sum(
            share * group.power_curve.power_at(wind)
            for share, group in zip(shares, farm.groups(), strict=True)
        )
        yield farm.capacity * power, np.interp(wind, *_columns(other.power_curve)) / 1e6


@compared(
    "Power curve smoothed by a normal distribution of the wind",
    area="wind",
    ours="physics.smoothed_curve_power",
    theirs="power_curves.smooth_power_curve",
    peer="windpowerlib",
    tolerance=3e-4,
    convention="The integral is exact here, a sum of blocks there, whose range ends differently in storms: compared "
    "from 2 to 15 m/s.",
    suite=1,
    benchmark=20,
)
def test_smoothing(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    grid = np.arange(0.0, 26.0, 0.5)
    for _ in range(draws):
        rated, turbulence = rng.uniform(10, 13), rng.uniform(0.08, 0.2)
        power = np.clip((grid - 3.0) / (rated - 3.0), 0, 1)
        table = power_curves.smooth_power_curve(
            pd.Series(grid), pd.Series(power), block_width=0.05, turbulence_intensity=turbulence
        )
        chosen = table[(table["wind_speed"] > 2) & (table["wind_speed"] < 15)]
        wind = chosen["wind_speed"].to_numpy()
        found = physics.smoothed_curve_power(wind, grid, power, deviation=turbulence * wind)
        yield found, chosen["value"].to_numpy()
