"""Names of metrics in words."""

import pytest

from clcap_cli.metrics.labels import label_of
from clcap_cli.metrics.metric import HIGHER, LOWER, NEITHER, MetricInfo
from clcap_cli.metrics.registry import all_metrics


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("mean_rank", "Mean rank"),
        ("vocabulary_share_of_training", "Vocabulary share of training"),
        ("words_101_to_1000", "Words 101 to 1000"),
        ("CLIP_mean_rank", "CLIP mean rank"),
        ("CLIP_R@5", "CLIP R@5"),
        ("distinct_2", "Distinct-2"),
        ("BLEU-4", "BLEU-4"),
        ("ROUGE_L", "ROUGE_L"),
        ("CHAIR_i", "CHAIR_i"),
        ("mBLEU-4", "mBLEU-4"),
        ("SBERT-sim", "SBERT-sim"),
        ("CIDEr_best_of_5", "CIDEr, best of 5"),
        ("ROUGE_L_mean_of_3-5", "ROUGE_L, mean of 3-5"),
        ("by nt_cl", "by nt_cl"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_names_in_words(name: str, label: str) -> None:
    assert label_of(name) == label


def test_labels_of_known_metrics_differ() -> None:
    labels = [info.label for metric in all_metrics() for info in metric.values]
    assert len(set(labels)) == len(labels)


def test_headings_show_which_direction_is_better() -> None:
    headings = [
        MetricInfo(name, "", way).heading for name, way in (("a b", HIGHER), ("mean_rank", LOWER), ("images", NEITHER))
    ]
    assert headings == ["a b ↑", "Mean rank ↓", "Images"]
