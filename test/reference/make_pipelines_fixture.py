"""Writes fixtures/pipelines/expected.json: what transformers' pipelines answer with the tiny checkpoints.

    reference/bin/python make_pipelines_fixture.py ../fixtures
"""

import json
import sys
from pathlib import Path

from transformers import (
    AutoConfig,
    Siglip2Model,
    Siglip2Tokenizer,
    Siglip2VisionModel,
    SiglipForImageClassification,
    SiglipTextModel,
    SiglipTokenizer,
    SiglipVisionModel,
    pipeline,
)
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

fixtures = Path(sys.argv[1])
pictures = ["chelsea.png", "rocket.jpg", "wide.png"]
texts = ["a cat", "two dogs in the snow, and a rocket", "a photo of a cup of coffee"]
labels = ["a cat", "two dogs", "a rocket"]


def picture(name):
    return str(fixtures / "images" / name)


def rounded(values):
    return [rounded(value) for value in values] if isinstance(values, list) else float(f"{values:.8g}")


def classification(name):
    folder = fixtures / name
    classify = pipeline(
        "image-classification",
        model=SiglipForImageClassification.from_pretrained(folder),
        image_processor=SiglipImageProcessorPil.from_pretrained(folder),
    )
    calls = {"default": {}, "topK": {"top_k": 2}} | {
        function: {"function_to_apply": function} for function in ["sigmoid", "softmax", "none"]
    }
    return {call: {name: classify(picture(name), **options) for name in pictures} for call, options in calls.items()}


def features(extract, inputs, **options):
    return [rounded(extract(item, **options)) for item in inputs]


tiny, naflex = fixtures / "siglip-tiny", fixtures / "siglip2-naflex-tiny"
files = [picture(name) for name in pictures]
of_images = pipeline(
    "image-feature-extraction",
    model=SiglipVisionModel.from_pretrained(tiny),
    image_processor=SiglipImageProcessorPil.from_pretrained(tiny),
)
of_naflex = pipeline(
    "image-feature-extraction",
    model=Siglip2VisionModel.from_pretrained(naflex),
    image_processor=Siglip2ImageProcessorPil.from_pretrained(naflex),
)
of_texts = pipeline(
    "feature-extraction",
    model=SiglipTextModel.from_pretrained(tiny),
    tokenizer=SiglipTokenizer.from_pretrained(tiny),
)
zero_shot = pipeline(
    "zero-shot-image-classification",
    model=Siglip2Model.from_pretrained(naflex),
    tokenizer=Siglip2Tokenizer.from_pretrained(naflex),
    image_processor=Siglip2ImageProcessorPil.from_pretrained(naflex),
)
# It pads to 64 tokens unless told otherwise, and drops its own argument that would tell it.
padded = {
    "padding": "max_length",
    "truncation": True,
    "max_length": AutoConfig.from_pretrained(naflex).text_config.max_position_embeddings,
}
zero_shot._preprocess_params["tokenizer_kwargs"] = padded

expected = {
    "images": pictures,
    "texts": texts,
    "labels": labels,
    "imageClassification": {name: classification(f"classifier-{name}") for name in ["single", "multi", "regression"]},
    "imageFeatures": {
        "siglip": {"hidden": features(of_images, files[:1]), "pooled": features(of_images, files, pool=True)},
        "siglip2": {"hidden": features(of_naflex, files[:1]), "pooled": features(of_naflex, files, pool=True)},
    },
    "textFeatures": {
        "default": features(of_texts, texts),
        "padded": features(of_texts, texts[:1], tokenize_kwargs=padded | {"max_length": 16}),
    },
    "zeroShotNaflex": {name: zero_shot(picture(name), candidate_labels=labels) for name in pictures},
}
(fixtures / "pipelines").mkdir(exist_ok=True)
(fixtures / "pipelines" / "expected.json").write_text(json.dumps(expected) + "\n")
