"""Files and tables of a backtest, for the commands demo and backtest."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from energyforecast.cli.console import console, listed, plain_table, styled
from energyforecast.core import wording
from energyforecast.core.file_sets import whole_set

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from energyforecast.evaluation import Result

__all__ = ["write_results"]


def write_results(
    results: dict[str, Result], out: Path, *, timezone: str, begun: float, notes: tuple[str, ...] = ()
) -> None:
    """Write forecasts, figures and scores of every case, and show its tables."""
    from energyforecast.evaluation import write_scores

    shown = console()
    with whole_set(out, index="scores.json") as stage:
        for name, result in results.items():
            _write_case(result, stage, f"_{name}" if name else "", timezone)
        records = [record for result in results.values() for record in result.records()]
        write_scores(stage, records, _joined(results, notes))
    for result in results.values():
        for line in (*_headline(result), *(styled((note, "bold")) for note in notes)):
            shown.print(line, highlight=False)
        for site in next(iter(result.forecasts.values())).sites:
            for unit in ("MW", "% of capacity"):
                if unit == "MW" or result.provenance["capacity_mw"][site] is not None:
                    shown.print(_score_table(result, site, unit))
    fits = sum(len(result.folds) for result in results.values())
    spent = sum(result.provenance["cpu_seconds"] for result in results.values())
    shown.print(
        f"{fits} fits, {spent:.0f} CPU s; {time.perf_counter() - begun:.0f} s in all.", highlight=False
    )
    shown.print(f"Written to {out}: {listed(out)}", highlight=False)


def _joined(results: dict[str, Result], notes: tuple[str, ...]) -> dict[str, Any]:
    """Provenance of one case as it is; of several, each by its name."""
    if list(results) == [""]:
        return dict(results[""].provenance) | ({"notes": list(notes)} if notes else {})
    caveats = [caveat for result in results.values() for caveat in result.provenance["caveats"]]
    cases = {name: dict(result.provenance) for name, result in results.items()}
    return {"caveats": list(dict.fromkeys(caveats)), "notes": list(notes), "cases": cases}


def _write_case(result: Result, out: Path, suffix: str, timezone: str) -> None:
    from energyforecast.reporting import figures

    forecast = next(iter(result.forecasts.values()))
    forecast.write_csv(out / f"forecast{suffix}.csv")
    forecast.save(out / f"forecast{suffix}.nc")
    shown = forecast.sel(issue_time=_liveliest(forecast))
    figure = figures.fan_chart(shown, result.observations, timezone=timezone)
    figures.save(figure, out / f"fan_chart{suffix}.png")
    figures.save(figures.reliability(result), out / f"reliability{suffix}.png")


def _liveliest(forecast: Any) -> Any:
    """Issue with the largest change of its median: chosen by the forecast, not by its success."""
    median = forecast.at(0.5)
    reach = (median.max("lead_time") - median.min("lead_time")).isel(site=0)
    return forecast.issue_times[int(reach.argmax("issue_time"))]


def _headline(result: Result) -> list[str | Text]:
    used = result.provenance
    issued = f"issued {used['first_issue']} to {used['last_issue']}"
    lines: list[str | Text] = [
        styled((", ".join(used["sites"]), "bold"), f": {used['issues']} forecasts, {issued}"),
        f"Skill in CRPS over {', '.join(used['references'])}; cover and width of central intervals.",
    ]
    lines += [styled((caveat, "bold red")) for caveat in used["caveats"]]
    pairs = next(iter(result.pairs.values()))
    lines.append(
        f"Pinball and CRPS over {used['pinball_levels']}; {len(pairs)} hours scored, {len(pairs.missing)} without "
        f"outcome; {pairs.below_zero} slightly negative outcomes (auxiliary use) judged as 0."
    )
    return lines


def _score_table(result: Result, site: str, unit: str) -> Table:
    first = next(iter(result.forecasts))
    caveats = result.provenance["caveats"]
    heads = ["lead", "n", "MAE", "RMSE", "bias", "pinball", "CRPS"]
    shares = _shares(result, first)
    heads += [f"{kind}\n{share:.0%}" for share in shares for kind in ("cover", "width")]
    heads += [f"skill\n{name[:8].lower()}." for name in result.provenance["references"]]
    title = f"{site}: {first}, scores by lead time [{unit}]"
    table = plain_table(title, heads, caption=caveats[0] if caveats else None)
    for column in table.columns:
        column.no_wrap = True
    value = "value" if unit == "MW" else "percent"
    for by in (["site", "lead_time"], ["site"]):
        scores = _of(result.scores(by=by, model=first), site)
        references = result.provenance["references"]
        skills = [result.skill("crps", reference=name, by=by) for name in references]
        skills = [_of(item[item["model"] == first], site) for item in skills]
        if len(by) == 1:
            table.add_section()
        for lead, rows in scores.groupby("lead_time", dropna=False, sort=True):
            table.add_row(*_cells(lead, rows, value, shares, skills))
    return table


def _of(scores: Any, site: str) -> Any:
    """Scores of one site; of all leads together the lead is NaN."""
    of_site = scores[scores["site"] == site]
    return of_site if "lead_time" in of_site else of_site.assign(lead_time=float("nan"))


def _shares(result: Result, model: str) -> list[float]:
    """Central intervals of 50, 80 and 90 % that the levels of the forecast have."""
    scores = result.scores(by=["site"], model=model)
    return [
        share
        for share in (0.5, 0.8, 0.9)
        if share in set(scores.loc[scores["metric"] == "coverage", "level"])
    ]


def _cells(lead: Any, rows: Any, value: str, shares: list[float], skills: list[Any]) -> list[str]:
    by_key = {(row.metric, row.level): row for row in rows.itertuples()}
    by_level = {key: row for key, row in by_key.items() if not math.isnan(key[1])}
    plain = {name: row for (name, level), row in by_key.items() if math.isnan(level)}
    cells = ["all" if math.isnan(lead) else wording.lead(lead), str(rows["n"].iloc[0])]
    figures = wording.decimals([getattr(plain["mae"], value)], least=2)
    cells += [
        f"{getattr(plain[name], value):.{figures}f}" for name in ("mae", "rmse", "bias", "pinball", "crps")
    ]
    for share in shares:
        cells.append(f"{by_level[('coverage', share)].percent:.1f}%")
        cells.append(f"{getattr(by_level[('width', share)], value):.{figures}f}")
    for table in skills:
        row = table if math.isnan(lead) else table[table["lead_time"] == lead]
        cells.append(f"{row['value'].iloc[0]:.2f}")
    return cells
