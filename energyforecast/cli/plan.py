"""Commands that plan: parses, calls, prints."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from energyforecast.cli.archive import ArchiveOption, archive_of, keep, run_or_refusal
from energyforecast.cli.console import JobsOption, OutOption, console, listed, plain_table, processes, styled
from energyforecast.cli.json_output import JsonOption, is_output, shown_by, write_json
from energyforecast.cli.published_set import PublishedSet
from energyforecast.errors import ConfigurationError, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.table import Table

    from energyforecast.archive import Archive
    from energyforecast.configuration import Configuration
    from energyforecast.demos.plan import WeekPlan
    from energyforecast.planning import DayPlan, PlanSettings

__all__ = ["demo", "plan"]


def plan(
    config: Annotated[Path, typer.Argument(help="Configuration (TOML) that has a plan.")],
    issue_time: Annotated[str, typer.Option(help="Wall time in the task's zone, or now.")] = "now",
    out: OutOption = Path("plan"),
    language: Annotated[str, typer.Option(help="Of the sheets: en, ru or fr.")] = "en",
    json_file: JsonOption = None,
    archive: ArchiveOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Plan from a configuration: sheets, reserve, schedules, ramps, scenarios, dispatch and figures.

    With an archive, tables and forecasts are recorded in it too; exit code 3: only the files were written.

    The files take the place of the old ones together, and are listed in plan_files.json. If the plan is refused, those
    of an earlier day are moved to the folder previous, and plan_files.json and the file of --json have the error.
    """
    from energyforecast import configuration
    from energyforecast.core import timestamps

    begun = timestamps.now()
    files = PublishedSet(out, "plan", report=None if is_output(json_file) else json_file)
    with files.or_refused(), run_or_refusal("plan", config, archive, begun=begun):
        settings = configuration.read(config)
        moment = timestamps.instant(issue_time, timezone=settings.task.timezone)
        files.ask(settings.task, moment)
        opens = archive_of(settings, archive)
        made = _made(settings, moment, language=language, jobs=processes(jobs))
        with files.publish({"caveats": list(made.caveats)}) as stage:
            _write_day(made, stage, timezone=settings.task.timezone, language=language)
        write_json(json_file, _day_report(made))
    shown = shown_by(json_file)
    for line in made.caveats:
        shown.print(styled((line, "bold red")))
    for table in _day_tables(made, settings.task.timezone):
        shown.print(table)
    for line in _not_planned(made.settings, made):
        shown.print(line, highlight=False)
    shown.print(f"Written to {out}: {listed(out)}", highlight=False)
    keep(opens, lambda held: _keep(held, made, name=config.stem, begun=begun))


def _made(settings: Configuration, moment: pd.Timestamp, *, language: str, jobs: int) -> DayPlan:
    """The plan of a configuration, from forecasts issued at a moment."""
    from energyforecast.forecasting.portfolio import forecast_portfolio
    from energyforecast.planning import plan_day

    if settings.plan is None:
        raise ConfigurationError(
            f"{settings.path} has no section [plan].",
            "The section must hold the terms of the plan.",
            "See docs/howto/plan.md.",
        )
    terms = settings.plan
    terms.kinds(settings.sites)  # refuses kinds before the fits
    _check_tools(language, dispatch=terms.system is not None)
    observations = settings.observations()
    ahead = forecast_portfolio(
        settings.forecaster(),
        settings.weather(),
        observations,
        issue_times=moment,
        learn=terms.learn if terms.dependence == "gaussian" else None,
        jobs=jobs,
    )
    return plan_day(terms, ahead, observations)


def _keep(archive: Archive, made: DayPlan, *, name: str, begun: pd.Timestamp) -> None:
    """Record a plan, by the name of its configuration, its forecasts and the run."""
    from energyforecast.core import timestamps

    for forecast in made.forecasts.values():
        archive.write_forecast(forecast)
    archive.write_plan(made.tables(), name=name, issue_time=made.issue_time)
    detail = {"issue_time": made.issue_time, "fallback_levels": made.fallback_levels, "caveats": made.caveats}
    archive.write_run("plan", start=begun, end=timestamps.now(), detail=detail)


