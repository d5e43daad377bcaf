"""bench/emoji-step.ts in PyTorch: a compiled model, batched augmentation, Muon in stacks of one size, fused AdamW.

    python emoji-step.py DATA half|all STEPS
"""
import json
import math
import random
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F
from transformers import SiglipConfig, SiglipModel

folder, patches, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
BATCH, WARM_UP, SIDE, PATCH, LENGTH, WIDTH = 192, 5, 64, 8, 16, 192
GRID = SIDE // PATCH
KEPT = GRID * GRID // 2 if patches == "half" else GRID * GRID
torch.manual_seed(0)
random.seed(0)

index = json.loads((folder / "pictures.json").read_text())
rgba = torch.from_numpy(np.fromfile(folder / "pictures.rgba", np.uint8).reshape(-1, SIDE, SIDE, 4)).permute(0, 3, 1, 2)
by_emoji = {}
for place, row in enumerate(index["pictures"]):
    if row["split"] == "train":
        by_emoji.setdefault(row["emoji"], []).append(place)
pieces = sentencepiece.SentencePieceProcessor(str(Path("examples") / "emoji" / "tokenizer" / "spiece.model"))


def ids_of(emoji):
    """The label, the label and some tags, or only tags."""
    label, tags = index["emoji"][emoji]["label"], index["emoji"][emoji]["tags"]
    said = [label]
    if tags and random.random() < 0.35:
        chosen = random.sample(tags, min(len(tags), random.randint(1, 5)))
        said = chosen if random.random() < 0.4 else [label, *chosen]
    ids = pieces.encode(", ".join(said))[: LENGTH - 1] + [2]
    return ids + [0] * (LENGTH - len(ids))


def uniform(least, greatest, *shape):
    return torch.empty(*shape).uniform_(least, greatest)


def augmented(places):
    image = rgba[places].float() / 255
    image[:, :3] *= image[:, 3:]
    count = len(places)
    turn, shear, scale = uniform(-10, 10, count).deg2rad(), uniform(-4.5, 4.5, count).deg2rad().tan(), uniform(0.8, 1.2, count)
    cos, sin = turn.cos() / scale, turn.sin() / scale
    shift = uniform(-0.16, 0.16, count, 2)
    matrix = torch.stack([cos, shear * cos - sin, shift[:, 0], sin, shear * sin + cos, shift[:, 1]], 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(image.shape), align_corners=False)
    image = F.grid_sample(image, grid, align_corners=False)
    colours, alpha = image[:, :3], image[:, 3:]

    def factor(strength):
        return uniform(1 - strength, 1 + strength, count, 1, 1, 1)

    weights = torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)
    colours = torch.minimum((colours * factor(0.22)).clamp(0), alpha)
    mean = (colours * weights).sum((1, 2, 3), True) / alpha.sum((1, 2, 3), True).clamp(1)
    contrast, saturation = factor(0.2), factor(0.5)
    colours = torch.minimum((colours * contrast + mean * alpha * (1 - contrast)).clamp(0), alpha)
    grey = (colours * weights).sum(1, True)
    colours = torch.minimum((colours * saturation + grey * (1 - saturation)).clamp(0), alpha)
    hue = uniform(-14, 14, count).deg2rad()
    straight, third, across = hue.cos(), (1 - hue.cos()) / 3, hue.sin() / math.sqrt(3)
    plus, minus = third + across, third - across
    rotation = torch.stack([straight + third, minus, plus, plus, straight + third, minus, minus, plus, straight + third], 1)
    colours = torch.bmm(rotation.view(-1, 3, 3), colours.flatten(2)).view_as(colours)
    colours = torch.minimum(colours.clamp(0), alpha)
    strength = (torch.rand(count, 1, 1, 1) < 0.45) * torch.rand(count, 1, 1, 1) / 2
    laid = colours + (1 - alpha) * (1 - strength * torch.rand(count, 3, 1, 1))
    for i in torch.nonzero(torch.rand(count) < 0.1).flatten().tolist():
        height, width = random.randint(8, 24), random.randint(8, 24)
        top, left = random.randint(0, SIDE - height), random.randint(0, SIDE - width)
        laid[i, :, top : top + height, left : left + width] = torch.rand(3, 1, 1)
    return laid * 2 - 1


