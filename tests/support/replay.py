"""A local web server with scripted faults, and an atmosphere that it can serve: the real HTTP stack, no network.

General part::

    with Replay({"/v1/thing": handler}) as server:
        server.script(status(500), None)   # the first request meets a fault, the second none
        server.always(truncated(0.5))      # every request from here on, until server.heal()
        requests.get(server.url + "/v1/thing")
        server.requests                    # what was asked, in order

A handler takes a :class:`Request` and gives an :class:`Answer`. A fault takes the healthy answer and the
request and gives another answer. :class:`Atmosphere` is the weather of a planet with our sun.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from energyforecast import physics

# --- The server -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What was asked; the query and a form in the body are one mapping."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def one(self, name: str, default: str | None = None) -> str | None:
        """First value of a parameter."""
        return self.query[name][0] if name in self.query else default

    def many(self, name: str) -> list[str]:
        """Values of a parameter, repeated or parted by commas."""
        return [part for text in self.query.get(name, []) for part in text.split(",") if part]


@dataclass(frozen=True)
class Answer:
    """What is sent, and how: in pieces with pauses, cut off, or late."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    pause_before: float = 0.0  #: before anything is sent [s]
    piece: int = 0  #: bytes sent at once; 0 for all
    pause: float = 0.0  #: between pieces [s]
    sent: int | None = None  #: bytes after which the connection is closed
    silent: bool = False  #: close without a word
    chunked: bool = False  #: without saying how long it is, as what is made while it is sent

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[Request], Answer]
Fault = Callable[[Answer, Request], Answer]


def as_json(payload: Any, *, status: int = 200) -> Answer:
    """A JSON answer; NaN is written as null, as servers do."""
    return Answer(json.dumps(_nulls(payload)).encode(), status)


