"""The catalogue of public sites: what is in it, who says so, and what it does not claim."""

from __future__ import annotations

import dataclasses
import json
import tomllib
import warnings
from importlib.resources import files
from pathlib import Path

import pytest

import energyforecast as ef
from energyforecast import configuration, datasets
from energyforecast.core.site_catalogue import catalogue
from energyforecast.core.site_facts import Source
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.errors import ApproximateCoordinatesWarning, SchemaError
from energyforecast.forecasting import storage
from energyforecast.testing import example_forecaster

ROOT = Path(__file__).parents[2]
SITES = catalogue()
WIND = ["shelek", "nurly", "zhanatas", "yereymentau", "abai", "djungar_gate", "zarafshan", "bash", "balykchy"]
SOLAR = ["kapshagay", "burnoye", "saran", "nura", "nur_navoi", "samarkand", "sherabad"]
DEMAND = ["kazakhstan_north", "kazakhstan_south", "kazakhstan_west", "almaty", "uzbekistan", "kyrgyzstan"]
UZBEKISTAN = ["zarafshan", "bash", "nur_navoi", "samarkand", "jizzakh", "sherabad"]


@pytest.mark.parametrize(("names", "kind"), [(WIND, WindFarm), (SOLAR, PVPlant), (DEMAND, DemandArea)])
def test_the_named_plants_and_areas_are_there(names: list[str], kind: type[Site]) -> None:
    assert {type(SITES[name]) for name in names} == {kind}


def test_identifiers_and_names_are_unique_and_some_sites_lie_elsewhere() -> None:
    assert len({site.name for site in SITES.values()}) == len(SITES) >= 25
    assert {"la_haute_borne", "hornsea_1"} <= set(SITES)


@pytest.mark.parametrize("name", SITES)
def test_every_fact_has_its_source_and_every_source_its_fact(name: str) -> None:
    site = SITES[name]
    own = {"name", "sources", "coordinate_uncertainty_km", "sector", "timezone"}
    given = {
        item.name
        for item in dataclasses.fields(site)
        if item.name not in own and getattr(site, item.name) not in (None, item.default, {}, ())
    }
    assert given == set(site.sources) - {"timezone"}
    assert all(source.text for source in site.sources.values())
    assert site.coordinate_uncertainty_km is not None


@pytest.mark.parametrize("name", SITES)
def test_central_asia_lies_where_it_lies_in_its_own_zone(name: str) -> None:
    site = SITES[name]
    if name in ("la_haute_borne", "hornsea_1"):
        return
    assert 36 < site.latitude < 56
    assert 46 < site.longitude < 88
    assert site.timezone.split("/")[0] == "Asia"


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("shelek", "Asia/Almaty"),
        ("uzbekistan", "Asia/Tashkent"),
        ("bash", "Asia/Samarkand"),
        ("balykchy", "Asia/Bishkek"),
        ("kazakhstan_west", "Asia/Atyrau"),
    ],
)
def test_time_zones_are_those_of_the_place(name: str, zone: str) -> None:
    assert SITES[name].timezone == zone


def test_what_is_not_known_is_absent() -> None:
    shelek, gate = SITES["shelek"], SITES["djungar_gate"]
    assert isinstance(shelek, WindFarm)
    assert shelek.capacity == 60
    assert shelek.turbines == 24
    assert shelek.hub_height is None
    assert shelek.rotor_diameter is None
    for maker in ("envision", "goldwind", "vestas", "sany"):
        assert maker not in str(shelek.equipment).lower()
    assert gate.capacity is None
    assert all(SITES[name].capacity is None for name in DEMAND)
    assert SITES["kazakhstan_south"].yearly_energy == 11367 + 5211 + 4948 + 1760
    assert SITES["uzbekistan"].yearly_energy is None  # its generation is published, not its demand


