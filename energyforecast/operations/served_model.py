"""Registry as one run sees it: the model that answers is read once."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        """The model in service or, if it is refused, the newest that was before it."""
        if not self.held:
            self.held.append(super().served())
        return self.held[0]
