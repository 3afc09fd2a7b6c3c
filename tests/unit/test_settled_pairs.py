"""A settled pair stays settled: nobody is asked again, and nothing undoes it, unless a side is revised."""

import pytest

from tests.unit.story import Story

AB = frozenset("ab")


def doubtful() -> Story:
    """Let two uploads be alike enough that a person must look."""
    story = Story()
    story.say("a", "w/studio")
    story.say("b", "w/studio?")
    assert story.asked() == [AB]
    return story


@pytest.mark.parametrize("judgement", ["match", "non_match"])
def test_nobody_is_asked_again_about_a_settled_pair(judgement: str) -> None:
    story = doubtful()
    story.judge("a", "b", judgement)
    together = story.groups()
    # The same upload again, from another place in the log and from the same one.
    story.say("b", "w/studio?")
    story.say("a", "w/studio", offset=1)
    # A copy of either side.
    story.say("c", "w/studio?")
    story.say("d", "w/studio")
    assert story.asked() == [AB]
    story.restart()
    story.say("e", "w/studio?")
    assert story.asked() == [AB]
    assert {group & AB for group in story.groups()} - {frozenset()} == together
    assert list(story.lacking()) == []


@pytest.mark.parametrize("item", ["a", "b"])
@pytest.mark.parametrize("judgement", ["match", "non_match"])
def test_a_revision_of_either_side_is_new_evidence(judgement: str, item: str) -> None:
    story = doubtful()
    story.judge("a", "b", judgement)
    story.say(item, "w/studio" if item == "a" else "w/studio?", revision=2)
    assert story.asked() == [AB, AB]
    assert story.groups() == {frozenset("a"), frozenset("b")}


def test_a_withdrawal_of_another_upload_asks_nobody() -> None:
    story = doubtful()
    story.judge("a", "b", "non_match")
    story.say("c", "w/studio?")
    story.withdraw("c")
    assert story.asked() == [AB]
    assert story.groups() == {frozenset("a"), frozenset("b")}


def test_what_a_merge_has_settled_is_not_asked_about_nor_when_it_is_undone() -> None:
    story = doubtful()
    homes = story.home("a"), story.home("b")
    story.command("merge", *homes)
    story.say("b", "w/studio?")
    story.say("c", "w/studio?")
    assert story.asked() == [AB]
    assert story.groups() == {frozenset("abc")}
    story.command("unmerge", homes[1])
    assert (story.home("a"), story.home("b"), story.home("c")) == (homes[0], homes[1], homes[1])
    assert story.asked() == [AB]


def test_a_split_stays_whatever_arrives() -> None:
    story = Story()
    whole = story.say_at("a", "w/studio")
    story.say("b", "w/studio")
    story.command("split", whole, members="b")
    for item in "cdef":
        story.say(item, "w/studio")
    story.say("b", "w/studio")
    assert story.home("a") != story.home("b")
    assert story.asked() == []
    story.say("b", "w/studio", revision=2)
    assert story.home("a") == story.home("b")


def test_every_judgement_has_an_inverse_that_leaves_what_the_evidence_says() -> None:
    story = Story()
    for item, title in zip("abc", ("w/studio", "w/studio", "w/studio?"), strict=True):
        story.say(item, title)
    homes = story.homes()
    story.judge("a", "c", "match")
    story.judge("a", "b", "non_match")
    assert story.groups() == {frozenset("ac"), frozenset("b")}
    story.judge("a", "b", "withdrawn")
    story.judge("a", "c", "withdrawn")
    assert story.homes() == homes
    assert list(story.lacking()) == []


def test_a_verdict_on_what_is_not_there_gets_a_dead_letter_and_changes_nothing() -> None:
    story = doubtful()
    homes = story.homes()
    story.withdraw("b")
    story.judge("a", "b", "match")
    story.judge("a", "f", "match")
    assert [letter.code for letter in story.letters()] == ["verdict_impossible"] * 2
    assert story.homes() == {"a": homes["a"]}
    assert list(story.lacking()) == []