@pytest.mark.parametrize("name", [*UZBEKISTAN, "balykchy", "shelek"])
def test_approximate_coordinates_say_so_and_warn_when_weather_is_asked_for(name: str) -> None:
    site = SITES[name]
    assert site.coordinate_uncertainty_km == 10
    assert site.sources["latitude"].certainty == site.sources["longitude"].certainty == "approximate"
    with pytest.warns(ApproximateCoordinatesWarning, match="10 km") as caught:
        assert site.coordinates_for_weather() == (site.latitude, site.longitude)
    assert len(str(caught[0].message).splitlines()) == 3
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["zhanatas", "burnoye", "la_haute_borne"])
def test_coordinates_of_a_list_do_not_warn(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SITES[name].coordinates_for_weather()


def test_an_area_warns_for_one_point_does_not_stand_for_it() -> None:
    for name in DEMAND:
        with pytest.warns(ApproximateCoordinatesWarning):
            SITES[name].coordinates_for_weather()


def test_better_coordinates_end_the_warning() -> None:
    better = dataclasses.replace(SITES["bash"], latitude=40.71, coordinate_uncertainty_km=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        better.coordinates_for_weather()


def test_what_comes_from_pypsa_kz_data_is_attributed() -> None:
    for name in ("nurly", "zhanatas", "abai", "kapshagay", "burnoye", "saran", "nura"):
        for field in ("latitude", "longitude", "capacity"):
            assert "pypsa-kz-data" in SITES[name].sources[field].text
            assert "CC-BY-4.0" in SITES[name].sources[field].text
    notice = " ".join((ROOT / "NOTICE").read_text(encoding="utf-8").split())
    assert "copyright pypsa-kz-data authors" in notice
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "CC-BY-4.0" in project["license"].split(" AND ")
    assert project["license"] in notice
    text = (ROOT / "LICENSES" / "CC-BY-4.0.txt").read_text(encoding="utf-8")
    assert text.startswith("Creative Commons Attribution 4.0 International")


def test_the_file_is_as_strict_as_it_says() -> None:
    tables = tomllib.loads((files("energyforecast.core") / "data" / "sites.toml").read_text(encoding="utf-8"))
    named = tables.pop("sources")
    used = set()
    for table in tables.values():
        for field in set(table) - {"kind", "name", "timezone"}:
            keys = set(table[field]) - ({"uncertainty_km"} if field == "coordinates" else set())
            assert keys == {"value", "source", "certainty"}
            used.add(table[field]["source"])
    assert set(named) - {"time_zones"} <= used


def test_la_haute_borne_is_the_same_farm_as_in_the_dataset() -> None:
    site, _, _ = datasets.la_haute_borne()
    listed = SITES["la_haute_borne"]
    for field in (
        "name",
        "latitude",
        "longitude",
        "capacity",
        "timezone",
        "altitude",
        "hub_height",
        "turbines",
    ):
        assert getattr(site, field) == getattr(listed, field)


def test_the_page_of_the_documentation_is_that_of_the_catalogue() -> None:
    namespace: dict[str, object] = {
        "__name__": "page",
        "__file__": str(ROOT / "tools" / "build_sites_page.py"),
    }
    exec((ROOT / "tools" / "build_sites_page.py").read_text(encoding="utf-8"), namespace)
    page = namespace["page"]
    assert callable(page)
    shown = (ROOT / "docs" / "reference" / "sites.md").read_text(encoding="utf-8")
    assert shown == page(), "run tools/build_sites_page.py"


def test_a_caller_cannot_change_the_catalogue_for_others() -> None:
    mine = ef.catalogue()
    mine.pop("shelek")
    assert "shelek" in ef.catalogue()


# --- Sites with sources, wherever sites go --------------------------------------------------------


def test_a_site_with_sources_is_hashable_equal_and_survives_json() -> None:
    for site in SITES.values():
        plain = json.loads(json.dumps(dataclasses.asdict(site)))
        again = type(site)(**plain)
        assert again == site
        assert hash(again) == hash(site)
    assert dataclasses.replace(SITES["bash"], sources={}) != SITES["bash"]


def test_a_stored_forecaster_keeps_the_sources_of_its_site(tmp_path: Path) -> None:
    forecaster = example_forecaster()
    site = dataclasses.replace(
        forecaster.sites[0], coordinate_uncertainty_km=10, sources={"capacity": Source("a letter", "stated")}
    )
    forecaster.sites = (site, *forecaster.sites[1:])
    assert storage.load(storage.save(forecaster, tmp_path / "farm.forecaster")).sites[0] == site


def test_a_configuration_file_may_name_sources(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "la_haute_borne.toml").read_text(encoding="utf-8")
    source = '\n[sites."La Haute Borne".sources.capacity]\ntext = "ENGIE"\ncertainty = "stated"\n'
    (tmp_path / "farm.toml").write_text(text + source, encoding="utf-8")
    site = configuration.read(tmp_path / "farm.toml").sites[0]
    assert site.sources == {"capacity": Source("ENGIE", "stated")}


@pytest.mark.parametrize(
    "sources",
    [{"colour": Source("x", "stated")}, {"capacity": {"text": "x", "certainty": "sure"}}],
)
def test_a_source_of_an_unknown_field_or_certainty_is_refused(sources: dict[str, object]) -> None:
    with pytest.raises(SchemaError) as caught:
        WindFarm(name="farm", latitude=43.6, longitude=78.5, sources=sources)
    assert len(str(caught.value).splitlines()) == 3
