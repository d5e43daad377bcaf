"""Writes test/fixtures/evaluators/cases.json: what scikit-learn and a plain count in numpy say of random scores.

    python test/reference/make_evaluator_fixtures.py test/fixtures/evaluators     # needs numpy and scikit-learn
"""
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

rng = np.random.default_rng(0)


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def plain(x):
    return np.asarray(x).tolist()


def recall(scores, right, k):
    """The share of queries with a right candidate among the first k, as CLIP_benchmark counts."""
    top = np.argsort(-scores, axis=1)[:, :k]
    return float(np.mean([right[i, places].any() for i, places in enumerate(top)]))


# Twenty pictures, five captions each.
pictures = unit(rng.normal(size=(20, 8)))
owner = rng.permutation(np.repeat(np.arange(20), 5))
texts = unit(pictures[owner] + 0.6 * rng.normal(size=(100, 8)))
scores = pictures.astype(np.float64) @ texts.T.astype(np.float64)
right = np.arange(20)[:, None] == owner[None]
ks = [1, 5, 10]
retrieval = dict(
    images=plain(pictures), texts=plain(texts), owner=plain(owner),
    image_to_text={k: recall(scores, right, k) for k in ks},
    text_to_image={k: recall(scores.T, right.T, k) for k in ks},
)

# Forty pictures of six classes, three prompts a class.
classes = rng.normal(size=(6, 8))
prompts = (classes[:, None] + 0.5 * rng.normal(size=(6, 3, 8))) * rng.uniform(0.5, 3, size=(6, 3, 1))
labels = rng.integers(0, 6, size=40)
shown = classes[labels] + 1.2 * rng.normal(size=(40, 8))
means = unit(unit(prompts).mean(1))
zero_shot_scores = unit(shown).astype(np.float64) @ means.T
zero_shot = dict(
    images=plain(shown), prompts=plain(prompts.reshape(18, 8)), labels=plain(labels),
    top={k: float(top_k_accuracy_score(labels, zero_shot_scores, k=k, labels=np.arange(6))) for k in (1, 2, 5)},
)

# A classifier that never names the last class, which never occurs either.
logits = rng.normal(size=(60, 5)).astype(np.float32)
truth = rng.integers(0, 4, size=60)
logits[np.arange(60), truth] += 1
logits[:, 4] -= 9
named = logits.argmax(1)
precision, recalls, f1, support = precision_recall_fscore_support(truth, named, labels=np.arange(5), zero_division=0)
classifier = dict(
    logits=plain(logits), labels=plain(truth), accuracy=float((truth == named).mean()),
    confusion=plain(confusion_matrix(truth, named, labels=np.arange(5))),
    precision=plain(precision), recall=plain(recalls), f1=plain(f1), support=plain(support),
)

# Labels that apply together; scores of few levels, so that many are equal.
targets = (rng.uniform(size=(50, 4)) < [0.1, 0.3, 0.5, 0.9]).astype(int)
levels = np.round(rng.uniform(size=(50, 4)) * 6 + 2 * targets).astype(np.float32) / 8
average = dict(
    scores=plain(levels), targets=plain(targets),
    classes=plain(average_precision_score(targets, levels, average=None)),
    mean=float(average_precision_score(targets, levels, average="macro")),
)

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
cases = dict(retrieval=retrieval, zero_shot=zero_shot, classifier=classifier, average_precision=average)
(out / "cases.json").write_text(json.dumps(cases) + "\n")
