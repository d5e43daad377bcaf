"""Writes fixtures/cli/expected.json: what transformers answers with fixtures/siglip-tiny.

    reference/bin/python make_cli_fixture.py ../fixtures
"""

import json
import sys
from pathlib import Path

import torch
from transformers import SiglipModel, SiglipTokenizer, pipeline
from transformers.image_utils import load_image
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

fixtures = Path(sys.argv[1])
folder = fixtures / "siglip-tiny"
labels = ["a cat", "two dogs", "a rocket"]
length = {"padding": "max_length", "truncation": True, "max_length": 16}

tokenizer = SiglipTokenizer.from_pretrained(folder)
image_processor = SiglipImageProcessorPil.from_pretrained(folder)
model = SiglipModel.from_pretrained(folder).eval()

classify = pipeline(
    "zero-shot-image-classification", model=model, tokenizer=tokenizer, image_processor=image_processor
)
# It pads to 64 tokens unless told otherwise, and drops its own argument that would tell it.
classify._preprocess_params["tokenizer_kwargs"] = length


def picture(name):
    return str(fixtures / "images" / name)


with torch.no_grad():
    texts = tokenizer(["a cat", "two dogs"], return_tensors="pt", **length)
    pixels = image_processor(load_image(picture("chelsea.png")), return_tensors="pt")
    expected = {
        "labels": labels,
        "classify": {
            name: [{"label": answer["label"], "score": answer["score"]} for answer in classify(picture(name), labels)]
            for name in ["chelsea.png", "coffee.png", "rocket.jpg"]
        },
        "textEmbeddings": model.get_text_features(**texts).pooler_output.tolist(),
        "imageEmbedding": model.get_image_features(**pixels).pooler_output[0].tolist(),
    }

(fixtures / "cli" / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
