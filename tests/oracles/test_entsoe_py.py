"""Documents of the Transparency Platform against entsoe-py."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from energyforecast.observations import parse_entsoe
from tests.support.entsoe_documents import document, period
from tests.support.oracles import Pair, compared, peer

parsers = peer("entsoe.parsers")


@compared(
    "load of documents with left-out positions, and its hours",
    area="observations",
    ours="observations.parse_entsoe",
    theirs="parse_loads",
    peer="entsoe-py",
    tolerance=0.0,
    suite=3,
    benchmark=100,
)
def test_load(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        places = [1, *np.sort(rng.choice(np.arange(2, 25), size=8, replace=False))]
        values = {int(k): float(rng.integers(0, 90_000)) for k in places}
        body = document(period("2024-01-01T00:00Z", "2024-01-02T00:00Z", values, curve="A03"))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*HTML parser")  # entsoe-py reads XML by that of HTML
            theirs = parsers.parse_loads(body.decode(), process_type="A16")["Actual Load"].astype(float)
        ours = parse_entsoe(body, site="area", published_after="1h").values["area"]
        yield ours, theirs
        yield ours.index.as_unit("s").asi8, theirs.index.as_unit("s").asi8
