"""Tasks of queues: what a task's function may call, and the program that runs it."""

import importlib
import json
import os
import sys
import traceback


def progress(share):
    """Says how far the task is, 0 to 1. Outside of a task it does nothing."""
    path = os.environ.get("AIP_TASK_PROGRESS")
    if path:
        _write(path, str(float(share)))


def _write(path, text):
    # Readers see the old content or the new one, never a part.
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def _call(function, arguments):
    module, name = function.split(":")
    target = importlib.import_module(module)
    for part in name.split("."):
        target = getattr(target, part)
    return target(**arguments)


def main():
    """Calls the function that the input names and writes its value, or its error, where the runner reads it."""
    # Started by its path: the runtime's own modules must not hide those of the package.
    sys.path.pop(0)
    with open(os.environ["AIP_TASK_INPUT"], encoding="utf-8") as file:
        call = json.load(file)
    try:
        answer = {"result": _call(call["function"], call.get("arguments") or {})}
        text = json.dumps(answer, allow_nan=False)
        status = 0
    except Exception as error:  # whatever the package raises is the task's error
        traceback.print_exc()
        text = json.dumps({"error": type(error).__name__, "message": str(error)[:2000]})
        status = 1
    _write(os.environ["AIP_TASK_RESULT"], text)
    return status


if __name__ == "__main__":
    sys.exit(main())
