"""The loop that a careful student writes first: what the throughput benchmark is compared with.

fp32, contiguous tensors, every image decoded by PIL in every epoch, texts padded to 64 tokens, the
frozen text encoder run at every step, evaluation after each epoch.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models import resnet18
from transformers import AutoModel, AutoTokenizer

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class PlainModel(nn.Module):
    """ResNet-18 and a frozen text encoder, each projected to 256 as in mmx, concatenated, MLP."""

    def __init__(self, text_folder: Path, classes: int) -> None:
        super().__init__()
        self.image = resnet18()
        self.image.fc = nn.Identity()  # type: ignore[assignment]
        self.text = AutoModel.from_pretrained(text_folder).eval().requires_grad_(False)
        self.image_projection = nn.Sequential(nn.LayerNorm(512), nn.Linear(512, 256))
        self.text_projection = nn.Sequential(nn.LayerNorm(384), nn.Linear(384, 256))
        self.head = nn.Sequential(
            nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, classes)
        )

    def forward(self, pixels: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits [B, C]."""
        with torch.no_grad():
            hidden = self.text(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask[..., None].float()
        text = (hidden * weight).sum(1) / weight.sum(1)
        parts = [self.image_projection(self.image(pixels)), self.text_projection(text)]
        return self.head(torch.cat(parts, dim=1))


def _read(paths: Sequence[Path], size: int) -> Tensor:
    pictures = []
    for path in paths:
        with Image.open(path) as image:
            width, height = image.size
            scale = size / min(width, height)
            image = image.convert("RGB").resize((round(width * scale), round(height * scale)))
            left, top = (image.width - size) // 2, (image.height - size) // 2
            pictures.append(np.asarray(image.crop((left, top, left + size, top + size))))
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return (pixels.float() / 255 - MEAN[:, None, None]) / STD[:, None, None]


# length: one plain loop from top to bottom, as users write it
def train_plainly(
    parts: Mapping[str, tuple[list[Path], list[str], Tensor]],
    text_folder: Path,
    *,
    classes: int,
    epochs: int,
    size: int,
) -> float:
    """Train, validate after each epoch, and predict the test part; gives its balanced accuracy."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(text_folder)
    model = PlainModel(text_folder, classes)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01)

    def batches(part: str, order: Tensor) -> Iterator[tuple[Tensor, ...]]:
        paths, texts, labels = parts[part]
        for rows in order.split(32):
            chosen = rows.tolist()
            words = tokenizer(
                [texts[i] for i in chosen],
                padding="max_length",
                max_length=64,
                truncation=True,
                return_tensors="pt",
            )
            pixels = _read([paths[i] for i in chosen], size)
            yield pixels, words.input_ids, words.attention_mask, labels[rows]

    def score(part: str) -> float:
        model.eval()
        with torch.no_grad():
            order = torch.arange(len(parts[part][0]))
            guesses = [(model(p, i, m).argmax(1), y) for p, i, m, y in batches(part, order)]
        predicted, target = (torch.cat(column) for column in zip(*guesses, strict=True))
        found = [(predicted[target == c] == c).float().mean() for c in target.unique()]
        return float(torch.stack(found).mean())

    for _ in range(epochs):
        model.train()
        model.text.eval()
        for pixels, ids, mask, target in batches("train", torch.randperm(len(parts["train"][0]))):
            loss = nn.functional.cross_entropy(model(pixels, ids, mask), target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
        score("validation")
    return score("test")
