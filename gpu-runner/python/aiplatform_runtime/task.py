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


def _within_package(frames):
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames


def main():
    """Calls the function that the input names and writes its value, or its error, where the runner reads it."""
    # Started by its path: the runtime's own modules must not hide those of the package.
    sys.path.pop(0)
    # One pipe for both: what is written to two of them is read in any order, and a traceback stands before what led to it.
    os.dup2(1, 2)
    with open(os.environ["AIP_TASK_INPUT"], encoding="utf-8") as file:
        call = json.load(file)
    try:
        answer = {"result": _call(call["function"], call.get("arguments") or {})}
        text = json.dumps(answer, allow_nan=False)
        status = 0
    except Exception as error:  # whatever the package raises is the task's error
        # From the package on: the frames above it are this program's.
        traceback.print_exception(type(error), error, _within_package(error.__traceback__))
        text = json.dumps({"error": type(error).__name__, "message": str(error)[:2000]})
        status = 1
    _write(os.environ["AIP_TASK_RESULT"], text)
    return status


if __name__ == "__main__":
    sys.exit(main())
