import contextlib
import io
import os
import pathlib
import pickle
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import aiplatform_runtime as aip  # noqa: E402
from aiplatform_runtime import _connection, _tracking  # noqa: E402
from tests.fake_runner import FakeRunner  # noqa: E402


class RuntimeCase(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self._before = os.getcwd()
        self._environment = dict(os.environ)
        for name in ("AIP_SOCKET", "AIP_PARAMS", "AIP_DATA_DIR", "RANK"):
            os.environ.pop(name, None)
        os.chdir(self._folder.name)
        self.folder = pathlib.Path(self._folder.name)
        self._reset()

    def tearDown(self):
        self._reset()
        os.chdir(self._before)
        os.environ.clear()
        os.environ.update(self._environment)
        self._folder.cleanup()

    @staticmethod
    def _reset():
        if _connection._current is not None:
            _connection._current.close()
        _connection._current = None
        _tracking._last_state = (0.0, {"stop": False, "checkpoint": False})


class UnderARunner(RuntimeCase):
    def setUp(self):
        super().setUp()
        path = str(self.folder / "s")
        self.runner = FakeRunner(path)
        os.environ.update(AIP_SOCKET=path, RANK="3")

    def tearDown(self):
        self.runner.close()
        super().tearDown()

    def test_the_first_request_names_the_rank(self):
        aip.log_metrics({"loss": 1}, step=1)
        self.assertEqual(self.runner.requests[0], {"id": 1, "op": "hello", "rank": 3})

    def test_metrics_travel_with_step_time_and_special_values_as_text(self):
        aip.log_metrics({"loss": 0.5, "nan": float("nan"), "up": float("inf"), "down": float("-inf")}, step=7)
        points = self.runner.ops("metrics")[0]["points"]
        self.assertEqual([(p["key"], p["step"], p["value"]) for p in points],
                         [("loss", 7, 0.5), ("nan", 7, "NaN"), ("up", 7, "Infinity"), ("down", 7, "-Infinity")])
        self.assertRegex(points[0]["timestamp"], r"^\d{4}-\d\d-\d\dT.*Z$")

    def test_many_metrics_are_split_into_requests_of_a_thousand(self):
        aip.log_metrics({f"m{i}": i for i in range(2500)}, step=0)
        self.assertEqual([len(request["points"]) for request in self.runner.ops("metrics")], [1000, 1000, 500])

    def test_a_value_with_item_is_a_number_and_text_or_a_flag_is_not(self):
        class Scalar:
            def item(self):
                return 2.5

        aip.log_metrics({"x": Scalar()})
        self.assertEqual(self.runner.ops("metrics")[0]["points"][0]["value"], 2.5)
        for wrong in ("1", True, None, 1j):
            with self.assertRaises(TypeError):
                aip.log_metrics({"x": wrong})

    def test_params_and_tags_are_texts(self):
        aip.log_params({"lr": 0.1, "deep": True})
        aip.set_tags({"owner": "me"})
        self.assertEqual(self.runner.ops("params")[0]["values"], {"lr": "0.1", "deep": "true"})
        self.assertEqual(self.runner.ops("tags")[0]["values"], {"owner": "me"})

    def test_a_checkpoint_file_is_sent_with_its_step_and_quality(self):
        (self.folder / "state.pt").write_bytes(b"x")
        aip.save_checkpoint("state.pt", step=12, metrics={"val": 0.5})
        request = self.runner.ops("artifact")[0]
        self.assertEqual((request["path"], request["kind"], request["step"], request["metrics"]),
                         ("checkpoints/step-00000012/state.pt", "checkpoint", 12, {"val": 0.5}))
        self.assertEqual(request["file"], str((self.folder / "state.pt").resolve()))

    def test_a_state_is_written_whole_before_it_is_sent(self):
        path = aip.save_checkpoint({"epoch": 3}, step=3)
        self.assertEqual(pickle.loads(pathlib.Path(path).read_bytes()), {"epoch": 3})
        self.assertEqual([entry.name for entry in (self.folder / "checkpoints").iterdir()], ["state.pickle"])

    def test_the_newest_checkpoint_is_given_or_none(self):
        self.assertIsNone(aip.load_checkpoint())
        self.runner.answers["resume"] = {"path": "/c/state.pt", "step": 42}
        self.assertEqual(aip.load_checkpoint(), aip.Checkpoint("/c/state.pt", 42))

    def test_a_folder_is_kept_file_by_file(self):
        (self.folder / "out/sub").mkdir(parents=True)
        (self.folder / "out/a.txt").write_text("a")
        (self.folder / "out/sub/b.txt").write_text("b")
        aip.log_artifact("out", "report")
        self.assertEqual([request["path"] for request in self.runner.ops("artifact")], ["report/a.txt", "report/sub/b.txt"])

    def test_a_model_is_an_artifact_with_its_quality(self):
        (self.folder / "m.onnx").write_bytes(b"m")
        aip.register_model("m.onnx", metrics={"val_accuracy": 0.97})
        request = self.runner.ops("artifact")[0]
        self.assertEqual((request["path"], request["kind"], request["metrics"]), ("model/m.onnx", "model", {"val_accuracy": 0.97}))

    def test_missing_files_are_named(self):
        for call in (lambda: aip.log_artifact("no"), lambda: aip.log_model("no"), lambda: aip.save_checkpoint("no", 1)):
            with self.assertRaisesRegex(FileNotFoundError, "no"):
                call()

    def test_wishes_are_asked_for_once_in_a_while_and_again_after_a_checkpoint(self):
        self.runner.answers["state"] = {"checkpoint": True}
        self.assertTrue(aip.should_checkpoint())
        self.assertFalse(aip.should_stop())
        self.assertEqual(len(self.runner.ops("state")), 1)
        self.runner.answers["state"] = {"stop": True}
        aip.save_checkpoint({}, step=1)
        self.assertFalse(aip.should_checkpoint())
        self.assertTrue(aip.should_stop())

    def test_a_refusal_carries_the_reason(self):
        self.runner.refuse["metrics"] = "the name is too long"
        with self.assertRaisesRegex(aip.RunnerError, "the name is too long") as refused:
            aip.log_metrics({"a": 1})
        self.assertEqual(refused.exception.code, "invalid_request")

    def test_a_runner_that_goes_away_is_an_error_of_its_own(self):
        self.runner.hang_up_on = "metrics"
        with self.assertRaises(aip.RunnerLostError) as lost:
            aip.log_metrics({"a": 1})
        self.assertEqual(lost.exception.code, "runner_lost")

    def test_a_request_above_the_limit_is_refused_here(self):
        with self.assertRaisesRegex(aip.RunnerError, "exceed the limit"):
            aip.set_tags({"a": "x" * (1 << 20)})

    def test_a_forked_child_opens_a_connection_of_its_own(self):
        aip.log_metrics({"parent": 1})
        child = os.fork()
        if child == 0:
            aip.log_metrics({"child": 1})
            os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(len(self.runner.ops("hello")), 2)


class Alone(RuntimeCase):
    def test_values_are_printed_and_nothing_fails(self):
        (self.folder / "f").write_text("x")
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            aip.log_metrics({"loss": 0.25}, step=2)
            aip.log_params({"lr": 1})
            aip.log_artifact("f")
        self.assertIn("step 2: loss=0.25", printed.getvalue())
        self.assertIn("params: lr=1", printed.getvalue())
        self.assertIn("file f: f", printed.getvalue())
        self.assertIsNone(aip.load_checkpoint())
        self.assertFalse(aip.should_stop())
        self.assertEqual(aip.params(), {})

    def test_a_socket_where_nobody_listens_says_so(self):
        os.environ["AIP_SOCKET"] = str(self.folder / "nobody")
        with self.assertRaisesRegex(aip.RunnerLostError, "no runner answers"):
            aip.log_metrics({"a": 1})

    def test_params_come_from_the_file(self):
        (self.folder / "p.json").write_text('{"lr": 0.5}')
        os.environ["AIP_PARAMS"] = str(self.folder / "p.json")
        self.assertEqual(aip.params(), {"lr": 0.5})

    def test_the_only_dataset_needs_no_name_and_a_missing_one_is_named(self):
        os.environ["AIP_DATA_DIR"] = str(self.folder / "data")
        with self.assertRaisesRegex(FileNotFoundError, "nothing"):
            aip.dataset_path()
        (self.folder / "data/digits").mkdir(parents=True)
        self.assertEqual(aip.dataset_path(), self.folder / "data/digits")
        self.assertEqual(aip.dataset_path("digits"), self.folder / "data/digits")
        (self.folder / "data/faces").mkdir()
        with self.assertRaisesRegex(FileNotFoundError, "digits, faces"):
            aip.dataset_path()
        with self.assertRaisesRegex(FileNotFoundError, "'cats' is not in"):
            aip.dataset_path("cats")


if __name__ == "__main__":
    unittest.main()
