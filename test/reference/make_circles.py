"""Draws the pictures of transformers' own test of google/siglip2-base-patch16-naflex, whose logits it publishes."""

import os

from PIL import Image, ImageDraw

folder = os.path.join(os.path.dirname(__file__), "..", "fixtures", "circles")
os.makedirs(folder, exist_ok=True)
for height, width in [(224, 224), (1024, 1024), (224, 1024)]:
    image = Image.new("RGB", (width, height), color="red")
    x, y = width // 2, height // 2
    r = min(x, y) // 8 * 7
    ImageDraw.Draw(image).ellipse((x - r, y - r, x + r, y + r), fill="blue", outline="green", width=width // 20)
    image.quantize(4, dither=0).save(os.path.join(folder, f"{height}x{width}.png"), optimize=True)  # three colours: exact
