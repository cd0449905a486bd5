"""Drift: recent scores outside the range that the model's own backtest lets expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.errors import RangeError
from energyforecast.evaluation.significance import benjamini_hochberg
from energyforecast.operations import hourly_scores, score_blocks
from energyforecast.operations.verification import Verification

__all__ = ["Backtested", "Drift", "drift"]

Array = npt.NDArray[Any]
#: Weeks of a backtest without which its range is not known.
_MIN_WEEKS: Final = 4
_COLUMNS: Final = (
    *(
        "site",
        "metric",
        "recent",
        "backtest",
        "low",
        "high",
        "p",
        "p_adjusted",
        "weeks",
        "backtest_weeks",
        "n",
    ),
)


class Backtested(Protocol):
    """A stored model with the moment of its training and the scores of its backtest."""

    @property
    def as_of(self) -> pd.Timestamp:
        """Moment of the training."""

    @property
    def backtest(self) -> Mapping[str, Any] | None:
        """Scores of the weeks outside the training period, with ``blocks``."""


@dataclass(frozen=True, eq=False)
class Drift:
    """Recent scores of a model and those of its backtest, with tests of their difference.

    Parameters
    ----------
    level : float
        Chance of a false alarm of all tests together, below which a p-value is drift.
    tests : DataFrame
        A row for each site and metric: ``site``, ``metric`` (``"skill"`` over climatology, or ``"crps"`` [MW] where no
        reference is known, and ``"coverage"`` of the 80 % interval), ``recent`` and ``backtest`` means, ``low`` and
        ``high`` (range of the mean of as many weeks, of the probability 1 - `level`), ``p``, ``p_adjusted`` (over the
        rows), ``weeks``, ``backtest_weeks`` and the hours ``n``.
    notes : tuple of str
        Sites of which there is no verdict, and why.

    See Also
    --------
    energyforecast.operations.drift.drift

    Examples
    --------
    >>> Drift(0.01).reason is None
    True
    """

    level: float
    tests: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_COLUMNS)))
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> pd.DataFrame:
        """Rows of the tests that show drift."""
        return self.tests[self.tests["p_adjusted"] < self.level]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Statements on the rows that show drift, each in one line."""
        return tuple(_statement(row) for row in self.found.to_dict("records"))

    @property
    def reason(self) -> str | None:
        """Reason for a new training in one line; None without drift."""
        return "; ".join(self.reasons) or None

    def to_dict(self) -> dict[str, Any]:
        """Content for a file of JSON."""
        tests = hourly_scores.records(self.tests)
        return {"level": self.level, "reason": self.reason, "tests": tests, "notes": list(self.notes)}


def drift(
    verification: Verification,
    record: Backtested | None,
    *,
    level: float = 0.01,
    since: pd.Timestamp | None = None,
) -> Drift:
    r"""Test whether forecasts since the training of a model are worse than its backtest lets expect.

    With the logarithms :math:`x_1, ..., x_B` of the weekly CRPS of the backtest, each relative to that of climatology
    in the same week, and their mean :math:`\bar x` and standard deviation :math:`s`, the mean :math:`\bar y` of
    :math:`m` later weeks has

    .. math:: t = \frac{\bar y - \bar x}{s \sqrt{1 / m + 1 / B}},

    which is Student's with :math:`B - 1` degrees of freedom if nothing changed. Forecasts that are better are no drift.
    The coverage of the 80 % interval is tested in both directions.

    Parameters
    ----------
    verification : Verification
    record : energyforecast.operations.ModelRecord, optional
        Of the model in service: its ``backtest`` holds ``blocks``, the scores of weeks outside its training period.
    level : float
        Chance of a false alarm, over all sites and metrics.
    since : Timestamp, optional
        Moment since which the model has been in service: forecasts from before it, as of a newer model before it was
        rolled back, do not count. By default that of the training.

    Returns
    -------
    Drift
        Without a verdict, and with a note, for sites with less than one week of forecasts of this model, or less than
        four weeks of backtest. Forecasts of lower levels of the ladder, which lacked weather or measurements, do not
        count.

    Raises
    ------
    RangeError
        If `level` is not between 0 and 0.5.

    See Also
    --------
    verify, energyforecast.evaluation.compare

    References
    ----------
    The prediction interval of a mean: Hahn and Meeker (1991), https://doi.org/10.1002/9780470316771.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.operations import verify
    >>> from energyforecast.testing import example_operations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings, archive = example_operations(folder, days=40)
    ...     verified = verify(archive, settings=settings, as_of="2024-02-10 00:00")
    >>> drift(verified, None).notes
    ('No model is in service whose backtest could be compared.',)
    """
    check_types(locals(), of=drift)
    if not 0 < level < 0.5:
        raise RangeError(f"level = {level}.", "It must be between 0 and 0.5.", "Use level=0.01.")
    backtest = None if record is None else record.backtest
    if record is None or backtest is None:
        return Drift(level, notes=("No model is in service whose backtest could be compared.",))
    past = score_blocks.frame_of(backtest.get("blocks", ()))
    hours = verification.hours
    begin = record.as_of if since is None else max(record.as_of, timestamps.instant(since))
    own = hours[(hours["issue_time"] >= begin) & (hours["fallback_level"] <= 1)]
    recent = score_blocks.blocks_of_hours(own, until=verification.as_of)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for site in dict.fromkeys(hours["site"]):
        before, after = (table[table["site"] == site] for table in (past, recent))
        if len(before) < _MIN_WEEKS or after.empty:
            notes.append(_too_few(str(site), len(before)))
            continue
        rows += _of_site(str(site), before, after, level)
    if not rows:
        return Drift(level, notes=tuple(notes))
    tests = pd.DataFrame(rows, columns=[name for name in _COLUMNS if name != "p_adjusted"])
    tests["p_adjusted"] = benjamini_hochberg(tests["p"])
    return Drift(level, tests[list(_COLUMNS)], tuple(notes))


