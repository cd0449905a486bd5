"""Sources of weather by their names in configurations."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final

from energyforecast.errors import SchemaError
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource

__all__ = ["Factory", "make", "named", "register"]

#: Makes a source from a model's name, a base URL and a key, each of which may be ``None``.
Factory = Callable[[str | None, str | None, str | None], RunSource | AnalysisSource]


def _open_meteo(model: str | None, base_url: str | None, api_key: str | None) -> RunSource:
    from energyforecast.weather.sources.openmeteo import OpenMeteo, OpenMeteoAccess

    return OpenMeteo(model or "ecmwf_ifs", access=OpenMeteoAccess(base_url=base_url, api_key=api_key))


def _open_meteo_quarters(model: str | None, base_url: str | None, api_key: str | None) -> RunSource:
    from energyforecast.weather.sources.openmeteo import OpenMeteo, OpenMeteoAccess

    access = OpenMeteoAccess(base_url=base_url, api_key=api_key)
    return OpenMeteo(model or "icon_d2", access=access, step="15min")


def _open_meteo_history(model: str | None, base_url: str | None, api_key: str | None) -> AnalysisSource:
    from energyforecast.weather.sources.openmeteo import OpenMeteoAccess, OpenMeteoHistory

    return OpenMeteoHistory(model or "era5", access=OpenMeteoAccess(base_url=base_url, api_key=api_key))


def _grib(kind: str) -> Factory:
    """Factory of a model with public files, which takes neither a model's name nor a key."""

    def factory(model: str | None, base_url: str | None, api_key: str | None) -> RunSource:
        from energyforecast import weather

        if model is not None or api_key is not None:
            raise SchemaError(
                f"{kind} was given {'a model' if model is not None else 'a key'}.",
                "Its files are public, and of one model.",
                "Leave out model and api_key_env.",
            )
        source: RunSource = getattr(weather, kind)(base_url=base_url or "")
        return source

    return factory


_FACTORIES: Final[dict[str, Factory]] = {
    "open-meteo": _open_meteo,
    "open-meteo-15min": _open_meteo_quarters,
    "open-meteo-archive": _open_meteo_history,
    "gfs": _grib("Gfs"),
    "gefs": _grib("Gefs"),
    "hrrr": _grib("Hrrr"),
    "icon-eu": _grib("IconEu"),
    "ifs": _grib("IfsOpenData"),
    "aifs": _grib("AifsOpenData"),
}
_BUILT_IN: Final = frozenset(_FACTORIES)


def register(name: str, factory: Factory) -> None:
    """Register a source under a name that configurations may use.

    Parameters
    ----------
    name : str
    factory : callable
        Of model, base URL and key.

    Examples
    --------
    >>> from energyforecast.testing import example_source
    >>> register("calm", lambda model, base_url, api_key: example_source())
    >>> make("calm").name
    'calm'
    """
    if name in _BUILT_IN:
        raise SchemaError(
            f"The library has a source of weather named {name!r}.",
            "Names of sources must be unique.",
            "Register yours by another name.",
        )
    _FACTORIES[name] = factory


def named() -> tuple[str, ...]:
    """Names of the known sources."""
    return tuple(_FACTORIES)


def make(
    name: str, *, model: str | None = None, base_url: str | None = None, api_key: str | None = None
) -> RunSource | AnalysisSource:
    """Source of weather by its name, with a model, the address of a server and a key where it takes them."""
    if name not in _FACTORIES:
        close = difflib.get_close_matches(name, _FACTORIES, n=1)
        raise SchemaError(
            f"There is no source of weather named {name!r}.",
            f"Known are {', '.join(_FACTORIES)}.",
            f"Did you mean {close[0]!r}?" if close else "Correct the name, or register your source.",
        )
    return _FACTORIES[name](model, base_url, api_key)
