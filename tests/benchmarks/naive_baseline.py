"""Straightforward PyTorch implementations of the captioners: word by word, with padding."""

from operator import itemgetter

import torch
from torch import Tensor

from clcap_cli.models.adaptive_attention import AdaptiveAttention
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.neuraltalk2 import NeuralTalk2
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.transformer import Transformer
from tests.models.dense_transformer import dense_decoder, dense_log_probs, image_tokens


class PlainNeuralTalk2:
    """A NeuralTalk2, step by step."""

    def __init__(self, model: NeuralTalk2):
        self.model = model

    def initial_state(self, features: ImageFeatures) -> tuple[Tensor, ...]:
        model = self.model
        zero = features.pooled.new_zeros(len(features), model.config.hidden_size)
        return _lstm(model, model.lstm.input(torch.relu(model.image(features.pooled))), zero, zero)

    def step(self, tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        model = self.model
        h, c = _lstm(model, model.lstm.input(model.words(tokens)), *state)
        return torch.log_softmax(model.output(model.dropout(h)), dim=1), (h, c)


class PlainAdaptiveAttention:
    """An Adaptive Attention model, step by step."""

    def __init__(self, model: AdaptiveAttention):
        self.model = model

    def initial_state(self, features: ImageFeatures) -> tuple[Tensor, ...]:
        model = self.model
        overview = model.dropout(torch.relu(model.overview(features.grid.mean(1))))
        regions = model.dropout(torch.relu(model.regions(features.grid)))
        zero = overview.new_zeros(len(overview), model.config.hidden_size)
        return zero, zero, overview, regions, model.region_keys(regions)

    def step(self, tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        model = self.model
        before, c, overview, regions, keys = state
        words = model.dropout(torch.relu(model.words(tokens)))
        h, c = _lstm(model, model.lstm.input(words) + model.overview_to_lstm(overview), before, c)
        gate = torch.sigmoid(model.gate_input(words) + model.overview_to_gate(overview) + model.gate_hidden(before))
        sentinel = model.dropout(torch.relu(model.sentinel(model.dropout(gate * torch.tanh(c)))))
        hidden = model.dropout(torch.tanh(model.hidden(model.dropout(h))))
        query = model.query(hidden)
        together = torch.cat([keys, model.sentinel_key(sentinel).unsqueeze(1)], dim=1)
        weights = torch.softmax(model.score(model.dropout(torch.tanh(together + query.unsqueeze(1)))), dim=1)
        context = (weights * torch.cat([regions, sentinel.unsqueeze(1)], dim=1)).sum(1)
        scores = model.output(model.dropout(torch.tanh(model.combine(context + hidden))))
        return torch.log_softmax(scores, dim=1), (h, c, overview, regions, keys)


class PlainTransformer:
    """A Transformer that recomputes the whole prefix in every step."""

    def __init__(self, model: Transformer):
        self.model, self.decoder = model, dense_decoder(model)

    def initial_state(self, features: ImageFeatures) -> tuple[Tensor, ...]:
        images = image_tokens(self.model, features)
        return images, torch.zeros(len(images), 0, dtype=torch.int64, device=images.device)

    def step(self, tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        images, before = state
        first = tokens[0] == self.model.config.start_token
        written = before if first else torch.cat([before, tokens.unsqueeze(1)], dim=1)
        return self.table(images, written)[:, -1], (images, written)

    def table(self, images: Tensor, tokens: Tensor) -> Tensor:
        """ln p of every next token for all positions at once."""
        mask = torch.ones(images.shape[:2], dtype=torch.bool, device=images.device)
        return dense_log_probs(self.model, self.decoder, images, mask, tokens)


Stepper = PlainNeuralTalk2 | PlainAdaptiveAttention | PlainTransformer


def _lstm(model: Captioner, projected: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = (projected + model.lstm.recurrent(h)).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def plain(model: Captioner) -> Stepper:
    """The plain implementation of a model, with the same weights."""
    if isinstance(model, Transformer):
        return PlainTransformer(model)
    return PlainAdaptiveAttention(model) if isinstance(model, AdaptiveAttention) else PlainNeuralTalk2(model)


def sequence_log_prob(model: Captioner, features: ImageFeatures, tokens: Tensor, lengths: Tensor) -> Tensor:
    """ln p of captions (B, T), each with its own row of ``features``: all positions, then a mask."""
    everything = _table(plain(model), features, tokens)
    targets = torch.cat([tokens, torch.zeros_like(tokens[:, :1])], dim=1)
    positions = torch.arange(targets.shape[1], device=targets.device)
    targets = targets.masked_fill(positions == lengths.unsqueeze(1), 0)
    chosen = everything.gather(2, targets.unsqueeze(2)).squeeze(2)
    return (chosen * (positions <= lengths.unsqueeze(1))).sum(1)


def _table(stepper: Stepper, features: ImageFeatures, tokens: Tensor) -> Tensor:
    """ln p of every next token, (B, T + 1, V)."""
    state = stepper.initial_state(features)
    if isinstance(stepper, PlainTransformer):
        return stepper.table(state[0], tokens)
    last, table = torch.full_like(tokens[:, 0], stepper.model.config.start_token), []
    for position in range(tokens.shape[1] + 1):
        log_probs, state = stepper.step(last, state)
        table.append(log_probs)
        last = tokens[:, min(position, tokens.shape[1] - 1)]
    return torch.stack(table, dim=1)


@torch.inference_mode()
def beam_search(model: Captioner, features: ImageFeatures, beam: int) -> list[list[int]]:
    """Beam search of one image after another."""
    stepper = plain(model)
    return [_best_caption(stepper, features[image : image + 1], beam) for image in range(len(features))]


def _best_caption(stepper: Stepper, image: ImageFeatures, beam: int) -> list[int]:
    config = stepper.model.config
    state = tuple(part.expand(beam, *part.shape[1:]) for part in stepper.initial_state(image))
    scores = torch.tensor([0.0, *[-torch.inf] * (beam - 1)], device=image.pooled.device)
    prefixes: list[list[int]] = [[] for _ in range(beam)]
    last = torch.full((beam,), config.start_token, device=scores.device)
    best: tuple[float, list[int]] = (-torch.inf, [])
    for position in range(config.max_length + 1):
        log_probs, state = stepper.step(last, state)
        log_probs[:, 1 if position < config.max_length else slice(1, None)] = -torch.inf
        scores, choice = (scores.unsqueeze(1) + log_probs).flatten().topk(beam)
        parent, last = choice // log_probs.shape[1], choice % log_probs.shape[1]
        state = tuple(part[parent] for part in state)
        prefixes = [[*prefixes[p], w] for p, w in zip(parent.tolist(), last.tolist(), strict=True)]
        for row in range(beam):
            if prefixes[row][-1] == 0:
                best = max(best, (float(scores[row]), prefixes[row][:-1]), key=itemgetter(0))
                scores[row] = -torch.inf
        if float(scores.max()) <= best[0]:
            break
    return best[1]
