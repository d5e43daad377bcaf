"""A checkpoint of a training with Lightning, as its Trainer writes it: test/fixtures/lightning.

    pip install lightning transformers torch
    python test/reference/make_lightning_fixture.py
"""

import argparse
import pathlib
import tempfile

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from transformers import SiglipVisionConfig, SiglipVisionModel

OUT = pathlib.Path("test/fixtures/lightning")
SIZES = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4)


class Module(lightning.LightningModule):
    def __init__(self, lr=1e-3, args=None, where=None):
        super().__init__()
        self.save_hyperparameters()
        self.model = torch.compile(SiglipVisionModel(SiglipVisionConfig(**SIZES)), backend="eager")

    def training_step(self, batch, _):
        loss = self.model(pixel_values=batch).pooler_output.square().mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]


def main():
    torch.manual_seed(0)
    module = Module(args=argparse.Namespace(seed=3), where=pathlib.Path("data"))
    data = torch.utils.data.DataLoader(torch.randn(4, 3, 8, 8), batch_size=2)
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            callbacks=[ModelCheckpoint(dirpath=folder, monitor="loss")],
        )
        trainer.fit(module, data)
        OUT.mkdir(exist_ok=True)
        trainer.save_checkpoint(OUT / "last.ckpt")
    module.model._orig_mod.save_pretrained(OUT / "expected")
    (OUT / "expected" / "config.json").rename(OUT / "config.json")


if __name__ == "__main__":
    main()
