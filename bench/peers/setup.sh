#!/usr/bin/env bash
# Makes the Python environment that `npm run bench` measures beside: bash bench/peers/setup.sh [folder]
set -euo pipefail
folder="${1:-${SIGLIP_TFJS_PEERS:-$HOME/.cache/siglip-tfjs-peers}}"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check \
  torch torchvision transformers tokenizers sentencepiece protobuf pillow safetensors onnx onnxscript onnxruntime
"$folder/bin/python" -c 'import torch, transformers, onnxruntime; print("peers:", "torch", torch.__version__, "transformers", transformers.__version__, "onnxruntime", onnxruntime.__version__)'
