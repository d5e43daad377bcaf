"""Writes test/fixtures/training/losses.safetensors: torch's losses of random embeddings and their gradients, in float64.

    python test/reference/make_loss_fixtures.py test/fixtures/training     # needs torch, safetensors
"""
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

rng = np.random.default_rng(1)
unit = lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)
arrays = {
    "images": unit(rng.standard_normal((7, 12))),
    "texts": unit(rng.standard_normal((7, 12))),
    "more_texts": unit(rng.standard_normal((11, 12))),
    "labels": rng.random((7, 11)) < 0.2,
    "weights": rng.random((7, 11)),
    "scale": np.array([np.log(10)]),
    "bias": np.array([-2.0]),
}
arrays["labels"][3] = False  # an image without a text
arrays["labels"][:, 5] = True  # a text of every image
arrays = {name: value.astype(np.float32) for name, value in arrays.items()}


def record(case, texts, loss):
    t = {n: torch.tensor(arrays[n], dtype=torch.float64, requires_grad=True) for n in ("images", texts, "scale", "bias")}
    logits = t["images"] @ t[texts].T * t["scale"].exp() + t["bias"]
    value = loss(logits)
    value.backward()
    arrays[f"{case}.loss"] = value.detach().numpy().reshape(1).astype(np.float32)
    for name, tensor in t.items():
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        arrays[f"{case}.grad.{'texts' if 'texts' in name else name}"] = gradient.numpy().astype(np.float32)


labels = torch.tensor(arrays["labels"], dtype=torch.float64)
weights = torch.tensor(arrays["weights"], dtype=torch.float64)


def sigmoid(logits, labels, weights=1.0):
    return -(weights * F.logsigmoid((2 * labels - 1) * logits)).sum() / len(logits)


def shared(labels):
    return labels / labels.sum(1, keepdim=True).clamp(min=1)


eye = torch.eye(7, dtype=torch.float64)
diagonal = torch.arange(7)
record("sigmoid", "texts", lambda logits: sigmoid(logits, eye))
record("sigmoid-labels", "more_texts", lambda logits: sigmoid(logits, labels))
record("sigmoid-weights", "more_texts", lambda logits: sigmoid(logits, labels, weights))
record("softmax", "texts", lambda x: (F.cross_entropy(x, diagonal) + F.cross_entropy(x.T, diagonal)) / 2)
record(
    "softmax-labels",
    "more_texts",
    lambda x: (F.cross_entropy(x, shared(labels)) + F.cross_entropy(x.T, shared(labels.T))) / 2,
)
# As many texts as images, none of which belongs to them: a neighbour's.
record("neighbour", "texts", lambda logits: sigmoid(logits, 0 * eye))
save_file(arrays, Path(sys.argv[1]) / "losses.safetensors")
