"""Mornings of a control room: faults are put in place, the daily run is called as a timer calls it, and looked at."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

import energyforecast as ef
from energyforecast import configuration
from energyforecast.errors import EnergyForecastError, RunLockedError
from energyforecast.operations import daily_run
from energyforecast.operations.run_record import LOCKED, NO_FORECAST
from tests.support.control_room import DEADLINE, ControlRoom
from tests.support.morning_faults import (
    METER_FAULTS,
    WEATHER_FAULTS,
    SmallDisk,
    altered_model,
    database_gone,
)
from tests.support.published_checks import check_published

__all__ = ["Morning", "Mornings"]

ROOT = Path(__file__).parents[2]
#: Calls of a morning, until there is a forecast: as a timer that tries again. [min]
TRIES = (0, 5, 12, 20, 40, 75, 180)
#: Time after which a disk is mended, and a database is back. [min]
DISK_MENDED, DATABASE_BACK = 10, 60


@dataclass
class Morning:
    """Faults of a morning, exit codes of its calls, and its forecast if there is one."""

    issue: pd.Timestamp
    faults: tuple[str, ...]
    codes: list[int] = field(default_factory=list)
    forecast: ef.Forecast | None = None
    is_late: bool = False
    error: str = ""


@dataclass
class Mornings:
    """The mornings of a room, one after the other."""

    room: ControlRoom
    disk: SmallDisk
    draw: random.Random

    def __call__(self, faults: Sequence[str]) -> Morning:
        """One morning at the clock of the room with these faults."""
        room = self.room
        morning = Morning(room.today(), tuple(faults))
        room.server.heal()
        self._weather(morning.faults)
        self._meters(morning.faults)
        if "model altered" in faults:
            altered_model(room, self.draw)
        for minute in TRIES:
            room.go_to(morning.issue + pd.Timedelta(minute, "min"))
            self._try(morning, minute)
            self._look(morning)
            if morning.forecast is not None:
                break
        room.server.heal()
        room.weather.withheld = 0.0
        return morning

    def _weather(self, faults: Sequence[str]) -> None:
        """Let the server fail in all its answers, or in the first ones."""
        for name in faults:
            part, _, fault = name.partition(": ")
            if part == "weather" and fault in WEATHER_FAULTS:
                if self.draw.random() < 0.5:
                    self.room.server.always(WEATHER_FAULTS[fault])
                else:
                    self.room.server.script(*[WEATHER_FAULTS[fault]] * self.draw.randint(1, 6))
        self.room.weather.withheld = 0.0
        if "weather: late" in faults:
            self.room.weather.withheld = self.draw.uniform(1.0, 12.0)
        if "weather: lost for days" in faults:
            self.room.weather.withheld = 1e6

    def _meters(self, faults: Sequence[str]) -> None:
        """Export the meter file, as it is on this morning."""
        names = [name.partition(": ")[2] for name in faults if name.startswith("meters: ")]
        if "stale for days" in names:
            return
        changes = [METER_FAULTS[name] for name in names]
        self.room.export(None if not changes else lambda lines: changes[0](lines, self.draw))

    def _try(self, morning: Morning, minute: int) -> None:
        """One call, with the faults that last until then."""
        faults = morning.faults
        with contextlib.ExitStack() as during:
            if minute < DATABASE_BACK and "database gone" in faults:
                during.enter_context(database_gone(self.room))
            if minute < DISK_MENDED and "disk full" in faults:
                during.enter_context(self.disk.full(left=self.draw.choice([0, 8192, 65_536])))
            if minute < DISK_MENDED and "read-only" in faults:
                during.enter_context(self.disk.read_only())
            if minute == 0 and "killed" in faults:
                morning.codes.append(self._killed())
            elif minute == 0 and "two at once" in faults:
                morning.codes.extend(self._two())
            else:
                morning.codes.append(self._run(morning))

    def _run(self, morning: Morning) -> int:
        """The daily run in this process; its exit code."""
        try:
            record = daily_run(configuration.read(self.room.config), clock=self.room.clock)
        except RunLockedError:
            return LOCKED
        except EnergyForecastError as error:
            morning.error = f"{type(error).__name__}: {error}"
            return NO_FORECAST
        return int(record.exit_code)

    def _process(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.run_once", str(self.room.config), str(self.room.now)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _killed(self) -> int:
        """A run in a process that is killed at any moment."""
        process = self._process()
        time.sleep(self.draw.uniform(0.5, 8.0))
        process.kill()
        return process.wait()

    def _two(self) -> list[int]:
        """Two runs at the same time, in processes."""
        processes = [self._process() for _ in range(2)]
        return [process.wait(timeout=300) for process in processes]

    def _look(self, morning: Morning) -> None:
        """The forecast of the morning, if it is published; an older one must be whole, too."""
        folder = self.room.operations / "published"
        if not folder.is_dir():
            return
        forecast = check_published(self.room)
        issued = pd.Timestamp(forecast.data["issue_time"].values[-1], tz="UTC")
        if issued >= morning.issue:
            morning.forecast = forecast
            morning.is_late = self.room.clock() > self.room.today(DEADLINE)
