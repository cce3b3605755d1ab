from clcap_cli.segmentation.registry import open_segmenter
from clcap_cli.tokenizers.tokenizer import encode_captions
from clcap_cli.tokenizers.words import END, UNKNOWN, WordTokenizer


def test_the_vocabulary_is_sorted_by_frequency() -> None:
    tokenizer = WordTokenizer.from_captions([["a", "dog"], ["a", "cat"], ["a", "dog", "b"]], min_count=2)
    assert tokenizer.tokens == ["<end>", "<unk>", "a", "dog"]
    assert (END, UNKNOWN) == (0, 1)


def test_decoding_inverts_encoding() -> None:
    tokenizer = WordTokenizer(["a", "dog"])
    assert tokenizer.encode("A zebra, dog.") == [2, UNKNOWN, 3]
    assert tokenizer.decode([2, 3]) == "a dog"


def test_special_tokens_in_captions_are_unknown_words() -> None:
    """Captions that another program has split can contain them."""
    captions = [["a", "<unk>", "<end>", "dog"]]
    tokenizer = WordTokenizer.from_captions(captions, 1, open_segmenter("whitespace"))
    assert tokenizer.words == ["a", "dog"]
    assert tokenizer.encode("a <unk> <end> dog") == [2, UNKNOWN, UNKNOWN, 3]


def test_a_huge_caption_does_not_widen_all_others() -> None:
    """One token more than the maximum is kept, so that the captions that are cut can be counted."""
    encoded = encode_captions(["a dog", "a " * 100_000], WordTokenizer(["a", "dog"]))
    assert encoded.tokens.shape == (2, 1001)
    assert encoded.lengths.tolist() == [2, 1001]