def demo(
    out: Path, *, gate_closure: str, language: str = "en", json_file: Path | None = None, jobs: int = 1
) -> None:
    """Plan the synthetic system for a week, and compute the value of the forecast."""
    from energyforecast.demos import plan as demo_plan

    begun = time.perf_counter()
    _check_tools(language, dispatch=True)
    status = console(stderr=True)
    with status.status("Makes the region, fits and forecasts"):
        inputs = demo_plan.forecast_week(gate_closure=gate_closure, jobs=jobs)
    with status.status("Plans each day"):
        week = demo_plan.plan_week(inputs, gate_closure=gate_closure)
    write_week(week, out, language=language)
    write_json(json_file or out / "plan.json", week.report())
    shown = shown_by(json_file)
    for item in _week_lines(week, gate_closure):
        shown.print(item, highlight=False)
    shown.print(f"{time.perf_counter() - begun:.0f} s in all.", highlight=False)
    shown.print(f"Written to {out}: {listed(out)}", highlight=False)


def write_week(week: WeekPlan, out: Path, *, language: str = "en", timezone: str = "Asia/Almaty") -> None:
    """Write sheets of the last day, tables of the week, and figures."""
    from energyforecast.reporting import figures as plotting
    from energyforecast.reporting.day_plan import write_table

    last = week.days[-1]
    _write_day(last, out, timezone=timezone, language=language)
    figures = {
        "dispatch": plotting.dispatch(week.done["scenarios"], timezone=timezone),
        "storage": plotting.storage(week.done, timezone=timezone),
        "costs": plotting.costs(week.costs, caveats=week.caveats),
    }
    for name, figure in figures.items():
        plotting.save(figure, out / f"week_{name}.png")
    tables = {"costs": week.costs.reset_index(), "reserve": week.reserve, "schedules": week.schedules}
    for name, table in tables.items():
        write_table(table, out / f"week_{name}.csv", caveats=week.caveats)


def _write_day(made: DayPlan, out: Path, *, timezone: str, language: str) -> None:
    """Write tables, sheets and figures of a day."""
    from energyforecast.reporting import figures as plotting

    made.write(out, timezone=timezone, language=language)
    for name, figure in _figures(made, timezone):
        plotting.save(figure, out / f"{name}.png")


def _figures(made: DayPlan, timezone: str) -> Iterator[tuple[str, Figure]]:
    """Figures of the parts that were planned, by name."""
    from energyforecast.planning.net_load import NET_LOAD
    from energyforecast.reporting import figures as plotting

    net = made.net_load
    if net is not None and made.reserve is not None:
        yield "net_load", plotting.reserve(net, made.reserve, site=NET_LOAD, timezone=timezone)
    elif net is not None:
        yield "net_load", plotting.scenarios(net, site=NET_LOAD, timezone=timezone)
    if net is not None and made.ramps is not None and made.settings.ramps is not None:
        terms = made.settings.ramps
        look: dict[str, Any] = {"within": terms.within[-1], "probability": terms.probability}
        yield "ramps", plotting.ramps(net, made.ramps, site=NET_LOAD, timezone=timezone, **look)
    if made.dispatch is not None:
        yield "dispatch", plotting.dispatch(made.dispatch, timezone=timezone)
        if len(made.dispatch.storage):
            yield "storage", plotting.storage({made.dispatch.name: made.dispatch}, timezone=timezone)


def _check_tools(language: str, *, dispatch: bool) -> None:
    """Stop the command before the fits if its files could not be written."""
    from energyforecast.reporting import translations

    for name in ("jinja2", "babel", "xlsxwriter", *(("highspy",) if dispatch else ())):
        require(name, extra="planning,report", purpose="Plans are drawn as pages and workbooks.")
    translations.format_number(0.0, language)


def _day_report(made: DayPlan) -> dict[str, Any]:
    """Planned day, for a file of JSON."""
    frames = {
        name: json.loads(frame.to_json(orient="records", date_format="iso", double_precision=6))
        for name, frame in made.tables().items()
        if name in ("reserve", "ramp_alarms", "schedules", "schedule_costs", "dispatch_costs")
    }
    return {
        "synthetic": any(line.startswith("synthetic") for line in made.caveats),
        "issue_time": f"{made.issue_time:%Y-%m-%dT%H:%M:%SZ}",
        "caveats": list(made.caveats),
        "fallback_levels": made.fallback_levels,
        "dependence": made.dependence,
        "scenarios": {"net_load": made.settings.n_scenarios, "dispatch": made.settings.n_dispatch_scenarios},
        "seed": made.settings.seed,
        **frames,
    }


