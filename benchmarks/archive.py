"""Speed of the archive: a million rows of forecasts are written, and one day of one site is read.

::

    python benchmarks/archive.py --json archive.json [--postgres ADDRESS] [--rows 1000000]

Of SQLite in a temporary folder and, with ``--postgres``, of a database on that server, whose tables are made and
dropped in a schema of their own. A row is an interval of a forecast with 99 quantiles.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.core.forecast_windows import Windows

SITES = tuple(f"farm {k}" for k in range(10))
LEVELS = np.arange(1, 100) / 100
HOURS = 24
#: Issues of one write.
ISSUES = 100
READS = 20


def forecast(begin: pd.Timestamp) -> ef.Forecast:
    """Day-ahead forecasts of all sites, with quantiles that differ from row to row."""
    issued = begin + pd.to_timedelta(np.arange(ISSUES), unit="D")
    starts = (issued + pd.Timedelta("15h")).tz_localize(None).to_numpy().astype("M8[ns]")
    issue_times = issued.tz_localize(None).to_numpy().astype("M8[ns]")
    windows = Windows.between(
        issue_times, starts, starts + np.timedelta64(HOURS, "h"), frequency=pd.Timedelta("1h")
    )
    low = np.random.default_rng(0).uniform(0, 10, size=(len(SITES), ISSUES * HOURS, 1))
    rows = {
        site: ef.SiteRows((low[k] + 40 * LEVELS).astype("f4"), capacity=60.0, kind="wind")
        for k, site in enumerate(SITES)
    }
    return ef.Forecast.from_rows(rows, windows=windows, quantile_levels=LEVELS.tolist(), attrs={"model": "x"})


def measure(address: str, rows: int) -> dict[str, float]:
    """Seconds of writing, and milliseconds of the median read."""
    archive = ef.archive.open(address)
    begin, written, seconds, processor = pd.Timestamp("2000-01-01 09:00", tz="UTC"), 0, 0.0, 0.0
    while written < rows:
        made = forecast(begin)
        started, cpu = time.perf_counter(), time.process_time()
        written += archive.write_forecast(made) * HOURS
        seconds += time.perf_counter() - started
        processor += time.process_time() - cpu
        begin += pd.Timedelta(ISSUES, "D")
    reads = []
    for k in range(READS):
        day = pd.Timestamp("2000-01-02") + pd.Timedelta(k * rows // (len(SITES) * HOURS * READS), "D")
        started = time.perf_counter()
        found = archive.forecast(SITES[k % len(SITES)], valid=f"{day:%Y-%m-%d}")
        reads.append(1000 * (time.perf_counter() - started))
        assert found.inside.sum() == HOURS
    return {
        "rows": written,
        "write_seconds": round(seconds, 2),
        "write_cpu_seconds": round(processor, 2),
        "read_day_ms": round(statistics.median(reads), 2),
        "read_day_ms_max": round(max(reads), 2),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--postgres")
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "archive.sqlite")
        report = {"sqlite": measure(str(file), given.rows) | {"megabytes": file.stat().st_size / 1e6}}
    if given.postgres:
        report["postgresql"] = measure(given.postgres, given.rows)
    print(json.dumps(report, indent=1))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
