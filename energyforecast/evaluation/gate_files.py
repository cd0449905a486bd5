"""Files of gates: limits of scores, and the settings of a comparison with a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from energyforecast.core.structured_text import parse_toml
from energyforecast.errors import ConfigurationError, EnergyForecastError
from energyforecast.evaluation.gates import Gate

__all__ = ["read_gates"]


def read_gates(path: str | Path) -> tuple[list[Gate], dict[str, Any]]:
    r"""Read gates from a TOML file, with its settings for a baseline.

    Parameters
    ----------
    path : path
        ``[[gate]]`` tables with the fields of :class:`Gate`; ``[baseline]`` with ``metrics`` and ``noise``.

    Raises
    ------
    ConfigurationError
        If it cannot be read, or has an unknown key.

    See Also
    --------
    Gate, energyforecast.Result.gate

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "gates.toml")
    ...     _ = file.write_text('[[gate]]\nmetric = "crps"\nmax = 0.5\n[baseline]\nmetrics = ["crps"]')
    ...     gates, baseline = read_gates(file)
    >>> gates[0].max, baseline
    (0.5, {'metrics': ['crps']})
    """
    try:
        content = parse_toml(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.", "It must be a TOML file of gates.", "Check path and contents."
        ) from error
    baseline, known = content.pop("baseline", {}), set(Gate.__dataclass_fields__)
    listed = content.pop("gate", [])
    _check_tables(path, listed, baseline)
    stray = [*content, *(key for item in listed for key in item if key not in known)]
    stray += [key for key in baseline if key not in {"metrics", "noise"}]
    if stray or any("metric" not in item for item in listed):
        raise ConfigurationError(
            f"{path} has " + (f"the key {stray[0]!r}." if stray else "a gate without a metric."),
            f"It must have [[gate]] with {sorted(known)}, and [baseline] with metrics and noise.",
            "Correct the key.",
        )
    try:
        return [Gate(**item) for item in listed], baseline
    except EnergyForecastError as error:
        raise ConfigurationError(f"{path}: {error.found}", error.expected, error.remedy) from error


def _check_tables(path: str | Path, listed: Any, baseline: Any) -> None:
    """Refuse gates that are no list of tables, and settings of a baseline of other types."""
    table = baseline if isinstance(baseline, dict) else {"metrics": None}
    metrics, noise = table.get("metrics", []), table.get("noise", 0.05)
    named = isinstance(metrics, list) and all(isinstance(name, str) for name in metrics)
    share = isinstance(noise, int | float) and not isinstance(noise, bool) and 0 < noise < 1
    if not (isinstance(listed, list) and all(isinstance(item, dict) for item in listed)):
        found = "gate that is no list of tables"
    elif not (named and share):
        found = f"[baseline] with {', '.join(f'{key} = {value!r}' for key, value in table.items())}"
    else:
        return
    raise ConfigurationError(
        f"{path} has a {found}."[:300],
        "It must have tables [[gate]], and [baseline] with a list of names as metrics and noise between 0 and 1.",
        "Correct the table.",
    )
