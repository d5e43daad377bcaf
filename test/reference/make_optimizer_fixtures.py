"""Writes test/fixtures/training/optimizers.safetensors: ten steps of each optimizer by its public implementation.

    python test/reference/make_optimizer_fixtures.py test/fixtures/training     # needs torch >= 2.9, lion-pytorch, optax, safetensors

torch.optim (AdamW, SGD, Muon), lion-pytorch, and optax with what big_vision puts around it (Adafactor). Gradients are random; the
learning rate is scaled by `shares`. torch's Muon multiplies in bfloat16: here its iteration runs in float32.
"""
import inspect
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from lion_pytorch import Lion
from safetensors.numpy import save_file
from torch.optim import _muon

source = inspect.getsource(_muon._zeropower_via_newtonschulz)
exec(source.replace("torch.bfloat16", "torch.float32"), _muon.__dict__)

STEPS = 10
rng = np.random.default_rng(0)
shapes = {"matrix": (3, 4), "tall": (6, 2), "large": (40, 33), "window": (2, 34, 1, 33), "bias": (5,), "scale": (1,)}
random = lambda shape: rng.standard_normal(shape).astype(np.float32)
start = {name: random(shape) for name, shape in shapes.items()}
gradients = [{name: 0.1 * random(shape) for name, shape in shapes.items()} for _ in range(STEPS)]
shares = [min(1, (step + 1) / 3) * 0.5 * (1 + np.cos(np.pi * step / STEPS)) for step in range(STEPS)]
arrays = {f"start.{name}": value for name, value in start.items()}
arrays |= {f"gradient.{i}.{name}": value for i, step in enumerate(gradients) for name, value in step.items()}
cases = {}


def record(case, optimizer, settings, final):
    cases[case] = {"optimizer": optimizer, "settings": settings, "parameters": list(final)}
    arrays.update({f"{case}.{name}": np.asarray(value, np.float32) for name, value in final.items()})


def with_torch(case, optimizer, make, rate, settings, names=tuple(shapes), no_decay=()):
    parameters = {name: torch.nn.Parameter(torch.tensor(start[name])) for name in names}
    groups = [{"params": [p for n, p in parameters.items() if n not in no_decay]}]
    if no_decay:
        groups.append({"params": [parameters[n] for n in no_decay], "weight_decay": 0.0, "lr": 5 * rate})
    made = make(groups)
    rates = [group["lr"] for group in made.param_groups]
    for step in range(STEPS):
        for group, lr in zip(made.param_groups, rates):
            group["lr"] = lr * shares[step]
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(gradients[step][name])
        made.step()
    settings = {"learningRate": rate, **settings}
    record(case, optimizer, settings, {n: p.detach().numpy() for n, p in parameters.items()})


adamw = lambda groups: torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95), eps=1e-6, weight_decay=0.1)
adamw_settings = {"betas": [0.9, 0.95], "eps": 1e-6, "weightDecay": 0.1}
with_torch("adamw", "AdamW", adamw, 1e-2, adamw_settings)
with_torch("adamw-groups", "AdamW", adamw, 1e-2, adamw_settings, no_decay=("bias", "scale"))
with_torch("adamw-defaults", "AdamW", lambda groups: torch.optim.AdamW(groups), 1e-3, {})
lion = lambda groups: Lion(groups, lr=1e-2, betas=(0.9, 0.98), weight_decay=0.3)
with_torch("lion", "Lion", lion, 1e-2, {"betas": [0.9, 0.98], "weightDecay": 0.3})
for nesterov in (False, True):
    sgd = lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=nesterov)
    settings = {"momentum": 0.9, "weightDecay": 0.05, "nesterov": nesterov}
    with_torch(f"sgd-{'nesterov' if nesterov else 'momentum'}", "SGD", sgd, 0.1, settings)
with_torch("sgd", "SGD", lambda groups: torch.optim.SGD(groups, lr=0.1), 0.1, {})
for adjust in ("original", "match_rms_adamw"):
    for nesterov in (False, True):
        muon = lambda groups: torch.optim.Muon(groups, lr=0.02, nesterov=nesterov, adjust_lr_fn=adjust)
        settings = {"nesterov": nesterov, "adjust": "original" if adjust == "original" else "matchRmsAdamw"}
        case = f"muon-{settings['adjust']}-{nesterov}"
        with_torch(case, "Muon", muon, 0.02, settings, names=("matrix", "tall", "large"))


def adafactor(case, rate, decay, momentum, cap, settings):
    """`scale_by_adafactor` and the chain of `make` in big_vision's optax.py, with a float32 momentum."""

    def decay_rate(i, exponent):
        return jnp.minimum(cap, 1.0 - (jnp.array(i, jnp.float32) + 1.0) ** (-exponent))

    rms = optax.scale_by_factored_rms(
        factored=True, decay_rate=0.8, step_offset=0, min_dim_size_to_factor=32, epsilon=1e-30, decay_rate_fn=decay_rate
    )
    ema = optax.ema(momentum, debias=False) if momentum else optax.identity()
    share = lambda step: jnp.array(shares)[step]
    chain = optax.chain(
        rms, ema, optax.scale(rate), optax.add_decayed_weights(rate * decay), optax.scale_by_schedule(share), optax.scale(-1.0)
    )
    parameters = jax.tree.map(jnp.array, start)
    state = chain.init(parameters)
    for step in range(STEPS):
        updates, state = chain.update(gradients[step], state, parameters)
        parameters = optax.apply_updates(parameters, updates)
    record(case, "Adafactor", {"learningRate": rate, "weightDecay": decay, **settings}, parameters)


adafactor("adafactor", 1e-2, 0.1, 0.9, 0.999, {})
adafactor("adafactor-plain", 1e-2, 0, 0, 0.7, {"momentum": 0, "beta2Cap": 0.7})

metadata = {"shares": json.dumps([float(s) for s in shares]), "cases": json.dumps(cases)}
target = Path(sys.argv[1])
target.mkdir(parents=True, exist_ok=True)
save_file(arrays, target / "optimizers.safetensors", metadata)
