import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.path.dirname(__file__), "..", "aiplatform_runtime", "task.py")


class TaskProgramTest(unittest.TestCase):
    """The program that runs a task's function, as the runner starts it."""

    def run_task(self, source, function="package:work"):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "package.py"), "w", encoding="utf-8") as file:
                file.write(source)
            call, result = os.path.join(folder, "call.json"), os.path.join(folder, "result.json")
            with open(call, "w", encoding="utf-8") as file:
                json.dump({"function": function}, file)
            done = subprocess.run(
                [sys.executable, PROGRAM], capture_output=True, text=True, timeout=60, check=False,
                env={"AIP_TASK_INPUT": call, "AIP_TASK_RESULT": result, "PYTHONPATH": folder, "PYTHONUNBUFFERED": "1", "PATH": os.environ["PATH"]})
            with open(result, encoding="utf-8") as file:
                return done, json.load(file)

    def test_output_and_errors_keep_their_order(self):
        done, answer = self.run_task(
            "import sys\ndef work():\n    for i in range(50):\n        print(i)\n        print(-i, file=sys.stderr)\n    raise ValueError('no data')\n")
        self.assertEqual({"error": "ValueError", "message": "no data"}, answer)
        self.assertEqual("", done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual([str(n) for i in range(50) for n in (i, -i)], lines[:100])
        self.assertEqual("ValueError: no data", lines[-1])

    def test_a_traceback_begins_in_the_package(self):
        done, _ = self.run_task("def work():\n    raise ValueError('no data')\n")
        self.assertIn("package.py", done.stdout)
        self.assertNotIn("task.py", done.stdout)

    def test_a_function_that_is_not_there_is_named(self):
        done, answer = self.run_task("", "package:nothing")
        self.assertEqual("AttributeError", answer["error"])
        self.assertIn("nothing", done.stdout)
