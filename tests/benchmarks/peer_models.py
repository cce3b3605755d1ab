"""Two models of ImageCaptioning.pytorch, the peer, with the weights of clcap's models, so that ln p is the same.

The peer's labels have 18 columns: a 0, the words of the caption, and zeros. Its Adaptive Attention expects ``pooled``
features that are the mean of the regions.
"""

import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.neuraltalk2 import NeuralTalk2
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.tokenizers.words import UNKNOWN
from tests.benchmarks.batches import Batch
from tests.benchmarks.measure import CHANNELS, LONGEST, SIZE, VOCABULARY

CLASSES = {"neuraltalk2": ("ShowTellModel", "ShowTellModel"), "adaptive-attention": ("AttModel", "AdaAttModel")}
"""File and class of each of the peer's models."""
OPTIONS = Namespace(
    vocab_size=VOCABULARY - 1,  # the peer adds one for its 0
    input_encoding_size=SIZE,
    rnn_size=SIZE,
    att_hid_size=SIZE,
    rnn_type="lstm",
    num_layers=1,
    drop_prob_lm=0.0,
    seq_length=LONGEST + 1,
    max_length=LONGEST + 1,
    fc_feat_size=CHANNELS,
    att_feat_size=CHANNELS,
    unk_idx=UNKNOWN,
    vocab={},
    # The peer's defaults:
    optim="adam",
    learning_rate=4e-4,
    optim_alpha=0.9,
    optim_beta=0.999,
    optim_epsilon=1e-8,
    weight_decay=0,
)
PEER_LAYERS = {
    "fc_embed.0": "overview",
    "att_embed.0": "regions",
    "ctx2att": "region_keys",
    "core.lstm.r_w2h": "gate_input",
    "core.lstm.r_v2h": "overview_to_gate",
    "core.lstm.r_h2h": "gate_hidden",
    "core.attention.fr_linear.0": "sentinel",
    "core.attention.fr_embed": "sentinel_key",
    "core.attention.ho_linear.0": "hidden",
    "core.attention.ho_embed": "query",
    "core.attention.alpha_net": "score",
    "core.attention.att2h": "combine",
}
"""Layers of the peer's Adaptive Attention, and the layers of clcap's with the same weights."""
PEER_GATES = [0, 1, 3, 2]
"""Order of the gates i, f, g and o in the peer's Adaptive Attention."""


def load_peer(checkout: Path, name: str, model: Captioner) -> nn.Module:
    """The peer's model that corresponds to clcap's, with the same weights, on the same device."""
    sys.path.append(str(checkout))
    models = ModuleType("captioning.models")  # the peer's package imports models that need further packages
    models.__path__ = [str(checkout / "captioning" / "models")]
    sys.modules.setdefault("captioning.models", models)
    file, class_name = CLASSES[name]
    peer = getattr(import_module(f"captioning.models.{file}"), class_name)(OPTIONS)
    if isinstance(model, NeuralTalk2):  # it has a ReLU and a bias that the peer's model lacks
        peer.img_embed, peer.core = nn.Sequential(peer.img_embed, nn.ReLU()), nn.LSTM(SIZE, SIZE)
    peer.load_state_dict(_weights(name, model))
    peer.unk_idx, peer.eos_idx = UNKNOWN, 0  # the peer's beam search reads them, and its ShowTellModel has none
    return peer.to(model.output.weight.device)


def peer_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """The peer's Adam."""
    return import_module("captioning.utils.misc").build_optimizer(model.parameters(), OPTIONS)


def peer_log_probs(model: nn.Module, batch: Batch) -> Tensor:
    """ln p of all captions in one batch, which is in the order of the images as in the peer's training."""
    order = batch.image.argsort(stable=True)
    labels = labels_of(batch.tokens[order], batch.lengths[order])
    table = model(batch.features.pooled, batch.features.grid, labels[:, :-1])
    log_probs = _sums(table, labels, batch.lengths[order])
    return torch.empty_like(log_probs).index_copy(0, order, log_probs)


