"""Writes what Siglip2Model computes from the checkpoint fixtures/siglip2-naflex-tiny: expected.safetensors for the inputs that stand in
it, and one-patch.safetensors for images that are one patch wide or high; and its versions into versions.json.

    python test/reference/make_naflex_fixtures.py test/fixtures     # needs torch, transformers from 5.24, safetensors
"""
import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import Siglip2Model

SHAPES = [[16, 1], [1, 16], [4, 1], [1, 4], [5, 1], [1, 7], [1, 1], [2, 1], [1, 2], [3, 5], [4, 4]]


def outputs_of(o, prefix=""):
    named = {}
    for key in ("logits_per_image", "logits_per_text", "image_embeds", "text_embeds", "loss", "last_hidden_state", "pooler_output"):
        value = getattr(o, key, None)
        if value is not None:
            named[prefix + key] = value.reshape(1) if value.ndim == 0 else value
    for key in ("hidden_states", "attentions"):
        for i, value in enumerate(getattr(o, key, None) or ()):
            named[f"{prefix}{key}.{i}"] = value
    for key in ("text_model_output", "vision_model_output"):
        if getattr(o, key, None) is not None:
            named.update(outputs_of(getattr(o, key), f"{prefix}{key}."))
    return named


def results(model, inputs):
    model.zero_grad()
    long = {"input_ids", "pixel_attention_mask", "spatial_shapes"}
    batch = {name: value.long() if name in long else value for name, value in inputs.items()}
    o = model(**batch, return_loss=True, output_hidden_states=True, output_attentions=True)
    o.loss.backward()
    tensors = {f"in.{name}": value for name, value in inputs.items()}
    tensors |= {f"full.{name}": value for name, value in outputs_of(o).items()}
    tensors |= {f"grad.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {name: value.detach().contiguous().clone() for name, value in tensors.items()}


def main(fixtures):
    folder = fixtures / "siglip2-naflex-tiny"
    model = Siglip2Model.from_pretrained(folder, attn_implementation="eager").eval()
    stored = load_file(folder / "expected.safetensors")
    with safe_open(folder / "expected.safetensors", "pt") as file:
        metadata = file.metadata()
    inputs = {name[3:]: value for name, value in stored.items() if name.startswith("in.")}
    save_file(results(model, inputs), folder / "expected.safetensors", metadata=metadata)

    torch.manual_seed(0)
    patches = max(rows * columns for rows, columns in SHAPES)
    width = inputs["pixel_values"].shape[-1]
    mask = torch.stack([(torch.arange(patches) < rows * columns).int() for rows, columns in SHAPES])
    ids = inputs["input_ids"][torch.arange(len(SHAPES)) % len(inputs["input_ids"])]
    batch = {
        "input_ids": ids,
        "pixel_values": torch.randn(len(SHAPES), patches, width) * mask[..., None],
        "pixel_attention_mask": mask,
        "spatial_shapes": torch.tensor(SHAPES, dtype=torch.int32),
    }
    tensors = results(model, batch)
    wanted = ("in.", "full.logits", "full.image_embeds", "full.vision_model_output.last", "full.vision_model_output.hidden_states.0")
    wanted += ("full.vision_model_output.pooler", "grad.vision_model.embeddings")
    kept = {name: value for name, value in tensors.items() if name.startswith(wanted)}
    save_file(kept, folder / "one-patch.safetensors")

    file = fixtures / "versions.json"
    versions = json.loads(file.read_text()) | {"siglip2-naflex-tiny": f"transformers {transformers.__version__}"}
    file.write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
