"""Image classification with PyTorch and DistributedDataParallel: gloo on CPU, nccl on GPU.

Data: a dataset with ``digits.csv`` (header ``label,p0,p1,...``: one square grey image per row).
Parameters (all optional): dataset, epochs, batchSize (per rank), lr, weightDecay, seed, valFraction, hidden.
Every epoch leaves a checkpoint and a new attempt goes on from the last one; the best model is exported as ONNX.
"""

import csv
import datetime
import inspect
import math
import os
import pathlib
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

import aiplatform_runtime as aip

# A rank that loses a peer must fail soon, so that the platform can start the next attempt.
PEER_TIMEOUT = datetime.timedelta(seconds=60)


class Classifier(nn.Module):
    """Two convolutions and two linear layers: enough for small grey images, quick on one CPU core."""

    def __init__(self, side, classes, hidden):
        super().__init__()
        self.conv1 = nn.Conv2d(1, hidden // 4, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden // 4, hidden // 2, 3, padding=1)
        self.linear1 = nn.Linear(hidden // 2 * (side // 2) ** 2, hidden)
        self.linear2 = nn.Linear(hidden, classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.linear1(x.flatten(1)))
        return self.linear2(x)


def read_images(folder):
    """All images as (images [n, 1, side, side] in 0..1, labels [n])."""
    path = next(iter(sorted(pathlib.Path(folder).rglob("*.csv"))), None)
    if path is None:
        raise SystemExit(f"image-classifier: no .csv file in {folder}")
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if len(header) < 2 or header[0] != "label":
            raise SystemExit(f"image-classifier: {path.name} must begin with the header label,p0,p1,...")
        values = torch.tensor([[float(cell) for cell in row] for row in rows])
    side = math.isqrt(values.shape[1] - 1)
    if side * side != values.shape[1] - 1:
        raise SystemExit(f"image-classifier: {values.shape[1] - 1} pixels per row are no square image")
    images = values[:, 1:].reshape(-1, 1, side, side)
    return images / images.max().clamp(min=1e-6), values[:, 0].long()


def split(count, fraction, seed):
    """Indices of the training and of the held-out images; the same on every rank and in every attempt."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    held_out = max(1, int(count * fraction))
    return order[held_out:], order[:held_out]


def shard(indices, rank, world_size):
    """Every rank gets the same number of indices; the first ones are repeated to fill the last round."""
    rounds = math.ceil(len(indices) / world_size)
    padded = torch.cat([indices, indices[: rounds * world_size - len(indices)]])
    return padded[rank::world_size]


def shifted(images):
    """The batch moved by up to one pixel: small images teach more when they do not always sit in the same place."""
    side = images.shape[-1]
    down, right = torch.randint(0, 3, (2,)).tolist()
    return F.pad(images, (1, 1, 1, 1))[..., down : down + side, right : right + side]


def total(values, device):
    """Sums a list of numbers over all ranks."""
    tensor = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(tensor)
    return tensor.tolist()


def export(model, side, path):
    """Writes the model as ONNX, atomically; inference input ``images`` [batch, 1, side, side], output ``scores``."""
    options = {"input_names": ["images"], "output_names": ["scores"], "opset_version": 13,
               "dynamic_axes": {"images": {0: "batch"}, "scores": {0: "batch"}}}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # The newer exporter needs further packages; this graph does not.
    example = torch.zeros(1, 1, side, side)
    copy = type(model)(side, model.linear2.out_features, model.linear1.out_features)
    copy.load_state_dict({key: value.cpu() for key, value in model.state_dict().items()})
    copy.eval()
    temporary = f"{path}.part"
    torch.onnx.export(copy, example, temporary, **options)
    os.replace(temporary, path)


def evaluate(model, images, labels, batch_size, device):
    """Loss and accuracy over the held-out images, each rank on its part."""
    model.eval()
    loss = correct = 0.0
    with torch.no_grad():
        for start in range(0, len(labels), batch_size):
            scores = model(images[start : start + batch_size])
            target = labels[start : start + batch_size]
            loss += F.cross_entropy(scores, target, reduction="sum").item()
            correct += (scores.argmax(1) == target).sum().item()
    loss, correct, count = total([loss, correct, float(len(labels))], device)
    return loss / count, correct / count


def train(options, rank, world_size, device):
    epochs = int(options.get("epochs", 20))
    batch_size = int(options.get("batchSize", 32))
    base_lr = float(options.get("lr", 0.003))
    seed = int(options.get("seed", 7))
    hidden = int(options.get("hidden", 128))

    torch.manual_seed(seed)
    images, labels = read_images(aip.dataset_path(options.get("dataset")))
    train_indices, held_out = split(len(labels), float(options.get("valFraction", 0.2)), seed)
    classes = int(labels.max().item()) + 1
    side = images.shape[-1]
    images, labels = images.to(device), labels.to(device)
    mine = held_out[rank::world_size]  # No padding here: a repeated image would count twice.
    val_images, val_labels = images[mine], labels[mine]

    plain = Classifier(side, classes, hidden).to(device)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=base_lr, weight_decay=float(options.get("weightDecay", 0.01)))
    steps_per_epoch = math.ceil(math.ceil(len(train_indices) / world_size) / batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(0.02, 0.5 * (1 + math.cos(math.pi * min(1.0, step / (epochs * steps_per_epoch))))))

    first_epoch, step, best, best_state = 0, 0, -1.0, None
    checkpoint = aip.load_checkpoint()
    if checkpoint is not None:
        state = torch.load(checkpoint.path, map_location=device)
        plain.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first_epoch, step, best, best_state = state["epoch"], state["step"], state["best"], state["best_model"]
        print(f"rank {rank}: resumed after epoch {first_epoch}, step {step}", flush=True)
    if rank == 0:
        export(plain, side, "probe.onnx")  # Fails now, not after hours of training, where an exporter is missing.
        used = {"epochs": epochs, "batchSize": batch_size, "lr": base_lr, "seed": seed, "hidden": hidden, "worldSize": world_size,
                "device": device.type, "trainImages": len(train_indices), "valImages": len(held_out)}
        # What the job was given is in the run already, perhaps written in another way.
        aip.log_params({key: value for key, value in used.items() if key not in options})

    model = DistributedDataParallel(plain, device_ids=[device.index] if device.type == "cuda" else None)
    for epoch in range(first_epoch, epochs):
        began = time.monotonic()
        order = train_indices[torch.randperm(len(train_indices), generator=torch.Generator().manual_seed(seed * 1000 + epoch))]
        part = shard(order, rank, world_size)
        model.train()
        loss_sum = correct = 0.0
        for start in range(0, len(part), batch_size):
            batch = part[start : start + batch_size]
            scores = model(shifted(images[batch]))
            loss = F.cross_entropy(scores, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            value = loss.item()
            loss_sum += value * len(batch)
            correct += (scores.argmax(1) == labels[batch]).sum().item()
            if rank == 0:
                aip.log_metrics({"loss": value, "lr": schedule.get_last_lr()[0]}, step=step)

        loss_sum, correct, count = total([loss_sum, correct, float(len(part))], device)
        val_loss, val_accuracy = evaluate(model.module, val_images, val_labels, 256, device)
        if val_accuracy > best:
            best = val_accuracy
            best_state = {key: value.detach().cpu().clone() for key, value in model.module.state_dict().items()}
        if rank == 0:
            seconds = time.monotonic() - began
            aip.log_metrics({"epoch": epoch + 1, "epoch_loss": loss_sum / count, "accuracy": correct / count, "val_loss": val_loss,
                             "val_accuracy": val_accuracy, "throughput": count / seconds}, step=step)
            aip.save_checkpoint({"model": model.module.state_dict(), "optimizer": optimizer.state_dict(),
                                 "schedule": schedule.state_dict(), "epoch": epoch + 1, "step": step, "best": best,
                                 "best_model": best_state}, step=step, metrics={"val_accuracy": val_accuracy})
            print(f"epoch {epoch + 1}/{epochs}: loss {loss_sum / count:.4f}, accuracy {correct / count:.4f}, "
                  f"val_accuracy {val_accuracy:.4f}", flush=True)

        # All ranks must leave in the same epoch, so one of them hears the platform for all.
        if total([1.0 if rank == 0 and aip.should_stop() else 0.0], device)[0] > 0:
            print(f"rank {rank}: asked to stop after epoch {epoch + 1}", flush=True)
            return

    if rank == 0:
        plain.load_state_dict({key: value.to(device) for key, value in best_state.items()})
        export(plain, side, "model.onnx")
        aip.log_model("model.onnx", metrics={"val_accuracy": best})
        print(f"best val_accuracy {best:.4f}", flush=True)


def main():
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29512")
    if torch.cuda.is_available():
        # The runner shows each rank its own devices; started otherwise, ranks share what is there.
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
        torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=rank, world_size=world_size, timeout=PEER_TIMEOUT)
    try:
        train(aip.params(), rank, world_size, device)
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
