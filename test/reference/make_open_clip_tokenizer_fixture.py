"""Writes test/fixtures/open-clip-tokenizer: the ids that open_clip gives texts, by each way of cleaning and class of tokenizer.

    pip install open_clip_torch transformers sentencepiece
    python test/reference/make_open_clip_tokenizer_fixture.py test/fixtures
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

import open_clip
import transformers
from open_clip.tokenizer import get_clean_fn
from transformers import T5TokenizerFast

fixtures = Path(sys.argv[1])
out = fixtures / "open-clip-tokenizer"
out.mkdir(exist_ok=True)
TEXTS = [
    "A photo of a cat.", "a photo of a cat", "  Two  dogs,\n on_a beach! ", "", "...", "R&D at AT&T", "5 &lt; 6 &amp; 7 &gt; 2",
    "it&#39;s &quot;fine&quot;", "&amp;amp;amp;amp; x", "<b>bold</b> &amp; plain\nnext &amp; line", "“curly” ‘quotes’", "ﬁsh ﬂat Ĳ",
    "ＷＩＤＥ　ｔｅｘｔ", "Éclair — 3½", "cafe\u0301", "tab\tand\r\nlines\u2028here", "zero\u200bwidth \ufeffmark", "İstanbul ΟΔΟΣ",
    "日本の猫", "a_b__c", "hello</s>world", "snake_case-and-kebab", "x\x07bell", "\x1b[31mred\x1b[0m", "naïve façade", "{} {0}", "&hearts",
    "emoji 🐈‍⬛ cat", "no\u00a0break", "AC/DC's \\ back`tick",
]


def ids(folder, text_cfg):
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"text_cfg": text_cfg}}))
    return open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS).tolist()


cases = []
with tempfile.TemporaryDirectory() as name:
    base = Path(name)
    (base / "spm").mkdir()
    shutil.copy(fixtures / "siglip-tiny" / "spiece.model", base / "spm")
    t5 = T5TokenizerFast.from_pretrained(base / "spm", extra_ids=0, legacy=False)
    t5.pad_token = "</s>"
    t5.save_pretrained(out / "t5")
    for kind, source in {"t5": out / "t5", "siglip2": fixtures / "tokenizer-siglip2", "siglip": fixtures / "siglip-tiny"}.items():
        folder = base / kind
        folder.mkdir()
        for file in ("tokenizer.json", "tokenizer_config.json", "spiece.model"):
            if (source / file).exists():
                shutil.copy(source / file, folder)
        for kwargs in ({"clean": "canonicalize"}, {"clean": "lower"}, {"clean": "whitespace"}, {}, {"clean": "canonicalize", "padding_side": "left"}):
            text_cfg = {"context_length": 12, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP", "tokenizer_kwargs": kwargs}
            cases.append({"tokenizer": kind, "text_cfg": text_cfg, "ids": ids(folder, text_cfg)})
    cases.append({"tokenizer": "t5", "text_cfg": {"hf_tokenizer_name": "x"}, "ids": ids(base / "t5", {"hf_tokenizer_name": "x"})})
clean = {name: [get_clean_fn(name)(text) for text in TEXTS] for name in ("canonicalize", "lower", "whitespace")}
bad = ["Ã©tude", "doesnâ€™t", "schÃ¶n", "Ð¿Ñ€Ð¸Ð²ÐµÑ‚"]
versions = {"open_clip": open_clip.__version__, "transformers": transformers.__version__}
(out / "vectors.json").write_text(json.dumps({"versions": versions, "texts": TEXTS, "clean": clean, "mojibake": bad, "cases": cases}, ensure_ascii=True) + "\n")
