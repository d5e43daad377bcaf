"""Writes test/fixtures/preprocessing: what open_clip and timm make of small images by the settings of their configuration files.

    pip install open_clip_torch timm torch torchvision pillow safetensors
    python test/reference/make_preprocessing_fixtures.py test/fixtures
"""
import json
import sys
from pathlib import Path

import numpy as np
import open_clip
import PIL
import timm
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config

out = Path(sys.argv[1]) / "preprocessing"
out.mkdir(exist_ok=True)
rng = np.random.default_rng(0)
SIZES = [(17, 40), (40, 17), (33, 33), (20, 21), (9, 60), (5, 6), (16, 16)]  # height, width
images = {f"{h}x{w}": rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in SIZES}
half = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
uneven = {"mean": [0.5, 0.4, 0.3], "std": [0.5, 0.6, 0.7]}

OPEN_CLIP = [
    (16, dict(half, interpolation="bicubic", resize_mode="squash")),
    (16, dict(uneven, interpolation="bilinear", resize_mode="shortest")),
    (16, dict(half, interpolation="bicubic", resize_mode="longest")),
    (15, dict(half, interpolation="bilinear", resize_mode="longest", fill_color=128)),
    (13, dict(half, interpolation="random")),
    (16, {}),
    ([12, 16], dict(half, interpolation="bilinear", resize_mode="shortest")),
    ([12, 16], dict(half, interpolation="bilinear", resize_mode="longest")),
]
TIMM = [
    dict(half, input_size=[3, 16, 16], interpolation="bicubic", crop_pct=1.0, crop_mode="squash"),
    dict(half, input_size=[3, 16, 16], interpolation="bicubic", crop_pct=0.9, crop_mode="center"),
    dict(half, input_size=[3, 15, 15], interpolation="bilinear", crop_pct=0.9, crop_mode="squash"),
    dict(uneven, input_size=[3, 16, 16], interpolation="bicubic", crop_pct=1.0, crop_mode="border"),
    dict(uneven, input_size=[3, 16, 16], interpolation="bicubic", crop_pct=0.8, crop_mode="border"),
    dict(half, input_size=[3, 16, 16], interpolation="lanczos", crop_pct=0.95),
    dict(half, input_size=[3, 16, 16], interpolation="nearest", crop_pct=0.9, crop_mode="center"),
    dict(half, input_size=[3, 12, 16], interpolation="bilinear", crop_pct=0.875, crop_mode="center"),
    dict(input_size=[3, 16, 16]),
]

cases, tensors = [], {f"image.{name}": torch.from_numpy(image) for name, image in images.items()}


def case(files, transform):
    for name, image in images.items():
        tensors[f"{len(cases)}.{name}"] = transform(Image.fromarray(image)).contiguous()
    cases.append(files)


for size, preprocess in OPEN_CLIP:
    model = {"embed_dim": 768, "vision_cfg": {"image_size": size, "timm_model_name": "vit_base_patch16_siglip_224"}}
    config = {"model_cfg": model, **({"preprocess_cfg": preprocess} if preprocess else {})}
    full = merge_preprocess_dict(PreprocessCfg(), preprocess)
    full["size"] = tuple(size) if isinstance(size, list) else size
    case({"open_clip_config.json": config}, image_transform_v2(PreprocessCfg(**full), is_train=False))
for pretrained in TIMM:
    config = {"architecture": "vit_base_patch16_siglip_224", "pretrained_cfg": pretrained}
    case({"config.json": config}, create_transform(**resolve_data_config(pretrained_cfg=pretrained)))

save_file(tensors, out / "expected.safetensors")
versions = {"open_clip": open_clip.__version__, "timm": timm.__version__, "torch": torch.__version__, "pillow": PIL.__version__}
(out / "cases.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
