"""One home for each citation: docs/references.toml. What cites a publication carries its DOI, and that of no other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
HOME = ROOT / "docs" / "references.toml"
PUBLICATIONS = tomllib.loads(HOME.read_text(encoding="utf-8"))
FOLDERS = ("energyforecast", "docs", "tests", "benchmarks", "examples", "notebooks", "tools")
#: Its home, the page made from it (tests/docs/test_pages.py compares them), and this file.
NOT_READ = {HOME, ROOT / "docs" / "reference" / "publications.md", Path(__file__)}
FILES = sorted(
    path
    for path in [*(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")), *ROOT.glob("[A-Z]*")]
    if path.suffix in {".py", ".pyi", ".md", ".csv", ".toml", ""} and path.is_file() and path not in NOT_READ
)


class Citation(NamedTuple):
    """A DOI in a text, and the words before it that may say whose it is."""

    doi: str
    before: str


def citations(text: str) -> Iterator[Citation]:
    """The DOIs of a text, without the punctuation and brackets that follow them."""
    end = 0
    for found in re.finditer(r"10\.\d{4,9}/[^\s\"'`\]|]+", text):
        doi = found[0]
        while doi[-1] in ".,;:" or (doi[-1] == ")" and doi.count(")") > doi.count("(")):
            doi = doi[:-1]
        before = re.sub(r"\s+(# )?", " ", text[max(end, found.start() - 250) : found.start()])
        before = re.sub(r"(https://doi\.org/|doi:)$", "", before)
        yield Citation(unquote(doi), before)
        end = found.end()


def contradiction(citation: Citation) -> str | None:
    """Where the words before a DOI name a year and authors, those that its publication does not have."""
    item = PUBLICATIONS[citation.doi]
    years = re.findall(r"\b(1[89]\d\d|20\d\d)\b(?=[^.;]*$)", citation.before)
    if not years:
        return None
    lead = re.split(r",| and | et al", item["authors"])[0]
    if str(item["year"]) != years[-1] or lead not in citation.before:
        return f"{citation.doi} is of {item['authors']} {item['year']}, cited as {citation.before[-100:]!r}"
    return None


CITED = {path: list(citations(path.read_text(encoding="utf-8"))) for path in FILES}


def test_texts_with_citations_are_read() -> None:
    assert sum(len(found) for found in CITED.values()) > 150
    told = "Nielsen (1998), https://doi.org/10.1002/(SICI)1099-1824(199809)1:1%3C29::AID-WE10%3E3.0.CO;2-B)),"
    assert [found.doi for found in citations(told)] == [
        "10.1002/(SICI)1099-1824(199809)1:1<29::AID-WE10>3.0.CO;2-B"
    ]


@pytest.mark.parametrize("path", [path for path in FILES if CITED[path]], ids=lambda path: path.name)
def test_a_citation_is_that_of_its_publication(path: Path) -> None:
    assert {found.doi for found in CITED[path]} - set(PUBLICATIONS) == set(), "not in docs/references.toml"
    assert [wrong for found in CITED[path] if (wrong := contradiction(found))] == []


def test_every_publication_is_cited() -> None:
    assert set(PUBLICATIONS) - {found.doi for cited in CITED.values() for found in cited} == set()


def test_a_publication_has_one_doi_and_a_doi_its_form() -> None:
    titles = [item["title"].lower() for item in PUBLICATIONS.values()]
    assert len(set(titles)) == len(titles)
    assert len({doi.lower() for doi in PUBLICATIONS}) == len(PUBLICATIONS)
    for doi, item in PUBLICATIONS.items():
        assert re.fullmatch(r"10\.\d{4,9}/[\w.()<>:;/-]*[\w)]", doi), doi
        assert set(item) == {"authors", "year", "title", "where"}, doi


def test_a_wrong_citation_is_found() -> None:
    right = "Pinson, Chevallier and Kariniotakis (2007), "
    assert contradiction(Citation("10.1109/TPWRS.2007.901117", right)) is None
    assert contradiction(Citation("10.1198/016214506000001437", right)) is not None
    assert contradiction(Citation("10.1109/TPWRS.2007.901117", right.replace("2007", "2009"))) is not None
