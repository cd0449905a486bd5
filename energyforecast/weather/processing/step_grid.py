"""Steps of weather: native stamps, other steps, and the native values from which each of these is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["StepGrid"]

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
#: Clear-sky irradiance of each run at stamps, shape (runs[, 1], stamps).
Sky = Callable[[Ints], Floats]

#: Clear-sky irradiance below which no clear-sky index is formed. [W m-2]
_FAINT: Final = 20.0
#: Largest clear-sky index of faint light.
_BRIGHTEST: Final = 1.5
#: Longest piece over which the sun is taken at its middle. [ns]
_PIECE: Final = 600_000_000_000
#: Time of arrival of a stamp that was never published: it delays no other.
_EVER: Final = np.iinfo(np.int64).min


@dataclass(frozen=True)
class StepGrid:
    """Native stamps and the steps that are made from them, in nanoseconds.

    Parameters
    ----------
    native : array, shape (stamps,)
    lengths : array, shape (stamps,)
        Of the step that begins at each stamp, shorter than the way to the next one where stamps are missing.
    target : array, shape (steps,)
        Beginnings of the steps that are made.
    width : int
        Their length.
    """

    native: Ints
    lengths: Ints
    target: Ints
    width: int

    @classmethod
    def of(cls, native: Ints, lengths: Ints, *, width: int, anchors: Sequence[int], last: int) -> StepGrid:
        """Steps of a width that begin at any of the anchors, modulo the width, up to a last beginning."""
        first = [int(native[0] + (anchor - native[0]) % width) for anchor in anchors]
        return cls(
            native, lengths, np.unique(np.concatenate([np.arange(t, last + 1, width) for t in first])), width
        )

    @cached_property
    def atom(self) -> int:
        """Longest piece of which all native and all other steps are whole numbers."""
        begin = self.native[0]
        return int(np.gcd.reduce([self.width, *self.lengths, *np.diff(self.native), *(self.target - begin)]))

    @property
    def end(self) -> int:
        """End of the last native step."""
        return int(self.native[-1] + self.lengths[-1])

    @cached_property
    def _gaps(self) -> Ints:
        """Positions after which stamps are missing."""
        return np.flatnonzero(self.lengths[:-1] < np.diff(self.native))

    @cached_property
    def _stamps(self) -> Ints:
        """Native stamps, and one without a value at the beginning of each gap."""
        return np.insert(self.native, self._gaps + 1, (self.native + self.lengths)[self._gaps])

    def _filled(self, values: npt.NDArray[Any], gap: Any) -> npt.NDArray[Any]:
        """Values with those at the beginning of gaps."""
        return np.insert(values, self._gaps + 1, gap, axis=-1) if len(self._gaps) else values

    def _around(self, moments: Ints) -> tuple[Ints, Ints, Floats]:
        """Stamps before and after moments, and the share of the way that has passed."""
        stamps = self._stamps
        left = np.searchsorted(stamps, moments, side="right") - 1
        right = np.minimum(left + 1, len(stamps) - 1)
        length = np.where(left < right, stamps[right] - stamps[left], 1)
        return left, right, np.where(left < right, (moments - stamps[left]) / length, 0.0)

    @cached_property
    def exact(self) -> npt.NDArray[np.bool_]:
        """Steps that begin at a stamp."""
        return np.isin(self.target, self.native)

    def instants(self, values: Floats) -> Floats:
        """Instants at the beginnings of the steps, linear in time."""
        left, right, share = self._around(self.target)
        known = self._filled(values, np.nan)
        if self.exact.all():
            return np.asarray(known[..., left])
        between = known[..., left] * (1 - share) + known[..., right] * share
        between = np.where(self.target > self._stamps[-1], np.nan, between)
        return np.asarray(np.where(self.exact, known[..., left], between).astype(values.dtype))

    @property
    def spans_stamps(self) -> bool:
        """Whether steps are longer than native ones, so that instants lie within them."""
        return bool((self.lengths < self.width).any())

    def integrals(self, values: Floats) -> Floats:
        """Means over the steps of instants that are linear in time between their stamps."""
        known, count = self._filled(values, np.nan), self.width // self.atom
        total = np.zeros(1)
        for k in range(count + 1):
            moments = self.target + k * self.atom
            left, right, share = self._around(moments)
            # At a stamp the other side does not count, even where it is missing.
            at = np.where(
                share == 0.0, known[..., left], known[..., left] * (1 - share) + known[..., right] * share
            )
            at = np.where(moments > self._stamps[-1], np.nan, at)
            total = total + at * (0.5 if k in (0, count) else 1.0)
        return np.asarray(total / count).astype(values.dtype)

    def means(self, values: Floats) -> Floats:
        """Means over the steps of values that are constant in each native step."""
        known = self._filled(values, np.nan)
        count = self.width // self.atom
        pieces = self.target[:, None] + self.atom * np.arange(count)
        native = np.searchsorted(self._stamps, pieces, side="right") - 1
        outside = pieces >= self.end
        if (native == native[:, :1]).all() and not outside.any():
            return np.asarray(known[..., native[:, 0]])
        total = sum(np.where(outside[:, k], np.nan, known[..., native[:, k]]) for k in range(count))
        return np.asarray(total / count).astype(values.dtype)

    def sunlit(self, values: Floats, sky: Sky, *, mean: bool) -> Floats:
        """Means over the steps of radiation, means or instants, that follows a clear sky between the stamps."""
        known = self._filled(values, np.nan).astype(float)
        width = self.atom // -(-self.atom // _PIECE)
        begin = int(self.native[0]) + width * np.arange((self.end - int(self.native[0])) // width)
        light = sky(begin + width // 2)
        at = (
            self._constant(known, light, begin)
            if mean
            else self._index(known, sky, light, begin + width // 2)
        )
        first, count = (self.target - self.native[0]) // width, self.width // width
        total = np.zeros(1)
        for k in range(count):
            outside = first + k >= len(begin)
            total = total + np.where(outside, np.nan, at(np.where(outside, 0, first + k)))
        return np.asarray(total / count).astype(values.dtype)

    def _constant(self, known: Floats, light: Floats, begin: Ints) -> Callable[[Ints], Floats]:
        """Irradiance of pieces with one clear-sky index in each native step, which keeps its mean."""
        native = np.searchsorted(self._stamps, begin, side="right") - 1
        starts = np.searchsorted(begin, self._stamps)
        counts = np.diff(np.append(starts, len(begin)))
        whole = np.repeat(np.add.reduceat(light, starts, axis=-1) / counts, counts, axis=-1)
        # Radiation of a model at night is spread evenly, which keeps its energy.
        share = np.where(whole > 0, light / np.where(whole > 0, whole, 1.0), 1.0)
        return lambda piece: np.asarray(known[..., native[piece]] * share[..., piece])

    def _index(self, known: Floats, sky: Sky, light: Floats, middle: Ints) -> Callable[[Ints], Floats]:
        """Irradiance of pieces with a clear-sky index that is linear between instants, held after the last."""
        left, right, share = self._around(middle)
        clear = sky(self._stamps)
        index = np.where(clear > _FAINT, known / np.maximum(clear, _FAINT), np.nan)
        # Of the faint light between two low suns, the second of which may have set.
        faint = np.where(clear > 0, np.minimum(known / np.where(clear > 0, clear, 1.0), _BRIGHTEST), np.nan)

        def at(piece: Ints) -> Floats:
            before, after, passed = left[piece], right[piece], share[piece]
            early, late = index[..., before], index[..., after]
            low = np.isnan(early) & np.isnan(late)
            early = np.where(low, faint[..., before], early)
            late = np.where(low, faint[..., after], late)
            # At a low sun the index of the other side holds.
            early, late = np.where(np.isnan(early), late, early), np.where(np.isnan(late), early, late)
            made = (early * (1 - passed) + late * passed) * light[..., piece]
            line = known[..., before] * (1 - passed) + known[..., after] * passed
            return np.asarray(np.where(np.isnan(made) | np.isnan(line), line, made))

        return at

    def latest(self, arrived: Ints, *, instants: bool, means: bool, light: bool) -> Ints:
        """Latest arrival of the native values from which each step is made, for kinds of variables."""
        known, stamps = self._filled(arrived, _EVER), self._stamps
        first = np.searchsorted(stamps, self.target, side="right") - 1
        last = first
        if instants:
            last = np.maximum(last, np.searchsorted(stamps, self.target))
        if means:
            last = np.maximum(last, np.searchsorted(stamps, self.target + self.width) - 1)
        if light:
            last = np.maximum(last, np.searchsorted(stamps, self.target + self.width))
        last = np.minimum(last, len(stamps) - 1)
        reach = range(int((last - first).max(initial=0)) + 1)
        return np.asarray(np.maximum.reduce([known[..., np.minimum(first + k, last)] for k in reach]))
