"""Who is compared with an upload: each candidate once, the strongest first, a bounded number."""

from dataclasses import replace

from streams.core.catalogue import Changes, MemoryCatalogue, Workspace
from streams.core.proposing import (
    LINE,
    MAX_COMPARED,
    MAX_HOLDERS,
    MAX_NAMED_ALONE,
    propose,
    reach_of,
    versions_of,
    with_lines,
)
from streams.core.records import Candidate, EncodedUpload, Found, Operation, Origin, UploadState, VectorRow

ORIGIN = Origin(topic="t", partition=0, offset=0)


def held(item: str, *keys: str, live: bool = True, revision: int = 1) -> UploadState:
    return UploadState(
        source="s",
        item_id=item,
        revision=revision,
        digest="",
        withdrawn_up_to=0,
        live=live,
        decision_id=item,
        origin=ORIGIN,
        blocking_keys=keys,
    )


def workspace(*uploads: UploadState) -> Workspace:
    catalogue = MemoryCatalogue()
    catalogue.apply(Changes(uploads={each.key.text(): each for each in uploads}))
    return Workspace(catalogue)


def hit(item: str, similarity: float, *, revision: int = 1) -> Candidate:
    return Candidate(
        source="s", item_id=item, revision=revision, proposed_by=("vector:text",), similarity=similarity
    )


def found(*candidates: Candidate, keys: tuple[str, ...] = ()) -> Found:
    asking = EncodedUpload(
        origin=ORIGIN,
        source="s",
        item_id="asking",
        revision=1,
        operation=Operation.upsert,
        digest="",
        received_ms=0,
        blocking_keys=keys,
    )
    return Found(encoded=asking, candidates=candidates)


def test_whom_two_blockers_name_goes_first_and_stands_there_once() -> None:
    state = workspace(held("near", "title:x"), held("both", "title:x"), held("nearest"))
    proposed, truncated = propose(
        state, found(hit("nearest", 0.9), hit("both", 0.5), keys=("title:x",)), [hit("both", 0.6)]
    )
    assert [each.state.item_id for each in proposed] == ["both", "nearest", "near"]
    assert (proposed[0].proposed_by, proposed[0].similarity) == (("title", "vector:text"), 0.6)
    assert [each.looked_up for each in proposed] == ["index", "index", "key"]
    assert not truncated


def test_the_asker_the_dead_and_other_revisions_are_not_proposed() -> None:
    state = workspace(held("asking", "title:x"), held("dead", live=False), held("revised", revision=2))
    hits = (hit("asking", 0.9), hit("dead", 0.9), hit("revised", 0.9), hit("unknown", 0.9))
    assert propose(state, found(*hits, keys=("title:x",)), []) == ([], False)
    (only,), _ = propose(state, found(hit("revised", 0.9)), [hit("revised", 0.7, revision=2)])
    assert (only.looked_up, only.similarity) == ("overlay", 0.7)


def test_the_strongest_are_kept_and_the_cut_is_told() -> None:
    uploads = [held(f"{number:02}") for number in range(MAX_COMPARED + 1)]
    hits = [hit(each.item_id, number / 100) for number, each in enumerate(uploads)]
    proposed, truncated = propose(workspace(*uploads), found(*hits), [])
    assert [each.state.item_id for each in proposed] == [each.item_id for each in reversed(uploads[1:])]
    assert truncated


def test_how_far_the_index_has_come_does_not_change_whom_a_vector_proposes() -> None:
    model = "samesong-text@1+p1"
    reach = reach_of(model).neighbours
    uploads = [
        held(f"{number:02}", *(("title:x",) if number % 5 == 0 else ())) for number in range(2 * reach)
    ]
    hits = [hit(each.item_id, 0.5 + number / 100) for number, each in enumerate(uploads)]
    hits.reverse()
    text = (VectorRow(modality="text", model=model, window=0, start_ms=0, values=b""),)

    def told(index: list[Candidate], overlay: list[Candidate]) -> list[tuple[str, tuple[str, ...]]]:
        asked = found(*index[:reach], keys=("title:x",))
        asked = replace(asked, encoded=replace(asked.encoded, vectors=text))
        proposed, _ = propose(workspace(*uploads), asked, overlay[:reach])
        return [(each.key, each.proposed_by) for each in proposed if "vector:text" in each.proposed_by]

    whole = told(hits, [])
    assert len(whole) == reach
    assert told(hits[::2], hits[1::2]) == told([], hits) == whole


