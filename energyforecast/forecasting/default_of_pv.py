"""Default model of PV, day ahead."""

from __future__ import annotations

from typing import Any, Final

from energyforecast.models import LightGBMQuantiles, QuantileModel, SelectedModel

__all__ = ["model_of_pv"]

#: Candidate of a PV plant that reads the newest day.
_SHARE: Final = "share of sun and clear sky"


def model_of_pv(clear_sky: str | None, chain: str | None) -> QuantileModel:
    """Default model of a PV plant.

    Features are few and collinear: thresholds are searched in full, each tree receives few columns, so that trees
    differ, and out-of-fold models see most seasons. At the same power, noon in winter is less certain than a morning in
    summer: levels are calibrated by clear-sky power, too. Absolute powers follow a plant that is not as described,
    departures from the chain of models one that is, shares of sun and clear sky a brighter season, below snow as well;
    these two take over where the sun is higher than all that was learned. Their errors differ: the mean is the usual
    choice. What the newest day gave shows snow, in the light of the sky alone: shares see it, with most columns.
    """
    settings: dict[str, Any] = {
        "extra_trees": False,
        "folds": 3,
        "feature_fraction": 0.4,
        "calibrate_by": clear_sky,
    }
    if clear_sky is None or chain is None:
        return LightGBMQuantiles(**settings)
    share = settings | {"share_of": (clear_sky, chain), "feature_fraction": 0.8}
    settings["exclude"] = ("newest_clear_sky_share*",)
    candidates: dict[str, QuantileModel] = {
        "absolute": LightGBMQuantiles(**settings),
        _SHARE: LightGBMQuantiles(**share),
        "departure from the chain": LightGBMQuantiles(relative_to=chain, **settings),
    }
    able = (_SHARE, "departure from the chain")
    return SelectedModel(
        candidates=candidates, usual=tuple(candidates), beyond=tuple((clear_sky, name) for name in able)
    )
