"""Configuration: one TOML file for sites, weather, observations, task and model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
