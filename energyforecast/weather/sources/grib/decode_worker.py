"""Decode GRIB in a child process, one request a line.

Started as ``python -m energyforecast.weather.sources.grib.decode_worker``.

A damaged file, or a second copy of a library that another package loads, can end the process of the C library of
GRIB. The process of the user therefore never loads it. Only the standard library, numpy and eccodes are imported
here, to begin quickly.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import numpy as np

__all__ = ["DAMAGED", "main"]

#: Exit code after a message that cannot be decoded, which standard output then names.
DAMAGED: Final = 3
#: Exit code where eccodes is not installed.
ABSENT: Final = 4

#: Words by which a grid without rows and columns is told from a damaged one.
NOT_SUPPORTED: Final = "not supported"
#: Beginnings of the types of such grids: rows of different lengths, spectral coefficients, triangles.
_UNSUPPORTED: Final = ("reduced", "sh", "unstructured", "healpix", "unknown")
#: Hours of the units of GRIB's time ranges (code table 4.4).
_UNITS: Final = {0: 1 / 60, 1: 1.0, 2: 24.0, 10: 3.0, 11: 6.0, 12: 12.0, 13: 1 / 3600}
_MISSING: Final = 1e20
#: Number of neighbours at the lowest value of a field that are a hole in the file, not weather.
_HOLE: Final = 12


def main() -> int:
    """Decode the requests on standard input, line by line, and acknowledge each answer with a line."""
    try:
        import eccodes
    except (ImportError, OSError, RuntimeError) as error:
        sys.stdout.write(str(error))
        return ABSENT
    eccodes.codes_grib_multi_support_on()
    for line in sys.stdin:
        problem = _answer(eccodes, json.loads(line))
        sys.stdout.write(f"{problem or 'written'}\n")
        sys.stdout.flush()
        if problem:
            return DAMAGED
    return 0


def _answer(eccodes: Any, request: dict[str, Any]) -> str | None:
    """Error in the files of a request, if any."""
    arrays: dict[str, Any] = {}
    messages: list[dict[str, Any]] = []
    for number, path in enumerate(request["files"]):
        place = f"{path}, before its first message"
        try:
            with open(path, "rb") as file:  # noqa: PTH123  (eccodes wants a file of the C library)
                while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
                    place = f"{path}, message {len(messages)}"
                    found = _described(eccodes, handle) | {"file": number}
                    _add_values(eccodes, handle, found, request, arrays, len(messages))
                    messages.append(found)
                    eccodes.codes_release(handle)
        except (eccodes.CodesInternalError, ValueError, KeyError) as error:
            return f"{place}: {error}".replace("\n", " ")
    text = np.frombuffer(json.dumps(messages).encode(), dtype=np.uint8)
    np.savez(request["answer"], messages=text, **arrays)
    return None


def _add_values(
    eccodes: Any,
    handle: Any,
    found: dict[str, Any],
    request: dict[str, Any],
    arrays: dict[str, Any],
    index: int,
) -> None:
    if request["cells"] is None:
        if f"latitude_{found['grid']}" not in arrays:
            shape = (found["rows"], found["columns"])
            for name in ("latitude", "longitude"):
                arrays[f"{name}_{found['grid']}"] = eccodes.codes_get_array(handle, f"{name}s").reshape(shape)
        return
    cells = request["cells"].get(found["grid"])
    if cells is None:
        raise ValueError("its grid is not that of the first message")
    eccodes.codes_set(handle, "missingValue", _MISSING)
    values = eccodes.codes_get_values(handle)
    if values.size != found["rows"] * found["columns"]:
        raise ValueError(f"it has {values.size} values for {found['rows']} x {found['columns']} cells")
    if _is_smooth(found, request["smooth"]):
        _refuse_holes(values, found)
    chosen = values[np.asarray(cells, dtype=np.int64)]
    arrays[f"values_{index}"] = np.where(chosen == _MISSING, np.nan, chosen)


def _is_smooth(found: dict[str, Any], smooth: list[Any]) -> bool:
    """Whether a message is of a field to be read that has no plateaus."""
    if found["code"] is None:
        return found["parameter"] in smooth
    return any(
        found["code"] == code and found["surface"] in surfaces and level in (0, found["level"])
        for code, surfaces, level in (entry for entry in smooth if isinstance(entry, list))
    )


def _refuse_holes(values: Any, found: dict[str, Any]) -> None:
    """Zeros written over packed values decode to the lowest value of the field, cell after cell."""
    if values.max() == values.min() or found["packing"] != "grid_simple":
        return
    columns = found["columns"]
    lowest = np.append(values == values.min(), False)
    # At a pole a whole row is one place and one value.
    lowest[:-1].reshape(found["rows"], columns)[[row for row in (0, -1) if found["poles"][row]]] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lowest]).astype(np.int8)))
    longest = int((edges[1::2] - edges[0::2]).max(initial=0))
    if longest >= _HOLE:
        raise ValueError(
            f"{longest} cells in a row hold the lowest value of the field: bytes were overwritten"
        )


def _described(eccodes: Any, handle: Any) -> dict[str, Any]:
    def get(key: str, kind: type = int) -> Any:
        return eccodes.codes_get(handle, key, kind)

    def maybe(key: str, kind: type = int, default: Any = None) -> Any:
        return get(key, kind) if eccodes.codes_is_defined(handle, key) else default

    if get("gridType", str).startswith(_UNSUPPORTED):
        raise ValueError(f"its grid is of the type {get('gridType', str)!r}, which is {NOT_SUPPORTED}")
    if maybe("jPointsAreConsecutive", default=0) or maybe("alternativeRowScanning", default=0):
        raise ValueError(f"its grid is scanned column by column, which is {NOT_SUPPORTED}")
    begin, end, statistic = _modern(get, maybe) if get("edition") == 2 else _old(get)
    edges = [maybe(f"latitudeOf{side}GridPointInDegrees", float, 0.0) for side in ("First", "Last")]
    keys = ("discipline", "parameterCategory", "parameterNumber")
    return {
        "code": [get(key) for key in keys] if get("edition") == 2 else None,
        "parameter": get("paramId"),
        "name": get("shortName", str),
        "surface": maybe("typeOfFirstFixedSurface") if get("edition") == 2 else None,
        "level": get("level"),
        "init_time": f"{get('dataDate'):08d}T{get('dataTime'):04d}",
        "begin": round(begin * 60),
        "end": round(end * 60),
        "statistic": statistic,
        "member": maybe("perturbationNumber", default=maybe("number", default=0)),
        "archive": maybe("marsClass", str),
        "grid": get("md5GridSection", str),
        "rows": maybe("Ny"),
        "columns": maybe("Nx"),
        "poles": [abs(abs(edge) - 90.0) < 1e-6 for edge in edges],
        "packing": get("packingType", str),
        "resolution": 2.0 ** maybe("binaryScaleFactor", default=0)
        * 10.0 ** -maybe("decimalScaleFactor", default=0),
        "grid_relative": bool(maybe("uvRelativeToGrid", default=0)),
        "lambert": [get(f"{key}InDegrees", float) for key in ("LoV", "Latin1", "Latin2")]
        if get("gridType", str) == "lambert"
        else None,
        "grid_type": get("gridType", str),
    }


def _modern(get: Any, maybe: Any) -> tuple[float, float, str | None]:
    """Window [h] and statistic of a message of edition 2."""
    begin = get("forecastTime") * _UNITS[get("indicatorOfUnitOfTimeRange")]
    process = maybe("typeOfStatisticalProcessing")
    if process is None:
        return begin, begin, None
    if maybe("numberOfTimeRanges", default=maybe("numberOfTimeRange", default=1)) != 1:
        raise ValueError("it has several time ranges")
    length = get("lengthOfTimeRange") * _UNITS[get("indicatorOfUnitForTimeRange")]
    return begin, begin + length, {0: "mean", 1: "sum"}.get(process, f"statistic {process}")


def _old(get: Any) -> tuple[float, float, str | None]:
    """Window [h] and statistic of a message of edition 1."""
    kind, unit = get("timeRangeIndicator"), _UNITS[get("unitOfTimeRange")]
    if kind in (0, 1, 10):
        lead = (get("P1") * 256 + get("P2") if kind == 10 else get("P1")) * unit
        return lead, lead, None
    return get("P1") * unit, get("P2") * unit, {3: "mean", 4: "sum"}.get(kind, f"statistic {kind}")


if __name__ == "__main__":
    sys.exit(main())