def labels_of(tokens: Tensor, lengths: Tensor) -> Tensor:
    """Labels (B, 18) of captions."""
    labels = tokens.new_zeros(len(tokens), LONGEST + 2)
    positions = torch.arange(tokens.shape[1], device=tokens.device)
    labels[:, 1 : tokens.shape[1] + 1] = tokens.masked_fill(positions >= lengths.unsqueeze(1), 0)
    return labels


def peer_beam_search(model: Any, features: ImageFeatures, beam: int) -> list[list[int]]:
    """Captions by the peer's beam search, for a batch of images."""
    options = {"beam_size": beam, "sample_n": 1}
    if hasattr(model, "att_embed"):
        captions = model(features.pooled, features.grid, None, opt=options, mode="sample")[0].tolist()
    else:  # ShowTellModel's own sampling calls a method that the peer no longer has
        state = model.init_hidden(len(features))
        _, state = model.core(model.img_embed(features.pooled).unsqueeze(0), state)
        start = torch.zeros(len(features), dtype=torch.int64, device=features.pooled.device)
        log_probs, state = model.get_logprobs_state(start, state)
        captions = [beams[0]["seq"].tolist() for beams in model.beam_search(state, log_probs, opt=options)]
    return [[*caption, 0][: [*caption, 0].index(0)] for caption in captions]


def peer_table(model: nn.Module, features: ImageFeatures, tokens: Tensor, lengths: Tensor) -> Tensor:
    """ln p of every caption for every image, (captions, images), with all captions in one batch for each image."""
    labels = labels_of(tokens, lengths).repeat(len(features), 1)
    table = model(features.pooled, features.grid, labels[:, :-1])
    return _sums(table, labels, lengths.repeat(len(features))).view(len(features), -1).T


def _sums(table: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
    targets = labels[:, 1 : table.shape[1] + 1]
    mask = torch.arange(targets.shape[1], device=targets.device) <= lengths.unsqueeze(1)
    return (table.gather(2, targets.unsqueeze(2)).squeeze(2) * mask).sum(1)


def _weights(name: str, model: Any) -> dict[str, Tensor]:
    """The weights of clcap's model under the peer's names; clcap's start token is the peer's 0."""
    words = model.words.weight[:VOCABULARY].detach().clone()
    words[0] = model.words.weight[model.config.start_token]
    output = {f"logit.{part}": getattr(model.output, part) for part in ("weight", "bias")}
    return output | (_show_tell(model, words) if name == "neuraltalk2" else _adaptive_attention(model, words))


def _show_tell(model: Any, words: Tensor) -> dict[str, Tensor]:
    return {
        "embed.weight": words,
        "img_embed.0.weight": model.image.weight,
        "img_embed.0.bias": model.image.bias,
        "core.weight_ih_l0": model.lstm.input.weight,
        "core.weight_hh_l0": model.lstm.recurrent.weight,
        "core.bias_ih_l0": model.lstm.input.bias,
        "core.bias_hh_l0": torch.zeros_like(model.lstm.input.bias),
    }


def _adaptive_attention(model: Any, words: Tensor) -> dict[str, Tensor]:
    gates = {"w2h": model.lstm.input, "v2h": model.overview_to_lstm, "h2h.0": model.lstm.recurrent}
    weights = {"embed.0.weight": words}
    for peer_name, name in PEER_LAYERS.items():
        layer = getattr(model, name)
        weights |= {f"{peer_name}.weight": layer.weight, f"{peer_name}.bias": _bias(layer)}
    for peer_name, layer in gates.items():
        parts = layer.weight, _bias(layer)
        weight, bias = (torch.cat([part.chunk(4)[gate] for gate in PEER_GATES]) for part in parts)
        weights |= {f"core.lstm.{peer_name}.weight": weight, f"core.lstm.{peer_name}.bias": bias}
    return weights


def _bias(layer: nn.Linear) -> Tensor:
    return layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
