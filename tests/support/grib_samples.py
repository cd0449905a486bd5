"""Writes GRIB messages of any sample and keys in a process of its own: ``python tests/support/grib_samples.py FILE``.

The process of the tests never loads eccodes, as that of a user does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: A grid of one degree from 50 N, 8 E to 46 N, 12 E.
FIVE_BY_FIVE = {
    "Ni": 5,
    "Nj": 5,
    "latitudeOfFirstGridPointInDegrees": 50.0,
    "latitudeOfLastGridPointInDegrees": 46.0,
    "longitudeOfFirstGridPointInDegrees": 8.0,
    "longitudeOfLastGridPointInDegrees": 12.0,
    "iDirectionIncrementInDegrees": 1.0,
    "jDirectionIncrementInDegrees": 1.0,
}
#: Temperature at 2 m above ground.
TEMPERATURE = {
    "discipline": 0,
    "parameterCategory": 0,
    "parameterNumber": 0,
    "typeOfFirstFixedSurface": 103,
    "scaleFactorOfFirstFixedSurface": 0,
    "scaledValueOfFirstFixedSurface": 2,
}


def message(
    keys: Mapping[str, Any], values: Sequence[float] | None = None, *, sample: str = "regular_ll_sfc_grib2"
) -> dict[str, Any]:
    """A message: keys in the order in which they are set, and its values, those of the sample by default."""
    return {"sample": sample, "keys": list(keys.items()), "values": None if values is None else list(values)}


def write(path: Path, messages: Sequence[Mapping[str, Any]]) -> Path:
    """Write messages to a file."""
    subprocess.run(
        [sys.executable, __file__, str(path)],
        input=json.dumps(messages),
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    return path


def _main() -> None:
    import eccodes
    import numpy as np

    with Path(sys.argv[1]).open("wb") as file:
        for one in json.load(sys.stdin):
            handle = eccodes.codes_grib_new_from_samples(one["sample"])
            for key, value in one["keys"]:
                eccodes.codes_set(handle, key, value)
            if one["values"] is not None:
                eccodes.codes_set_values(handle, np.asarray(one["values"], dtype=float))
            eccodes.codes_write(handle, file)
            eccodes.codes_release(handle)


if __name__ == "__main__":
    _main()
