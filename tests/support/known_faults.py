"""Marks of the known faults in tests/cases, and the block that may also be refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from energyforecast.errors import EnergyForecastError

#: A wrong value, or no error where one was due.
WRONG = (AssertionError, pytest.fail.Exception)


def fault(
    reason: str, *, raises: type[BaseException] | tuple[type[BaseException], ...] = WRONG
) -> pytest.MarkDecorator:
    """Strict expected failure: once the fault is mended the test fails until this mark is removed."""
    return pytest.mark.xfail(strict=True, raises=raises, reason=reason)


@contextmanager
def or_refused(naming: str = "") -> Iterator[None]:
    """Block that may be refused by an error of the library, with a message that matches `naming`."""
    try:
        yield
    except EnergyForecastError as error:
        if not re.search(naming, str(error)):
            pytest.fail(f"The message does not name {naming!r}:\n{error}")
