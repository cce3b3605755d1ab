from clcap_cli.tokenizers.words import END, UNKNOWN, WordTokenizer


def test_the_vocabulary_is_sorted_by_frequency() -> None:
    tokenizer = WordTokenizer.from_captions([["a", "dog"], ["a", "cat"], ["a", "dog", "b"]], min_count=2)
    assert tokenizer.tokens == ["<end>", "<unk>", "a", "dog"]
    assert (END, UNKNOWN) == (0, 1)


def test_decoding_inverts_encoding() -> None:
    tokenizer = WordTokenizer(["a", "dog"])
    assert tokenizer.encode("A zebra, dog.") == [2, UNKNOWN, 3]
    assert tokenizer.decode([2, 3]) == "a dog"
