"""Day-ahead forecasts of roofs with two orientations and snow, by what the forecaster is told of them.

Synthetic roofs at 60 to 63° N with known truth: clouds, temperature and precipitation of two years, hourly runs
of a weather model that errs in all of them, and power by pvlib's functions with other models and constants than
those of the library (sky of Perez, cells of PVsyst, snow that slides later). The default model learns the roof as one
orientation, as its two arrays, and as its arrays with snow: on a year, of which it forecasts each day of the next, and
on its first 60 days (July and August), for the 60 days after them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pvlib
import xarray as xr
from scipy import signal, special

import energyforecast as ef
from energyforecast import physics

HOUR, HALF = np.timedelta64(1, "h"), np.timedelta64(30, "m")
START, DAYS, LEADS = np.datetime64("2022-07-01", "ns"), 730, 52
#: Share of hours that are cloudier, and the clear-sky index there.
CLOUDIER, CLEARNESS = (0.0, 0.2, 0.5, 0.75, 1.0), (0.1, 0.25, 0.6, 0.95, 1.03)
Roof: TypeAlias = tuple[float, float, float, tuple[tuple[float, float, float], ...]]
#: Latitude, longitude, and of each array the azimuth and the rated power [kW] on an inverter of its own [kW].
ROOFS = {
    "Oslo": (59.9, 10.8, 25.0, ((90.0, 60.0, 45.0), (270.0, 60.0, 45.0))),
    "Hamar": (60.8, 11.1, 32.0, ((135.0, 80.0, 60.0), (315.0, 30.0, 25.0))),
    "Trondheim": (63.4, 10.4, 40.0, ((70.0, 40.0, 30.0), (250.0, 70.0, 50.0))),
}


def _walk(rng: np.random.Generator, shape: tuple[int, ...], memory: float) -> np.ndarray:
    """Gaussian series of variance 1 along the last axis, that forget within so many hours."""
    keep = np.exp(-1.0 / memory)
    noise = rng.normal(size=shape) * np.sqrt(1.0 - keep**2)
    noise[..., 0] = rng.normal(size=shape[:-1])
    return np.asarray(signal.lfilter([1.0], [1.0, -keep], noise, axis=-1))


def _sky(clouds: np.ndarray, wet: np.ndarray, clear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Global irradiance, and precipitation under the thickest clouds. [W m⁻², mm/h]"""
    ghi = clear * np.interp(special.ndtr(-clouds), CLOUDIER, CLEARNESS)
    return ghi, np.where(clouds > 1.1, 0.7 * np.exp(0.8 * wet) * (clouds - 0.8), 0.0)


def roof(
    name: str, seed: int, *, described: Roof | None = None
) -> tuple[ef.PVPlant, xr.Dataset, ef.Observations]:
    """A roof as it is, with its runs of weather and its metered power; one of ROOFS unless it is described."""
    rng = np.random.default_rng(seed)
    latitude, longitude, tilt, sides = described or ROOFS[name]
    arrays = [
        ef.PVArray(dc_capacity=dc / 1000, surface_azimuth=side, inverter=f"{side:g}") for side, dc, _ in sides
    ]
    plant = ef.PVPlant(
        name=name,
        latitude=latitude,
        longitude=longitude,
        capacity=sum(ac for _, _, ac in sides) / 1000,
        timezone="Europe/Oslo",
        surface_tilt=tilt,
        temperature_model="sapm_close_mount",
        arrays=arrays,
        inverters={f"{side:g}": ac / 1000 for side, _, ac in sides},
        snow=True,
    )
    hours = 24 * DAYS + LEADS
    time = START + np.arange(hours) * HOUR
    sun = physics.solar_position(time + HALF, latitude, longitude)
    clear = physics.clear_sky(sun).ghi
    clouds, wet = _walk(rng, (hours,), 18.0), _walk(rng, (hours,), 6.0)
    season = np.cos((time - np.datetime64("2022-07-20")) / HOUR / 8766.0 * 2 * np.pi)
    usual = 5.0 + 11.0 * season + 2.5 * season * np.cos((np.arange(hours) % 24 - 14) / 24 * 2 * np.pi)
    temp = usual + 4.0 * _walk(rng, (hours,), 70.0)
    ghi, rain = _sky(clouds, wet, clear)
    power = _truth(plant, sun, pd.DataFrame({"ghi": ghi, "temp": temp, "rain": rain}, pd.DatetimeIndex(time)))
    metered = power * (1.0 + 0.01 * rng.normal(size=hours))
    index = pd.DatetimeIndex(time, tz="UTC")
    observations = ef.Observations(pd.DataFrame({name: metered}, index=index), published_after="1h")
    place = np.arange(0, 24 * DAYS, 24)[:, None] + np.arange(LEADS)
    agreement = np.interp(np.arange(LEADS), (0, 52), (0.93, 0.80))
    predicted = (
        agreement * clouds[place] + np.sqrt(1 - agreement**2) * _walk(rng, place.shape, 6.0),
        0.7 * wet[place] + 0.7 * _walk(rng, place.shape, 6.0),
    )
    sky = _sky(*predicted, clear[place])
    values = {
        "ghi": sky[0],
        "precipitation": sky[1],
        "temp_air": temp[place] + 1.2 * _walk(rng, place.shape, 12.0),
        "wind_speed_10m": np.full(place.shape, 2.0),
    }
    dims = ("site", "init_time", "lead_time")
    first = START + np.arange(DAYS) * 24 * HOUR
    weather = xr.Dataset(
        {key: (dims, value[None].astype("float32")) for key, value in values.items()},
        coords={
            "site": [name],
            "init_time": first,
            "lead_time": (np.arange(LEADS) * HOUR).astype("timedelta64[ns]"),
            "available_time": ("init_time", first + 6 * HOUR),
        },
    )
    return plant, weather, observations


