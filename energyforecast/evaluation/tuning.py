"""Settings of a model, chosen on training time alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import ModuleType
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather
from energyforecast.core.wording import minute
from energyforecast.errors import MissingDataError, RangeError, SchemaError, require
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.features import Needs
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.forecaster import Forecaster

__all__ = ["SPACE", "Search", "Tuning", "tune"]

Array = npt.NDArray[Any]
#: Bounds of a number (whole ones give whole ones), with ``"log"`` on a logarithmic scale; or a list of choices.
Range: TypeAlias = tuple[float, float] | tuple[float, float, str] | list[Any]

#: Default ranges of models that have these parameters.
SPACE: Final[Mapping[str, Range]] = {
    "n_estimators": (50, 500, "log"),
    "num_leaves": (6, 40, "log"),
    "learning_rate": (0.02, 0.2, "log"),
    "min_child_samples": (20, 200, "log"),
    "feature_fraction": (0.3, 1.0),
    "penalty": (1e-6, 1e-1, "log"),
}
#: Time between a block and the training issues: weather is correlated over some days.
_GAP: Final = np.timedelta64(2 * 24 * 3600 * 10**9, "ns")


@checked(trials=(1, inf), folds=(1, inf), seed=(0, inf))
@dataclass(frozen=True)
class Search:
    """Search of :func:`energyforecast.tune`: settings that are tried, and blocks by which they are judged.

    Parameters
    ----------
    trials : int
        Settings that are tried, besides those given.
    space : mapping, optional
        Ranges by name of the parameter: ``(low, high)``, ``(low, high, "log")`` or a list of choices. A
        model inside another is reached by two underscores: ``"model__n_estimators"``. By default those of
        :data:`SPACE` that the model has.
    folds : int
        Blocks of time. Each is forecast by a model of the other blocks, without the two days around it.
    seed : int
        The same seed tries the same settings.

    Raises
    ------
    RangeError
        If there is no trial, or fewer than two blocks.

    See Also
    --------
    energyforecast.tune

    Examples
    --------
    >>> Search(trials=5, space={"penalty": (1e-6, 1e-1, "log")}).folds
    3
    """

    trials: int = 20
    space: Mapping[str, Range] | None = None
    folds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.trials < 1 or self.folds < 2:
            raise RangeError(
                f"trials={self.trials}, folds={self.folds}.",
                "There must be at least one trial and two blocks.",
                "Correct them.",
            )


_SEARCH: Final = Search()


@dataclass(frozen=True, eq=False)
class Tuning:
    """Trials of :func:`tune`, and the forecaster with the best settings.

    Parameters
    ----------
    trials : DataFrame
        A row for each trial: its settings, ``pinball`` [% of capacity, or MW without one] and ``cpu_seconds``; the
        first is the forecaster as it was given.
    forecaster : Forecaster
        With the best settings, not fitted.
    settings : dict
        The best settings.

    See Also
    --------
    energyforecast.tune

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> trials = pd.DataFrame({"n_estimators": [100, 50], "pinball": [3.1, 3.0]})
    >>> Tuning(trials=trials, forecaster=example_forecaster().unfitted(), settings={"n_estimators": 50}).improvement
    0.032
    """

    trials: pd.DataFrame
    forecaster: Forecaster
    settings: Mapping[str, Any]

    @property
    def improvement(self) -> float:
        r"""Share by which the loss fell against the settings as given: :math:`1 - \min_k \ell_k / \ell_0`.

        It is too high: the same blocks chose the settings.
        """
        loss = self.trials["pinball"]
        return round(1 - float(loss.min() / loss.iloc[0]), 3)


def tune(
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    *,
    end: Any,
    search: Search = _SEARCH,
    progress: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Choose a model's settings by blocked cross-validation before a moment.

    No outcome that was published after `end` and no weather that arrived after it is used. Scores of a test
    period that begins at `end` are therefore honest, those of the trials are not: they are the best of several.

    Parameters
    ----------
    forecaster : Forecaster
        It is not changed. All its sites share one model.
    weather : Dataset or mapping of Dataset
    observations : Observations
    end : str or moment
        Read in the task's zone. The forecaster with the best settings carries it as ``tuned_until``, also when it is
        stored: a backtest that begins earlier is refused.
    search : Search
        Number of trials, space of settings, blocks and seed.
    progress : callable, optional
        Called with the number of trials done and their total.

    Returns
    -------
    Tuning

    Raises
    ------
    DependencyError
        Without Optuna.
    SchemaError, RangeError
        If the space names parameters that the model does not have, or a range is empty.
    MissingDataError
        If there are too few issues to learn from before `end`.

    See Also
    --------
    Search, Tuning, energyforecast.backtest

    References
    ----------
    - Akiba et al. (2019), Optuna: a next-generation hyperparameter optimization framework, KDD,
      doi:10.1145/3292500.3330701

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
    >>> linear = ef.Forecaster(site, task, model=ef.LinearQuantiles(), perfect_weather=True)
    >>> tuning = ef.tune(linear, weather, power["2014-01":"2014-06"], end="2014-06-01", search=Search(trials=2))
    >>> tuning.trials.columns.tolist(), len(tuning.trials)
    (['penalty', 'pinball', 'cpu_seconds'], 3)
    """
    optuna = _optuna()
    moment = timestamps.instant(end, timezone=forecaster.task.timezone)
    ranges = _space(forecaster, search.space)
    issued = forecaster.training_origins(weather, observations, as_of=moment)
    table = forecaster.design_matrix(weather, observations, issued)
    blocks = _blocks(table, search.folds)
    needs = forecaster.needs(weather)
    rows: list[dict[str, Any]] = []

    def loss_of(settings: Mapping[str, Any]) -> float:
        rows.append(_judge(forecaster, settings, table, observations, needs, blocks, moment))
        if progress is not None:
            progress(len(rows), search.trials + 1)
        return float(rows[-1]["pinball"])

    loss_of({name: forecaster.model.get_params()[name] for name in ranges})
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=max(4, search.trials // 4))
    )
    for _ in range(search.trials):
        trial = study.ask()
        settings = {name: _suggest(trial, name, item) for name, item in ranges.items()}
        study.tell(trial, loss_of(settings))
    best = min(range(len(rows)), key=lambda k: rows[k]["pinball"])
    settings = {name: rows[best][name] for name in ranges}
    return Tuning(
        trials=pd.DataFrame(rows), forecaster=_with(forecaster, settings, moment), settings=settings
    )


