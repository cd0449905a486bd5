"""Console that falls silent when the reader of its pipe has gone."""

from __future__ import annotations

import os
from typing import IO, Any

from rich.console import Console

__all__ = ["PipeConsole", "discard"]


class PipeConsole(Console):
    """Console of which a closed pipe ends the output, and not the work: ``energyforecast run farm.toml | head -1``."""

    def on_broken_pipe(self) -> None:
        """Print no more."""
        self.quiet = True
        discard(self.file)


def discard(stream: IO[Any]) -> None:
    """Discard all that a stream is given from now on, and the rest of its buffer, which Python writes at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
