"""Writes test/fixtures/training/lora: adapters that peft saves for fixtures/siglip-tiny, and what the model computes with them; and
lora-classifier: adapters for fixtures/classifier-single, its top layer being trained whole (`modules_to_save`); and lora-all-linear:
adapters of all linear layers, with patterns that are regular expressions, also as torch.save writes them.

    python test/reference/make_lora_fixtures.py test/fixtures          # needs torch, transformers, peft
    python test/reference/make_lora_fixtures.py test/fixtures FOLDER   # checks the adapters in FOLDER, saved by saveLora
"""
import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import SiglipForImageClassification, SiglipModel

fixtures = Path(sys.argv[1])
inputs = load_file(fixtures / "siglip-tiny" / "expected.safetensors")
batch = {"input_ids": inputs["in.input_ids"].long(), "pixel_values": inputs["in.pixel_values"]}
base = SiglipModel.from_pretrained(fixtures / "siglip-tiny").eval()


def logits(model):
    with torch.no_grad():
        return model(**batch).logits_per_text.contiguous()


def save_trained(model, target, trained=("lora_B",)):
    """Saves adapters, what would have been trained drawn at random."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in trained):
                parameter.normal_(0, 0.3)
    model.save_pretrained(target)
    (target / "README.md").unlink()


if len(sys.argv) > 2:  # adapters of this package: what it computed with them is beside them
    folder = Path(sys.argv[2])
    expected = torch.tensor(json.loads((folder / "logits.json").read_text()))
    found = logits(PeftModel.from_pretrained(base, folder))
    difference = (found - expected).abs().max().item()
    moved = (found - inputs["full.logits_per_text"]).abs().max().item()
    print(json.dumps({"difference": difference, "moved": moved}))
    sys.exit(difference > 1e-5 or moved < 1e-2)

torch.manual_seed(0)
target = fixtures / "training" / "lora"
config = LoraConfig(
    r=4,
    lora_alpha=6,
    target_modules=r".*\.(q_proj|fc1|head)|.*text_model.*\.v_proj",
    exclude_modules=r"vision_model\.head",
    rank_pattern={"fc1": 2},
    alpha_pattern={"mlp.fc1": 10},
)
model = get_peft_model(base, config)
save_trained(model, target)
save_file({"logits_per_text": logits(model)}, target / "expected.safetensors")

target = fixtures / "training" / "lora-classifier"
base = SiglipForImageClassification.from_pretrained(fixtures / "classifier-single").eval()
config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "fc2"], modules_to_save=["classifier"])
model = get_peft_model(base, config)
save_trained(model, target, ("lora_B", "modules_to_save"))
pixels = load_file(fixtures / "classifier-single" / "expected.safetensors")["in.pixel_values"]
with torch.no_grad():
    save_file({"logits": model(pixel_values=pixels).logits.contiguous()}, target / "expected.safetensors")

torch.manual_seed(1)
target = fixtures / "training" / "lora-all-linear"
config = LoraConfig(
    r=1,
    lora_alpha=2,
    target_modules="all-linear",
    rank_pattern={r"layers\.\d+\.self_attn\.q_proj": 2},
    alpha_pattern={r"layers\.\d+\.self_attn\.q_proj": 3, ".*n_model.*fc2": 5, "^text_model.head": 7, "fc1": 4},
)
model = get_peft_model(SiglipModel.from_pretrained(fixtures / "siglip-tiny").eval(), config)
save_trained(model, target)
torch.save(load_file(target / "adapter_model.safetensors"), target / "adapter_model.bin")
loaded = PeftModel.from_pretrained(SiglipModel.from_pretrained(fixtures / "siglip-tiny").eval(), target)  # patterns come back sorted
save_file({"logits_per_text": logits(loaded)}, target / "expected.safetensors")
