"""Metrics by topic: point forecasts, distributions, events, ensembles, money."""
