"""Images, histograms, texts, tables and confusion matrices of the run, each at a step; standard library only."""

import json
import math
import os
import pathlib
import struct
import tempfile
import zlib

from ._connection import connection
from ._tracking import _print

_FOLDER = ".aiplatform-media"
_CHANNELS_TO_PNG = {1: 0, 2: 4, 3: 2, 4: 6}  # gray, gray with alpha, RGB, RGBA


def log_image(key, image, step, caption=None):
    """Logs an image: a PNG, JPEG, GIF or WebP file or its bytes, a PIL image, or pixels.

    Pixels are rows of columns of one number or of 1 to 4 channels: an array, a tensor or nested lists. Whole numbers
    are 0 to 255, others 0 to 1.
    """
    if isinstance(image, (str, os.PathLike)):
        data = pathlib.Path(image).read_bytes()
    elif isinstance(image, (bytes, bytearray, memoryview)):
        data = bytes(image)
    elif hasattr(image, "save") and hasattr(image, "mode"):
        data = _from_pil(image)
    else:
        data = _png(_pixels(image))
    _send(key, "image", data, step, caption)


def log_histogram(key, values, step, bins=64, caption=None):
    """Logs how values are distributed: numbers (any nesting), or a pair ``(counts, edges)`` with one more edge than counts."""
    if isinstance(values, tuple) and len(values) == 2 and len(_flat(values[1])) == len(_flat(values[0])) + 1:
        counts, edges = _flat(values[0]), _flat(values[1])
    else:
        counts, edges = _histogram([value for value in _flat(values) if math.isfinite(value)], int(bins))
    _send_json(key, "histogram", {"edges": edges, "counts": counts}, step, caption)


def log_text(key, text, step, caption=None):
    """Logs a text."""
    _send(key, "text", str(text).encode(), step, caption)


def log_table(key, columns, rows, step, caption=None):
    """Logs a table: column names, and rows of numbers, texts, booleans or None."""
    columns = [str(column) for column in columns]
    cells = [[_cell(cell) for cell in row] for row in rows]
    for index, row in enumerate(cells):
        if len(row) != len(columns):
            raise ValueError(f"row {index} has {len(row)} cells, not {len(columns)}")
    _send_json(key, "table", {"columns": columns, "rows": cells}, step, caption)


def log_confusion_matrix(key, y_true=None, y_pred=None, step=0, labels=None, matrix=None, caption=None):
    """Logs a confusion matrix: from true and predicted labels, or a matrix whose rows are what is true."""
    if matrix is None:
        true, predicted = [_label(value) for value in _list(y_true)], [_label(value) for value in _list(y_pred)]
        if len(true) != len(predicted):
            raise ValueError(f"{len(true)} true labels and {len(predicted)} predictions")
        names = [_label(value) for value in labels] if labels is not None else _sorted_labels({*true, *predicted})
        index = {name: place for place, name in enumerate(names)}
        matrix = [[0] * len(names) for _ in names]
        for actual, guess in zip(true, predicted):
            matrix[index[actual]][index[guess]] += 1
    else:
        matrix = [_flat(row) for row in _list(matrix)]
        names = [_label(value) for value in labels] if labels is not None else [str(place) for place in range(len(matrix))]
    _send_json(key, "confusionMatrix", {"labels": names, "matrix": matrix}, step, caption)


def _send_json(key, kind, value, step, caption):
    _send(key, kind, json.dumps(value, allow_nan=False, separators=(",", ":")).encode(), step, caption)


def _send(key, kind, data, step, caption):
    step = int(step)
    runner = connection()
    if runner is None:
        _print(f"{kind} {key} at step {step}: {len(data)} bytes" + (f" ({caption})" if caption else ""))
        return
    folder = pathlib.Path(_FOLDER)
    folder.mkdir(exist_ok=True)
    handle, path = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # The runner has its own copy before the answer comes.
        runner.call("media", file=str(pathlib.Path(path).resolve()), step=step, media={"key": str(key), "kind": kind, "caption": caption})
    finally:
        os.unlink(path)


def _list(values):
    values = values.detach().cpu() if hasattr(values, "detach") else values
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _flat(values):
    """Numbers of any nesting, in order."""
    values = values.detach().cpu() if hasattr(values, "detach") else values
    values = values.tolist() if hasattr(values, "tolist") else values
    if not hasattr(values, "__iter__"):
        return [values if isinstance(values, int) and not isinstance(values, bool) else float(values)]
    return [number for value in values for number in _flat(value)]


def _histogram(values, bins):
    if bins < 1:
        raise ValueError("a histogram needs at least one bin")
    if not values:
        raise ValueError("a histogram needs at least one finite value")
    low, high = float(min(values)), float(max(values))
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    edges = [low + width * place for place in range(bins)] + [high]
    if any(left >= right for left, right in zip(edges, edges[1:])):
        raise ValueError("the values lie too close together for so many bins")
    return counts, edges


def _cell(value):
    if value is None or isinstance(value, (str, bool, int)):
        return value
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, (bool, int)) else str(value)


def _label(value):
    return str(value.item() if hasattr(value, "item") else value)


def _sorted_labels(names):
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)


def _from_pil(image):
    import io

    data = io.BytesIO()
    image.save(data, format="PNG")
    return data.getvalue()


def _pixels(image):
    """Rows of bytes, and how many channels they have."""
    rows = _list(image)
    if not rows or not hasattr(rows[0], "__iter__"):
        raise ValueError("pixels are rows of columns")
    rows = [list(row) for row in rows]
    deep = bool(rows[0]) and hasattr(rows[0][0], "__iter__")
    channels = len(rows[0][0]) if deep else 1
    if channels not in _CHANNELS_TO_PNG or not rows[0]:
        raise ValueError(f"an image has 1 to 4 channels, not {channels}")
    flat = [[value for pixel in row for value in pixel] if deep else row for row in rows]
    if any(len(row) != len(flat[0]) for row in flat):
        raise ValueError("the rows of an image are equally long")
    whole = all(isinstance(value, int) and not isinstance(value, bool) for row in flat for value in row)
    scale = 1 if whole else 255
    return [bytes(min(255, max(0, round(value * scale))) for value in row) for row in flat], channels


def _png(pixels):
    rows, channels = pixels
    width, height = len(rows[0]) // channels, len(rows)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, _CHANNELS_TO_PNG[channels], 0, 0, 0)
    lines = b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
