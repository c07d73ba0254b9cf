"""Requests: one connection a call, tokens, repeats, errors, pages."""

from __future__ import annotations

import http.client
import io
import json as json_module
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from ._codec import decode, encode
from .errors import ApiError

_REPEATED = {408, 429, 500, 502, 503, 504}
_SAFE = {"GET", "PUT", "DELETE", "HEAD"}
_LONGEST_PAUSE = 10.0


def part(value: Any) -> str:
    """A value as one segment of a path."""
    return urllib.parse.quote(str(value), safe="")


def rest(value: str) -> str:
    """A path as the rest of a path: its slashes stay."""
    return urllib.parse.quote(value, safe="/")


class Tokens(Protocol):
    """Where access tokens come from."""

    def get(self, rejected: str | None) -> str | None:
        """A token that is valid now, and not the one that was rejected; None for anonymous calls."""


class FixedToken:
    """One token, as long as it lasts."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def get(self, rejected: str | None) -> str | None:
        return self._token


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # A token goes to the platform only.
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Caller:
    """Sends requests to one platform. Safe for several threads."""

    def __init__(self, url: str, tokens: Tokens, *, timeout: float = 100, attempts: int = 4, language: str | None = None) -> None:
        parsed = urllib.parse.urlsplit(url)
        if parsed.scheme not in ("http", "https") or not parsed.netloc:
            raise ValueError(f"Not an http or https URL: {url!r}")
        self._url = url.rstrip("/")
        self._tokens = tokens
        self._timeout = timeout
        self._attempts = max(1, attempts)
        self._language = language
        self._opener = urllib.request.build_opener(_NoRedirects)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str | None] | None = None,
        json: Any = None,
        data: bytes | BinaryIO | None = None,
        answer: Any = None,
    ) -> Any:
        sent = {name: value for name, value in (headers or {}).items() if value is not None}
        repeatable = method in _SAFE
        if headers is not None and "Idempotency-Key" in headers:
            # A repeat after a lost answer creates nothing twice.
            sent.setdefault("Idempotency-Key", uuid.uuid4().hex)
            repeatable = True
        if isinstance(json, dict):
            json = {key: value for key, value in json.items() if value is not None}
        body: bytes | BinaryIO | None = data
        if data is not None:
            sent["Content-Type"] = "application/octet-stream"
        elif json is not None:
            body = json_module.dumps(encode(json), ensure_ascii=False, allow_nan=False).encode()
            sent["Content-Type"] = "application/json"
        response = self._send(method, self._target(path, query), sent, body, repeatable)
        if answer is BinaryIO:
            return response
        with response:
            content = response.read()
        return None if answer is None or not content else decode(answer, json_module.loads(content))

    def _all(self, page: Callable[[str | None], Any]) -> Iterator[Any]:
        token: str | None = None
        while True:
            found = page(token)
            yield from found.items
            token = found.next_page_token
            if token is None:
                return

    def _target(self, path: str, query: dict[str, Any] | None) -> str:
        pairs = [(name, _text(value)) for name, value in (query or {}).items() if value is not None]
        return self._url + path + ("?" + urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote) if pairs else "")

    def _send(self, method: str, target: str, headers: dict[str, str], body: bytes | BinaryIO | None, repeatable: bool) -> http.client.HTTPResponse:
        start = body.tell() if isinstance(body, io.IOBase) and body.seekable() else None
        repeatable = repeatable and (body is None or isinstance(body, bytes) or start is not None)
        rejected: str | None = None
        attempt = 0
        while True:
            attempt += 1
            if start is not None:
                body.seek(start)  # type: ignore[union-attr]
            token = self._tokens.get(rejected)
            try:
                return self._opener.open(self._request(method, target, headers, body, token), timeout=self._timeout)
            except urllib.error.HTTPError as refused:
                with refused:
                    error = ApiError.read(refused.code, refused.headers.get("Content-Type", ""), refused.read())
                    pause = refused.headers.get("Retry-After")
                if refused.code == 401 and token is not None and rejected is None and (body is None or isinstance(body, bytes) or start is not None):
                    rejected = token
                    attempt -= 1
                    continue
                if attempt >= self._attempts or refused.code not in _REPEATED or not (repeatable or (refused.code in (429, 503) and pause)):
                    raise error from None
                _wait(attempt, pause)
            except (OSError, http.client.HTTPException):
                if attempt >= self._attempts or not repeatable:
                    raise
                _wait(attempt, None)

    def _request(self, method: str, target: str, headers: dict[str, str], body: Any, token: str | None) -> urllib.request.Request:
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = b""
        request = urllib.request.Request(target, data=body, method=method, headers={"Accept": "application/json, */*", "User-Agent": "aiplatform-python", **headers})
        if token is not None:
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        if self._language is not None:
            request.add_header("Accept-Language", self._language)
        return request


class Login:
    """Logs a person in and keeps the token fresh with the rotating refresh token."""

    def __init__(self, url: str, user_name: str, password: str, timeout: float = 100) -> None:
        self._caller = Caller(url, FixedToken(None), timeout=timeout)
        self._credentials = {"userName": user_name, "password": password}
        self._gate = threading.Lock()
        self._token: str | None = None
        self._refresh: str | None = None
        self._renew_at = 0.0

    def get(self, rejected: str | None) -> str | None:
        with self._gate:
            if self._token is None or self._token == rejected or time.monotonic() >= self._renew_at:
                answer = self._renew()
                self._token, self._refresh = answer["accessToken"], answer.get("refreshToken")
                self._renew_at = time.monotonic() + 0.8 * answer["expiresIn"]
            return self._token

    def _renew(self) -> dict[str, Any]:
        if self._refresh is not None:
            try:
                return self._caller._call("POST", "/v1/auth/refresh", json={"refreshToken": self._refresh}, answer=Any)
            except ApiError as error:
                if error.status >= 500 or error.status in _REPEATED:
                    raise
                self._refresh = None  # The login has ended: log in anew.
        return self._caller._call("POST", "/v1/auth/login", json=self._credentials, answer=Any)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_text(item) for item in value)
    return str(encode(value))


def _wait(attempt: int, pause: str | None) -> None:
    try:
        seconds = float(pause) if pause else 0.0
    except ValueError:
        seconds = 0.0  # A date: the back-off will do.
    time.sleep(min(_LONGEST_PAUSE, max(seconds, random.random() * 0.2 * 2**attempt)))
