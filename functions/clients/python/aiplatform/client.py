"""The client."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from . import _files, types
from ._http import FixedToken, Login
from ._operations import Operations

_ENDED = {"succeeded", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class Event:
    """A live event."""

    id: str | None
    """Pass it as ``last_event_id`` to go on after this event."""
    type: str
    """What happened."""
    data: Any
    """The event's content."""


class Client(Operations):
    """Talks to one platform: every operation of the API under its name in snake_case, and what takes several calls.

    Lists are iterators that ask for pages as they are needed; ``…_page`` gives one page. Safe for several threads.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, timeout: float = 100, attempts: int = 4, language: str | None = None) -> None:
        """
        :param url: Where the platform is; ``$API`` when absent, as ``aip env`` sets it.
        :param token: An access token, such as a personal one; ``$TOKEN`` when absent.
        :param timeout: Seconds that one request may wait for an answer.
        :param attempts: How often a request that may be repeated is sent in all.
        :param language: The language of texts, ``en`` or ``zh-CN``.
        """
        super().__init__(url or os.environ["API"], FixedToken(token or os.environ.get("TOKEN")), timeout=timeout, attempts=attempts, language=language)

    @classmethod
    def log_in(cls, url: str, user_name: str, password: str, **settings: Any) -> Client:
        """A client that logs in with a password and keeps its token fresh."""
        client = cls(url, token="unused", **settings)
        client._tokens = Login(url, user_name, password, client._timeout)
        return client

    def upload_dataset_version(
        self, project: str, dataset: str, source: str | os.PathLike[str], *, description: str | None = None, tags: dict[str, str] | None = None,
        parent: int | None = None,
    ) -> types.DatasetVersion:
        """Uploads a file, or the files below a folder, as a new version and commits it.

        Content that the project has already is not sent again, and an upload that broke off goes on where it was.

        :param project: The project's id or name.
        :param dataset: The dataset's id or name.
        :param source: A file or a folder.
        :param description: What the version is.
        :param tags: Tags of the version.
        :param parent: A version whose other files the new one keeps.
        """
        local = {path: file for path, file in _files.walk(source)}
        files = [types.DatasetFile(path=path, size=file.stat().st_size, sha256=_files.sha256(file)) for path, file in local.items()]
        draft = self.create_dataset_version(project, dataset, files=files, description=description, tags=tags, parent=parent)
        for upload in draft.uploads:
            _files.put(upload.url, upload.headers, local[upload.path], self._timeout)
        while True:
            version = self.commit_dataset_version(project, dataset, draft.version.version)
            if version.status == "ready":
                return version
            time.sleep(0.2)  # There is more to verify.

    def download_dataset_version(self, project: str, dataset: str, version: int, folder: str | os.PathLike[str], *, prefix: str | None = None) -> list[Path]:
        """Downloads the files of a version into a folder and verifies each.

        :param prefix: Only files whose paths begin so.
        """
        saved = []
        for file in self.list_dataset_files(project, dataset, version, prefix=prefix):
            target = _files.below(Path(folder), file.path)
            if not target.is_file() or target.stat().st_size != file.size or _files.sha256(target) != file.sha256:
                _files.save(self.read_dataset_file(project, dataset, version, file.path), target, file.sha256)
            saved.append(target)
        return saved

    def upload_artifact(
        self, run: str, path: str, source: str | os.PathLike[str], *, kind: types.ArtifactKind | None = None, step: int | None = None,
        metrics: dict[str, float] | None = None,
    ) -> types.Artifact:
        """Uploads a file as an artifact of a run.

        :param path: The artifact's path in the run.
        :param kind: What it is; a plain file when absent.
        :param step: For checkpoints: the last step that it contains.
        :param metrics: For models and checkpoints: their quality.
        """
        file = Path(source)
        size, digest = file.stat().st_size, _files.sha256(file)
        upload = self.create_artifact_upload(run, path=path, size=size, sha256=digest)
        _files.put(upload.url, upload.headers, file, self._timeout)
        return self.commit_artifact(run, path=path, size=size, sha256=digest, kind=kind, step=step, metrics=metrics)

    def download_artifact(self, run: str, path: str, target: str | os.PathLike[str]) -> Path:
        """Downloads an artifact of a run and verifies it."""
        artifact = self.get_artifact(run, path)
        assert artifact.download_url is not None
        _files.save(urllib.request.urlopen(artifact.download_url, timeout=self._timeout), Path(target), artifact.sha256)
        return Path(target)

    def wait_for_job(self, job: str, *, timeout: float | None = None, interval: float = 1) -> types.Job:
        """Waits until a job has ended.

        :param timeout: Seconds; as long as it takes when absent.
        :param interval: Seconds between two looks.
        """
        return self._until(lambda: self.get_job(job), lambda found: found.status in _ENDED, timeout, interval, f"job {job}")

    def wait_for_task(self, task: str, *, timeout: float | None = None, interval: float = 1) -> types.PlatformTask:
        """Waits until a long operation of any kind has ended."""
        return self._until(lambda: self.get_task(task), lambda found: found.ended_at is not None, timeout, interval, f"task {task}")

    def stream_events(self, topics: str | list[str], *, last_event_id: str | None = None) -> Iterator[Event]:
        """Live events of topics such as ``job:ID``, ``run:ID`` or ``project:ID``, until the connection ends.

        :param last_event_id: Sends what came after this event first.
        """
        stream: BinaryIO = self._call("GET", "/v1/events", query={"topics": topics}, headers={"Last-Event-ID": last_event_id}, answer=BinaryIO)
        with stream:
            identity, kind, data = last_event_id, "message", []
            for line in (raw.decode("utf-8").rstrip("\r\n") for raw in stream):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if not line and data:
                    yield Event(identity, kind, json.loads("\n".join(data)))
                if not line:
                    kind, data = "message", []
                elif name == "id":
                    identity = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data.append(value)

    @staticmethod
    def _until(look: Any, ended: Any, timeout: float | None, interval: float, what: str) -> Any:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not ended(found := look()):
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"{what} has not ended in {timeout} s.")
            time.sleep(interval)
        return found
