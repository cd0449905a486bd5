"""Writes GRIB files in a process of its own: ``python tests/support/grib_files.py < specification``.

The process of the tests never loads eccodes, as that of a user does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

#: A grid of 0.25 degrees around Shelek: rows from north to south.
NORTH, WEST, ROWS, COLUMNS, STEP = 44.0, 78.0, 5, 6, 0.25


def field(name: str, **changes: Any) -> dict[str, Any]:
    """A message of a field, by the name of the library or another of those below."""
    codes: dict[str, tuple[Any, ...]] = {
        "u100": (0, 2, 2, 103, 100),
        "v100": (0, 2, 3, 103, 100),
        "u10": (0, 2, 2, 103, 10),
        "v10": (0, 2, 3, 103, 10),
        "t2m": (0, 0, 0, 103, 2),
        "ssrd": (0, 4, 7, 1, 0),
        "dswrf": (0, 4, 192, 1, 0),
        "aswdir": (0, 4, 198, 1, 0),
        "aswdifd": (0, 4, 199, 1, 0),
    }
    return {"code": codes[name], "date": 20240601, "hour": 0, "lead": 0, "centre": "ecmf", **changes}


def written(files: dict[Path, list[dict[str, Any]]]) -> None:
    """Write files of messages; ``lengths`` of the messages are kept beside nothing, but see :func:`lengths`."""
    request = {str(path): messages for path, messages in files.items()}
    subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(request),
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=120,
    )


def lengths(data: bytes) -> list[int]:
    """Lengths of the messages of edition 2 in a file."""
    found, place = [], 0
    while place < len(data):
        found.append(int.from_bytes(data[place + 8 : place + 16], "big"))
        place += found[-1]
    return found


def idx(data: bytes, messages: list[dict[str, Any]], names: dict[str, str]) -> str:
    """The index of NOAA for a file."""
    lines, place = [], 0
    for number, (length, one) in enumerate(zip(lengths(data), messages, strict=True), start=1):
        lead = one["lead"]
        when = f"{lead} hour fcst" if lead else "anl"
        if "begin" in one:
            when = f"{one['begin']}-{lead} hour {'ave' if one.get('mean') else 'acc'} fcst"
        name = names[one["named"]]
        lines.append(f"{number}:{place}:d={one['date']}{one['hour']:02d}:{name}:{when}:")
        place += length
    return "\n".join(lines) + "\n"


def ecmwf_index(data: bytes, messages: list[dict[str, Any]]) -> str:
    """The index of ECMWF for a file."""
    lines, place = [], 0
    for length, one in zip(lengths(data), messages, strict=True):
        row = {
            "date": str(one["date"]),
            "time": f"{one['hour']:02d}00",
            "step": str(one["lead"]),
            "levtype": "sfc",
            "param": one["named"],
            "_offset": place,
            "_length": length,
        }
        lines.append(json.dumps(row))
        place += length
    return "\n".join(lines) + "\n"


def _main() -> None:
    import eccodes
    import numpy as np

    for path, messages in json.load(sys.stdin).items():
        with Path(path).open("wb") as file:
            for one in messages:
                handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
                rows, columns = one.get("shape", (ROWS, COLUMNS))
                keys = {
                    "centre": one["centre"],
                    "Ni": columns,
                    "Nj": rows,
                    "latitudeOfFirstGridPointInDegrees": NORTH,
                    "longitudeOfFirstGridPointInDegrees": WEST,
                    "latitudeOfLastGridPointInDegrees": NORTH - STEP * (rows - 1),
                    "longitudeOfLastGridPointInDegrees": WEST + STEP * (columns - 1),
                    "iDirectionIncrementInDegrees": STEP,
                    "jDirectionIncrementInDegrees": STEP,
                    "dataDate": one["date"],
                    "dataTime": one["hour"] * 100,
                }
                if "member" in one:
                    keys["productDefinitionTemplateNumber"] = 11 if "begin" in one else 1
                    keys["perturbationNumber"] = one["member"]
                elif "begin" in one:
                    keys["productDefinitionTemplateNumber"] = 8
                discipline, category, number, surface, level = one["code"]
                keys |= {
                    "discipline": discipline,
                    "parameterCategory": category,
                    "parameterNumber": number,
                    "typeOfFirstFixedSurface": surface,
                    "scaleFactorOfFirstFixedSurface": 0,
                    "scaledValueOfFirstFixedSurface": level,
                    "indicatorOfUnitOfTimeRange": 1,
                    "forecastTime": one.get("begin", one["lead"]),
                }
                if "begin" in one:
                    keys |= {
                        "typeOfStatisticalProcessing": 0 if one.get("mean") else 1,
                        "indicatorOfUnitForTimeRange": 1,
                        "lengthOfTimeRange": one["lead"] - one["begin"],
                    }
                for key, value in keys.items():
                    eccodes.codes_set(handle, key, value)
                eccodes.codes_set(handle, "bitsPerValue", 16)
                values = np.broadcast_to(np.asarray(one["values"], dtype=float), (rows, columns))
                if one.get("slope", True):
                    values = values + 0.01 * np.arange(rows * columns).reshape(rows, columns)
                eccodes.codes_set_values(handle, values.ravel())
                eccodes.codes_write(handle, file)
                eccodes.codes_release(handle)


if __name__ == "__main__":
    _main()
