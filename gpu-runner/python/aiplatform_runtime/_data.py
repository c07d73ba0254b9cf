"""What the job was given: its parameters and its data."""

import json
import os
import pathlib


def params():
    """The job's parameters (the JSON object in the file that ``AIP_PARAMS`` names; empty without one)."""
    path = os.environ.get("AIP_PARAMS")
    if not path:
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def data_dir():
    """The folder that holds one folder per dataset (``AIP_DATA_DIR``, else ``data`` in the current folder)."""
    return pathlib.Path(os.environ.get("AIP_DATA_DIR") or "data")


def dataset_path(name=None):
    """The folder of a dataset; without a name, of the only dataset of the job."""
    root = data_dir()
    if name is not None:
        path = root / name
        if not path.is_dir():
            raise FileNotFoundError(f"dataset {name!r} is not in {root} (there: {_names(root) or 'nothing'})")
        return path
    folders = [entry for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []
    if len(folders) == 1:
        return folders[0]
    if not folders and root.is_dir():
        return root
    raise FileNotFoundError(f"name the dataset: {root} holds {_names(root) or 'nothing'}")


def _names(root):
    return ", ".join(sorted(entry.name for entry in root.iterdir())) if root.is_dir() else ""
