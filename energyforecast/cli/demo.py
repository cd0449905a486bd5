"""Command demo: real and synthetic data without a network."""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from energyforecast.cli import plan
from energyforecast.cli.console import JobsOption, OutOption, processes, progress_bar
from energyforecast.cli.json_output import JsonOption, is_output, write_json
from energyforecast.cli.result_tables import write_results

__all__ = ["demo"]


def demo(
    name: Annotated[
        str, typer.Argument(help="Which one: la-haute-borne, shelek or plan.")
    ] = "la-haute-borne",
    out: OutOption = Path("demo"),
    jobs: JobsOption = 0,
    gate_closure: Annotated[str, typer.Option(help="Wall time of issue of the synthetic sites.")] = "08:00",
    language: Annotated[str, typer.Option(help="Of the sheets of plan: en, ru or fr.")] = "en",
    json_file: JsonOption = None,
) -> None:
    """Forecast a day ahead, score it in a backtest, write scores and figures.

    la-haute-borne is a real wind farm with a reanalysis for weather: not forecast skill. shelek is a synthetic
    wind farm, PV plant and area with weather forecasts as they arrived. plan runs a synthetic region for a
    week, planned a day ahead every day, and computes the value of the forecast.
    """
    from energyforecast.demos import power as demos
    from energyforecast.evaluation import Execution

    if name == "plan":
        plan.demo(
            out, gate_closure=gate_closure, language=language, json_file=json_file, jobs=processes(jobs)
        )
        return

    begun = time.perf_counter()
    backtests = demos.demo_backtests(name, gate_closure=gate_closure)
    results = {}
    for item in backtests:
        with progress_bar(f"Fits and forecasts {item.name}".strip()) as progress:
            results[item.name] = item.run(Execution(jobs=processes(jobs), progress=progress))
    notes = tuple(dict.fromkeys(note for item in backtests for note in item.notes))
    with redirect_stdout(sys.stderr) if is_output(json_file) else nullcontext():
        write_results(results, out, timezone=backtests[0].forecaster.task.timezone, notes=notes, begun=begun)
    if json_file is not None:
        write_json(json_file, json.loads((out / "scores.json").read_text(encoding="utf-8")))