tower = dict(hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_attention_heads=3)
model = SiglipModel(
    SiglipConfig(
        text_config=dict(
            tower, vocab_size=2000, num_hidden_layers=4, max_position_embeddings=LENGTH, projection_size=WIDTH,
            pad_token_id=0, bos_token_id=1, eos_token_id=2,
        ),
        vision_config=dict(tower, num_hidden_layers=6, image_size=SIDE, patch_size=PATCH),
    )
)
vision, text = model.vision_model, model.text_model
with torch.no_grad():
    model.logit_scale.fill_(math.log(10))
    model.logit_bias.fill_(-math.log(BATCH))


@torch.compile(dynamic=False)
def encoded(hidden):
    return vision.post_layernorm(vision.encoder(inputs_embeds=hidden).last_hidden_state)


@torch.compile(dynamic=False)
def read(ids):
    return text(input_ids=ids).pooler_output


def seen(images):
    patches = images.view(-1, 3, GRID, PATCH, GRID, PATCH).permute(0, 2, 4, 1, 3, 5).reshape(len(images), GRID * GRID, -1)
    kept = torch.rand(patches.shape[:2]).argsort(1)[:, :KEPT]
    patches = patches.gather(1, kept[..., None].expand(-1, -1, patches.shape[-1]))
    embed = vision.embeddings.patch_embedding
    hidden = F.linear(patches, embed.weight.flatten(1), embed.bias) + vision.embeddings.position_embedding.weight[kept]
    return vision.head(encoded(hidden))


class Muon(torch.optim.Optimizer):
    def __init__(self, matrices):
        super().__init__(matrices, dict(lr=0.02, weight_decay=0.05))

    @torch.no_grad()
    def step(self):
        (group,) = self.param_groups
        by_size = {}
        for matrix in group["params"]:
            by_size.setdefault((min(matrix.shape), max(matrix.shape)), []).append(matrix)
        for matrices in by_size.values():
            lying = []
            for matrix in matrices:
                average = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix)).lerp_(matrix.grad, 0.05)
                ahead = matrix.grad.lerp(average, 0.95)
                lying.append(ahead.T if ahead.shape[0] > ahead.shape[1] else ahead)
            x = torch.stack(lying)
            x = x / x.norm(dim=(1, 2), keepdim=True).clamp(1e-7)
            for _ in range(5):
                gram = x @ x.mT
                x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=-4.775, alpha=2.0315), x, beta=3.4445)
            for matrix, direction in zip(matrices, x):
                rows, columns = matrix.shape
                step = direction.T if rows > columns else direction
                matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-group["lr"] * max(1, rows / columns) ** 0.5)


matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and ".encoder." in name]
others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
optimizers = [Muon(matrices), torch.optim.AdamW(others, lr=1.5e-3, betas=(0.9, 0.98), weight_decay=0.05, fused=True)]
signs = 2 * torch.eye(BATCH) - 1
times = []
for step in range(WARM_UP + steps):
    last = time.perf_counter()
    emoji = random.sample(list(by_emoji), BATCH)
    images = F.normalize(seen(augmented([random.choice(by_emoji[each]) for each in emoji])), dim=-1)
    texts = F.normalize(read(torch.tensor([ids_of(each) for each in emoji])), dim=-1)
    logits = model.logit_scale.exp() * images @ texts.T + model.logit_bias
    loss = -F.logsigmoid(signs * logits).sum() / BATCH
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    loss.item()
    if step >= WARM_UP:
        times.append(1000 * (time.perf_counter() - last))
print(f"milliseconds {statistics.median(times)}")
