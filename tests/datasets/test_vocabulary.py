from clcap_cli.datasets.vocabulary import END, UNK, Vocabulary


def test_words_seen_often_enough_most_frequent_first() -> None:
    vocabulary = Vocabulary.count([["a", "dog"], ["a", "cat"], ["a", "dog", "b"]], min_count=2)
    assert vocabulary.words == ["<end>", "<unk>", "a", "dog"]
    assert (END, UNK) == (0, 1)


def test_encode_and_decode() -> None:
    vocabulary = Vocabulary(["a", "dog"])
    assert vocabulary.encode(["a", "zebra", "dog"]) == [2, UNK, 3]
    assert vocabulary.decode([2, 3]) == "a dog"
