"""Agreement of a stored forecaster with the settings and the issue time for which it is used."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from energyforecast.core import timestamps
from energyforecast.core.timestamps import Times
from energyforecast.core.wording import minute
from energyforecast.errors import ConfigurationError, TimeError
from energyforecast.forecasting.description import model_to_json, settings_to_json
from energyforecast.forecasting.fitted_plants import declared_sites
from energyforecast.forecasting.forecaster import Forecaster

__all__ = ["differences", "refuse_later_fit", "refuse_other_settings"]

#: Fields of a site that change no forecast.
_WORDS: Final = ("sources", "equipment", "yearly_energy", "coordinate_uncertainty_km")
#: Differences that a message names.
_NAMED: Final = 4
#: Characters of a value that a message has.
_LONG: Final = 60


def refuse_other_settings(stored: Forecaster, wanted: Forecaster, *, model: bool, name: str) -> None:
    """Refuse a stored forecaster of other sites, another task, or, if `model`, another model than those wanted."""
    several = differences(stored, wanted, model=model)
    if not several:
        return
    shown = "; ".join(several[:_NAMED])
    rest = f"; and {len(several) - _NAMED} more" if len(several) > _NAMED else ""
    raise ConfigurationError(
        f"{name} was fitted with other settings: {shown}{rest}.",
        "A stored forecaster must have the sites, the task and the model of the configuration.",
        "Fit and store it again with this configuration, or use the one with which it was fitted.",
    )


def differences(stored: Forecaster, wanted: Forecaster, *, model: bool) -> list[str]:
    """Settings, in words, in which a stored forecaster differs from one that is wanted."""
    return list(_differences(_settings(stored, model), _settings(wanted, model), ""))


def _settings(forecaster: Forecaster, model: bool) -> dict[str, Any]:
    """Settings that must agree, as JSON holds them."""
    described = settings_to_json(forecaster, describe_model=lambda one: model_to_json(one) if model else {})
    sites = {
        site.name: {"type": type(site).__name__}
        | {key: value for key, value in dataclasses.asdict(site).items() if key not in _WORDS}
        for site in declared_sites(forecaster.sites)  # a fit may estimate the orientation of modules
    }
    models = {name: item["model"] for item in described["recipes"] for name in item["sites"]} if model else {}
    kept = {"site": sites, "task": described["task"], "model": models}
    return dict(json.loads(json.dumps(kept | {"perfect_weather": described["perfect_weather"]}, default=str)))


def _differences(stored: Any, wanted: Any, path: str) -> Iterator[str]:
    """Settings with another value, in words."""
    if isinstance(stored, Mapping) and isinstance(wanted, Mapping):
        for key in dict.fromkeys([*wanted, *stored]):
            yield from _differences(stored.get(key), wanted.get(key), f"{path} {key}".strip())
    elif stored != wanted:
        yield f"{path} {_value(stored)}, not {_value(wanted)}"


def _value(value: Any) -> str:
    """A value in a message."""
    text = "absent" if value is None else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def refuse_later_fit(stored: Forecaster, issued: Times, *, name: str) -> None:
    """Refuse to forecast from before the moment at which all that was learnt was known."""
    training = stored.training_
    newest = [training.as_of] if training.as_of else [last for _, last in training.hours.values()]
    known = timestamps.to_ns([timestamps.instant(moment) for moment in newest])
    if known.size and issued.size and issued.min() < known.max():
        raise TimeError(
            f"{name} was fitted on data known at {minute(known.max())} UTC, and a forecast issued at "
            f"{minute(issued.min())} UTC is asked for: it has learnt what came later.",
            "A forecaster must be fitted on data known at the issue time of its forecasts.",
            "Leave out --model, which fits as of the issue time, or ask for a later issue time.",
        )
