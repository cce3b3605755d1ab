"""Names of metrics in words, for pages and papers."""

import re


def label_of(name: str) -> str:
    """The name in words: "mean_rank" becomes "Mean rank", "CIDEr_best_of_5" becomes "CIDEr, best of 5".

    Established names such as "BLEU-4" and "ROUGE_L", and names with spaces, stay as they are.
    """
    if " " in name:
        return name
    words = re.sub(r"_(best|mean)_of_([\d-]+)$", r", \1 of \2", name)
    words = re.sub(r"_(\d)$", r"-\1", words)
    words = re.sub(r"_(?!\w(?:$|,))", " ", words)
    return words[0].upper() + words[1:] if re.match(r"[a-z]{2,}(?![A-Za-z])", words) else words
