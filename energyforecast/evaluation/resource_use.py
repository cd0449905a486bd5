"""CPU time and memory of processes that share the work of a backtest or a competition."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["ProcessUse", "total_use"]


@dataclass(frozen=True)
class ProcessUse:
    """CPU seconds of a piece of work, and the largest memory of its process until its end."""

    process: int
    cpu_seconds: float
    peak_memory_mb: float

    @staticmethod
    def since(begun: float) -> ProcessUse:
        """Use of this process since a value of ``time.process_time()``."""
        return ProcessUse(os.getpid(), time.process_time() - begun, _peak_memory())


def total_use(pieces: Iterable[ProcessUse], *, since: float) -> dict[str, Any]:
    """``cpu_seconds`` and ``peak_memory_mb`` of this process since a moment, with the pieces done by others."""
    here = ProcessUse.since(since)
    seconds, memory = here.cpu_seconds, {here.process: here.peak_memory_mb}
    for piece in pieces:
        if piece.process != here.process:
            seconds += piece.cpu_seconds
            memory[piece.process] = max(memory.get(piece.process, 0.0), piece.peak_memory_mb)
    size = sum(memory.values())
    return {
        "cpu_seconds": round(seconds, 2),
        "peak_memory_mb": None if math.isnan(size) else round(size),
    }


def _peak_memory() -> float:
    """Largest resident size of this process so far; NaN where the system has no such count. [MB]"""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)
