"""Names of Open-Meteo: variables and units, models and latencies (``models.csv``), products and addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from energyforecast.core import timestamps, variables
from energyforecast.core.arguments import checked
from energyforecast.core.labels import Label
from energyforecast.errors import SchemaError, UnitsError
from energyforecast.weather.sources.common.package_tables import csv_rows
from energyforecast.weather.sources.common.publication_latency import LATENCIES, PublicationLatency

__all__ = [
    "ATTRIBUTION",
    "OPEN_METEO_ENSEMBLES",
    "OPEN_METEO_MODELS",
    "PRODUCTS",
    "CellSelection",
    "Column",
    "OpenMeteoModel",
    "Product",
    "column_of",
    "default_variables",
    "model_named",
    "name_of",
]

#: Selection of the cell for a site: the nearest, or one of its neighbours on land or at sea.
CellSelection = Literal["nearest", "land", "sea"]

#: Credit line that the licence of the data, CC BY 4.0, demands.
ATTRIBUTION: Final = "Weather data by Open-Meteo.com (CC BY 4.0), from the national weather services"

_SPREAD: Final = "_spread"


@dataclass(frozen=True, kw_only=True)
class Column:
    """Column of Open-Meteo for a variable."""

    name: str
    label: Label
    units: Mapping[str, float]

    def factor(self, unit: object, where: str) -> float:
        """Factor from their unit to ours; another unit than the requested one is an error."""
        if isinstance(unit, str) and unit in self.units:
            return self.units[unit]
        raise UnitsError(
            f"Open-Meteo gives {self.name} in {unit!r} at {where}.",
            f"It was requested in {' or '.join(map(repr, self.units))}.",
            "Request it with wind_speed_unit=ms and without other units; a proxy may have changed the request.",
        )


_W: Final = {"W/m²": 1.0, "W/m2": 1.0}
_MS: Final = {"m/s": 1.0}
_DEGREE: Final = {"°": 1.0}
_INSTANT, _MEAN, _SUM = Label.INSTANT, Label.MEAN_ENDING, Label.SUM_ENDING

#: Our name without height; their name with {} for the height, label and units. Gusts are the largest of the hour that
#: ends at the stamp, and keep the stamp; a sum over a step is the rate of that step.
_COLUMNS: Final[dict[str, tuple[str, Label, Mapping[str, float]]]] = {
    "wind_speed": ("wind_speed_{}", _INSTANT, _MS),
    "wind_direction": ("wind_direction_{}", _INSTANT, _DEGREE),
    "wind_gust": ("wind_gusts_{}", _INSTANT, _MS),
    "temp_air": ("temperature_2m", _INSTANT, {"°C": 1.0}),
    "temp_dew": ("dew_point_2m", _INSTANT, {"°C": 1.0}),
    "relative_humidity": ("relative_humidity_2m", _INSTANT, {"%": 1.0}),
    "pressure": ("surface_pressure", _INSTANT, {"hPa": 100.0}),
    "cloud_cover": ("cloud_cover", _INSTANT, {"%": 1.0}),
    "snow_depth": ("snow_depth", _INSTANT, {"m": 1.0}),
    "ghi": ("shortwave_radiation", _MEAN, _W),
    "dni": ("direct_normal_irradiance", _MEAN, _W),
    "dhi": ("diffuse_radiation", _MEAN, _W),
    "precipitation": ("precipitation", _SUM, {"mm": 1.0}),
}


def column_of(name: str) -> Column:
    """Column of Open-Meteo for a variable of the library, with ``_spread`` for that of an ensemble."""
    bare = name.removesuffix(_SPREAD)
    height = variables.height_of(bare)
    row = _COLUMNS.get(variables.lookup(bare).name)
    if row is None:
        raise SchemaError(
            f"Open-Meteo has no {name!r}.", f"It has {', '.join(_COLUMNS)}.", "Leave the variable out."
        )
    column = row[0].format("" if height is None else f"{height:.0f}m")
    return Column(name=column + (_SPREAD if name != bare else ""), label=row[1], units=row[2])


def name_of(column: str) -> str | None:
    """Variable of the library for a column of Open-Meteo; ``None`` if it has none."""
    bare = column.removesuffix(_SPREAD)
    for variable, (pattern, _, _) in _COLUMNS.items():
        match = re.fullmatch(re.escape(pattern).replace(r"\{\}", r"(\d+m)"), bare)
        if match:
            return "_".join((variable, *match.groups())) + column[len(bare) :]
    return None


@checked(resolution=(1e-3, 1000))
@dataclass(frozen=True, kw_only=True)
class OpenMeteoModel:
    """Weather model as Open-Meteo serves it.

    Parameters
    ----------
    name : str
        Its name in requests.
    resolution : float
        Distance of its cells. [degree of latitude]
    latency : PublicationLatency
        Of its runs, with the 10 min after which all of Open-Meteo's servers have them.
    cycle : str
        Time between two runs.
    horizon : str
        Last lead time of its runs.
    heights : tuple of int
        Of its winds. [m]
    members : int
        Of an ensemble, with the control run; 0 for a single run.
    domains : tuple of str
        Names of the server's run status (``/data/<domain>/static/meta.json``).

    See Also
    --------
    energyforecast.weather.OpenMeteo : Source of its runs.

    Examples
    --------
    A model that is not in the table:

    >>> nordic = OpenMeteoModel(
    ...     name="metno_nordic", resolution=0.01, latency=PublicationLatency(base="2h"), cycle="1h", horizon="58h"
    ... )
    >>> nordic.latency.base
    '2h'
    """

    name: str
    resolution: float
    latency: PublicationLatency
    cycle: str = "6h"
    horizon: str = "168h"
    heights: tuple[int, ...] = (10, 80, 120)
    members: int = 0
    domains: tuple[str, ...] = ()


#: Ours, and 10 min until all of Open-Meteo's servers have a run.
_MARGIN: Final = "25min"


def _latency(name: str, *, whole_run: int) -> PublicationLatency:
    """Latency of a run that appears at once, with its last lead [h]."""
    known = LATENCIES[name]
    base = timestamps.duration(known.base) + whole_run * timestamps.duration(known.per_lead_hour)
    return PublicationLatency(base=base, by_cycle=known.by_cycle, margin=_MARGIN)


def _models(product: str) -> dict[str, OpenMeteoModel]:
    """Models of ``models.csv``, by name."""
    return {
        row["name"]: OpenMeteoModel(
            name=row["name"],
            resolution=float(row["resolution"]),
            latency=_latency(row["latency"], whole_run=int(row["whole_run"])),
            cycle=row["cycle"],
            horizon=row["horizon"],
            heights=tuple(map(int, row["heights"].split())),
            members=int(row["members"]),
            domains=tuple(row["domains"].split()),
        )
        for row in csv_rows(__package__, "models.csv")
        if row["product"] == product
    }


#: Models of single runs, forecasts, previous runs and histories, by name.
OPEN_METEO_MODELS: Final = _models("runs")

#: Ensembles, by name; their means and spreads are separate models.
OPEN_METEO_ENSEMBLES: Final = _models("ensemble")


def model_named(model: str | OpenMeteoModel, *, product: str) -> OpenMeteoModel:
    """Model of a name, from the table that belongs to a product."""
    if isinstance(model, OpenMeteoModel):
        return model
    if model == "best_match" or model.endswith("_seamless"):
        raise SchemaError(
            f"The model {model!r} is a mixture of several, which changes with place, lead and time.",
            "Weather for training must be of one weather model.",
            "Name one, e.g. 'ecmwf_ifs', 'icon_eu' or 'gfs_global'.",
        )
    known = OPEN_METEO_ENSEMBLES if product.startswith("ensemble") else OPEN_METEO_MODELS
    if model not in known:
        raise SchemaError(
            f"The model {model!r} is not in the table of the product {product!r}.",
            f"The table holds {', '.join(known)}.",
            "Describe it: OpenMeteoModel(name=..., resolution=..., latency=PublicationLatency(base=...)).",
        )
    return known[model]


@dataclass(frozen=True, kw_only=True)
class Product:
    """Product of Open-Meteo: its address and the kind of its weather."""

    host: str
    path: str = "/v1/forecast"
    kind: Literal["runs", "analysis", "mixed_runs"]

    def address(self, *, with_key: bool) -> str:
        """Base URL; customers have separate hosts."""
        return f"https://{'customer-' if with_key else ''}{self.host}.open-meteo.com"


#: Products by name. Mixed runs have a few hours of each of several runs.
PRODUCTS: Final[dict[str, Product]] = {
    "single_runs": Product(host="single-runs-api", kind="runs"),
    "forecast": Product(host="api", kind="runs"),
    "ensemble": Product(host="ensemble-api", path="/v1/ensemble", kind="runs"),
    "ensemble_mean": Product(host="ensemble-api", path="/v1/ensemble", kind="runs"),
    "previous_runs": Product(host="previous-runs-api", kind="mixed_runs"),
    "historical_forecast": Product(host="historical-forecast-api", kind="analysis"),
    "archive": Product(host="archive-api", path="/v1/archive", kind="analysis"),
}


def default_variables(model: OpenMeteoModel) -> tuple[str, ...]:
    """Variables used by the default features for wind, solar and demand, at the model's heights."""
    winds = [f"{part}_{height}m" for height in model.heights for part in ("wind_speed", "wind_direction")]
    return (*winds, "temp_air", "pressure", "relative_humidity", "cloud_cover", "ghi", "precipitation")
