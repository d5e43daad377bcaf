"""Runs the workloads of the benchmarks in PyTorch, ONNX Runtime, Pillow or tokenizers: a JSON command a line, an answer a line.

    {"prepare": {...}}        -> {"ready": true}
    {"run": times}            -> {"milliseconds": [...]}
    {"versions": true}        -> {"torch": "...", ...}
"""
import json
import os
import sys
import time

answers = os.fdopen(os.dup(1), "w")  # what libraries print on stdout must not come between the answers
os.dup2(2, 1)


def vision_config(size):
    from transformers import SiglipVisionConfig

    if size == "so400m":
        return SiglipVisionConfig(
            hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16, patch_size=14, image_size=384
        )
    return SiglipVisionConfig()


def tower(workload):
    """The module, its input, and what is computed of it."""
    import torch
    from transformers import SiglipTextConfig, SiglipTextModel, SiglipVisionModel

    torch.manual_seed(0)
    if workload["tower"] == "text":
        model = SiglipTextModel(SiglipTextConfig())
        data = torch.randint(2, 32000, (workload["batch"], 64))
    else:
        config = vision_config(workload["size"])
        model = SiglipVisionModel(config)
        data = torch.randn(workload["batch"], 3, config.image_size, config.image_size)
    return model, data


def torch_inference(workload):
    import torch

    model, data = tower(workload)
    model.eval()
    if workload["precision"] == "bfloat16":
        model = model.to(torch.bfloat16)
        data = data if data.dtype == torch.int64 else data.to(torch.bfloat16)
    if workload["engine"] == "torch.compile":
        model = torch.compile(model)

    def run():
        with torch.inference_mode():
            model(data).pooler_output.float().numpy()

    return run


def torch_training(workload):
    import torch

    model, data = tower(workload)
    if workload["engine"] == "torch.compile":
        model = torch.compile(model)

    def run():
        model.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=workload["precision"] == "bfloat16"):
            loss = model(data).pooler_output.float().square().mean()
        loss.backward()
        float(loss)

    return run


def onnx_inference(workload):
    import onnxruntime
    import torch

    model, data = tower(workload)
    path = os.path.join(workload["folder"], f"{workload['tower']}-{workload['size']}-{workload['batch']}.onnx")
    if not os.path.exists(path):

        class Pooled(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model.eval()

            def forward(self, x):
                return self.model(x).pooler_output

        torch.onnx.export(Pooled(), (data,), path, dynamo=True, external_data=True, input_names=["x"], output_names=["y"])
    if workload["engine"] == "onnxruntime-int8":
        quantized = path.replace(".onnx", "-int8.onnx")
        if not os.path.exists(quantized):
            from onnxruntime.quantization import quantize_dynamic

            quantize_dynamic(path, quantized, extra_options={"DefaultTensorType": 1})
        path = quantized
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = workload["threads"]
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {"x": data.numpy()}
    return lambda: session.run(None, feed)


def matrix_product(workload):
    import torch

    dtype = torch.bfloat16 if workload["precision"] == "bfloat16" else torch.float32
    a = torch.randn(workload["m"], workload["k"], dtype=dtype)
    b = torch.randn(workload["n"], workload["k"], dtype=dtype)

    def run():
        with torch.inference_mode():
            torch.nn.functional.linear(a, b)

    return run


def sigmoid_loss(workload):
    import torch
    import torch.nn.functional as F

    torch.manual_seed(0)
    embeds = [F.normalize(torch.randn(workload["batch"], workload["width"])).requires_grad_() for _ in range(2)]
    scale, bias = torch.tensor([2.302585], requires_grad=True), torch.tensor([-10.0], requires_grad=True)
    signs = 2 * torch.eye(workload["batch"]) - 1

    def run():
        for tensor in (*embeds, scale, bias):
            tensor.grad = None
        logits = embeds[0] @ embeds[1].T * scale.exp() + bias
        loss = -F.logsigmoid(signs * logits).sum() / workload["batch"]
        loss.backward()
        float(loss)

    return run


def resize(workload):
    from PIL import Image

    image = Image.effect_noise((640, 427), 64).convert("RGB")
    return lambda: image.resize((224, 224), Image.Resampling.BICUBIC)


def tokenize(workload):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(workload["tokenizer"])
    captions = json.load(open(workload["captions"]))
    return lambda: tokenizer.encode_batch_fast(captions) if workload["batched"] else [tokenizer.encode(c) for c in captions]


def prepare(workload):
    import torch

    torch.set_num_threads(workload["threads"])
    kinds = {"inference": torch_inference, "training": torch_training, "product": matrix_product, "resize": resize, "tokenize": tokenize, "sigmoid_loss": sigmoid_loss}
    if workload["engine"].startswith("onnxruntime"):
        return onnx_inference(workload)
    return kinds[workload["kind"]](workload)


def versions():
    import importlib.metadata

    return {name: importlib.metadata.version(name) for name in ("torch", "transformers", "onnxruntime", "pillow", "tokenizers")}


run = None
for line in sys.stdin:
    command = json.loads(line)
    try:
        if "prepare" in command:
            run = prepare(command["prepare"])
            run()
            answer = {"ready": True}
        elif "run" in command:
            times = []
            for _ in range(command["run"]):
                start = time.perf_counter()
                run()
                times.append(1000 * (time.perf_counter() - start))
            answer = {"milliseconds": times}
        else:
            answer = versions()
    except Exception as error:  # reported to the caller, which skips this peer
        answer = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
