"""Access to the server of a market or a system operator."""

from __future__ import annotations

from dataclasses import dataclass, field

from energyforecast.core.arguments import checked
from energyforecast.core.http import Http

__all__ = ["ServerAccess"]


@checked()
@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """Access to a server of observations: address, token and retries.

    Parameters
    ----------
    base_url : str, optional
        Address of another server, such as a mirror; that of the service by default.
    token : str, optional
        Of the account, where the service needs one. It is sent to the server alone: no message, log or object shows it.
    http : Http, optional
        Timeouts and retries.

    See Also
    --------
    get_elexon, get_entsoe

    Examples
    --------
    >>> ServerAccess(token="secret")
    ServerAccess(base_url=None)
    """

    base_url: str | None = None
    token: str | None = field(default=None, repr=False)
    http: Http = field(default_factory=Http, repr=False)
