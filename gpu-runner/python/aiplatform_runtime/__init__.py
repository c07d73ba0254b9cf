"""What a training script needs from AI Platform; standard library only.

The same script runs under the platform's runner and alone: with no runner (no ``AIP_SOCKET`` in the
environment) values are printed to standard error and files stay where they are.

    import aiplatform_runtime as aip

    lr = aip.params().get("lr", 0.1)
    start = aip.load_checkpoint()
    aip.log_metrics({"loss": 0.3}, step=1)
    aip.save_checkpoint("state.pt", step=1)
    aip.log_model("model.onnx", metrics={"val_accuracy": 0.98})
"""

from ._connection import RunnerError, RunnerLostError
from ._data import data_dir, dataset_path, params
from ._media import log_confusion_matrix, log_histogram, log_image, log_table, log_text
from ._tracking import (
    Checkpoint,
    load_checkpoint,
    log_artifact,
    log_metrics,
    log_model,
    log_params,
    register_model,
    save_checkpoint,
    set_tags,
    should_checkpoint,
    should_stop,
)

__all__ = [
    "Checkpoint",
    "RunnerError",
    "RunnerLostError",
    "data_dir",
    "dataset_path",
    "load_checkpoint",
    "log_artifact",
    "log_confusion_matrix",
    "log_histogram",
    "log_image",
    "log_metrics",
    "log_model",
    "log_params",
    "log_table",
    "log_text",
    "params",
    "register_model",
    "save_checkpoint",
    "set_tags",
    "should_checkpoint",
    "should_stop",
]
