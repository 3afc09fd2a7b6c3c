"""Ids through withdrawals, revisions, merges and splits: never reused for others, restored by the inverse."""

from streams.core.records import Kind
from tests.unit.story import Story


def test_undoing_a_merge_restores_an_id_whose_founder_has_left_before_it() -> None:
    story = Story()
    elder = story.say_at("a", "w/studio")
    younger = story.say_at("b", "v/studio")
    story.say("c", "v/studio")
    story.withdraw("b")
    story.command("merge", elder, younger)
    assert story.homes() == {"a": elder, "c": elder}
    story.command("unmerge", younger)
    assert story.homes() == {"a": elder, "c": younger}
    assert list(story.lacking()) == []


def test_undoing_a_merge_restores_an_id_whose_founder_left_while_it_was_merged() -> None:
    story = Story()
    elder = story.say_at("a", "w/studio")
    younger = story.say_at("b", "v/studio")
    story.say("c", "v/studio")
    story.command("merge", elder, younger)
    story.withdraw("b")
    story.command("unmerge", elder)
    assert story.homes() == {"a": elder, "c": younger}
    assert list(story.lacking()) == []


def test_the_work_of_a_merged_recording_leads_to_the_other_one_and_comes_back() -> None:
    story = Story()
    elder = story.say_at("a", "w/studio")
    story.say("b", "v/studio")
    younger = story.say_at("c", "v/studio")
    story.withdraw("b")
    works = [story.entities()[name].work_id or "" for name in (elder, younger)]
    story.command("merge", elder, younger)
    assert story.entities()[works[1]].redirect_to == works[0]
    story.command("unmerge", younger)
    assert [story.entities()[name].work_id for name in (elder, younger)] == works
    assert list(story.lacking()) == []


def test_the_eldest_id_stays_also_where_its_founder_has_left() -> None:
    story = Story()
    elder = story.say_at("a", "w/studio")
    story.say("b", "w/studio")
    younger = story.say_at("c", "v/studio")
    story.withdraw("a")
    story.command("merge", elder, younger)
    assert story.homes() == {"b": elder, "c": elder}
    assert story.resolved(younger).entity_id == elder


def test_a_merged_id_is_not_given_to_one_who_stayed_when_it_came_out() -> None:
    story = Story()
    first = story.say_at("a", "w/studio")
    merged = story.say_at("b", "v/studio")
    story.say("c", "v/studio")
    story.command("merge", first, merged)
    story.judge("b", "c", "non_match")
    # One of the two comes out, with the id that it founded; the other one stays with the elder.
    story.command("split", first, members="b")
    assert story.homes() == {"a": first, "b": merged, "c": first}
    other = story.say_at("d", "u/studio")
    story.command("merge", other, merged)
    story.withdraw("b")
    story.command("split", first, members="c")
    assert story.homes()["c"] not in {first, merged, other}
    assert list(story.lacking()) == []


def test_a_revision_of_another_kind_founds_an_entity_of_that_kind() -> None:
    story = Story()
    recording = story.say_at("a", "w/studio")
    video = story.say_at("a", "w/studio", revision=2, kind=Kind.music_video)
    assert video != recording
    assert story.entities()[video].kind == "music_video"
    assert story.entities()[recording].status == "retired"
    assert list(story.lacking()) == []


def test_a_verdict_never_makes_a_recording_and_a_music_video_one() -> None:
    story = Story()
    recording = story.say_at("a", "w/studio")
    video = story.say_at("b", "v/studio", kind=Kind.music_video)
    story.judge("a", "b", "match")
    assert story.homes() == {"a": recording, "b": video}
    assert [letter.code for letter in story.letters()] == ["verdict_impossible"]
    assert list(story.lacking()) == []


def test_a_verdict_that_comes_again_after_its_inverse_says_nothing() -> None:
    story = Story()
    story.say("a", "w/studio")
    story.say("b", "v/studio")
    story.judge("a", "b", "match", "v1")
    story.judge("a", "b", "withdrawn", "v2")
    before = story.changes()
    story.restart()
    story.judge("a", "b", "match", "v1")
    assert story.changes() == before
    assert len(set(story.homes().values())) == 2


def test_redirects_hold_over_chains_and_after_an_undo() -> None:
    story = Story()
    first, second, third = (
        story.say_at(item, f"{title}/studio") for item, title in zip("abc", "wvu", strict=True)
    )
    story.command("merge", second, third)
    story.command("merge", first, second)
    assert [story.resolved(name).entity_id for name in (first, second, third)] == [first] * 3
    story.command("unmerge", second)
    assert [story.resolved(name).entity_id for name in (first, second, third)] == [first, second, second]
    story.withdraw("b")
    assert story.resolved(third).entity_id == second
    story.command("unmerge", second)
    assert story.entities()[third].status == "redirected"
    story.withdraw("c")
    assert story.resolved(third).status == "retired"
    assert list(story.lacking()) == []


def test_a_retired_entity_stays_and_its_founder_that_comes_back_is_another() -> None:
    story = Story()
    first = story.say_at("a", "w/studio")
    story.withdraw("a")
    assert story.entities()[first].status == "retired"
    again = story.say_at("a", "w/studio", revision=2)
    assert again != first
    assert story.entities()[first].status == "retired"


def test_an_upload_moves_with_its_revision_and_the_empty_entity_leads_to_where_it_went() -> None:
    story = Story()
    first, second = story.say_at("a", "w/studio"), story.say_at("b", "v/studio")
    story.say("b", "w/studio", revision=2)
    assert story.homes() == {"a": first, "b": first}
    assert story.resolved(second).entity_id == first
    story.say("b", "v/studio", revision=3)
    assert story.homes()["b"] not in {first, second}
    assert list(story.lacking()) == []


# --- relations ---


def test_a_relation_follows_its_upload_out_of_a_split() -> None:
    story = Story()
    whole = story.say_at("a", "w/studio")
    story.say("b", "w/studio")
    story.say("c", "w/live")
    story.command("split", whole, members="b")
    ends = {(relation.to_entity, relation.right) for relation in story.relations()}
    assert len(ends) == 2
    assert len({entity for entity, _ in ends}) == 2
    assert list(story.lacking()) == []


def test_a_relation_told_while_merged_follows_its_upload_when_the_merge_is_undone() -> None:
    story = Story()
    elder, younger = story.say_at("a", "v/studio"), story.say_at("b", "w/studio")
    story.command("merge", elder, younger)
    story.say("c", "w/live")
    (relation,) = story.relations()
    assert relation.to_entity == elder
    story.command("unmerge", younger)
    (relation,) = story.relations()
    assert relation.to_entity == younger
    assert list(story.lacking()) == []
