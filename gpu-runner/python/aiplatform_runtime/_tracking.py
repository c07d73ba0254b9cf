"""Metrics, parameters, tags, checkpoints, artifacts and models of the run this process belongs to."""

import datetime
import math
import numbers
import os
import pathlib
import pickle
import sys
import time
from typing import NamedTuple

from ._connection import connection

_POINTS_PER_REQUEST = 1000
_STATE_FRESH_SECONDS = 0.5
_CHECKPOINT_FOLDER = "checkpoints"


class Checkpoint(NamedTuple):
    """A checkpoint on local disk and the step at which it was taken."""

    path: str
    step: int


def log_metrics(metrics, step=None, timestamp=None):
    """Logs numbers at a step. Returns when the runner has them on disk; NaN and infinities are kept as such."""
    step = 0 if step is None else int(step)
    when = timestamp if timestamp is not None else datetime.datetime.now(datetime.timezone.utc)
    when = when.isoformat().replace("+00:00", "Z") if isinstance(when, datetime.datetime) else str(when)
    points = [{"key": str(key), "step": step, "value": _number(key, value), "timestamp": when} for key, value in metrics.items()]
    runner = connection()
    if runner is None:
        _print(f"step {step}: " + ", ".join(f"{point['key']}={point['value']}" for point in points))
        return
    for start in range(0, len(points), _POINTS_PER_REQUEST):
        runner.call("metrics", points=points[start : start + _POINTS_PER_REQUEST])


def log_params(values):
    """Logs parameters; a parameter keeps its first value for ever."""
    _send_texts("params", values)


def set_tags(values):
    """Sets tags; the last value wins."""
    _send_texts("tags", values)


def save_checkpoint(path_or_state, step, metrics=None, name=None):
    """Keeps a checkpoint: a file that exists, or any state (``torch.save`` where torch is loaded, else pickle).

    Returns the local path. The runner has its own copy before this returns, so the file may be overwritten.
    """
    step = int(step)
    if isinstance(path_or_state, (str, os.PathLike)):
        path = pathlib.Path(path_or_state)
        if not path.is_file():
            raise FileNotFoundError(f"checkpoint {path} is not a file")
    else:
        path = _write_state(path_or_state)
    _send_file(path, name or f"{_CHECKPOINT_FOLDER}/step-{step:08d}/{path.name}", "checkpoint", step, metrics)
    return str(path)


def load_checkpoint():
    """The newest checkpoint of the run, or None. The run continues from its step: report of that goes to the platform."""
    runner = connection()
    if runner is None:
        return None
    answer = runner.call("resume")
    if answer.get("path") is None:
        return None
    return Checkpoint(answer["path"], int(answer["step"]))


def log_artifact(path, name=None):
    """Keeps a file, or every file of a folder, as artifact of the run."""
    path = pathlib.Path(path)
    name = name or path.name
    if path.is_dir():
        for file in sorted(entry for entry in path.rglob("*") if entry.is_file()):
            _send_file(file, f"{name}/{file.relative_to(path).as_posix()}", "file", None, None)
    elif path.is_file():
        _send_file(path, name, "file", None, None)
    else:
        raise FileNotFoundError(f"artifact {path} does not exist")


def log_model(path, metrics=None, name=None):
    """Keeps a file as a model of the run; the best one becomes the model version when the job asked for that."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"model {path} is not a file")
    _send_file(path, name or f"model/{path.name}", "model", None, metrics)


register_model = log_model


def should_stop():
    """True once the job is cancelled or its runner drains: save a checkpoint and return."""
    return _state()["stop"]


def should_checkpoint():
    """True once a checkpoint was asked for; false again after the next ``save_checkpoint`` of any rank on this node."""
    return _state()["checkpoint"]


_last_state = (0.0, {"stop": False, "checkpoint": False})


def _state():
    # Scripts ask at every step: the answer is kept for a moment.
    global _last_state
    asked, state = _last_state
    runner = connection()
    if runner is not None and time.monotonic() - asked > _STATE_FRESH_SECONDS:
        answer = runner.call("state")
        state = {"stop": bool(answer.get("stop")), "checkpoint": bool(answer.get("checkpoint"))}
        _last_state = (time.monotonic(), state)
    return state


def _forget_state():
    global _last_state
    _last_state = (0.0, _last_state[1])


def _number(key, value):
    if not isinstance(value, numbers.Number) and hasattr(value, "item"):
        value = value.item()  # A tensor or an array with one element.
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"metric {key!r} must be a number, not {type(value).__name__}")
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _send_texts(op, values):
    texts = {str(key): _text(value) for key, value in values.items()}
    runner = connection()
    if runner is None:
        _print(f"{op}: " + ", ".join(f"{key}={value}" for key, value in texts.items()))
    elif texts:
        runner.call(op, values=texts)


def _text(value):
    return "true" if value is True else "false" if value is False else str(value)


def _send_file(path, name, kind, step, metrics):
    values = None if metrics is None else {str(key): _number(key, value) for key, value in metrics.items()}
    runner = connection()
    if runner is None:
        _print(f"{kind} {name}: {path}" + (f" {values}" if values else ""))
        return
    runner.call("artifact", file=str(path.resolve()), path=name, kind=kind, step=step, metrics=values)
    if kind == "checkpoint":
        _forget_state()


def _write_state(state):
    folder = pathlib.Path(_CHECKPOINT_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    torch = sys.modules.get("torch")
    path = folder / ("state.pt" if torch is not None else "state.pickle")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        if torch is not None:
            torch.save(state, file)
        else:
            pickle.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return path


def _print(text):
    print(f"[aiplatform] {text}", file=sys.stderr, flush=True)
