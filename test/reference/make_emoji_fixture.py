"""Writes fixtures/emoji/expected.json: what transformers computes with models/emoji and four pictures of the demo's gallery.

    reference/bin/python make_emoji_fixture.py ../fixtures ../../models/emoji ../../examples/emoji/gallery
"""

import json
import sys
from pathlib import Path

import torch
from PIL import Image
from transformers import SiglipModel, SiglipTokenizer
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

fixtures, folder, gallery = map(Path, sys.argv[1:])
places = [0, 130, 260, 390]
texts = ["cat face", "a cat", "flag: croatia", "birthday, cake", "three o’clock"]
columns = 24

tokenizer = SiglipTokenizer.from_pretrained(folder)
image_processor = SiglipImageProcessorPil.from_pretrained(folder)
model = SiglipModel.from_pretrained(folder, dtype=torch.float32).eval()

sheet = Image.open(gallery / "twemoji.png").convert("RGBA")
side = sheet.width // columns
pictures = []
for place in places:
    left, top = place % columns * side, place // columns * side
    white = Image.new("RGBA", (side, side), "white")
    white.alpha_composite(sheet.crop((left, top, left + side, top + side)))
    pictures.append(white.convert("RGB"))

with torch.no_grad():
    ids = tokenizer(texts, padding="max_length", truncation=True, max_length=16, return_tensors="pt")
    pixels = image_processor(pictures, return_tensors="pt")
    logits = model(input_ids=ids["input_ids"], pixel_values=pixels["pixel_values"]).logits_per_image

out = fixtures / "emoji"
out.mkdir(exist_ok=True)
expected = {"places": places, "texts": texts, "inputIds": ids["input_ids"].tolist(), "logitsPerImage": logits.tolist()}
(out / "expected.json").write_text(json.dumps(expected) + "\n")
