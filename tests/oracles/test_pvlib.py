"""Power of PV plants with several arrays against PVSystem and ModelChain of pvlib, over years of hours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast import physics
from tests.support.oracles import Pair, compared, peer

pvlib = peer("pvlib")
PVSYST = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["pvsyst"]["semi_integrated"]
CLOSE = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["close_mount_glass_glass"]
FAIMAN = {"u0": 25.0, "u1": 6.84}
#: An array by us and the mount of pvlib; all feed one inverter that clips.
ARRAYS: list[tuple[dict[str, Any], Any]] = [
    (
        {"surface_tilt": 18.0, "surface_azimuth": 80.0},
        pvlib.pvsystem.FixedMount(18.0, 80.0),
    ),
    (
        {"surface_tilt": 25.0, "surface_azimuth": 260.0},
        pvlib.pvsystem.FixedMount(25.0, 260.0),
    ),
    (
        {
            "mounting": "single_axis",
            "axis_azimuth": 170.0,
            "axis_tilt": 7.0,
            "cross_axis_tilt": 4.0,
            "gcr": 0.45,
            "max_angle": 50.0,
        },
        pvlib.pvsystem.SingleAxisTrackerMount(7.0, 170.0, 50.0, True, 0.45, 4.0),
    ),
    (
        {"mounting": "single_axis", "backtracking": False, "max_angle": 60.0},
        pvlib.pvsystem.SingleAxisTrackerMount(0.0, 180.0, 60.0, False, 0.4, 0.0),
    ),
]


def _year(rng: np.random.Generator) -> tuple[float, physics.SolarPosition, pd.DataFrame]:
    """A place of either hemisphere, its sun, and 8760 hours of weather."""
    latitude = float(rng.uniform(-60.0, 66.0))
    index = pd.date_range("2023-01-01 00:30", periods=8760, freq="h", tz="UTC")
    instants = index.tz_localize(None).to_numpy().astype("datetime64[ns]")
    position = physics.solar_position(instants, latitude, float(rng.uniform(-180.0, 180.0)))
    ghi = physics.clear_sky(position).ghi * rng.beta(2.0, 0.9, 8760)
    columns = physics.decompose(ghi, position)._asdict()
    columns |= {"temp_air": rng.normal(10.0, 10.0, 8760), "wind_speed": rng.gamma(2.0, 2.0, 8760)}
    return latitude, position, pd.DataFrame(columns, index=index)


def _by_pvlib(
    position: physics.SolarPosition, weather: pd.DataFrame, sky: str, constants: dict[str, Any]
) -> np.ndarray:
    """AC power of the arrays on one inverter, by the methods of PVSystem and by ModelChain."""
    index = weather.index
    zenith, azimuth = (pd.Series(x, index=index) for x in (position.apparent_zenith, position.azimuth))
    arrays = [
        pvlib.pvsystem.Array(
            mount,
            albedo=0.2,
            module_parameters={"pdc0": 0.4 * 0.9, "gamma_pdc": -0.0035},
            temperature_model_parameters=constants,
        )
        for _, mount in ARRAYS
    ]
    inverter = {"pdc0": 1 / 0.98, "eta_inv_nom": 0.98}
    system = pvlib.pvsystem.PVSystem(arrays, inverter_parameters=inverter)
    given = {"dni_extra": position.dni_extra, "airmass": pvlib.atmosphere.get_relative_airmass(zenith)}
    light = []
    for array in arrays:
        facing = array.mount.get_orientation(zenith, azimuth)
        if np.ndim(facing["surface_tilt"]):
            facing = {name: np.nan_to_num(facing[name]) for name in ("surface_tilt", "surface_azimuth")}
        tilt, towards = facing["surface_tilt"], facing["surface_azimuth"]
        parts = pvlib.irradiance.get_total_irradiance(
            tilt, towards, zenith, azimuth, weather["dni"], weather["ghi"], weather["dhi"],
            albedo=0.2, model=sky, **given,
        )  # fmt: skip
        diffuse = pvlib.irradiance.get_sky_diffuse(
            tilt, towards, zenith, azimuth, weather["dni"], weather["ghi"], weather["dhi"],
            model=sky, return_components=True, **given,
        )  # fmt: skip
        circumsolar = np.asarray(diffuse["poa_circumsolar"])
        aoi = pvlib.irradiance.aoi(tilt, towards, zenith, azimuth)
        through = pvlib.iam.martin_ruiz_diffuse(tilt)
        effective = (
            (parts["poa_direct"] + circumsolar) * pvlib.iam.physical(aoi)
            + (parts["poa_sky_diffuse"] - circumsolar) * through["sky"]
            + parts["poa_ground_diffuse"] * through["ground"]
        )
        light.append(
            weather[["temp_air", "wind_speed"]].assign(
                effective_irradiance=effective, poa_global=parts["poa_global"]
            )
        )
    chain = pvlib.modelchain.ModelChain(
        system,
        pvlib.location.Location(0.0, 0.0),
        dc_model="pvwatts",
        ac_model="pvwatts",
        aoi_model="no_loss",
        spectral_model="no_loss",
        losses_model="no_loss",
    )
    return np.asarray(chain.run_model_from_effective_irradiance(light).results.ac)


@compared(
    "PV power of four arrays on one inverter",
    area="solar",
    ours="PVPlant.power",
    theirs="ModelChain, PVSystem with four arrays",
    peer="pvlib",
    tolerance=1e-9,
    convention="Glass reflects direct and circumsolar light by its angle, and diffuse light by Martin and Ruiz, with "
    "functions of pvlib; its ModelChain reflects direct light alone. Hours of daylight: in twilight pvlib's Perez "
    "model has no light of the sky.",
    suite=2,
    benchmark=40,
)
def test_power_of_several_arrays(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    models: Any = (("sapm_close_mount", CLOSE), ("pvsyst_semi_integrated", PVSYST), ("faiman", FAIMAN))
    for draw in range(draws):
        latitude, position, weather = _year(rng)
        sky: Any = ("haydavies", "perez", "perez-driesse")[draw % 3]
        name, constants = models[(draw + 1) % 3]
        plant = ef.PVPlant(
            name="pv",
            latitude=latitude,
            longitude=0.0,
            capacity=100.0,
            arrays=[ef.PVArray(dc_capacity=40.0, **given) for given, _ in ARRAYS],
            transposition=sky,
            temperature_model=name,
        )
        light = physics.Irradiance(*(weather[part].to_numpy() for part in physics.Irradiance._fields))
        temp, wind = weather["temp_air"].to_numpy(), weather["wind_speed"].to_numpy()
        ours = plant.power(light, position, temp_air=temp, wind_speed=wind)
        up = position.apparent_zenith < 90.0
        yield ours[up], _by_pvlib(position, weather, sky, constants)[up]


@compared(
    "Light that passes the rows before",
    area="solar",
    ours="physics.row_shading",
    theirs="bifacial.infinite_sheds.get_irradiance_poa",
    peer="pvlib",
    tolerance=1e-9,
    convention="Shadows of the rows on the ground, which infinite_sheds has in addition, are left out: up to 0.5 % of "
    "a year's light.",
    suite=3,
    benchmark=40,
)
def test_row_shading(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        latitude, position, weather = _year(rng)
        tilt, gcr = float(rng.uniform(5.0, 50.0)), float(rng.uniform(0.2, 0.9))
        azimuth = (180.0 if latitude > 0 else 0.0) + float(rng.uniform(-60.0, 60.0))
        ours = physics.row_shading(position, surface_tilt=tilt, surface_azimuth=azimuth % 360, gcr=gcr)
        theirs = pvlib.bifacial.infinite_sheds.get_irradiance_poa(
            tilt, azimuth % 360, position.apparent_zenith, position.azimuth, gcr, 1.0, 2.0,
            *(weather[part].to_numpy() for part in ("ghi", "dhi", "dni")), 0.2,
        )  # fmt: skip
        facing = pvlib.irradiance.aoi_projection(
            tilt, azimuth % 360, position.apparent_zenith, position.azimuth
        )
        lit = (position.apparent_zenith < 89.9) & (facing > 0.0)
        yield 1.0 - ours.direct[lit], theirs["shaded_fraction"][lit]
        alone = 0.5 * (1.0 + np.cos(np.radians(tilt))) * weather["dhi"].to_numpy()
        yield ours.sky * alone, theirs["poa_sky_diffuse"]
