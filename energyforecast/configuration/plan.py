"""Tables of a plan and of its system, checked and turned into objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from energyforecast.configuration.schema import plan_section, system_section
from energyforecast.configuration.validation import checked
from energyforecast.core.arguments import check_types
from energyforecast.errors import ConfigurationError, EnergyForecastError
from energyforecast.planning.dispatch.system import System
from energyforecast.planning.settings import PlanSettings

__all__ = ["plan_settings", "system"]

_T = TypeVar("_T")


def plan_settings(tables: Mapping[str, Any], *, where: str = "") -> PlanSettings:
    """Settings of a plan from the tables of ``[plan]``, with every key and type checked.

    Parameters
    ----------
    tables : mapping
        As ``tomllib.load`` reads them.
    where : str
        Beginning of every message, such as the name of the file.

    Returns
    -------
    PlanSettings

    Raises
    ------
    ConfigurationError
        If a key is unknown or missing, or a value is not allowed; it names the key that is meant.

    See Also
    --------
    energyforecast.planning.PlanSettings.from_dict : The same without pydantic and without the nearest name.

    Examples
    --------
    >>> plan_settings({"areas": {"South": ["city"]}, "reserve": {"riks": 0.02}})
    Traceback (most recent call last):
        ...
    energyforecast.errors.ConfigurationError: [plan.reserve] holds the unknown key 'riks'.
    Known are risk, outages, tail.
    Did you mean 'risk'?
    """
    check_types(locals(), of=plan_settings)
    checked(plan_section(), tables, where=where, section="plan")
    return _named(PlanSettings.from_dict, tables, where)


def system(tables: Mapping[str, Any], *, where: str = "") -> System:
    """System of areas and units from plain tables, checked as those of :func:`plan_settings`.

    Parameters
    ----------
    tables, where
        As of :func:`plan_settings`.

    Raises
    ------
    ConfigurationError
        If a key is unknown or missing, or a value is not allowed.

    See Also
    --------
    energyforecast.planning.System.from_dict : The same without pydantic and without the nearest name.

    Examples
    --------
    >>> system({"areas": ["South"], "units": {"gas": {"area": "South", "capacity": 300, "cost": 60}}})
    System of South: gas
    """
    check_types(locals(), of=system)
    checked(system_section(), tables, where=where, section="system")
    return _named(System.from_dict, tables, where)


def _named(maker: Callable[[Mapping[str, Any]], _T], tables: Mapping[str, Any], where: str) -> _T:
    try:
        return maker(tables)
    except EnergyForecastError as error:
        raise ConfigurationError(f"{where}{error.found}", error.expected, error.remedy) from error
