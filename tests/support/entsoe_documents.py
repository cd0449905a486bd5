"""Documents of the Transparency Platform."""

from __future__ import annotations


def period(
    start: str, end: str, values: dict[int, float], *, resolution: str = "PT60M", curve: str = "A01"
) -> str:
    points = "".join(
        f"<Point><position>{k}</position><quantity>{v}</quantity></Point>" for k, v in values.items()
    )
    return (
        f"<TimeSeries><mRID>1</mRID><businessType>A04</businessType><curveType>{curve}</curveType><Period>"
        f"<timeInterval><start>{start}</start><end>{end}</end></timeInterval>"
        f"<resolution>{resolution}</resolution>{points}</Period></TimeSeries>"
    )


def document(*series: str) -> bytes:
    head = "<?xml version='1.0' encoding='UTF-8'?><GL_MarketDocument xmlns='urn:iec62325.351:tc57wg16:451-6'>"
    return f"{head}<type>A65</type>{''.join(series)}</GL_MarketDocument>".encode()
