"""Training of the model of a daily run: fitted, backtested, compared with the one in service, and stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.core import provenance, timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import ValidatedWeather, Weather, as_models, validated
from energyforecast.core.wording import counted, minute
from energyforecast.errors import EnergyForecastError, MissingDataError, SchemaError, TimeError
from energyforecast.forecasting import agreement
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.served_ages import ages_at, caveats_of_served_ages
from energyforecast.operations.manifest import ModelRecord
from energyforecast.operations.own_backtest import OwnBacktest, own_backtest
from energyforecast.operations.promotion import judge
from energyforecast.operations.registry import Registry

__all__ = ["Training", "is_due", "train"]

#: Keys of [weather] with which a model stands or falls.
_WEATHER: Final = ("source", "model", "dataset", "perfect_weather")
#: Drift is no reason to train more often than this: scores of the newest days are still those of the older model.
_CALM: Final = pd.Timedelta("1D")
_SLACK: Final = pd.Timedelta("1h")


@dataclass(frozen=True)
class Training:
    """A trained model, and whether it is in service.

    Parameters
    ----------
    record : ModelRecord
    promoted : bool
    reason : str
        Of the verdict.

    See Also
    --------
    train

    Examples
    --------
    >>> from pathlib import Path
    >>> record = ModelRecord("20260311T0800Z-5bdcc146", Path("models"), {"as_of": "2026-03-11 08:00"}, False)
    >>> print(Training(record, True, "There is no model in service."))
    20260311T0800Z-5bdcc146 is in service. There is no model in service.
    """

    record: ModelRecord
    promoted: bool
    reason: str

    def __str__(self) -> str:
        return f"{self.record.name} is {'' if self.promoted else 'not '}in service. {self.reason}"


def is_due(
    settings: Configuration, registry: Registry, as_of: Any, *, drift: str | None = None
) -> str | None:
    """Reason to train now; None if there is none.

    Parameters
    ----------
    settings : Configuration
    registry : Registry
    as_of : moment
    drift : str, optional
        Reason for which the newest scores lie outside the range of the backtest, from
        :func:`energyforecast.operations.drift.drift`; it counts unless ``train_on_drift`` is false, at most once a day.

    Returns
    -------
    str or None
        In words: no model can answer, the configuration has changed, the newest model is older than ``train_every``, or
        the drift.

    See Also
    --------
    train

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from energyforecast import configuration
    >>> settings = configuration.read("examples/la_haute_borne.toml")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     is_due(settings, Registry(Path(folder)), "2015-01-14 09:00")
    'No model has been trained yet.'
    """
    moment = timestamps.instant(as_of, timezone=settings.task.timezone)
    return next(_reasons(settings, registry, moment, drift), None)


def _reasons(
    settings: Configuration, registry: Registry, moment: pd.Timestamp, drift: str | None
) -> Iterator[str]:
    """Reasons to train, the weightiest first."""
    served = registry.served()
    if served is None:
        damaged = "; ".join(registry.damaged().values() or registry.refused())
        yield f"No model can answer: {damaged}" if damaged else "No model has been trained yet."
        return
    if served.refused:
        yield f"The model in service was refused: {'; '.join(served.refused)}"
    if changed := _differences(settings, served.record, served.forecaster):
        yield f"The configuration has changed: {'; '.join(changed[:3])}."
    if served.record.as_of > moment + _SLACK:
        yield f"The model in service was trained at {minute(_ns(served.record.as_of))} UTC, which is to come."
    newest = max(record.as_of for record in registry.records())
    every = settings.operations.train_every
    if moment - newest >= every - _SLACK:  # a run that begins a minute early is not a week late
        yield f"The newest model is of {minute(_ns(newest))} UTC, and one is trained every {_days(every)}."
    if drift and settings.operations.train_on_drift and moment - newest >= _CALM - _SLACK:
        yield f"Drift: {drift}."


def train(
    settings: Configuration,
    *,
    weather: Weather,
    observations: Observations | None,
    as_of: Any,
    registry: Registry,
) -> Training:
    """Fit on all that is known, with fallback models; put it in service if it is not worse than the one that is.

    Two more fits with earlier ends are scored on the newest ``backtest_weeks``, the second on the newest
    ``promotion_weeks``, where it is compared with the model in service: the fit on all data has seen these weeks. The
    manifest names which fits were compared.

    Parameters
    ----------
    settings : Configuration
        Its ``operations`` has the lengths of backtest and comparison.
    weather : Dataset, mapping of Dataset, ValidatedWeather or None
        With gaps: issue times of the past without usable weather are left out and counted.
    observations : Observations, optional
        None before anything is measured.
    as_of : moment
        Values published later are not used.
    registry : Registry

    Returns
    -------
    Training

    Raises
    ------
    WrongDataError, MissingDataError
        If the data is wrong, or there is none to learn from. The model in service stays.
    StoreError
        If the registry cannot be written.

    See Also
    --------
    is_due, Registry

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import replace
    >>> from pathlib import Path
    >>> import energyforecast as ef
    >>> from energyforecast import configuration
    >>> settings = replace(configuration.read("examples/la_haute_borne.toml"), model=ef.Climatology())
    >>> given = {"weather": settings.weather(), "observations": settings.observations()}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     registry = Registry(Path(folder))
    ...     training = train(settings, as_of="2014-06-01 09:00", registry=registry, **given)
    >>> training.promoted, training.record.manifest["training"]["last_hour"]
    (True, '2014-06-01 05:00')
    """
    given = {"settings": settings, "observations": observations, "registry": registry}
    check_types(given, of=train)
    moment = timestamps.instant(as_of, timezone=settings.task.timezone)
    wanted = settings.forecaster()
    checked = validated(weather, sites=wanted.sites)
    backtest, too_short = _backtest(wanted, checked, observations, moment, settings)
    served = registry.served()
    differences = [] if served is None else _differences(settings, served.record, served.forecaster)
    verdict = judge(
        served, backtest, weather=checked, observations=observations, as_of=moment, differences=differences
    )
    fitted = wanted.fit(checked, observations, as_of=moment, missing="drop", fallbacks=True)
    about = {
        "configuration": {"weather": _weather_of(settings)},
        "data": _data(checked, observations, moment),
        "backtest": {"error": too_short} if backtest is None else backtest.summary,
        "promotion": verdict.to_dict(),
        "caveats": [
            *_caveats(fitted, backtest, too_short),
            *_age_caveats(fitted, checked, observations, moment),
        ],
    }
    comparison = None if backtest is None else backtest.comparison
    record = registry.add(fitted, as_of=moment, about=about, comparison=comparison)
    if not verdict.promoted:
        return Training(record, False, verdict.reason)
    try:
        instead_of = None if served is None else served.record.name
        registry.put_in_service(record.name, since=moment, instead_of=instead_of)
    except SchemaError as error:
        return Training(record, False, error.found)
    return Training(record, True, verdict.reason)


def _backtest(
    wanted: Forecaster,
    weather: ValidatedWeather,
    observations: Observations | None,
    moment: pd.Timestamp,
    settings: Configuration,
) -> tuple[OwnBacktest | None, str]:
    """Backtest of the newest weeks, or the reason for which there is none."""
    if observations is None:
        return None, "There are no measurements."
    lengths = settings.operations
    try:
        return (
            own_backtest(
                wanted,
                weather,
                observations,
                as_of=moment,
                weeks=lengths.backtest_weeks,
                refit_weeks=lengths.promotion_weeks,
            ),
            "",
        )
    except (MissingDataError, SchemaError, TimeError) as error:
        return None, error.found


def _differences(settings: Configuration, record: ModelRecord, stored: Forecaster) -> list[str]:
    """Settings of the configuration that a stored model has not."""
    found = agreement.differences(stored, settings.forecaster(), model=settings.model is not None)
    then = (record.manifest.get("configuration") or {}).get("weather", _weather_of(settings))
    now = _weather_of(settings)
    return [
        *found,
        *(
            f"weather {key} {then.get(key)}, not {now.get(key)}"
            for key in now
            if then.get(key) != now.get(key)
        ),
    ]


def _weather_of(settings: Configuration) -> dict[str, Any]:
    """Weather models of a configuration, wherever their files lie."""
    section = settings.sections.get("weather", {})
    return {key: section.get(key) for key in _WEATHER} | {"models": sorted(section.get("models", ()))}


def _data(
    weather: ValidatedWeather, observations: Observations | None, moment: pd.Timestamp
) -> dict[str, Any]:
    """Extent and hashes of weather and measurements, as given."""
    found: dict[str, Any] = {"weather": {}}
    for model, data in as_models(weather).items():
        axis = data["init_time" if "init_time" in data else "time"].values
        digest = provenance.data_hash(data[name].values for name in sorted(map(str, data.data_vars)))
        found["weather"][model] = {
            "source": str(data.attrs.get("source", "unnamed")),
            "variables": sorted(map(str, data.data_vars)),
            "first": minute(axis[0]),
            "last": minute(axis[-1]),
            "hash": digest,
        }
    if observations is not None:
        index = observations.index
        stamps = hashlib.sha256(np.ascontiguousarray(timestamps.to_ns(index)).tobytes()).hexdigest()[:16]
        found["observations"] = {
            "first": minute(timestamps.to_ns(index[:1])[0]),
            "last": minute(timestamps.to_ns(index[-1:])[0]),
            "sites": list(observations.sites),
            "missing": int(observations.values.isna().to_numpy().sum()),
            "hash": provenance.data_hash([observations.values.to_numpy()]),
            "hash_of_hours": stamps,
        }
    return found | {"as_of": minute(_ns(moment))}


def _caveats(fitted: Forecaster, backtest: OwnBacktest | None, too_short: str) -> list[str]:
    """Caveats of a fit and of its backtest."""
    training = fitted.training_
    found = [*fitted.cold_starts]
    if training.without_weather:
        found.append(
            f"{training.without_weather} issue times without usable weather were left out of training"
        )
    found += [f"fallback model '{name}' {said}" for name, said in training.fallbacks.items() if "not" in said]
    if backtest is None:
        return [*found, f"no backtest: {too_short}"]
    return [*found, *_worse_than_references(backtest.summary)]


def _worse_than_references(summary: Mapping[str, Any]) -> list[str]:
    """Caveats of sites at which a reference was better in the backtest."""
    return [
        f"{row['site']}: CRPS {row['crps']:.4g} MW in the backtest, {name} {row[f'crps_{name}']:.4g} MW"
        for row in summary["scores"]
        for name in ("climatology", "persistence")
        if row["crps"] > row[f"crps_{name}"]
    ]


def _age_caveats(
    fitted: Forecaster, weather: ValidatedWeather, observations: Observations | None, moment: pd.Timestamp
) -> tuple[str, ...]:
    """Caveats of runs that are served at another age than in training."""
    try:
        served = ages_at(fitted, weather, observations, issue_time=moment)
    except EnergyForecastError:  # as of a moment that the measurements do not reach
        return ()
    clock = moment.tz_convert(timestamps.zone(fitted.task.timezone))
    return caveats_of_served_ages(fitted, served, moment=f"{clock:%Y-%m-%d %H:%M}")


def _ns(moment: pd.Timestamp) -> np.datetime64:
    return np.datetime64(timestamps.to_ns([moment])[0])


def _days(length: pd.Timedelta) -> str:
    """Length of time in days, or in hours where these are no whole number."""
    days, hours = divmod(length / pd.Timedelta("1h"), 24)
    return f"{24 * days + hours:g} hours" if hours else counted(int(days), "day")
