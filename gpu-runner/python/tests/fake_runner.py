"""A runner's socket for tests: answers requests, keeps them, and misbehaves on request."""

import json
import socket
import struct
import threading


class FakeRunner:
    def __init__(self, path):
        self.requests = []
        self.answers = {}
        self.refuse = {}
        self.hang_up_on = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def ops(self, op):
        return [request for request in self.requests if request["op"] == op]

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as reader:
            while True:
                header = reader.read(4)
                if len(header) < 4:
                    return
                request = json.loads(reader.read(struct.unpack(">I", header)[0]))
                if request["op"] == self.hang_up_on:
                    return
                self.requests.append(request)
                error = self.refuse.get(request["op"])
                answer = {"id": request["id"], "ok": error is None, **({"error": error} if error else self.answers.get(request["op"], {}))}
                body = json.dumps(answer).encode()
                connection.sendall(struct.pack(">I", len(body)) + body)
