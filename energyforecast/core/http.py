"""Asking servers: bounded in time, size and tries, and without a secret in any message."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3

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
#: Seconds between one try and the next: 1, 2, 4 ... at most, with jitter.
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_LONGEST_REASON: Final = 200

Params = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Http:
    """HTTP client for GET and POST with retries, deadlines and bounded answers.

    Parameters
    ----------
    timeout : float
        To connect, and between two pieces of an answer. [s]
    deadline : float
        For one request with all its tries and pauses. [s]
    attempts : int
        Tries, at most.
    largest : int
        Largest answer that is read. [bytes]
    headers : mapping, optional
        Sent with every request; a key of an account belongs here, or into ``params``.
    reason : callable
        What the body of an error says, in words that hold no secret; nothing by default.
    wait : callable
        Seconds to wait after a 429 that gave a reason; 60 by default. ``Retry-After`` comes first.
    sleep : callable
        How to wait.

    Examples
    --------
    >>> Http(attempts=1).get("file:///etc/passwd")
    Traceback (most recent call last):
        ...
    energyforecast.errors.RefusedError: The address file:///etc/passwd is not of the web.
    Addresses begin with http:// or https://.
    Correct the base URL; files are read with the functions read_...
    """

    timeout: float = 30.0
    deadline: float = 300.0
    attempts: int = 4
    largest: int = 1 << 30
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: Callable[[bytes], str] = field(default=lambda _: "", repr=False)
    wait: Callable[[str], float] = field(default=lambda _: 60.0, repr=False)
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
            First and last byte, both included. A server that sends the whole file is understood.

        Returns
        -------
        bytes

        Raises
        ------
        RunNotPublishedError
            404: it is not there, or not yet.
        RateLimitError
            429, and the wait would pass the deadline.
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
                f"That are {last - first + 1} bytes.",
                "The file is shorter than its index says, or still being written: try later.",
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
                "Addresses begin with http:// or https://.",
                "Correct the base URL; files are read with the functions read_...",
            )
        end = time.monotonic() + self.deadline
        for attempt in range(1, self.attempts + 1):
            try:
                return self._once(method, url, content, headers, end)
            except (UnreachableError, RateLimitError) as error:
                pause = _pause(attempt) if isinstance(error, UnreachableError) else error.wait
                if attempt == self.attempts or time.monotonic() + pause > end:
                    raise
                self.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(
        self, method: str, url: str, content: dict[str, Any], headers: Mapping[str, str], end: float
    ) -> tuple[bytes, int]:
        patience = max(0.1, min(self.timeout, end - time.monotonic()))
        try:
            with (
                _Guarded(self.headers) as session,
                session.request(
                    method,
                    url,
                    headers={"User-Agent": "energyforecast", **self.headers, **headers},
                    timeout=patience,
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
                f"{_shown(url)} cannot be asked: {kind}.",
                f"A server answers within {self.timeout:g} s, whole.",
                "Check the network and the server's status page; try again later.",
            )
        if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            return body, status
        raise self._refusal(status, body, url, later)

    def _body(self, answer: requests.Response, url: str, end: float) -> bytes:
        pieces, size = [], 0
        for piece in _pieces(answer):
            pieces.append(piece)
            size += len(piece)
            if size > self.largest:
                raise ResponseError(
                    f"{_shown(url)} sends more than {self.largest} bytes.",
                    "An answer has a bounded size.",
                    "Ask for fewer sites or a shorter period, or raise `largest`.",
                )
            if time.monotonic() > end:
                raise UnreachableError(
                    f"{_shown(url)} had sent {size} bytes after {self.deadline:g} s.",
                    "An answer is whole within the deadline.",
                    "Try again later, or raise `deadline`.",
                )
        return b"".join(pieces)

    def _refusal(self, status: int, body: bytes, url: str, later: str) -> SourceError:
        said = self.reason(body)[:_LONGEST_REASON]
        found = f"{_shown(url)} answered {status}" + (f": {said}" if said else ".")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = float(later) if later.isdigit() else self.wait(said)
            return RateLimitError(
                found, "A server limits calls.", f"Ask again after {wait:g} s, for less, or with a key.", wait
            )
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return RunNotPublishedError(
                found, "What is asked for is there.", "Ask for an older run, or wait until it is published."
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return UnreachableError(found, "A server answers with 200.", "It is in trouble: try again later.")
        return RefusedError(
            found, "A request is accepted.", "Correct what the answer names; check the key if there is one."
        )


class _Guarded(requests.Session):
    """Follows redirects to other hosts without the headers that may hold a key."""

    def __init__(self, secret: Mapping[str, str]) -> None:
        super().__init__()
        self._secret = tuple(secret)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        super().rebuild_auth(prepared_request, response)
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            for name in self._secret:
                prepared_request.headers.pop(name, None)


def _pause(attempt: int) -> float:
    """Exponential, with full jitter, so that many clients do not come back together."""
    return min(_LONGEST_PAUSE, _PAUSE * 2.0 ** (attempt - 1)) * random.uniform(0.1, 1.0)  # noqa: S311


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it comes: waiting for full pieces, a server that drips would hold us past the deadline."""
    if not hasattr(answer.raw, "read1"):  # before urllib3 2
        yield from answer.iter_content(_SMALL)
        return
    while piece := answer.raw.read1(_CHUNK, decode_content=True):
        yield piece


def _shown(url: str) -> str:
    """Address without its possibly secret parts: user, query and fragment."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
