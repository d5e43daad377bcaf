"""bench/fine-tune.ts in PyTorch, as its users write it: autocast, fused AdamW, images from a DataLoader's workers.

    python fine-tune.py CHECKPOINT STEPS BATCH PRECISION PICTURE...
"""
import resource
import statistics
import sys
import time

import torch
from PIL import Image
from transformers import SiglipModel, SiglipProcessor

folder, steps, batch, precision, *images = sys.argv[1:]
steps, batch, warm_up = int(steps), int(batch), 2
model = SiglipModel.from_pretrained(folder, dtype=torch.float32)
processor = SiglipProcessor.from_pretrained(folder)
decayed = [p for p in model.parameters() if p.ndim >= 2]
others = [p for p in model.parameters() if p.ndim < 2]
optimizer = torch.optim.AdamW([{"params": decayed}, {"params": others, "weight_decay": 0}], lr=1e-5, fused=True)


class Pictures(torch.utils.data.Dataset):
    def __len__(self):
        return (warm_up + steps) * batch

    def __getitem__(self, i):
        place = i % len(images)
        image = Image.open(images[place]).convert("RGB")
        return processor(images=image, return_tensors="pt")["pixel_values"][0], f"a photo of {place}"


def collate(samples):
    images, texts = zip(*samples)
    ids = processor.tokenizer(list(texts), padding="max_length", truncation=True, max_length=64, return_tensors="pt")
    return torch.stack(images), ids["input_ids"]


times = []
last = time.perf_counter()
for step, (images, ids) in enumerate(torch.utils.data.DataLoader(Pictures(), batch, num_workers=2, collate_fn=collate)):
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        loss = model(input_ids=ids, pixel_values=images, return_loss=True).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    loss.item()
    if step >= warm_up:
        times.append(1000 * (time.perf_counter() - last))
    last = time.perf_counter()
print(f"milliseconds {statistics.median(times)}\npeak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}")
