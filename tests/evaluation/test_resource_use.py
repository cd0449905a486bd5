"""CPU time and memory of several processes are summed once each."""

from __future__ import annotations

import os
import time

import pytest

from energyforecast.evaluation.resource_use import ProcessUse, total_use


def test_work_of_other_processes_is_added_and_this_one_counts_once() -> None:
    here = ProcessUse(os.getpid(), 1e6, 1e9)  # already in this process's own count
    others = [ProcessUse(-1, 1.0, 100.0), ProcessUse(-1, 2.0, 300.0), ProcessUse(-2, 4.0, 50.0)]
    begun = time.process_time()
    alone, total = total_use([], since=begun), total_use([here, *others], since=begun)
    assert total["cpu_seconds"] - alone["cpu_seconds"] == pytest.approx(7.0, abs=0.5)
    assert total["peak_memory_mb"] - alone["peak_memory_mb"] == pytest.approx(350, abs=20), (
        "the largest of each"
    )
