"""Beam search with beam 3 on 500 images: clcap's batched search against a search of one image at a time."""

import torch

from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import Constraints
from clcap_cli.features.source import BLOCK_SIZE
from clcap_cli.models.rows import concatenate
from tests.benchmarks import naive_baseline
from tests.benchmarks.measure import LONGEST, compare_times, parse_arguments, standard_images, standard_model

IMAGES, BEAM = 500, 3
CONSTRAINTS = Constraints(end=0, min_length=0, max_length=LONGEST, never_generated=(1,))


def main() -> None:
    given = parse_arguments(__doc__)
    for name in given.models:
        model, features = standard_model(name, given.device).eval(), standard_images(IMAGES, given.device)
        with torch.no_grad():
            model.output.weight.mul_(10)  # peaked distributions, so that hypotheses end

        def ours(model=model, features=features) -> list[list[int]]:
            blocks = [features[first : first + BLOCK_SIZE] for first in range(0, IMAGES, BLOCK_SIZE)]
            with torch.inference_mode():
                decoded = concatenate([beam_search(model, model.encode(block), BEAM, CONSTRAINTS) for block in blocks])
            rows = zip(decoded.captions.tolist(), decoded.lengths.tolist(), strict=True)
            return [words[:length] for words, length in rows]

        def other(model=model, features=features) -> list[list[int]]:
            return naive_baseline.beam_search(model, features, BEAM)

        equal = sum(one == two for one, two in zip(ours(), other(), strict=True))
        own, slow, ratio = compare_times(ours, other, given.runs, given.device)
        print(f"{name}: {own:.2f} s against {slow:.2f} s, {ratio}; {equal} of {IMAGES} captions equal")


if __name__ == "__main__":
    main()
