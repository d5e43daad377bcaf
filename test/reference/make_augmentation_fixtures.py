"""Writes test/fixtures/augmentation/cases.safetensors: what torchvision makes of a picture, for tensors of bytes.

    python test/reference/make_augmentation_fixtures.py test/fixtures/augmentation
"""
import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.transforms import InterpolationMode, functional as F
from torchvision.transforms.functional import pil_to_tensor

here = Path(__file__).parent
picture = Image.open(here / "../fixtures/images/chelsea.png").convert("RGB").resize((40, 30))
image = pil_to_tensor(picture)
cases = {"image": image}
for factor in (0.0, 0.5, 1.3, 2.0):
    cases[f"brightness.{factor}"] = F.adjust_brightness(image, factor)
    cases[f"contrast.{factor}"] = F.adjust_contrast(image, factor)
    cases[f"saturation.{factor}"] = F.adjust_saturation(image, factor)
for name, (angle, translate, scale, shear) in {
    "turned": (20.0, [0.0, 0.0], 1.0, 0.0),
    "moved": (0.0, [3.5, -2.25], 1.0, 0.0),
    "resized": (0.0, [0.0, 0.0], 1.6, 0.0),
    "slanted": (0.0, [0.0, 0.0], 1.0, 15.0),
    "all": (-33.0, [4.0, 1.0], 0.7, -10.0),
}.items():
    cases[f"affine.{name}"] = F.affine(image, angle, translate, scale, [shear, 0.0], InterpolationMode.BILINEAR)
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
save_file({k: v.permute(1, 2, 0).contiguous() for k, v in cases.items()}, out / "cases.safetensors")
