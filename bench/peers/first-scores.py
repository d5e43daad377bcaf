"""From process start to the scores of one image with transformers: first-scores.py FOLDER IMAGE"""
import resource
import sys

from PIL import Image
from transformers import AutoModel, AutoProcessor
import torch

folder, image = sys.argv[1:]
model = AutoModel.from_pretrained(folder)
processor = AutoProcessor.from_pretrained(folder)
labels = ["a cat", "a dog", "a car"]
inputs = processor(text=labels, images=Image.open(image), padding="max_length", return_tensors="pt")
with torch.inference_mode():
    scores = torch.sigmoid(model(**inputs).logits_per_image)[0].tolist()
print([round(score, 4) for score in scores])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
