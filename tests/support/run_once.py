"""One run of a control room in a process of its own: ``python -m tests.support.run_once CONFIG MOMENT``."""

from __future__ import annotations

import sys
import time

import pandas as pd

from energyforecast import configuration
from energyforecast.errors import RunLockedError
from energyforecast.operations import daily_run
from energyforecast.operations.run_record import LOCKED
from tests.support.control_room import register_source


def main(config: str, moment: str) -> int:
    """Run, with a clock that begins at a moment; the exit code of the run."""
    register_source()
    begun, first = time.monotonic(), pd.Timestamp(moment)
    settings = configuration.read(config)
    try:
        record = daily_run(
            settings, clock=lambda: (first + pd.Timedelta(time.monotonic() - begun, "s")).as_unit("ns")
        )
    except RunLockedError:
        return LOCKED
    return int(record.exit_code)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
