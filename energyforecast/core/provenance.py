"""Where a result was made, and from which data: platform, processor, commit, hash."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from energyforecast.core.version import __version__

__all__ = ["commit", "data_hash", "machine", "processor_level", "versions"]

_REPOSITORY = Path(__file__).resolve().parents[1]


def machine() -> dict[str, str]:
    """Platform, processor level and commit; the commit is empty outside a git checkout."""
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor_level(),
        "commit": commit(),
    }


def versions() -> dict[str, str]:
    """Versions of the library and of LightGBM."""
    return {"energyforecast": __version__, "lightgbm": version("lightgbm")}


def processor_level() -> str:
    """Instruction level of numpy (``NPY_DISABLE_CPU_FEATURES`` lowers it), ``"x86-64-v3"``; else the machine."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return platform.machine()
    described: Any = np.show_config(mode="dicts")
    known = described.get("SIMD Extensions", {})
    features = {*known.get("baseline", ()), *known.get("found", ())}
    # numpy names whole levels from 2.4 on, and single features before.
    if features & {"X86_V4", "AVX512_SKX"}:
        return "x86-64-v4"
    return "x86-64-v3" if features & {"X86_V3", "AVX2"} else "x86-64-v2"


@functools.cache
def commit() -> str:
    """Commit of the package's git checkout, with ``-dirty`` if it has changes; empty if it lies in none."""
    if not (
        _REPOSITORY / ".git"
    ).exists():  # a package that was installed into the checkout of another project
        return ""
    # No lock: describing may run at the same time as git of the user.
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command)
            command, cwd=_REPOSITORY, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def data_hash(arrays: Iterable[Any]) -> str:
    """Hash of numbers in single precision with their shapes, in 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        single = np.array(array, dtype="<f4", order="C")
        single[np.isnan(single)] = np.nan  # of one sign: that of a missing number is chance
        digest.update(str(single.shape).encode())
        digest.update(single.tobytes())
    return digest.hexdigest()[:16]
