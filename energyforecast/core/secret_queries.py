"""Queries that hold a key: joined to an address as it is sent, below the libraries that write addresses into logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

__all__ = ["SecretQuery", "without_parameters"]


class SecretQuery(HTTPAdapter):
    """Adapter of requests that adds a query to each request, of which urllib3 and its errors see no part."""

    def __init__(self, secret: Mapping[str, str]) -> None:
        pools = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
        self._pools = {scheme: _with_query(pool, urlencode(secret)) for scheme, pool in pools.items()}
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Pools of connections by a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _with_query(pool: Any, query: str) -> Any:
    """Class of pools with connections that add a query to the address of each request."""

    class Connection(pool.ConnectionCls):
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            return super().request(method, f"{url}{'&' if '?' in url else '?'}{query}", *args, **options)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def without_parameters(url: str, names: Mapping[str, Any]) -> str:
    """Address without some parameters of its query, such as those that a server repeats in a redirect.

    Examples
    --------
    >>> without_parameters("https://x.org/new?area=10Y&token=abc", {"token": "abc"})
    'https://x.org/new?area=10Y'
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in pairs if pair[0] not in names]
    return url if len(kept) == len(pairs) else urlunsplit(parts._replace(query=urlencode(kept)))
