"""Files of a command that is run every day; those of an earlier issue that are set aside are reported."""

from __future__ import annotations

import sys

from energyforecast.core import file_sets, published_set

__all__ = ["PublishedSet"]


class PublishedSet(published_set.PublishedSet):
    """Files of a command, with a line on standard error when an earlier issue is set aside."""

    def refuse(self, reason: str) -> list[str]:
        """Move the files of an earlier issue away, leave the reason, and report it."""
        moved = super().refuse(reason)
        if moved:
            place = self.out / file_sets.PREVIOUS
            sys.stderr.write(
                f"The files in {self.out} are of an earlier issue: they were moved to {place}.\n"
            )
        return moved