def _truth(plant: ef.PVPlant, sun: physics.SolarPosition, sky: pd.DataFrame) -> np.ndarray:
    """Power by pvlib's functions, each inverter within its own capacity. [MW]"""
    parts = pvlib.irradiance.erbs(sky["ghi"], np.minimum(sun.zenith, 89.9), sky.index)
    fall = sky["rain"].where(sky["temp"] <= 0.5, 0.0) * 1.2  # lighter than the usual snow
    fall.index = fall.index.where(np.arange(len(fall)) > 0, fall.index[0] - HALF)
    total = np.zeros(len(sky))
    for array in plant.arrays:
        light = pvlib.irradiance.get_total_irradiance(
            plant.surface_tilt,
            array.surface_azimuth,
            sun.apparent_zenith,
            sun.azimuth,
            parts["dni"].to_numpy(),
            sky["ghi"].to_numpy(),
            parts["dhi"].to_numpy(),
            dni_extra=sun.dni_extra,
            model="perez",
            albedo=0.25,
        )["poa_global"]
        plane = pd.Series(np.nan_to_num(light), index=fall.index)
        covered = pvlib.snow.coverage_nrel(
            fall,
            plane,
            sky["temp"].set_axis(fall.index),
            plant.surface_tilt,
            threshold_snowfall=0.8,
            can_slide_coefficient=-60.0,
            slide_amount_coefficient=0.12,
        )
        free = 1.0 - pvlib.snow.dc_loss_nrel(covered, 2).to_numpy()
        used = 0.97 * plane.to_numpy() * free
        cell = pvlib.temperature.pvsyst_cell(used, sky["temp"].to_numpy(), 2.0, u_c=20.0, u_v=0.0)
        dc = pvlib.pvsystem.pvwatts_dc(used, cell, array.dc_capacity * 0.9, -0.0037)
        rated = plant.inverters[str(array.inverter)]
        total += pvlib.inverter.pvwatts(dc, rated / 0.97, eta_inv_nom=0.97)
    return total


def descriptions(plant: ef.PVPlant) -> dict[str, ef.PVPlant]:
    """The roof by what a forecaster may be told."""
    arrays = replace(plant, snow=False)
    rated = sum(array.dc_capacity for array in plant.arrays)
    one = replace(arrays, arrays=(), inverters={}, dc_capacity=rated)
    return {"one orientation": one, "its arrays": arrays, "its arrays and snow": plant}


def scores(
    plant: ef.PVPlant, weather: xr.Dataset, power: ef.Observations, *, learnt: int, until: int
) -> dict[str, dict[str, float]]:
    """Mean pinball loss of the days after those learnt, and of their winter, by description. [% of capacity]"""
    task = ef.day_ahead("09:00", timezone="Europe/Oslo")
    first = pd.Timestamp(START) + pd.Timedelta(learnt, "D")
    last = pd.Timestamp(START) + pd.Timedelta(until, "D")
    issued = [f"{day:%Y-%m-%d} 09:00" for day in pd.date_range(first + pd.Timedelta("1D"), last)]
    found = {}
    for told, site in descriptions(plant).items():
        known = ef.weather.module_losses(weather, site) if site.snow else weather
        forecaster = ef.Forecaster(site, task).fit(known, power, as_of=f"{first:%Y-%m-%d}")
        data = forecaster.predict(known, power, issue_time=issued).data
        levels = data["quantile"].to_numpy()
        cube = data.transpose(..., "quantile").to_numpy().reshape(-1, len(levels))
        valid = data["valid_time"].to_numpy().reshape(-1)
        inside = np.isfinite(cube).all(axis=1)
        y = power.values[site.name].reindex(pd.DatetimeIndex(valid[inside], tz="UTC")).to_numpy()[:, None]
        error = y - cube[inside]
        loss = 100 * np.maximum(levels * error, (levels - 1) * error).mean(axis=1) / site.capacity
        winter = np.isin(pd.DatetimeIndex(valid[inside]).month, (11, 12, 1, 2, 3))
        found[told] = {"loss": float(loss.mean()), "n": int(inside.sum())}
        if winter.any():
            found[told] |= {"winter": float(loss[winter].mean()), "n_winter": int(winter.sum())}
    return found


def measure(names: list[str]) -> dict[str, Any]:
    """Scores of each roof, and their means."""
    made = {name: roof(name, seed) for seed, name in enumerate(ROOFS) if name in names}
    periods = {"after a year": (366, 725), "after 60 days": (60, 120)}
    result: dict[str, Any] = {"unit": "pinball loss over 99 levels and all hours, % of capacity"}
    for period, (learnt, until) in periods.items():
        by_roof = {name: scores(*one, learnt=learnt, until=until) for name, one in made.items()}
        told = next(iter(by_roof.values()))
        mean = {
            key: {
                part: float(np.mean([one[key][part] for one in by_roof.values()]))
                for part in told[key]
                if not part.startswith("n")
            }
            for key in told
        }
        result[period] = by_roof | {"mean": mean}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--roofs", nargs="+", choices=ROOFS, default=list(ROOFS), help="roofs (all)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    text = json.dumps(measure(options.roofs), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