def _too_few(site: str, before: int) -> str:
    if before < _MIN_WEEKS:
        return f"{site}: no verdict, the backtest of the model in service has {before} weeks of {_MIN_WEEKS}."
    return f"{site}: no verdict before a week of forecasts of the model in service has been measured."


def _of_site(site: str, before: pd.DataFrame, after: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    """Tests of the CRPS and of the coverage of one site."""
    relative = all(table["crps_climatology"].notna().all() for table in (before, after))
    losses = [
        _relative(table) if relative else table["crps"].to_numpy(dtype=float) for table in (before, after)
    ]
    past, now = (np.log(np.maximum(values, 1e-9)) for values in losses)
    loss = _test(past, now, sides=1, level=level)
    shown = {name: np.exp(loss[name]) for name in ("recent", "backtest", "low", "high")}
    if relative:
        ends = {"low": 1 - shown["high"], "high": 1 - shown["low"]}
        shown = {name: 1 - shown[name] for name in ("recent", "backtest")} | ends
    counts = {"weeks": len(after), "backtest_weeks": len(before), "n": int(after["n"].sum())}
    rows = [{"site": site, "metric": "skill" if relative else "crps"} | loss | shown | counts]
    inside = [table["coverage"].to_numpy(dtype=float) for table in (before, after)]
    if all(np.isfinite(values).all() for values in inside):
        coverage = _test(inside[0], inside[1], sides=2, level=level)
        rows.append({"site": site, "metric": "coverage"} | coverage | counts)
    return rows


def _relative(table: pd.DataFrame) -> Array:
    """CRPS of each week over that of climatology."""
    loss, reference = (np.asarray(table[name], dtype=float) for name in ("crps", "crps_climatology"))
    return np.asarray(loss / np.maximum(reference, 1e-9))


def _test(past: Array, now: Array, *, sides: int, level: float) -> dict[str, Any]:
    """Test of the mean of some weeks against earlier ones, and its range of the probability 1 - level."""
    freedom = len(past) - 1
    spread = float(past.std(ddof=1) * np.sqrt(1 / len(now) + 1 / len(past)))
    spread = max(spread, 1e-9)
    difference = float(now.mean() - past.mean())
    tail = stats.t.sf(abs(difference) / spread if sides == 2 else difference / spread, freedom)
    reach = spread * float(stats.t.isf(level / 2, freedom))
    middle = float(past.mean())
    return {
        "recent": float(now.mean()),
        "backtest": middle,
        "low": middle - reach,
        "high": middle + reach,
        "p": float(min(1.0, sides * tail)),
    }


def _statement(row: Mapping[str, Any]) -> str:
    """One line on a row of the tests."""
    names = {"skill": "skill over climatology", "crps": "CRPS", "coverage": "coverage of the 80 % interval"}
    form = "{:.3g} MW" if row["metric"] == "crps" else "{:.1%}"
    recent, backtest, low, high = (form.format(row[name]) for name in ("recent", "backtest", "low", "high"))
    weeks = f"{row['weeks']} week" + ("" if row["weeks"] == 1 else "s")
    return (
        f"{row['site']}: {names[row['metric']]} of the last {weeks} is {recent}; the backtest of the model had "
        f"{backtest}, {low} to {high} for as many weeks (p = {row['p_adjusted']:.2g}, n = {row['n']} hours)"
    )
