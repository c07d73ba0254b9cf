import dataclasses
import inspect
import json
import math
import subprocess
import sys
import tempfile
import typing
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import aiplatform
from aiplatform import ApiError, Client, TransferError, _files, types
from aiplatform._codec import camel, decode, encode

from .server import Answers

HERE = Path(__file__).resolve().parent
PROJECT = {"id": "1", "name": "vision", "ownerId": "2", "createdAt": "2026-03-01T12:00:00.1234567+00:00", "updatedAt": "2026-03-01T12:00:00Z"}
PROBLEM = {"code": "not_found", "title": "Not found", "status": 404, "detail": "No such project."}


class Generated(unittest.TestCase):
    def test_what_is_generated_is_that_of_the_document(self):
        found = subprocess.run([sys.executable, HERE.parent / "generate.py", "--check"], capture_output=True, text=True)
        self.assertEqual((found.returncode, found.stderr), (0, ""))

    def test_every_operation_is_a_method_of_its_name(self):
        document = json.loads((HERE.parents[2] / "openapi" / "v1.json").read_text())
        ids = [operation["operationId"] for verbs in document["paths"].values() for operation in verbs.values()]
        self.assertGreater(len(ids), 200)
        for identity in ids:
            method = getattr(Client, "".join("_" + letter.lower() if letter.isupper() else letter for letter in identity), None)
            self.assertTrue(inspect.isfunction(method), identity)
            self.assertTrue(method.__doc__, identity)

    def test_every_record_can_be_read_and_every_annotation_resolved(self):
        records = [getattr(types, name) for name in types.__all__ if dataclasses.is_dataclass(getattr(types, name))]
        self.assertGreater(len(records), 200)
        for record in records:
            hints = typing.get_type_hints(record)
            for field in dataclasses.fields(record):
                self.assertIn(field.name, hints)


class Codec(unittest.TestCase):
    def test_names_times_and_nested_records_are_read(self):
        project = decode(types.Project, PROJECT)
        self.assertEqual((project.owner_id, project.description), ("2", None))
        self.assertEqual(project.created_at, datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone.utc))
        page = decode(types.PageOfProject, {"items": [PROJECT, PROJECT]})
        self.assertEqual([item.name for item in page.items], ["vision", "vision"])

    def test_what_a_newer_platform_adds_is_left_out(self):
        self.assertEqual(decode(types.Project, {**PROJECT, "colour": "blue"}).name, "vision")

    def test_numbers_that_are_none_of_arithmetic_travel_as_texts(self):
        point = decode(types.MetricPoint, {"key": "loss", "step": 1, "value": "NaN", "timestamp": "2026-03-01T12:00:00Z"})
        self.assertTrue(math.isnan(point.value))
        self.assertEqual(encode([float("inf"), float("-inf"), float("nan"), 1.5]), ["Infinity", "-Infinity", "NaN", 1.5])

    def test_names_that_are_keywords_are_sent_as_they_are(self):
        self.assertEqual(camel("from_"), "from")
        diff = decode(types.DatasetDiff, {"from": 1, "to": 2, "summary": {n: 0 for n in ("added", "removed", "changed", "renamed", "unchanged", "addedBytes", "removedBytes")}, "items": []})
        self.assertEqual((diff.from_, encode(diff)["from"]), (1, 1))

    def test_times_are_sent_in_utc_and_nulls_only_where_the_caller_wrote_them(self):
        self.assertEqual(encode(datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))), "2026-03-01T12:00:00Z")
        self.assertEqual(encode({"tags": {"old": None}, "retry": types.TaskRetry(max_attempts=2)}), {"tags": {"old": None}, "retry": {"maxAttempts": 2}})