def _day_tables(made: DayPlan, timezone: str) -> Iterator[Table]:
    """Tables of net load with reserve, costs, ramps and dispatch."""
    import pandas as pd

    from energyforecast.core import timestamps
    from energyforecast.planning.net_load import NET_LOAD

    zone = timestamps.zone(timezone)
    if made.net_load is not None:
        levels = made.net_load.quantiles(made.settings.quantile_levels, site=NET_LOAD)
        held = made.reserve
        heads = ("hour", *(f"q{level:g}" for level in made.settings.quantile_levels))
        heads += ("scheduled", "up", "down") if held is not None else ()
        table = plain_table(f"Net load [MW], beginning of the hour in {timezone}", heads)
        for k, row in enumerate(levels.to_dict("records")):
            cells = [row.pop("valid_time").tz_convert(zone).strftime("%Y-%m-%d %H:%M")]
            cells += [f"{value:.0f}" for value in row.values()]
            if held is not None:
                cells += [f"{held[name].iloc[k]:.0f}" for name in ("scheduled", "up", "down")]
            table.add_row(*cells)
        yield table
    for name, costs in made.costs.items():
        yield _frame_table(f"{name}: expected cost of declaring", costs)
    if made.alarms is not None and made.settings.ramps is not None:
        probability = made.settings.ramps.probability
        title = (
            f"Ramps of net load from a probability of {probability:g}, beginning of the hour in {timezone}"
        )
        local = {
            name: column.dt.tz_convert(zone)
            for name, column in made.alarms.items()
            if isinstance(column.dtype, pd.DatetimeTZDtype)
        }
        yield _frame_table(title, made.alarms.assign(**local))
    if made.dispatch is not None:
        costs = made.dispatch.parts().rename("cost").rename_axis("part").reset_index()
        yield _frame_table(f"Dispatch over {made.dispatch.n_scenarios} scenarios: expected cost", costs)


def _not_planned(terms: PlanSettings, made: DayPlan) -> list[str]:
    """Parts of the plan that the configuration asks for and the sites do not allow."""
    asked = {"reserve": terms.reserve, "ramps": terms.ramps, "dispatch": terms.system}
    lacking = [name for name, value in asked.items() if value is not None]
    if made.net_load is None and lacking:
        return [f"Without a site of demand there is no net load: no {', '.join(lacking)}."]
    return []


def _week_lines(week: WeekPlan, gate_closure: str) -> Iterator[Any]:
    """Lines and tables of a week."""
    first, last = week.days[0].issue_time, week.days[-1].issue_time
    issued = f"issued {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    yield styled(("Almaty region", "bold"), f": {len(week.days)} days planned, {issued}")
    for line in week.caveats:
        yield styled((line, "bold red"))
    yield f"Gate closure at {gate_closure} on the day before is an assumption; the system and its prices are invented."
    report = week.report()
    net = report["net_load"]
    yield (
        f"Net load: {net['mean']:.0f} MW in the mean; MAE of the median {net['mae_forecast']:.1f} MW, "
        f"of persistence {net['mae_persistence']:.1f} MW (n = {net['n']} hours)."
    )
    yield _frame_table("Cost of each plan under the outcomes [currency]", week.costs.reset_index())
    won = {name: week.costs.loc[name, "share_won"] for name in ("scenarios", "median")}
    yield (
        f"Of the saving of perfect foresight over persistence, the forecast reaches {won['scenarios']:.0%} planned on "
        f"scenarios and {won['median']:.0%} on its median. One week of one synthetic site: n = {len(week.days)} days."
    )
    risk = week.days[0].settings.reserve
    assert risk is not None
    yield _frame_table(
        f"Reserve at a risk of {risk.risk:g} in each hour and direction [MW]; share of hours in which it fell short",
        week.reserve.round({"held": 1, "beyond": 1}),
    )
    yield _frame_table(
        "Schedules under the preset for Kazakhstan; costs in prices of scheduled energy",
        week.schedules[["site", *(name for name in week.schedules if name != "site")]],
    )


def _frame_table(title: str, frame: pd.DataFrame) -> Table:
    """Table of all columns of a frame."""
    table = plain_table(title, (str(name).replace("_", " ") for name in frame.columns))
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: Any) -> str:
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
