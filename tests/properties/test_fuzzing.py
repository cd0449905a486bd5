"""Damaged files of every reader: only the library's errors leave, memory and time are bounded."""

from __future__ import annotations

import pytest

from tests.support.fuzzed_readers import READERS
from tests.support.fuzzing import fuzz


@pytest.mark.slow
def test_readers_refuse_or_read_damaged_files() -> None:
    report = fuzz(list(READERS), seed=20_240_601, count=3)
    assert report.findings == [], str(report)
    assert sum(report.tried.values()) == 3 * len(READERS)
    assert sum(report.refused.values()) > len(READERS)  # the mutations are felt


@pytest.mark.long
def test_readers_refuse_or_read_many_damaged_files() -> None:
    report = fuzz(list(READERS), seed=7, seconds=1_200)
    assert report.findings == [], str(report)
