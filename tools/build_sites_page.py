"""Write docs/reference/sites.md from the catalogue of public sites.

::

    python tools/build_sites_page.py [--out FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from energyforecast.core.site_catalogue import catalogue
from energyforecast.core.sites import Site

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "sites.md"

HEAD = """# Public sites

`ef.catalogue()` contains public plants and areas, mainly of Central Asia, as `WindFarm`, `PVPlant`
and `DemandArea` objects. This page is made from it by `python tools/build_sites_page.py`.

```python
import energyforecast as ef

farm = ef.catalogue()["zhanatas"]
farm.sources["hub_height"]  # Source(text='height of the tower, power-technology.com', certainty='derived')
```

![The sites of Central Asia by place, kind and capacity](../figures/sites.png)

The map is drawn by `python tools/build_sites_map.py`. It has no borders, because the package contains no map data.
La Haute Borne and Hornsea 1 are outside the map.

**A field without a source is left out**: for example, sources disagree on the manufacturer of the turbines of
Shelek-1, and Djungar Gate has no wind farm yet. Each field has a source and one of three certainties:

- *stated*: given by a named source;
- *derived* (marked `~`): computed or inferred from sources;
- *approximate* (marked `≈`): an estimate within the stated uncertainty.

**Coordinates** of sites in Uzbekistan and of Balykchy are approximate to 10 km. So are those of Shelek-1: its
position is not published, and the point is close to the neighbouring farm Nurly. An area has a single point, which
is not representative of its weather. Requests for weather use `site.coordinates_for_weather()`, which gives
an `ApproximateCoordinatesWarning` from 5 km on. The uncertainties of the other positions are estimates,
because their source gives none, and some of its positions are those of towns.

**Capacities** are upper bounds of a forecast. Demand areas have no capacity; some have a published
`yearly_energy`.

Positions, capacities and regional demand of Kazakhstan are from
[pypsa-kz-data](https://github.com/pypsa-meets-earth/pypsa-kz-data) (pypsa-kz-data authors, CC-BY-4.0).
Kelmarsh, Penmanshiel and Hill of Towie also publish measurements. They are not in the catalogue, because no source
with their position was available.
"""

MARKS = {"stated": "", "derived": "~", "approximate": "≈"}
KINDS = {"wind": "Wind", "solar": "Solar", "demand": "Demand"}


def marked(site: Site, field: str, text: str) -> str:
    """A value with the mark of its certainty; a dash where it is absent."""
    if getattr(site, field, None) is None:
        return "–"
    source = site.sources.get(field)
    return f"{MARKS[source.certainty] if source else ''}{text}"


def row(identifier: str, site: Site) -> list[str]:
    """The cells of one site."""
    position = marked(site, "latitude", f"{site.latitude:.3f}, {site.longitude:.3f}")
    plain = [f"`{identifier}`", site.name, f"{position} ± {site.coordinate_uncertainty_km:g} km"]
    numbers = [
        marked(site, field, f"{getattr(site, field, None) or 0:g}") for field in ("capacity", "yearly_energy")
    ]
    return [*plain, *numbers, marked(site, "equipment", site.equipment or ""), site.timezone]


def sources(identifier: str, site: Site) -> str:
    """Who says what of one site, fields of one source together."""
    said: dict[tuple[str, str], list[str]] = {}
    for field, source in site.sources.items():
        if field != "timezone":
            said.setdefault((source.text, source.certainty), []).append(field)
    parts = [f"{', '.join(fields)}: {text} ({certainty})" for (text, certainty), fields in said.items()]
    return f"- `{identifier}`: {'; '.join(parts)}."


def page() -> str:
    """The whole page."""
    sites = catalogue()
    header = ["Id", "Name", "Latitude, longitude", "MW", "GWh a year", "Equipment", "Time zone"]
    lines = [HEAD]
    for kind, title in KINDS.items():
        chosen = {name: site for name, site in sites.items() if site.kind == kind}
        table = [header, ["---"] * len(header), *(row(name, site) for name, site in chosen.items())]
        lines += [f"## {title}", "", *("| " + " | ".join(cells) + " |" for cells in table), ""]
    lines += ["## Sources", "", *(sources(name, site) for name, site in sites.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Follow the command line."""
    parser = argparse.ArgumentParser(description="Write docs/reference/sites.md from the catalogue.")
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.parse_args().out.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
