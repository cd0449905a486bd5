"""Where a result was made, and from which data: platform, processor, commit, hash."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["commit", "data_hash", "machine", "processor_level"]

_REPOSITORY = Path(__file__).resolve().parents[1]


def machine() -> dict[str, str]:
    """Platform, processor level and commit; the commit is empty outside a git checkout.

    Returns
    -------
    dict of str
        ``platform``, ``processor`` and ``commit``.

    Examples
    --------
    >>> sorted(machine())
    ['commit', 'platform', 'processor']
    """
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor_level(),
        "commit": commit(),
    }


def processor_level() -> str:
    """Instruction level at which numpy computes: ``"x86-64-v2"``, ``"-v3"`` or ``"-v4"``; else the machine's kind.

    ``NPY_DISABLE_CPU_FEATURES`` lowers it.

    Examples
    --------
    >>> level = processor_level()
    >>> level.startswith("x86-64-v") or level == platform.machine()
    True
    """
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
    """Commit of the package's own git checkout, with ``-dirty`` if it has changes; empty if it lies in none.

    Examples
    --------
    >>> isinstance(commit(), str)
    True
    """
    if not (
        _REPOSITORY / ".git"
    ).exists():  # a package that was installed into the checkout of another project
        return ""
    # No lock: describing may run beside the user's own git.
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command)
            command, cwd=_REPOSITORY, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def data_hash(arrays: Iterable[Any]) -> str:
    """Hash of numbers in single precision, with their shapes: equal for equal data.

    Parameters
    ----------
    arrays : iterable of array

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> data_hash([[1.0, 2.0]]) == data_hash([np.array([1, 2])])
    True
    >>> data_hash([[1.0, 2.0]]) == data_hash([[1.0], [2.0]])
    False
    """
    digest = hashlib.sha256()
    for array in arrays:
        single = np.array(array, dtype="<f4", order="C")
        single[np.isnan(single)] = np.nan  # of one sign: that of a missing number is chance
        digest.update(str(single.shape).encode())
        digest.update(single.tobytes())
    return digest.hexdigest()[:16]
