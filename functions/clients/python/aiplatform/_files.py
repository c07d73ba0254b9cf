"""Files: hashing, walking folders, and the storage behind the URLs that the platform hands out."""

from __future__ import annotations

import base64
import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .errors import TransferError

_BLOCK = 8 * 1024 * 1024
_PIECE = 1024 * 1024
_ATTEMPTS = 4


def sha256(path: Path) -> str:
    """The hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def walk(source: str | os.PathLike[str]) -> Iterator[tuple[str, Path]]:
    """A file, or the files below a folder, in order of their paths with ``/``. Links are not followed."""
    root = Path(source)
    if root.is_file():
        yield root.name, root
        return
    if not root.is_dir():
        raise FileNotFoundError(source)
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path


def put(url: str, headers: dict[str, str], path: Path, timeout: float) -> None:
    """Puts a file to a URL of the storage: at once, or in blocks. No token goes with it: the URL says enough."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _BLOCK:
            _request("PUT", url, file.read(), headers, timeout)
            return
        ids = []
        for number in range((size + _BLOCK - 1) // _BLOCK):
            ids.append(base64.b64encode(f"{number:08}".encode()).decode())
            _request("PUT", _with(url, f"comp=block&blockid={urllib.request.quote(ids[-1], safe='')}"), file.read(_BLOCK), {}, timeout)
    listed = "".join(f"<Latest>{block}</Latest>" for block in ids)
    body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
    _request("PUT", _with(url, "comp=blocklist"), body, {"Content-Type": "application/xml"}, timeout)


def save(stream: BinaryIO, path: Path, expected: str | None) -> None:
    """Writes a stream to a file, which appears only when it is whole and has the expected hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    digest = hashlib.sha256()
    try:
        with stream, part.open("wb") as file:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                file.write(piece)
        if expected is not None and digest.hexdigest() != expected:
            raise TransferError(f"{path.name} has another hash than the platform says.")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def below(folder: Path, path: str) -> Path:
    """Where a path of a dataset lies in a folder; never outside of it."""
    target = (folder / path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise TransferError(f"{path!r} leads out of the folder.")
    return target


def _with(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _request(method: str, url: str, body: bytes, headers: dict[str, Any], timeout: float) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers=headers), timeout=timeout):
                return
        except urllib.error.HTTPError as refused:
            with refused:
                if attempt == _ATTEMPTS or refused.code not in (408, 429, 500, 502, 503, 504):
                    raise TransferError(f"The storage answered {refused.code}: {refused.read(500).decode('utf-8', 'replace')}") from None
        except OSError as error:
            if attempt == _ATTEMPTS:
                raise TransferError(f"The storage cannot be reached: {error}") from error
        time.sleep(0.2 * 2**attempt)
