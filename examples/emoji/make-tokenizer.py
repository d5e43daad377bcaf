"""Trains the emoji model's tokenizer: 2,000 pieces (unigram) from the captions that make-data.ts writes.

    python examples/emoji/make-tokenizer.py out/emoji-data/captions.txt examples/emoji/tokenizer

Needs sentencepiece. The result is committed, because no npm package trains one: training the same model needs no Python.
"""
import json
import string
import sys
from pathlib import Path

import sentencepiece

captions, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)

# SiglipTokenizer takes lower case without punctuation: pieces with marks would never be used.
bare = str.maketrans("", "", string.punctuation)
lines = [" ".join(line.lower().translate(bare).split()) for line in captions.read_text("utf-8").splitlines()]
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(lines),
    model_prefix=str(out / "spiece"),
    vocab_size=2000,
    model_type="unigram",
    character_coverage=1.0,
    max_sentence_length=20_000,
    pad_id=0,
    bos_id=1,
    eos_id=2,
    unk_id=3,
    num_threads=1,  # the same pieces every time
)
(out / "spiece.vocab").unlink()
config = {
    "tokenizer_class": "SiglipTokenizer",
    "do_lower_case": True,
    "model_max_length": 16,
    "model_input_names": ["input_ids"],
    "eos_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
}
(out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