def test_a_key_that_too_many_hold_names_nobody_wherever_a_batch_begins() -> None:
    for stored in (0, MAX_HOLDERS - 1, MAX_HOLDERS, MAX_HOLDERS + 1):
        state = workspace(*(held(f"{number}", "isrc:intro") for number in range(stored)))
        for number in range(stored, MAX_HOLDERS):
            state.put_upload(held(f"{number}", "isrc:intro"))
        # Of an identifier, any that hold it will do.
        asked = found(keys=("isrc:intro",))
        assert bool(propose(state, asked, [])[0]) == (stored <= MAX_HOLDERS)
        state.put_upload(held("one more", "isrc:intro"))
        assert propose(state, asked, []) == ([], False)
        # What the batch changed counts as it is now.
        state.put_upload(replace(held("one more", "isrc:intro"), live=False))
        state.put_upload(held("0", "isrc:other"))
        assert len(state.holders("isrc:intro", at_most=MAX_HOLDERS) or ()) == (
            MAX_HOLDERS - 1 if stored <= MAX_HOLDERS else MAX_HOLDERS
        )


def test_of_the_nearest_by_harmony_those_along_a_line_are_compared_and_the_very_nearest() -> None:
    near = [0.9 - 0.001 * at for at in range(100)]
    lines = [0.0] * 100
    lines[60], lines[80], lines[5] = 4.0, 3.5, 1.2
    lined, others = versions_of(near, lines, most=10)
    assert lined == [60, 80, 5]
    assert others == [0, 1, 2, 3, 4, 6, 7]


def test_strangers_with_a_line_leave_room_for_who_has_none() -> None:
    near = [0.9 - 0.001 * at for at in range(100)]
    lines = [0.0, 0.0, 0.0] + [3.0] * 97
    lined, others = versions_of(near, lines, most=10)
    assert lined == [3, 4, 5, 6, 7, 8, 9]
    assert others == [0, 1, 2]


def test_without_lines_the_nearest_are_compared() -> None:
    assert versions_of([0.7, 0.9, 0.8], [0.0, 0.0, 0.0], most=2) == ([], [1, 2])
    assert versions_of([], [], most=10) == ([], [])


def test_whom_a_line_names_stays_however_many_are_nearer_in_the_overlay() -> None:
    model = "samesong-work@2+p2"
    limit = reach_of(model).neighbours
    far = Candidate(source="s", item_id="far", revision=1, proposed_by=("vector:version",), similarity=0.6)
    (named,) = with_lines([far], {(far.key, 1)})
    assert named.proposed_by == (LINE, "vector:version")
    newer = [
        Candidate(source="s", item_id=f"i{n}", revision=1, proposed_by=("vector:version",), similarity=0.9)
        for n in range(limit)
    ]
    asking = found(named)
    row = VectorRow(modality="version", model=model, window=0, start_ms=0, values=b"")
    asking = replace(asking, encoded=replace(asking.encoded, vectors=(row,)))
    state = workspace(held("far"), *(held(each.item_id) for each in newer))
    proposed, _ = propose(state, asking, newer)
    assert proposed[0].state.item_id == "far"
    assert len(proposed) == limit + 1


def test_a_key_that_names_more_than_are_compared_names_nobody_alone() -> None:
    crowd = [held(f"{number:02}", "title:intro") for number in range(MAX_NAMED_ALONE)]
    both = held("both", "title:intro", "heads:intr|ana")
    heads = ("heads:intr|ana",)

    def proposed(*uploads: UploadState, keys: tuple[str, ...]) -> list[str]:
        return [each.state.item_id for each in propose(workspace(*uploads), found(keys=keys), [])[0]]

    assert proposed(*crowd, keys=("title:intro",)) == [each.item_id for each in crowd]
    # One more, and who of them were compared would hang on how they are called.
    assert proposed(*crowd, both, keys=("title:intro",)) == []
    # Another blocker beside it says which; a crowded key is named among those that propose it.
    crowded = propose(workspace(*crowd, both), found(keys=("title:intro", *heads)), [])
    assert [(each.state.item_id, each.proposed_by) for each in crowded[0]] == [("both", ("heads", "title"))]
    assert not crowded[1]
