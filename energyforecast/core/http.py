"""HTTP client bounded in time, size and number of attempts; no message contains a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import inf
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.util import Retry

from energyforecast.core.arguments import checked
from energyforecast.core.secret_queries import SecretQuery, without_parameters
from energyforecast.errors import (
    RateLimitError,
    RefusedError,
    ResponseError,
    RunNotPublishedError,
    SourceError,
    UnreachableError,
)

__all__ = ["Http"]

_CHUNK: Final = 1 << 16
_SMALL: Final = 1 << 10
#: Pauses of urllib3's Retry: none, then 2, 4, 8 ... s and up to 1 s of jitter, so that clients do not return together.
_BACKOFF: Final[dict[str, float]] = {"backoff_factor": 1.0, "backoff_jitter": 1.0, "backoff_max": 30.0}
_LONGEST_REASON: Final = 200

Params = Mapping[str, Any]


@checked(timeout=(1e-3, inf), deadline=(1e-3, inf), attempts=(1, 1000), largest=(1, inf))
@dataclass(frozen=True, kw_only=True)
class Http:
    """HTTP client for GET and POST with retries, deadlines and bounded answers.

    Parameters
    ----------
    timeout : float
        To connect, and between two parts of an answer. [s]
    deadline : float
        For one request with all its attempts and pauses. [s]
    attempts : int
        Most attempts. Unreachable servers, status 408, 429 and 5xx, and bodies that break off are tried again.
    largest : int
        Largest answer that is accepted. [bytes]
    headers : mapping, optional
        Sent with every request; a key of an account belongs here, or into ``secret``.
    secret : mapping, optional
        Query with the key of an account, for servers that do not take it as a header. It is sent to the host that is
        asked alone, and no log, error or redirect has it.
    reason : callable
        Reason in the body of an error, free of secrets; empty by default.
    retry_after : callable
        Pause after status 429, from its reason, where the answer has no header ``Retry-After``; 60 by default. [s]
    sleep : callable
        Function that pauses.

    Notes
    -----
    Number of attempts, pauses and ``Retry-After`` follow :class:`urllib3.util.Retry`. It is not mounted on the session:
    there it would miss bodies that break off, and would log the address with its query, which may hold a key.

    Examples
    --------
    >>> Http(attempts=1).get("file:///etc/passwd")
    Traceback (most recent call last):
        ...
    energyforecast.errors.RefusedError: The address file:///etc/passwd is not of the web.
    Addresses must begin with http:// or https://.
    Correct the base URL; files are read with the functions read_...
    """

    timeout: float = 30.0
    deadline: float = 300.0
    attempts: int = 4
    largest: int = 1 << 30
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: Callable[[bytes], str] = field(default=lambda _: "", repr=False)
    retry_after: Callable[[str], float] = field(default=lambda _: 60.0, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def get(
        self, url: str, *, params: Params | None = None, byte_range: tuple[int, int] | None = None
    ) -> bytes:
        """Body of an answer.

        Parameters
        ----------
        url : str
        params : mapping, optional
            Query; never part of a message.
        byte_range : tuple of int, optional
            First and last byte, both included. Of a server that sends the whole file, the range is cut out.

        Returns
        -------
        bytes

        Raises
        ------
        RunNotPublishedError
            404: it does not exist (yet).
        RateLimitError
            429, and the pause would pass the deadline.
        RefusedError
            Another 4xx.
        UnreachableError
            No answer or a 5xx, after all tries.
        ResponseError
            An answer that is larger than ``largest``.
        """
        headers = {} if byte_range is None else {"Range": f"bytes={byte_range[0]}-{byte_range[1]}"}
        body, status = self._ask("GET", url, {"params": params}, headers)
        if byte_range is None:
            return body
        first, last = byte_range
        if status == HTTPStatus.OK:  # the server does not know ranges
            body = body[first : last + 1]
        if len(body) != last - first + 1:
            raise ResponseError(
                f"{_shown(url)} sent {len(body)} of the bytes {first} to {last}.",
                f"These are {last - first + 1} bytes.",
                "The file is shorter than in its index, or still being written: try later.",
            )
        return body

    def post(self, url: str, *, data: Params) -> bytes:
        """Body of the answer to a form with a safe request; raises like :meth:`get`."""
        return self._ask("POST", url, {"data": data}, {})[0]

    def _ask(
        self, method: str, url: str, content: dict[str, Any], headers: Mapping[str, str]
    ) -> tuple[bytes, int]:
        if urlsplit(url).scheme not in ("http", "https"):
            raise RefusedError(
                f"The address {_shown(url)} is not of the web.",
                "Addresses must begin with http:// or https://.",
                "Correct the base URL; files are read with the functions read_...",
            )
        end = time.monotonic() + self.deadline
        retry = Retry(total=max(self.attempts, 1) - 1, **_BACKOFF)  # type: ignore[arg-type]
        while True:
            try:
                return self._once(method, url, content, headers, end)
            except (UnreachableError, RateLimitError) as error:
                if retry.total == 0:
                    raise
                retry = retry.increment(method, _shown(url), error=error)
                pause = error.retry_after if isinstance(error, RateLimitError) else retry.get_backoff_time()
                if time.monotonic() + pause > end:
                    raise
                self.sleep(pause)

    def _once(
        self, method: str, url: str, content: dict[str, Any], headers: Mapping[str, str], end: float
    ) -> tuple[bytes, int]:
        timeout = max(0.1, min(self.timeout, end - time.monotonic()))
        try:
            with (
                _Guarded(self.headers, secret=self.secret, url=url) as session,
                session.request(
                    method,
                    url,
                    headers={"User-Agent": "energyforecast", **self.headers, **headers},
                    timeout=timeout,
                    stream=True,
                    **content,
                ) as answer,
            ):
                body = self._body(answer, url, end)
                status, later = answer.status_code, answer.headers.get("Retry-After", "")
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            kind = type(error).__name__
        else:
            kind = ""
        if kind:  # raised here, since the error's text, and its context, hold the whole query
            raise UnreachableError(
                f"{_shown(url)} cannot be reached: {kind}.",
                f"A server must answer within {self.timeout:g} s, completely.",
                "Check the network and the server's status page; try again later.",
            )
        if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            return body, status
        raise self._refusal(status, body, url, later)

    def _body(self, answer: requests.Response, url: str, end: float) -> bytes:
        parts, size = [], 0
        for part in _parts(answer):
            parts.append(part)
            size += len(part)
            if size > self.largest:
                raise ResponseError(
                    f"{_shown(url)} sends more than {self.largest} bytes.",
                    "An answer must not exceed this size.",
                    "Ask for fewer sites or a shorter period, or raise `largest`.",
                )
            if time.monotonic() > end:
                raise UnreachableError(
                    f"{_shown(url)} had sent {size} bytes after {self.deadline:g} s.",
                    "An answer must be whole within the deadline.",
                    "Try again later, or raise `deadline`.",
                )
        return b"".join(parts)

    def _refusal(self, status: int, body: bytes, url: str, later: str) -> SourceError:
        reason = self.reason(body)[:_LONGEST_REASON]
        found = f"{_shown(url)} answered {status}" + (f": {reason}" if reason else ".")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked = _retry_after(later)
            pause = self.retry_after(reason) if asked is None else asked
            return RateLimitError(
                found,
                "A server limits calls.",
                f"Ask again after {pause:g} s, for less, or with a key.",
                pause,
            )
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return RunNotPublishedError(
                found,
                "The requested file must exist.",
                "Ask for an older run, or wait until it is published.",
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return UnreachableError(
                found, "A server must answer with 200.", "It is in trouble: try again later."
            )
        return RefusedError(
            found,
            "A request must be accepted.",
            "Correct the request as the answer suggests; check the key if there is one.",
        )


class _Guarded(requests.Session):
    """Follows redirects to other hosts without the headers and the query that may hold a key."""

    def __init__(self, headers: Mapping[str, str], *, secret: Mapping[str, str], url: str) -> None:
        super().__init__()
        self._headers, self._secret = tuple(headers), secret
        if secret:
            parts = urlsplit(url)
            self.mount(f"{parts.scheme}://{parts.netloc}/", SecretQuery(secret))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        return target if target is None else without_parameters(target, self._secret)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        super().rebuild_auth(prepared_request, response)
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            for name in self._headers:
                prepared_request.headers.pop(name, None)


def _retry_after(header: str) -> float | None:
    """Seconds asked for by ``Retry-After``, given in seconds or as a date; ``None`` if it is absent or malformed."""
    try:
        return Retry(0).parse_retry_after(header)
    except urllib3.exceptions.InvalidHeader:
        return None


def _parts(answer: requests.Response) -> Iterator[bytes]:
    """Body in parts as they arrive: waiting for full blocks, a slow server could exceed the deadline."""
    if not hasattr(answer.raw, "read1"):  # before urllib3 2
        yield from answer.iter_content(_SMALL)
        return
    while part := answer.raw.read1(_CHUNK, decode_content=True):
        yield part


def _shown(url: str) -> str:
    """Address without its possibly secret parts: user, query and fragment."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