def _optuna() -> ModuleType:
    optuna = require("optuna", extra="tune", purpose="tune() proposes settings with Optuna.")
    # Each trial would be logged on standard error.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _space(forecaster: Forecaster, given: Mapping[str, Range] | None) -> dict[str, Range]:
    parameters = forecaster.model.get_params()
    space = (
        {name: item for name, item in SPACE.items() if name in parameters} if given is None else dict(given)
    )
    unknown = [name for name in space if name not in parameters]
    if unknown or not space:
        raise SchemaError(
            f"The space names {unknown or 'no parameter'}.",
            f"{type(forecaster.model).__name__} has the parameters {sorted(parameters)}.",
            "Give space={'parameter': (low, high)}; a model inside is reached as 'model__parameter'.",
        )
    for name, item in space.items():
        if not item or (isinstance(item, tuple) and not (len(item) in (2, 3) and item[0] < item[1])):
            raise RangeError(
                f"The space has {name} = {item!r}.",
                "It must be (low, high), (low, high, 'log') or a list of choices.",
                "Correct it.",
            )
    return space


def _suggest(trial: Any, name: str, item: Range) -> Any:
    if isinstance(item, list):
        return item[trial.suggest_categorical(name, list(range(len(item))))]
    low, high = item[:2]
    log = len(item) == 3
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=log)
    return trial.suggest_float(name, low, high, log=log)


def _blocks(table: DesignMatrix, folds: int) -> list[tuple[Array, Array]]:
    """Rows to learn from and rows to judge by, for each block of issues."""
    issued = table.windows.issue_time
    if len(issued) < 10 * folds:
        raise MissingDataError(
            f"There are {len(issued)} issues to learn from before the end.",
            f"Each of {folds} blocks must have ten.",
            "Give more data, or fewer folds.",
        )
    block = np.arange(len(issued)) * folds // len(issued)
    pairs = []
    for k in range(folds):
        inside = issued[block == k]
        near = (issued >= inside[0] - _GAP) & (issued <= inside[-1] + _GAP)
        pairs.append((~near[table.origin], (block == k)[table.origin]))
    return pairs


def _with(forecaster: Forecaster, settings: Mapping[str, Any], until: pd.Timestamp) -> Forecaster:
    """The same forecaster, not fitted, with settings of its model that were chosen on data known at a moment."""
    model = sklearn.base.clone(forecaster.model).set_params(**settings)
    copy = Forecaster(
        forecaster.sites,
        forecaster.task,
        features=forecaster.features_of,
        model=model,
        perfect_weather=forecaster.perfect_weather,
        pooled=forecaster.pooled,
        neighbours=forecaster.neighbours,
        trust_clock=forecaster.trust_clock,
    )
    copy.tuned_until = max(minute(timestamps.to_ns([until])[0]), forecaster.tuned_until)
    return copy


def _judge(
    forecaster: Forecaster,
    settings: Mapping[str, Any],
    table: DesignMatrix,
    observations: Observations,
    needs: Needs,
    blocks: Sequence[tuple[Array, Array]],
    moment: pd.Timestamp,
) -> dict[str, Any]:
    """One trial: mean pinball loss over blocks, sites and levels."""
    begun, losses = time.process_time(), []
    for learn, judge in blocks:
        fitted = _with(forecaster, settings, moment)
        fitted.fit_matrix(table, observations, needs=needs, as_of=moment, rows=learn)
        if fitted.training_.cold:
            raise MissingDataError(
                f"Outside a block {', '.join(fitted.training_.cold)} has too little power for a model.",
                "With less than 30 days of wind power, or 150 h of daylight, a site is forecast from physics.",
                "Give a longer past, more folds, or the sites that have one.",
            )
        for site in fitted.sites:
            outcome = outcomes_at(
                observations,
                table.valid_time,
                site=site.name,
                step=table.windows.frequency,
                as_of=moment,
                outside="missing",
            )
            rows = judge & np.isfinite(outcome) & table.usable_at[site.name][table.origin]
            quantiles = fitted.predict_rows(table, site, rows=rows)
            unit = 1.0 if site.capacity is None else site.capacity / 100
            losses.append(float(pinball_loss(outcome[rows], quantiles, fitted.task.quantiles).mean()) / unit)
    loss = float(np.mean(losses))
    if not math.isfinite(loss):
        raise MissingDataError(
            "A block has no outcome to judge by.",
            "Each block must have some for each site.",
            "Give fewer folds.",
        )
    return dict(settings) | {"pinball": loss, "cpu_seconds": round(time.process_time() - begun, 2)}