class Requests(unittest.TestCase):
    def test_a_call_sends_its_token_path_query_and_body(self):
        with Answers((201, PROJECT), (200, {"items": []})) as server:
            client = Client(server.url, "secret", language="zh-CN")
            self.assertEqual(client.create_project(name="vision").name, "vision")
            client.list_runs_page("a b/c", page_size=5, page_token="x&y")
        (method, path, headers, body), (_, listed, _, _) = server.requests
        self.assertEqual((method, path, json.loads(body)), ("POST", "/v1/projects", {"name": "vision"}))
        self.assertEqual((headers["Authorization"], headers["Accept-Language"]), ("Bearer secret", "zh-CN"))
        self.assertEqual(len(headers["Idempotency-Key"] if "Idempotency-Key" in headers else headers["Idempotency-key"]), 32)
        self.assertEqual(listed, "/v1/projects/a%20b%2Fc/runs?pageSize=5&pageToken=x%26y")

    def test_a_problem_is_an_error_with_its_code(self):
        with Answers((404, PROBLEM)) as server, self.assertRaises(ApiError) as caught:
            Client(server.url, "t").get_project("vision")
        self.assertEqual((caught.exception.status, caught.exception.code, caught.exception.detail), (404, "not_found", "No such project."))

    def test_an_answer_of_something_else_is_an_error_without_a_code(self):
        with Answers((403, b"<html>no</html>", {"Content-Type": "text/html"})) as server, self.assertRaises(ApiError) as caught:
            Client(server.url, "t").get_project("vision")
        self.assertEqual((caught.exception.status, caught.exception.code), (403, None))
        self.assertIn("<html>no</html>", str(caught.exception))

    def test_what_may_be_repeated_is_repeated_with_the_same_key(self):
        with mock.patch("time.sleep"), Answers((503, PROBLEM), (0, {}), (201, PROJECT)) as server:
            Client(server.url, "t").create_project(name="vision")
        keys = {{key.lower(): value for key, value in headers.items()}["idempotency-key"] for _, _, headers, _ in server.requests}
        self.assertEqual((len(server.requests), len(keys)), (3, 1))

    def test_what_may_happen_twice_is_not_repeated_after_a_lost_answer(self):
        with Answers((0, {}), (200, {})) as server, self.assertRaises(Exception):
            Client(server.url, "t").end_attempt("1", 1, status="failed")
        self.assertEqual(len(server.requests), 1)

    def test_it_gives_up_after_its_attempts(self):
        with mock.patch("time.sleep"), Answers(*[(500, PROBLEM)] * 9) as server, self.assertRaises(ApiError):
            Client(server.url, "t", attempts=3).get_project("vision")
        self.assertEqual(len(server.requests), 3)

    def test_a_list_asks_for_pages_as_it_is_read(self):
        second = {**PROJECT, "name": "two"}
        with Answers((200, {"items": [PROJECT], "nextPageToken": "n"}), (200, {"items": [second]})) as server:
            projects = Client(server.url, "t").list_projects(page_size=1)
            self.assertEqual(len(server.requests), 0)
            self.assertEqual(next(projects).name, "vision")
            self.assertEqual(len(server.requests), 1)
            self.assertEqual([project.name for project in projects], ["two"])
        self.assertEqual(server.requests[1][1], "/v1/projects?pageSize=1&pageToken=n")

    def test_a_search_puts_the_page_token_into_its_body(self):
        with Answers((200, {"items": [], "nextPageToken": "n"}), (200, {"items": []})) as server:
            self.assertEqual(list(Client(server.url, "t").search_runs("vision", filter="metrics.loss < 1")), [])
        self.assertEqual([json.loads(body) for *_, body in server.requests], [{"filter": "metrics.loss < 1"}, {"filter": "metrics.loss < 1", "pageToken": "n"}])

    def test_a_login_is_kept_fresh(self):
        token = {"accessToken": "a", "expiresIn": 3600, "refreshToken": "r", "tokenType": "Bearer"}
        with Answers((200, token), (401, PROBLEM), (200, {**token, "accessToken": "b"}), (200, PROJECT)) as server:
            self.assertEqual(Client.log_in(server.url, "ada", "secret").get_project("vision").name, "vision")
        self.assertEqual([path for _, path, _, _ in server.requests], ["/v1/auth/login", "/v1/projects/vision", "/v1/auth/refresh", "/v1/projects/vision"])
        self.assertEqual(server.requests[3][2]["Authorization"], "Bearer b")

    def test_a_token_does_not_follow_a_redirect(self):
        with Answers((200, PROJECT)) as other, Answers((302, {}, {"Location": other.url})) as server:
            with self.assertRaises(ApiError):
                Client(server.url, "t").get_project("vision")
            self.assertEqual(other.requests, [])

    def test_events_are_read_as_they_come(self):
        stream = b": hello\n\nid: 7\nevent: jobChanged\ndata: {\"a\":\ndata: 1}\n\ndata: 2\n\n"
        with Answers((200, stream, {"Content-Type": "text/event-stream"})) as server:
            events = list(Client(server.url, "t").stream_events(["job:1", "job:2"], last_event_id="6"))
        self.assertEqual(events, [aiplatform.Event("7", "jobChanged", {"a": 1}), aiplatform.Event("7", "message", 2)])
        self.assertEqual(server.requests[0][1], "/v1/events?topics=job%3A1%2Cjob%3A2")

    def test_only_http_is_spoken(self):
        for url in ("ftp://x", "localhost:8080", "file:///etc/passwd"):
            with self.assertRaises(ValueError):
                Client(url, "t")


class Files(unittest.TestCase):
    def test_a_file_appears_only_when_it_is_whole(self):
        with tempfile.TemporaryDirectory() as folder, Answers((200, b"content", {"Content-Type": "application/octet-stream"})) as server:
            target = Path(folder, "a", "b.txt")
            with self.assertRaises(TransferError):
                _files.save(Client(server.url, "t").read_dataset_file("p", "d", 1, "b.txt"), target, "0" * 64)
            self.assertEqual([path for path in Path(folder).rglob("*") if path.is_file()], [])

    def test_a_path_that_leads_out_of_the_folder_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in ("../x", "/etc/passwd", "a/../../x"):
                with self.assertRaises(TransferError):
                    _files.below(Path(folder), path)
            self.assertEqual(_files.below(Path(folder), "a/x").name, "x")

    def test_a_large_file_goes_in_blocks(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(_files, "_BLOCK", 4), Answers((201, b""), (201, b""), (201, b"")) as server:
            file = Path(folder, "x")
            file.write_bytes(b"abcdef")
            _files.put(f"{server.url}/c/b?sig=1", {}, file, 10)
        self.assertEqual([body for *_, body in server.requests][:2], [b"abcd", b"ef"])
        self.assertIn("comp=blocklist", server.requests[2][1])
        self.assertEqual(server.requests[2][3].count(b"<Latest>"), 2)


if __name__ == "__main__":
    unittest.main()
