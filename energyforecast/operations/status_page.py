"""The status as one page that needs no network, reads on a phone and prints."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.core import timestamps
from energyforecast.core.fallback import LADDER
from energyforecast.core.files import whole_file
from energyforecast.core.observation_series import Observations
from energyforecast.errors import DependencyError, MissingDataError, StoreError, WrongDataError
from energyforecast.operations import status_figures
from energyforecast.operations.issued_forecasts import newest_issue, opened_archive
from energyforecast.operations.site_status import SiteStatus
from energyforecast.operations.status import Status, set_aside
from energyforecast.reporting import page_templates
from energyforecast.reporting.figures.style import BANDS, FORECAST, OUTCOME, tint

if TYPE_CHECKING:
    from energyforecast.archive import Archive

__all__ = ["page", "write"]

#: Sites of which figures are drawn; further ones have rows in the tables.
_DRAWN: Final = 20
_WORDS: Final = {
    "good": "The forecast that is due is there, as it should be.",
    "degraded": "The forecast that is due is there, with less trust than usual.",
    "no forecast": "The forecast that is due is not there.",
}


def write(status: Status, path: str | Path, *, settings: Configuration) -> Path:
    """Write the page of a status.

    Parameters
    ----------
    status : Status
    path : path
    settings : Configuration
        Its archive has the forecasts and measurements that are drawn.

    Raises
    ------
    DependencyError
        If Jinja2 is not installed (extra ``report``).

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.operations.status import status
    >>> from energyforecast.testing import example_operations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings, _ = example_operations(folder, days=20)
    ...     found = status(settings, as_of="2024-01-20 10:00")
    ...     write(found, folder + "/status.html", settings=settings).read_text(encoding="utf-8").count("<img")
    2
    """
    text = page(status, settings=settings)
    target = Path(path)
    with whole_file(target) as scratch:
        scratch.write_text(text, encoding="utf-8")
    return target


def page(status: Status, *, settings: Configuration) -> str:
    """The page of a status as text of HTML."""
    archive: Archive | None = None
    with suppress(MissingDataError, StoreError, DependencyError):
        archive = opened_archive(settings)
    fans = [] if archive is None else [_fans(archive, one, status) for one in status.sites[:_DRAWN]]
    return page_templates.render("status.html", _context(status, fans))


def _context(status: Status, fans: list[dict[str, Any]]) -> dict[str, Any]:
    """Texts, tables and figures of the template."""
    figures = {
        name: status_figures.ranges(status.drift, metric=metric)
        for name, metric in (
            ("Skill over climatology", "skill"),
            ("Coverage of the 80 % interval", "coverage"),
        )
    }
    drawn = [(name, status_figures.as_svg(one)) for name, one in figures.items() if one is not None]
    return {
        "language": "en",
        "title": f"{status.name}: status of the forecasts",
        "state": status.state.replace(" ", "-"),
        "headline": _WORDS[status.state],
        "moment": _local(status.as_of, status),
        "errors": [one for one in status.problems if one.severity == "error"],
        "warnings": [one for one in status.problems if one.severity != "error"],
        "fans": fans,
        "bands": [(f"{share:.0%} interval", _hex(tint(strength))) for share, strength in BANDS],
        "colours": {"forecast": FORECAST, "outcome": OUTCOME},
        "not_drawn": max(0, len(status.sites) - _DRAWN),
        "ranges": drawn,
        "tables": [_inputs(status), *_scores(status), *_left_out(status), *_plans(status), _runs(status)],
        "notes": [*(status.verification.notes if status.verification else ()), *status.drift.notes],
        "facts": _facts(status),
    }


def _fans(archive: Archive, site: SiteStatus, status: Status) -> dict[str, Any]:
    """Newest forecast of a site, and that of the day before with the outcomes."""
    zone = timestamps.zone(status.timezone)
    midnight = status.as_of.tz_convert(zone).normalize()
    yesterday = timestamps.local_midnights(
        [(midnight - pd.Timedelta("12h")).date()], timezone=status.timezone
    )[0]
    images = []
    asked: tuple[tuple[str, pd.Timestamp | None], ...] = (("Newest", None), ("Yesterday", yesterday))
    for name, before in asked:
        forecast = newest_issue(archive, site.name, as_of=status.as_of, before=before)
        if forecast is None:
            continue
        first = timestamps.to_index(forecast.data["valid_time"].values.ravel()).min()
        if before is not None and first < before - pd.Timedelta("7D"):
            continue
        day = f"{first.tz_convert(zone):%A %d %B %Y}"
        title = f"{name}: {day}" if before is None or first >= before else f"Before: {day}"
        observed = _observed(archive, site.name, status)
        figure = status_figures.fan(forecast, observed, timezone=status.timezone)
        issued = f"issued {_local(forecast.issue_times[0], status)}"
        images.append({"title": title, "issued": issued, "svg": status_figures.as_svg(figure)})
    level = (
        None if site.fallback_level is None else f"level {site.fallback_level}: {LADDER[site.fallback_level]}"
    )
    return {
        "site": site.name,
        "current": site.is_current,
        "level": level or "no forecast",
        "trusted": site.is_current and not site.fallback_level,
        "caveats": site.caveats,
        "images": images,
    }


def _observed(archive: Archive, name: str, status: Status) -> Observations | None:
    """Newest measurements of a site."""
    days = (status.as_of - pd.Timedelta("10D"), status.as_of)
    try:
        return archive.observations(name, valid=days, as_of=status.as_of)
    except (MissingDataError, WrongDataError):
        return None


def _inputs(status: Status) -> dict[str, Any]:
    """Table of levels and ages, a row for each site."""
    rows = [
        [
            one.name,
            "-" if one.issue_time is None else _local(one.issue_time, status),
            "-" if one.fallback_level is None else str(one.fallback_level),
            _beside(one.weather_age, one.usual_weather_age),
            _beside(one.measurement_age, one.usual_measurement_age),
        ]
        for one in status.sites
    ]
    heads = ["site", "issued", "level", "weather [h], usual", "measured [h], usual"]
    return {"caption": "Forecasts, and ages of their inputs", "heads": heads, "rows": rows, "text": (1,)}


def _scores(status: Status) -> list[dict[str, Any]]:
    """Table of the scores of each site, and of its levels."""
    if status.verification is None or not status.verification.n:
        return []
    scores = status.verification.scores
    ranges = {
        row["site"]: f"{row['low']:.0%} to {row['high']:.0%}"
        for row in status.drift.tests[status.drift.tests["metric"] == "skill"].to_dict("records")
    }
    rows = []
    for row in scores[scores["leads"] == ""].to_dict("records"):
        whole = row["fallback_level"] == ""
        rows.append(
            [
                row["site"],
                "all" if whole else str(row["fallback_level"]),
                _share(row["skill_climatology"]),
                ranges.get(row["site"], "-") if whole else "",
                _share(row["skill_persistence"]),
                _number(row["crps_percent"]),
                _share(row["coverage"]),
                str(row["n"]),
            ]
        )
    heads = [
        "site",
        "level",
        "skill",
        "range of the backtest",
        "over persistence",
        "CRPS [%]",
        "coverage of 80 %",
        "n",
    ]
    caption = f"Scores of the last {status.verification.days} days; skill over climatology"
    return [{"caption": caption, "heads": heads, "rows": rows, "text": ()}]


def _left_out(status: Status) -> list[dict[str, Any]]:
    """Table of hours that are not scored, and of data that was set aside."""
    found = []
    counts = {} if status.verification is None else status.verification.left_out
    rows = [[site, reason, str(count)] for site, one in counts.items() for reason, count in one.items()]
    if rows:
        heads = ["site", "reason", "hours"]
        found.append({"caption": "Hours that are not scored", "heads": heads, "rows": rows, "text": (1,)})
    aside = [[begun, text] for begun, text in set_aside(status.runs)][:20]
    if aside:
        heads = ["run", "set aside"]
        found.append({"caption": "Data set aside", "heads": heads, "rows": aside, "text": (1,)})
    return found


def _plans(status: Status) -> list[dict[str, Any]]:
    """Table of the costs of schedules."""
    if status.verification is None or status.verification.plans.empty:
        return []
    rows = [
        [
            row["site"],
            *(_number(row[name]) for name in ("cost", "cost_of_median", "cost_per_mwh", "energy")),
            str(row["n"]),
        ]
        for row in status.verification.plans.to_dict("records")
    ]
    heads = ["site", "cost", "of the median", "a MWh", "energy [MWh]", "n"]
    return [{"caption": "Cost of imbalance of the schedules", "heads": heads, "rows": rows, "text": ()}]


def _runs(status: Status) -> dict[str, Any]:
    """Table of the newest runs."""
    rows = [
        [str(run.get("start", "")).replace("T", " "), str(run.get("state", "")), _troubles(run)]
        for run in status.runs
    ]
    heads = ["begun (UTC)", "state", "steps that were not good"]
    return {"caption": "Newest runs", "heads": heads, "rows": rows, "text": (1, 2)}


def _troubles(run: Mapping[str, Any]) -> str:
    steps = [step for step in run.get("steps", []) if step.get("state") not in ("good", "skipped")]
    return "; ".join(f"{step.get('name')}: {step.get('message')}" for step in steps) or "-"


def _facts(status: Status) -> list[tuple[str, str]]:
    """Model, disk and versions."""
    facts = []
    if status.model is not None:
        age = (status.as_of - status.model.as_of) / pd.Timedelta("1D")
        facts.append(("model in service", f"{status.model.name}, trained {age:.1f} days ago"))
    if status.disk:
        free, used = (status.disk[name] / 2**30 for name in ("free", "used"))
        facts.append(("disk", f"{free:.1f} GiB free, {used:.2f} GiB used by the folder"))
    return [*facts, *((name, str(value)) for name, value in status.versions.items())]


def _local(moment: pd.Timestamp, status: Status) -> str:
    zone = timestamps.zone(status.timezone)
    return f"{moment.tz_convert(zone):%Y-%m-%d %H:%M} ({status.timezone})"


def _hex(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)


def _beside(age: float | None, usual: float | None) -> str:
    """An age, and the usual one."""
    shown = ["-" if value is None else f"{value:.0f}" for value in (age, usual)]
    return f"{shown[0]}, {shown[1]}"


def _share(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.1%}"


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
