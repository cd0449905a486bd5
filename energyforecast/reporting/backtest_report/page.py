"""The report of a backtest: text and tables that need no scripts, and figures that do."""

from __future__ import annotations

import base64
import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from energyforecast.core.files import whole_file
from energyforecast.errors import MissingDataError, require
from energyforecast.evaluation.bias_range import recent_bias
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.published_limits import implausible_scores
from energyforecast.evaluation.result import Result
from energyforecast.reporting import page_templates
from energyforecast.reporting.backtest_report import fans, figures, period_rows, rows, tables

__all__ = ["check_installed", "write"]


def write(result: Result, path: str | Path, *, reference: str | None = None) -> Path:
    """Write the report of a backtest as one HTML file that needs no network.

    Parameters
    ----------
    result : Result
        Its first model is reported; the others are compared with it.
    path : path
    reference : str, optional
        Model over which skill is computed; by default the first reference of the result.

    Returns
    -------
    Path

    Raises
    ------
    DependencyError
        If plotly or Jinja2 is not installed (extra ``report``).
    MissingDataError
        If there is no such reference.

    See Also
    --------
    energyforecast.evaluation.Result.report : The same, as a method.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_result
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(example_result(), folder + "/backtest.html").read_text()[:15]
    '<!doctype html>'
    """
    page = page_templates.render("backtest.html", _context(result, _reference(result, reference)))
    target = Path(path)
    with whole_file(target) as scratch:
        scratch.write_text(page, encoding="utf-8")
    return target


def check_installed() -> None:
    """Raise DependencyError before a backtest, if its report could not be written."""
    page_templates.check_installed()
    _plotly()


def _reference(result: Result, name: str | None) -> str | None:
    """Model over which skill is computed, if there is one other than the first."""
    if name is not None and name not in result.forecasts:
        raise MissingDataError(
            f"A report with skill over {name!r} is asked for.",
            f"The models are {list(result.forecasts)}.",
            "Choose one of them, or give the reference to backtest.",
        )
    first, *others = result.forecasts
    named = [one for one in result.provenance.get("references", ()) if one in others]
    return name if name != first and name is not None else next(iter([*named, *others]), None)


def caveats(result: Result) -> tuple[str, ...]:
    """Caveats of the forecasts, and of the basis of the scores."""
    lines = [*result.provenance.get("caveats", ())]
    lines += [line for forecast in result.forecasts.values() for line in forecast.caveats]
    lines += implausible_scores(result)
    first = next(iter(result.forecasts))
    pairs, days = result.pairs[first], len(np.unique(tables.local_days(result, model=first)))
    if days < tables.FEW_DAYS:
        plural = "" if days == 1 else "s"
        lines.append(
            f"few samples: {days} day{plural} scored; intervals are wide or undefined, and not all seasons are seen"
        )
    share = len(pairs.missing) / max(1, len(pairs) + len(pairs.missing))
    if share > 0.05:
        lines.append(f"{share:.0%} of the hours have no outcome: scores do not cover them")
    lines += _breaks(pairs)
    if len(result.forecasts) == 1:
        lines.append("no reference in this backtest: scores alone do not show whether the forecast is good")
    fallen = int((result.forecasts[first].data["fallback_level"].values > 0).sum())
    if fallen:
        lines.append(
            f"{fallen} issues were made with less than the full information (fallback level above 0)"
        )
    return tuple(dict.fromkeys(lines))


def _breaks(pairs: Pairs) -> list[str]:
    """A caveat for each site with a newest bias outside that of the past."""
    table = recent_bias(pairs)
    return [
        f"recent bias: {row.site} was forecast {abs(row.bias):.3g} MW too {'high' if row.bias > 0 else 'low'} in the "
        f"mean of the last two weeks; the past's biases allow {row.low:.3g} to {row.high:.3g} MW: behaviour or "
        "measurement changed"
        for row in table[table["outside"]].itertuples()
    ]


def _context(result: Result, reference: str | None) -> dict[str, Any]:
    """Values of the template."""
    first = next(iter(result.forecasts))
    script, version = _plotly()
    content = fans.content(result, model=first)
    drawn = _figures(result, reference)
    sites = ", ".join(result.forecasts[first].sites)
    return {
        "language": "en",
        "title": f"{sites}: evaluation of the forecasts of {first}",
        "warnings": caveats(result),
        "model": first,
        "models": list(result.forecasts),
        "reference": reference,
        "setup": rows.setup(result),
        "features": rows.features(result),
        "scores": rows.scores(result, reference),
        "skill": rows.skill(result, reference),
        "calibration": rows.calibration(result),
        "miscalibration": rows.miscalibration(result, reference),
        "event": rows.event(result),
        "worst": rows.worst(result, content["left_out"]),
        "errors": rows.errors(result),
        "periods": period_rows.periods(result),
        "ramps": rows.ramps(result),
        "value": rows.value(result, reference),
        "quality": rows.quality(result),
        "provenance": rows.provenance(result, version),
        "curves": {name: rows.curves(drawn[name]) for name in ("events", "warnings")},
        "figures": drawn,
        "fans": content,
        "plotly": script,
    }


def _figures(result: Result, reference: str | None) -> dict[str, figures.Figure]:
    """Figures by name."""
    first = next(iter(result.forecasts))
    found = {
        "reliability": figures.reliability(result),
        "pit": figures.pit(result, model=first),
        "events": figures.events(result, model=first),
        "warnings": figures.warnings(result, model=first),
        "mae": figures.hours_and_months(result, model=first, metric="mae"),
        "bias": figures.hours_and_months(result, model=first, metric="bias"),
    }
    if reference is not None:
        found["skill"] = figures.skill(result, reference=reference)
    return found


@lru_cache(maxsize=1)
def _plotly() -> tuple[str, str]:
    """Plotly's script, compressed, and its version; raises DependencyError where it is not installed."""
    plotly = require("plotly", extra="report", purpose="A report is drawn by plotly.")
    from plotly.offline import get_plotlyjs

    packed = gzip.compress(get_plotlyjs().encode("utf-8"), mtime=0)
    return base64.b64encode(packed).decode("ascii"), str(plotly.__version__)
