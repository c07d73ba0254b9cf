"""The Unix socket to the runner: requests and answers are JSON behind a four-byte big-endian length."""

import json
import os
import socket
import struct
import threading

# The runner refuses longer frames; callers split their values long before this.
MAX_FRAME = 1 << 20


class RunnerError(Exception):
    """The runner refused a request; the text says why, and ``code`` of what kind the refusal is."""

    def __init__(self, message, code="invalid_request"):
        super().__init__(message)
        self.code = code


class RunnerLostError(RunnerError):
    """The runner is gone. The attempt is lost with it: the platform starts another one."""

    def __init__(self, message):
        super().__init__(message, "runner_lost")


class Connection:
    """One acknowledged conversation with the runner, shared by the threads of a rank."""

    def __init__(self, path, rank, timeout=120.0):
        self._lock = threading.Lock()
        self._id = 0
        self._pid = os.getpid()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise RunnerLostError(f"no runner answers at {path}: {error}") from error
        self.call("hello", rank=rank)

    @property
    def owner(self):
        """The process that opened this connection; a forked child must open its own."""
        return self._pid

    def call(self, op, **fields):
        """Sends one request and waits for its answer, which comes after the runner has made it durable."""
        with self._lock:
            self._id += 1
            body = json.dumps({"id": self._id, "op": op, **fields}, separators=(",", ":")).encode()
            if len(body) > MAX_FRAME:
                raise RunnerError(f"{op}: {len(body)} bytes exceed the limit of {MAX_FRAME} bytes per request")
            try:
                self._socket.sendall(struct.pack(">I", len(body)) + body)
                answer = json.loads(self._read(struct.unpack(">I", self._read(4))[0]))
            except (OSError, ValueError) as error:
                self._socket.close()
                raise RunnerLostError(f"the runner went away during {op}: {error}") from error
        if not answer.get("ok"):
            raise RunnerError(f"{op}: {answer.get('error', 'refused')}", answer.get("code") or "invalid_request")
        return answer

    def _read(self, count):
        if count > MAX_FRAME:
            raise ValueError(f"frame of {count} bytes")
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(count - len(parts))
            if not part:
                raise ConnectionError("end of stream")
            parts += part
        return bytes(parts)

    def close(self):
        self._socket.close()


_current = None
_current_lock = threading.Lock()


def connection():
    """The connection of this process, or None when no runner started it."""
    global _current
    path = os.environ.get("AIP_SOCKET")
    if not path:
        return None
    with _current_lock:
        if _current is None or _current.owner != os.getpid():
            _current = Connection(path, int(os.environ.get("RANK", "0")))
        return _current
