"""Registry as one run sees it: the model that answers is read once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.operations.registry import Registry, Served, registry_of

__all__ = ["RegistryOfRun"]


@dataclass(frozen=True)
class RegistryOfRun(Registry):
    """Registry that reads the model that answers once, and again when another is put in service."""

    held: list[Served | None] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def of(cls, settings: Configuration) -> RegistryOfRun:
        """Registry of a configuration."""
        found = registry_of(settings)
        return cls(found.folder, key=found.key)

    def served(self) -> Served | None:
        """The model in service or, if it is refused, the newest that was before it; after an error None."""
        if not self.held:
            self.held.append(
                None
            )  # stays after an error: that step fails, and those after it do without a model
            self.held[0] = super().served()
        return self.held[0]

    def put_in_service(
        self, name: str, *, since: pd.Timestamp | None = None, instead_of: str | None = None
    ) -> None:
        """Put a model in service; the one that answers by now is looked up anew, before and after."""
        self.held.clear()
        super().put_in_service(name, since=since, instead_of=instead_of)
        self.held.clear()