def _nulls(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_nulls(item) for item in value.tolist()]
    if isinstance(value, dict):
        return {key: _nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_nulls(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


class Replay:
    """The server; routes are prefixes of paths, the longest that fits is taken."""

    def __init__(self, routes: Mapping[str, Handler]) -> None:
        self.routes = dict(routes)
        self.requests: list[Request] = []
        self._script: list[Fault | None] = []
        self._always: Fault | None = None
        self._lock = threading.Lock()
        outer = self

        class Conversation(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._serve(self)

            do_POST = do_HEAD = do_GET  # noqa: N815  (the base class calls them so)

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None: ...  # a client that went away

        self._server = Server(("127.0.0.1", 0), Conversation)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Replay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def script(self, *faults: Fault | None) -> None:
        """Faults of the next requests, one each; ``None`` for none."""
        with self._lock:
            self._script = list(faults)

    def always(self, fault: Fault | None) -> None:
        """A fault of every request for which the script has none (left)."""
        with self._lock:
            self._always = fault

    def heal(self) -> None:
        """No more faults; what was asked is forgotten."""
        with self._lock:
            self._script, self._always = [], None
            self.requests.clear()

    def _serve(self, conversation: BaseHTTPRequestHandler) -> None:
        request = _received(conversation)
        with self._lock:
            self.requests.append(request)
            fault = self._script.pop(0) if self._script else self._always
        route = max((p for p in self.routes if request.path.startswith(p)), key=len, default=None)
        answer = Answer(b"", 404) if route is None else self.routes[route](request)
        _send(conversation, answer if fault is None else fault(answer, request))


def _received(conversation: BaseHTTPRequestHandler) -> Request:
    parts = urlsplit(conversation.path)
    body = conversation.rfile.read(int(conversation.headers.get("Content-Length") or 0))
    query = parse_qs(parts.query)
    if conversation.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        query |= parse_qs(body.decode())
    return Request(str(conversation.command), parts.path, query, dict(conversation.headers.items()), body)


def _send(conversation: BaseHTTPRequestHandler, answer: Answer) -> None:
    conversation.close_connection = True
    time.sleep(answer.pause_before)
    if answer.silent:
        return
    conversation.send_response(answer.status)
    for name, value in {"Content-Type": answer.content_type, **answer.headers}.items():
        conversation.send_header(name, value)
    if answer.chunked:
        conversation.send_header("Transfer-Encoding", "chunked")
    elif "Content-Length" not in answer.headers:
        conversation.send_header("Content-Length", str(len(answer.body)))
    conversation.send_header("Connection", "close")
    conversation.end_headers()
    body = answer.body[: answer.sent]
    size = answer.piece or max(len(body), 1)
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        conversation.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.chunked else piece)
        conversation.wfile.flush()
        time.sleep(answer.pause)
    if answer.chunked and answer.sent is None:
        conversation.wfile.write(b"0\r\n\r\n")


def files(folder: Path, *, route: str = "/") -> Handler:
    """Files of a folder, with byte ranges."""

    def handler(request: Request) -> Answer:
        path = (folder / request.path.removeprefix(route).lstrip("/")).resolve()
        if folder.resolve() not in path.parents or not path.is_file():
            return Answer(b"not found", 404, content_type="text/plain")
        return ranged(Answer(path.read_bytes(), content_type="application/octet-stream"), request)

    return handler


def ranged(answer: Answer, request: Request) -> Answer:
    """The bytes that ``Range: bytes=first-last`` asks for."""
    asked = {key.lower(): value for key, value in request.headers.items()}.get("range", "")
    if not asked.startswith("bytes="):
        return answer
    first, _, last = asked.removeprefix("bytes=").partition("-")
    end = min(int(last) + 1 if last else len(answer.body), len(answer.body))
    shown = {"Content-Range": f"bytes {first}-{end - 1}/{len(answer.body)}"}
    return replace(
        answer, body=answer.body[int(first) : end], status=206, headers={**answer.headers, **shown}
    )


# --- Faults ---------------------------------------------------------------------------------------


def status(code: int, body: str = "", *, headers: Mapping[str, str] | None = None, kind: str = "") -> Fault:
    """Another status."""
    return lambda answer, _: Answer(
        body.encode(), code, headers or {}, content_type=kind or answer.content_type
    )


def said(text: str | bytes, *, kind: str = "text/html") -> Fault:
    """Status 200 with another body."""
    return lambda answer, _: replace(
        answer, body=text if isinstance(text, bytes) else text.encode(), content_type=kind
    )


def mangled(change: Callable[[Any], Any]) -> Fault:
    """The JSON of a healthy answer, changed; the change may work in place and give nothing."""

    def fault(answer: Answer, _: Request) -> Answer:
        payload = answer.json
        changed = change(payload)
        return replace(answer, body=json.dumps(payload if changed is None else changed).encode())

    return fault


def rewritten(change: Callable[[bytes], bytes]) -> Fault:
    """The bytes of a healthy answer, changed."""
    return lambda answer, _: replace(answer, body=change(answer.body))


def truncated(share: float = 0.5, *, chunked: bool = False) -> Fault:
    """The connection is closed after a share of what was announced."""
    return lambda answer, _: replace(answer, sent=int(share * len(answer.body)), chunked=chunked)


def streamed(piece: int = 1000) -> Fault:
    """No fault: a healthy answer in chunks, without its length."""
    return lambda answer, _: replace(answer, piece=piece, chunked=True)


def zipped() -> Fault:
    """No fault: a healthy answer in gzip."""
    return lambda answer, _: replace(
        answer, body=gzip.compress(answer.body), headers={**answer.headers, "Content-Encoding": "gzip"}
    )


def dripping(piece: int = 20, pause: float = 0.05) -> Fault:
    """A few bytes at a time."""
    return lambda answer, _: replace(answer, piece=piece, pause=pause)


def late(seconds: float) -> Fault:
    """Silence before the answer."""
    return lambda answer, _: replace(answer, pause_before=seconds)


def disconnected() -> Fault:
    """The connection is closed without a word."""
    return lambda answer, _: replace(answer, silent=True)


def redirected(url: str, *, code: int = 302) -> Fault:
    """To somewhere else."""
    return lambda answer, _: Answer(b"", code, {"Location": url})


def only(matches: Callable[[Request], bool], fault: Fault) -> Fault:
    """A fault of some requests, for :meth:`Replay.always`."""
    return lambda answer, request: fault(answer, request) if matches(request) else answer


# --- An atmosphere --------------------------------------------------------------------------------

HOUR = 3600.0


@lru_cache(maxsize=512)
def _clear(latitude: float, longitude: float, begin: int, count: int, step: int) -> np.ndarray:
    """Clear-sky irradiance, means of `count` intervals that begin at `begin`; (3, count): ghi, dni, dhi."""
    inner = 10
    offset = (np.arange(count * inner) + 0.5) * step / inner
    moments = ((begin + offset) * 1e9).astype("datetime64[ns]")
    sky = physics.clear_sky(physics.solar_position(moments, latitude, longitude))
    return np.stack([part.reshape(count, inner).mean(axis=1) for part in sky])


@dataclass(frozen=True)
class Atmosphere:
    """Weather as a function of place and time, smooth and the same for ever; the sun is ours.

    A run's error grows with its lead and differs between runs and members. Every even day is clear.
    """

    def value(
        self,
        name: str,
        latitude: float,
        longitude: float,
        times: Iterable[float],
        *,
        step: float = HOUR,
        init: float | None = None,
        member: int = 0,
    ) -> np.ndarray:
        """A variable of the library, in its units, at instants (wind, temperature ...) or as means over
        intervals that BEGIN at the given times [seconds since 1970] (radiation, precipitation).
        """
        moment = np.asarray(list(times), dtype=float)
        hour = moment / HOUR
        lead = np.zeros_like(hour) if init is None else (moment - init) / HOUR
        wobble = 0.0 if init is None else np.sin(init / 7e4 + latitude)
        error = lead / 24 * (wobble + 0.3 * np.sin(1.7 * member))
        base, _, height = name.rpartition("_")
        if name in ("ghi", "dni", "dhi"):
            return self._irradiance(name, latitude, longitude, moment, step)
        if base == "wind_speed" or base == "wind_gust":
            waves = 8 + 3 * np.sin(hour / 37 + latitude) + 1.5 * np.sin(hour / 7 + longitude)
            speed = np.clip(waves + 0.5 * error, 0.2, None) * (float(height[:-1]) / 100) ** 0.14
            return 1.5 * speed if base == "wind_gust" else speed
        if base == "wind_direction":
            return (240 + 40 * np.sin(hour / 29 + longitude) + 3 * error) % 360
        curves = {
            "temp_air": 12 + 6 * np.sin(hour / 24 * 2 * np.pi - 2) + 3 * np.sin(hour / 90) + 0.3 * error,
            "temp_dew": 5 + 2 * np.sin(hour / 60),
            "pressure": 96_000 + 600 * np.sin(hour / 100 + latitude) + 10 * error,
            "relative_humidity": 60 + 25 * np.sin(hour / 33),
            "cloud_cover": 100 * self._cloud(moment, longitude),
            "precipitation": 2 * np.clip(np.sin(hour / 50), 0, None) * self._cloud(moment, longitude),
            "snow_depth": np.clip(0.2 * np.sin(hour / 4000), 0, None),
        }
        return curves[name]

    def _cloud(self, moment: np.ndarray, longitude: float) -> np.ndarray:
        day = np.floor(moment / 86_400 + longitude / 360)
        return np.where(day % 2 == 0, 0.0, 0.45 + 0.35 * np.sin(moment / HOUR / 1.3 + day))

    def _irradiance(
        self, name: str, latitude: float, longitude: float, begin: np.ndarray, step: float
    ) -> np.ndarray:
        row = ("ghi", "dni", "dhi").index(name)
        first = int(begin.min())
        count = int((begin.max() - first) // step) + 1
        clear = _clear(round(latitude, 4), round(longitude, 4), first, count, int(step))
        place = ((begin - first) // step).astype(int)
        cloud = self._cloud(begin + step / 2, longitude)
        share = {"ghi": 1 - 0.7 * cloud, "dni": 1 - cloud, "dhi": 1 + 0.2 * cloud}[name]
        return clear[row, place] * share
