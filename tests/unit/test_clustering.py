"""The partition is a pure function of keys and edges; ids follow their founders."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from streams.core.clustering import Edge, Judgement, Minted, cluster_component, components, name_clusters


def edge(left: str, right: str, log_odds: float, **more: object) -> Edge:
    first, second = sorted((left, right))
    return Edge(left=first, right=second, log_odds=log_odds, **more)  # type: ignore[arg-type]  # test shorthand


def test_an_edge_at_the_threshold_joins_and_one_below_does_not() -> None:
    found = cluster_component("abc", [edge("a", "b", 3.0), edge("b", "c", 2.9)], threshold=3.0, guard=4.0)
    assert found.clusters == (("a", "b"), ("c",))


def test_a_cannot_link_keeps_a_bridge_from_joining_both_ends() -> None:
    edges = [edge("a", "b", 6.0), edge("b", "c", 5.0), edge("a", "c", -1.0, cannot_link=True)]
    found = cluster_component("abc", edges, threshold=3.0, guard=4.0)
    assert found.clusters == (("a", "b"), ("c",))
    assert [(pair.left, pair.right) for pair in found.refused] == [("b", "c")]


def test_the_guard_refuses_a_pair_far_below_zero_but_not_an_absent_one() -> None:
    chain = [edge("a", "b", 6.0), edge("b", "c", 5.0)]
    assert cluster_component("abc", chain, threshold=3.0, guard=4.0).clusters == (("a", "b", "c"),)
    guarded = [*chain, edge("a", "c", -4.1)]
    assert cluster_component("abc", guarded, threshold=3.0, guard=4.0).clusters == (("a", "b"), ("c",))


def test_verdicts_overrule_scores_and_a_non_match_overrules_a_match_chain() -> None:
    edges = [
        edge("a", "b", -9.0, judgement=Judgement.match),
        edge("b", "c", 1.0, judgement=Judgement.match),
        edge("a", "c", 9.0, judgement=Judgement.non_match),
    ]
    found = cluster_component("abc", edges, threshold=3.0, guard=4.0)
    assert found.clusters == (("a",), ("b", "c"))
    assert [(pair.left, pair.right) for pair in found.refused] == [("a", "b")]


def test_a_component_beyond_the_bound_follows_verdicts_alone() -> None:
    edges = [edge("a", "b", 9.0), edge("c", "d", 0.0, judgement=Judgement.match)]
    found = cluster_component("abcd", edges, threshold=3.0, guard=4.0, bound=3)
    assert found.too_large
    assert found.clusters == (("a",), ("b",), ("c", "d"))


def test_components_follow_every_edge() -> None:
    home = components([("a", "b"), ("c", "d"), ("e", "d")])
    assert home.keys() == set("abcde")
    assert home["a"] == home["b"] != home["c"] == home["d"] == home["e"]


PAIRS = list(itertools.combinations("abcdefg", 2))


@st.composite
def graphs(draw: st.DrawFn) -> list[Edge]:
    chosen = draw(st.lists(st.sampled_from(PAIRS), unique=True, max_size=len(PAIRS)))
    return [
        Edge(
            left=left,
            right=right,
            log_odds=draw(st.integers(-8, 8)) / 1.0,
            cannot_link=draw(st.integers(0, 9)) == 0,
            judgement=draw(st.sampled_from([None, None, None, Judgement.match, Judgement.non_match])),
        )
        for left, right in chosen
    ]


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_change_the_partition(edges: list[Edge], order: random.Random) -> None:
    shuffled = list(edges)
    order.shuffle(shuffled)
    keys = list("abcdefg")
    order.shuffle(keys)
    assert cluster_component(keys, shuffled, threshold=2.0, guard=4.0) == cluster_component(
        "abcdefg", edges, threshold=2.0, guard=4.0
    )


@given(graphs())
def test_no_forbidden_pair_shares_a_cluster(edges: list[Edge]) -> None:
    found = cluster_component("abcdefg", edges, threshold=2.0, guard=4.0)
    home = {key: cluster for cluster in found.clusters for key in cluster}
    assert sorted(home) == list("abcdefg")
    for pair in edges:
        if pair.judgement is Judgement.non_match:
            assert home[pair.left] is not home[pair.right]
        if pair.judgement is None and (pair.cannot_link or pair.log_odds < -4.0):
            assert home[pair.left] is not home[pair.right]


@given(graphs())
def test_components_clustered_apart_give_the_whole(edges: list[Edge]) -> None:
    whole = cluster_component("abcdefg", edges, threshold=2.0, guard=4.0)
    linked = components((pair.left, pair.right) for pair in edges)
    home = {key: linked.get(key, key) for key in "abcdefg"}
    parts = [
        cluster
        for name in sorted(set(home.values()))
        for cluster in cluster_component(
            [key for key in "abcdefg" if home[key] == name],
            [pair for pair in edges if home[pair.left] == name],
            threshold=2.0,
            guard=4.0,
        ).clusters
    ]
    assert tuple(sorted(parts)) == whole.clusters


def minted(name: str, sequence: int) -> Minted:
    return Minted(entity_id=name, sequence=sequence)


def names(clusters: list[tuple[str, ...]], **given_: object) -> tuple[str | None, ...]:
    told: dict[str, object] = {"held": {}, "belongs": {}, "first": {}, **given_}
    return name_clusters(clusters, **told).names  # type: ignore[arg-type]  # test shorthand


def test_a_merge_keeps_the_elder_id_and_its_undoing_restores_the_younger() -> None:
    held = {"a": [minted("E1", 1)], "b": [minted("E2", 2)]}
    assert names([("a", "b")], held=held) == ("E1",)
    merged = {"a": [minted("E1", 1)], "b": [minted("E1", 1)]}
    assert names([("a",), ("b",)], held=held, belongs=merged) == ("E1", "E2")


def test_members_that_were_never_apart_split_into_the_founder_s_id_and_a_fresh_one() -> None:
    now = {"a": [minted("E1", 1)], "b": [minted("E1", 1)]}
    assert names([("a",), ("b",)], held={"a": [minted("E1", 1)]}, belongs=now) == ("E1", None)


def test_an_entity_outlives_its_founder_with_the_larger_share() -> None:
    now = {key: [minted("E1", 1)] for key in "bcd"}
    assert names([("b",), ("c", "d")], belongs=now) == (None, "E1")
    assert name_clusters([("b",), ("c", "d")], held={}, belongs=now, first={}).heirs == {"E1": "c"}


def test_an_elder_id_stays_whether_or_not_its_founder_does() -> None:
    now = {"b": [minted("E1", 1)], "c": [minted("E2", 2)]}
    assert names([("b", "c")], held={"c": [minted("E2", 2)]}, belongs=now) == ("E1",)


def test_an_id_whose_founder_has_left_comes_back_with_those_who_were_merged_with_it() -> None:
    held = {"a": [minted("E1", 1)]}
    merged = {"a": [minted("E1", 1)], "c": [minted("E2", 2), minted("E1", 1)]}
    assert names([("a", "c")], held=held, belongs=merged) == ("E1",)
    assert names([("a",), ("c",)], held=held, belongs=merged) == ("E1", "E2")


def test_an_id_stays_with_those_who_came_by_it_first_however_many_were_merged_into_it() -> None:
    held = {"d": [minted("E2", 2)]}
    now = {key: [minted("E1", 1)] for key in "bdef"}
    first = {"b": "E1", "d": "E2", "e": "E2", "f": "E2"}
    assert names([("b",), ("d", "e", "f")], held=held, belongs=now, first=first) == ("E1", "E2")
    whole = name_clusters([("b", "d", "e", "f")], held=held, belongs=now, first=first)
    assert whole.heirs == {"E1": "b"}


def test_no_id_is_given_twice() -> None:
    now = {"b": [minted("E1", 1)], "c": [minted("E1", 1)]}
    assert names([("b",), ("c",)], belongs=now) == ("E1", None)
