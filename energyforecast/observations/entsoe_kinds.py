"""Kinds of documents of ENTSO-E's platform, of which only those of realised values are measurements."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from energyforecast.errors import ResponseError

__all__ = ["check_kind"]

#: Types of documents of measurements: load, generation by unit, wind and sun, all and by type of plant.
_MEASURED: Final = ("A65", "A73", "A74", "A75")
_REALISED: Final = "A16"
_KINDS: Final = {
    "A44": "prices",
    "A09": "schedules",
    "A11": "flows",
    "A61": "capacities",
    "A65": "load",
    "A68": "installed capacity",
    "A69": "a forecast of wind and sun",
    "A70": "a forecast of the margin",
    "A71": "a forecast of generation",
    "A72": "reservoirs",
}
_PROCESSES: Final = {
    "A01": "a forecast for the day ahead",
    "A18": "intraday",
    "A31": "a forecast for the week ahead",
    "A32": "a forecast for the month ahead",
    "A33": "a forecast for the year ahead",
    "A40": "a forecast within the day",
}


def check_kind(root: ET.Element) -> None:
    """Refuse forecasts, prices, schedules and capacities, which are no measurements."""
    kind, process = root.findtext("type", ""), root.findtext("process.processType", "")
    measured = root.tag in ("GL_MarketDocument", "Acknowledgement_MarketDocument")
    if measured and kind in ("", *_MEASURED) and process in ("", _REALISED):
        return
    names = [_KINDS.get(kind, kind), _PROCESSES.get(process, process)]
    raise ResponseError(
        f"The document of ENTSO-E is a <{root.tag}> of type {kind or 'unknown'}, process {process or 'unknown'}: "
        f"{', '.join(name for name in names if name) or 'no measurement'}.",
        f"Measurements are in a GL_MarketDocument of type {' or '.join(_MEASURED)} and process {_REALISED} (realised).",
        "Ask for actual load or generation; a forecast of others is read by Forecast.from_frame, from a frame.",
    )
