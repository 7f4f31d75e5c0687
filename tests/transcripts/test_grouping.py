"""Like messages are put together, whoever asks and however."""

import random
import time

from bot.transcripts.grouping import Message, groups

LAMP = (("faq/felanmalan", 0.4), ("faq/otrygg-plats", 0.2))
LEAVES = (("out_of_scope", 0.5), ("faq/kommunens-ansvar", 0.1))
SAID = {
    "lampan på min gata är trasig": LAMP,
    "Trasig gatlampa": LAMP,
    "det är en lampa som är sönder på gatan": LAMP,
    "gatlampan lyser inte": LAMP,
    "får jag elda löv?": LEAVES,
    "är det tillåtet att elda löv i trädgården": LEAVES,
    "när går bussen till Vänersborg": (("other_authority", 0.6), ("opening_hours", 0.2)),
}


def messages() -> list[Message]:
    """What was said, with the model's rankings."""
    return [Message(f"m{n}", text, ranking) for n, (text, ranking) in enumerate(SAID.items())]


def ids(found: list[list[Message]]) -> list[set[str]]:
    """The groups by the ids of their messages."""
    return [{one.id for one in group} for group in found]


def test_other_words_for_the_same_are_one_group() -> None:
    assert ids(groups(messages())) == [{"m0", "m1", "m2", "m3"}, {"m4", "m5"}, {"m6"}]


def test_words_alone_find_what_is_said_nearly_alike() -> None:
    bare = [Message(one.id, one.text) for one in messages()]
    found = groups(bare)
    assert {"m4", "m5"} in ids(found) and {"m6"} in ids(found)
    assert sum(map(len, found)) == len(bare)


def test_the_same_text_is_always_together_whatever_the_model_thought() -> None:
    twice = [Message("a", "Hej då!", LAMP), Message("b", "hej  då", LEAVES), Message("c", "?")]
    assert ids(groups(twice)) == [{"a", "b"}, {"c"}]


def test_the_order_of_the_messages_changes_nothing() -> None:
    first = groups(messages())
    for seed in range(5):
        mixed = messages()
        random.Random(seed).shuffle(mixed)
        assert groups(mixed) == first
    assert groups([]) == []


def test_five_hundred_messages_are_grouped_while_somebody_waits() -> None:
    dice, vocabulary = random.Random(1), [f"ord{n}het" for n in range(400)]
    many = [
        Message(str(n), " ".join(dice.choices(vocabulary, k=8)), ((f"faq/{n % 50}", 0.5),))
        for n in range(500)
    ]
    started = time.process_time()
    assert sum(map(len, groups(many))) == 500
    assert time.process_time() - started < 5
