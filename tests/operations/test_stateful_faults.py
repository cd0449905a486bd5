"""Random sequences of faults through the whole daily run of a control room, looked at after each morning."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.support.control_room import ControlRoom, Portfolio, portfolio
from tests.support.morning_faults import METER_FAULTS, WEATHER_FAULTS, SmallDisk
from tests.support.mornings import Morning, Mornings
from tests.support.published_checks import archived_rows, check_only_grew, check_published

pytest.importorskip("sqlalchemy")

#: Two places and the days around their changes of clock: Kazakhstan's on 1 March 2024, Europe's on 31 March.
CLOCKS = {"Asia/Almaty": "2024-02-29", "Europe/Paris": "2024-03-30"}
HISTORY = 10
#: Sequences, and mornings of each, within a minute of the processor.
EXAMPLES, STEPS = 1, 4
KEYS: dict[str, Any] = {
    "train_every": "20D",
    "train_on_drift": False,
    "promotion_weeks": 1,
    "backtest_weeks": 1,
}

WEATHER = [f"weather: {name}" for name in (*WEATHER_FAULTS, "late", "lost for days")]
METERS = [f"meters: {name}" for name in (*METER_FAULTS, "stale for days")]
OTHERS = ["model altered", "database gone", "killed", "two at once", "disk full", "read-only"]


def world(timezone: str) -> Portfolio:
    """Some weeks around a change of clock."""
    return portfolio(start=CLOCKS[timezone], days=25, history=HISTORY)


Begun = Callable[[str], Path]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """Room of a zone after a first good morning: it has weather, measurements, a model and an archive."""

    @cache
    def made(zone: str) -> Path:
        folder = tmp_path_factory.mktemp("room")
        with ControlRoom(folder, world(zone), start=CLOCKS[zone], timezone=zone, keys=KEYS) as room:
            first = Mornings(room, SmallDisk(folder), random.Random(0))(())
            assert first.forecast is not None, first
        return folder

    return made


class Room(RuleBasedStateMachine):
    """A control room, morning after morning."""

    begun: Begun

    @initialize(zone=st.sampled_from(sorted(CLOCKS)), seed=st.integers(0, 2**16))
    def open(self, zone: str, seed: int) -> None:
        """A room after its first good morning, on a disk of its own where one can be mounted."""
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()), "room")
        disk = self.stack.enter_context(SmallDisk(folder, size="128m"))
        shutil.copytree(self.begun(zone), folder, dirs_exist_ok=True)
        room = ControlRoom(folder, world(zone), start=CLOCKS[zone], timezone=zone, keys=KEYS)
        self.room = self.stack.enter_context(room)
        self.mornings = Mornings(self.room, disk, random.Random(seed))
        self.rows = archived_rows(room.operations / "archive.sqlite")
        self.last: Morning | None = None

    @rule(
        days=st.sampled_from([1, 1, 1, 2, 4]),
        weather=st.none() | st.sampled_from(WEATHER),
        meters=st.none() | st.sampled_from(METERS),
        other=st.none() | st.sampled_from(OTHERS),
    )
    def morning(self, days: int, weather: str | None, meters: str | None, other: str | None) -> None:
        """The run of a morning, some days after the last one, with up to three faults."""
        self.room.next_morning(days=days)
        if other in ("disk full", "read-only") and not self.mornings.disk.is_mounted:
            other = None
        self.last = self.mornings([name for name in (weather, meters, other) if name is not None])
        self.room.go_to(self.last.issue)

    @invariant()
    def there_is_a_forecast(self) -> None:
        """The forecast of the last morning is there, whole and possible, and the archive has lost nothing."""
        if getattr(self, "last", None) is None:
            return
        assert self.last is not None
        assert self.last.forecast is not None, self.last
        assert set(self.last.codes) <= {0, 3, 1, 4, -9}, self.last
        assert self.last.codes[-1] in (0, 3) or self.last.faults[-1] == "two at once", self.last
        check_published(self.room)
        rows = archived_rows(self.room.operations / "archive.sqlite")
        check_only_grew(self.rows, rows)
        self.rows = rows

    def teardown(self) -> None:
        """Close the room."""
        if hasattr(self, "stack"):
            self.stack.close()


@pytest.mark.faults
def test_whatever_fails_there_is_a_forecast_and_nothing_is_lost(begun: Begun) -> None:
    """A few sequences; EF_FAULT_SEQUENCES sets their number, and more than these are drawn at random."""
    examples = int(os.environ.get("EF_FAULT_SEQUENCES", EXAMPLES))
    machine = type("Room", (Room,), {"begun": staticmethod(begun)})
    given = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=examples == EXAMPLES,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),  # a sequence is short as it is, and takes long
    )
    run_state_machine_as_test(machine, settings=given)
