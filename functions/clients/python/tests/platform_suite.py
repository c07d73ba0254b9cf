"""Run by the integration tests against a platform; ``API`` and ``TOKEN`` say where."""

import hashlib
import os
import threading
import unittest
import uuid
from pathlib import Path
from unittest import mock

import aiplatform
from aiplatform import _files


class Platform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = aiplatform.Client()
        cls.project = f"handwriting-{uuid.uuid4().hex[:8]}"
        cls.client.create_project(name=cls.project)

    def test_a_repeated_creation_creates_once(self):
        key = uuid.uuid4().hex
        first = self.client.create_dataset(self.project, name="once", idempotency_key=key)
        again = self.client.create_dataset(self.project, name="once", idempotency_key=key)
        self.assertEqual(first.id, again.id)
        with self.assertRaises(aiplatform.ApiError) as caught:
            self.client.create_dataset(self.project, name="once")
        self.assertEqual((caught.exception.status, caught.exception.code), (409, "already_exists"))

    def test_a_folder_comes_back_as_it_was(self):
        folder = Path("folder")
        for name, content in {"a.txt": b"a", "deep/b 100%.bin": os.urandom(100_000), "deep/ü.txt": "ü".encode(), "empty": b""}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        self.client.create_dataset(self.project, name="folder")
        with mock.patch.object(_files, "_BLOCK", 30_000):
            version = self.client.upload_dataset_version(self.project, "folder", folder, tags={"made": "here"})
        self.assertEqual((version.status, version.file_count, version.tags), ("ready", 4, {"made": "here"}))
        saved = self.client.download_dataset_version(self.project, "folder", version.version, "copy")
        self.assertEqual(len(saved), 4)
        for path in folder.rglob("*"):
            if path.is_file():
                self.assertEqual(Path("copy", path.relative_to(folder)).read_bytes(), path.read_bytes())

        # The second version adds one file to the first and sends only that.
        Path("more.txt").write_text("more")
        second = self.client.upload_dataset_version(self.project, "folder", "more.txt", parent=version.version)
        self.assertEqual((second.version, second.file_count, second.parent), (2, 5, 1))
        diff = self.client.diff_dataset_version(self.project, "folder", 2)
        self.assertEqual([(item.kind, item.path) for item in diff.items], [("added", "more.txt")])

    def test_a_list_goes_over_all_pages_in_order(self):
        names = [f"list-{number}" for number in range(5)]
        for name in names:
            self.client.create_experiment(self.project, name=name)
        found = [item.name for item in self.client.list_experiments(self.project, page_size=2)]
        self.assertEqual([name for name in found if name in names], names[::-1])

    def test_artifacts_with_slashes_are_found_and_verified(self):
        self.client.create_experiment(self.project, name="artifacts")
        run = self.client.create_run(self.project, "artifacts")
        Path("w.bin").write_bytes(b"weights")
        made = self.client.upload_artifact(run.id, "deep/w 1.bin", "w.bin", kind="checkpoint", step=3)
        self.assertEqual((made.path, made.step, made.sha256), ("deep/w 1.bin", 3, hashlib.sha256(b"weights").hexdigest()))
        self.assertEqual(self.client.download_artifact(run.id, "deep/w 1.bin", "back.bin").read_bytes(), b"weights")

    def test_a_change_that_came_too_late_is_refused(self):
        self.client.create_experiment(self.project, name="notes")
        run = self.client.create_run(self.project, "notes")
        self.client.write_run_notes(run.id, text="one", if_match='"0"')
        with self.assertRaises(aiplatform.ApiError) as caught:
            self.client.write_run_notes(run.id, text="two", if_match='"0"')
        self.assertEqual((caught.exception.status, caught.exception.code), (412, "precondition_failed"))

    def test_a_wrong_field_is_named(self):
        with self.assertRaises(aiplatform.ApiError) as caught:
            self.client.submit_job(self.project, recipe="image-classifier", timeout_seconds=-1)
        self.assertEqual((caught.exception.status, caught.exception.code), (400, "invalid_request"))
        self.assertIn("timeoutSeconds", caught.exception.errors)

    def test_a_job_is_seen_as_a_task_and_cancelled(self):
        job = self.client.submit_job(self.project, recipe="image-classifier").job
        self.assertIn(job.id, [task.id for task in self.client.list_tasks(project=self.project) if task.kind == "trainingJob"])
        self.assertIn(self.client.cancel_job(job.id, reason="enough").status, ("cancelling", "cancelled"))
        with self.assertRaises(TimeoutError):
            self.client.wait_for_job(self.client.submit_job(self.project, recipe="image-classifier").job.id, timeout=0, interval=0)

    def test_a_task_of_a_queue_waits_and_says_why(self):
        task = self.client.submit_task(self.project, "default", handler="noop", delay_seconds=3600)
        self.assertEqual(self.client.get_queue_task(self.project, "default", task.id).status, "scheduled")
        self.assertEqual(self.client.get_task(task.id).kind, "queueTask")
        self.assertTrue(self.client.explain_task_wait(task.id).text)
        self.assertEqual(self.client.cancel_task(task.id).cancelled, 1)

    def test_several_threads_share_a_client(self):
        failed = []

        def look():
            try:
                self.client.get_project(self.project)
            except Exception as error:  # noqa: BLE001: whatever it is, the test says it
                failed.append(error)

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])


if __name__ == "__main__":
    unittest.main()
