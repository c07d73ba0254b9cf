"""Runs as a job and says random things on the socket to the runner. The runner may refuse and hang up; it must go on serving."""

import json
import os
import random
import socket
import struct
import sys
import time

PATH, RANK = os.environ["AIP_SOCKET"], int(os.environ.get("RANK", "0"))
SEED, SECONDS = int(os.environ.get("FUZZ_SEED", sys.argv[1] if len(sys.argv) > 1 else "1")), float(sys.argv[2] if len(sys.argv) > 2 else "5")

TEXTS = ["", "a", "../x", "/etc/passwd", "a\0b", "中文", "x" * 3000, "\ud800", "a/b/c", ".", "..", "CON", " "]
VALUES = [None, True, 0, -1, 1.5, 1e308, 2**63, -(2**63), 2**70, "", "a", [], {}, [None], {"a": None}, [[[[]]]], "NaN", float("inf")]
OPS = ["hello", "metrics", "params", "tags", "artifact", "media", "resume", "state", "unknown", "", None]


def text(rng):
    return rng.choice(TEXTS)


def value(rng):
    return rng.choice(VALUES) if rng.random() < 0.6 else text(rng)


def point(rng):
    return {"key": "loss", "value": rng.random(), "step": rng.randrange(100), "timestamp": "2024-05-06T07:08:09Z"}


def request(rng):
    op = rng.choice(OPS)
    body = {"id": rng.randrange(9), "op": op}
    if op == "hello":
        body["rank"] = RANK
    elif op == "metrics":
        body["points"] = [point(rng) for _ in range(rng.choice([0, 1, 3, 1001]))]
    elif op in ("params", "tags"):
        body["values"] = {text(rng) or "k": text(rng) for _ in range(rng.randrange(4))}
    elif op in ("artifact", "media"):
        body.update(file=rng.choice(["made", "missing", "/etc/passwd", "../../x", os.getcwd() + "/made"]), path=text(rng), kind="file", step=rng.randrange(5))
        if op == "media":
            # A file that is there and no picture is stored and refused later, which rightly fails the job.
            body["file"] = rng.choice(["missing", "/etc/passwd", "../../x"])
            body["media"] = {"key": text(rng), "kind": rng.choice(["image", "audio", "x"]), "caption": text(rng)}
    for _ in range(rng.randrange(3)):
        body[rng.choice(["id", "op", "rank", "points", "values", "file", "path", "kind", "step", "metrics", "media", "other"])] = value(rng)
    return body


def frame(rng):
    kind = rng.random()
    if kind < 0.75:
        body = json.dumps(request(rng)).encode("utf-8", "surrogatepass")
        if rng.random() < 0.1:
            at = rng.randrange(len(body))
            body = body[:at] + bytes([rng.randrange(256)]) + body[at + 1:]
        return struct.pack(">I", len(body)) + body
    if kind < 0.85:
        return struct.pack(">I", rng.choice([0, 1, 2**20, 2**20 + 1, 2**31 - 1, 2**31, 2**32 - 1])) + b"{}"
    if kind < 0.95:
        return struct.pack(">I", 200_010) + b"[" * 100_000 + b"]" * 100_010
    return rng.randbytes(rng.randrange(1, 300))


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(10)
    client.connect(PATH)
    return client


def call(client, body):
    raw = json.dumps(body).encode()
    client.sendall(struct.pack(">I", len(raw)) + raw)
    header = client.recv(4, socket.MSG_WAITALL)
    return json.loads(client.recv(struct.unpack(">I", header)[0], socket.MSG_WAITALL)) if len(header) == 4 else None


def main():
    open("made", "w", encoding="utf-8").write("content")
    rng = random.Random(SEED)
    tried, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        client = connect()
        try:
            if rng.random() < 0.9:
                call(client, {"id": 1, "op": "hello", "rank": RANK})
            for _ in range(rng.randrange(1, 6)):
                client.sendall(frame(rng))
                tried += 1
                client.settimeout(0.02 if rng.random() < 0.5 else 0.2)
                try:
                    if not client.recv(1 << 16):
                        break
                except TimeoutError:
                    pass
        except OSError:
            # The runner hung up.
            pass
        finally:
            client.close()
    client = connect()
    hello = call(client, {"id": 1, "op": "hello", "rank": RANK})
    state = call(client, {"id": 2, "op": "state"})
    print(f"tried {tried}", flush=True)
    sys.exit(0 if hello and hello["ok"] and state and state["ok"] else f"the runner answers {hello} {state}")


main()
