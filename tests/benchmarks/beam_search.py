"""Beam search, beam 3, 500 images, standard size: ours for all at once against one image after another."""

import torch

from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import Constraints
from clcap_cli.features.source import BLOCK_SIZE
from clcap_cli.models.rows import concatenate
from tests.benchmarks import naive_baseline
from tests.benchmarks.measure import LONGEST, in_turn, options, standard_images, standard_model

IMAGES, BEAM = 500, 3
CONSTRAINTS = Constraints(end=0, min_length=0, max_length=LONGEST, never_generated=(1,))


def main() -> None:
    given = options(__doc__)
    for name in given.models:
        model, features = standard_model(name, given.device).eval(), standard_images(IMAGES, given.device)
        with torch.no_grad():
            model.output.weight.mul_(10)  # definite opinions, so that hypotheses end

        def ours(model=model, features=features) -> list[list[int]]:
            blocks = [features[first : first + BLOCK_SIZE] for first in range(0, IMAGES, BLOCK_SIZE)]
            with torch.inference_mode():
                found = concatenate([beam_search(model, model.encode(block), BEAM, CONSTRAINTS) for block in blocks])
            rows = zip(found.captions.tolist(), found.lengths.tolist(), strict=True)
            return [words[:length] for words, length in rows]

        def other(model=model, features=features) -> list[list[int]]:
            return naive_baseline.beam_search(model, features, BEAM)

        equal = sum(one == two for one, two in zip(ours(), other(), strict=True))
        own, slow, ratio = in_turn(ours, other, given.runs, given.device)
        print(f"{name}: {own:.2f} s against {slow:.2f} s, {ratio}; {equal} of {IMAGES} captions equal")


if __name__ == "__main__":
    main()
