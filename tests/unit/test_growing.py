"""The size that the bundle in force states follows the catalogue, by records of the arbiter's log alone."""

from dataclasses import replace
from typing import Final

import pytest

from streams.core.bundle import Bundle, Head, sized, with_version
from streams.core.growing import CATALOGUE_SIZE, growth, outgrown
from streams.core.records import Decision, Promotion
from streams.stages.find import INPUT, PROMOTIONS
from tests.unit.test_commands_and_promotions import Operated, promotion

SAID: Final = ("resolution.decided.v1", "entity.changed.v1", PROMOTIONS, "deadletter.v1")


def small(version: str = "small", *, measured_at: int = 2) -> Bundle:
    """Make a bundle that joins nobody, measured on catalogues of two entities."""
    head = Head(prior=-6.0, weights={})
    return replace(
        Bundle.packaged(),
        version=version,
        recording=head,
        work=head,
        catalogue_size=measured_at,
        measured_at=measured_at,
    )


class Growing(Operated):
    """The pipeline with a small bundle in force."""

    def __init__(self) -> None:
        super().__init__()
        self.promote(small(), "p1")

    def upload_all(self, *titles: str) -> None:
        for title in titles:
            self.upload(title)

    def asked(self) -> list[Promotion]:
        """Give what the arbiter has asked for."""
        found = [each for each in self.records(PROMOTIONS) if isinstance(each, Promotion)]
        return [each for each in found if each.subject == CATALOGUE_SIZE]

    def answer(self, asked: Promotion) -> None:
        """Let find bring it into the arbiter's log."""
        value = self.codec.encode(PROMOTIONS, asked)
        message = replace(self.log[PROMOTIONS][-1], value=value)
        self.settle([self.append(each) for each in self.find.process([message])])

    def version(self) -> str:
        return self.stage.head.bundle_version

    def decided_by(self) -> list[str]:
        found = self.records("resolution.decided.v1")
        return [each.bundle_version for each in found if isinstance(each, Decision)]


@pytest.mark.parametrize(
    ("entities", "asked", "wanted"),
    [(0, 0, None), (2, 0, None), (3, 0, 4), (5, 0, 4), (6, 0, 8), (100, 0, 128), (5, 4, None), (6, 4, 8)],
)
def test_the_size_is_doubled_until_it_is_within_the_root_of_two(
    entities: int, asked: int, wanted: int | None
) -> None:
    assert outgrown(small(), entities=entities, asked=asked) == wanted


def test_a_bundle_of_before_sizes_were_measured_never_grows() -> None:
    former = Bundle.shipped()["2026.11.8"]
    assert outgrown(former, entities=10**6, asked=0) is None
    assert sized(former, 10**6) == former


def test_the_arbiter_asks_once_and_the_answer_is_in_force_from_its_place_in_the_log() -> None:
    service = Growing()
    service.upload_all("a/studio", "b/studio")
    assert service.asked() == []
    service.upload_all("c/studio", "d/studio")
    (asked,) = service.asked()
    assert (asked.version, asked.by) == ("4", "arbitrate")
    service.restart()
    service.upload("e/studio")
    assert service.asked() == [asked]
    service.answer(asked)
    service.upload("f/studio")
    assert service.decided_by() == ["small"] * 5 + ["small@4"]
    assert [each.version for each in service.asked()] == ["4", "8"]
    assert service.audited() == []


def test_kept_pairs_are_scored_anew_for_the_larger_size() -> None:
    service = Growing()
    alike = {"title": {"exact": 7.6, "exact_short": 7.6}}
    service.promote(replace(small("alike"), recording=Head(prior=-6.0, weights=alike)), "p2")
    service.upload_all("a/studio", "a/studio", "b/studio", "c/studio")
    assert service.partition() == {"ab", "c", "d"}
    # 1.6 less the logarithm of 2 falls short of a match.
    service.answer(service.asked()[0])
    assert service.partition() == {"a", "b", "c", "d"}
    assert service.changes()[-1].cause == service.asked()[0].promotion_id
    assert service.audited() == []


def test_an_answer_that_comes_again_or_late_changes_nothing() -> None:
    service = Growing()
    service.upload_all("a/studio", "b/studio", "c/studio")
    service.answer(growth(16))
    assert service.version() == "small@16"
    (asked,) = service.asked()
    service.answer(asked)
    service.answer(growth(16))
    assert (service.version(), service.letters()) == ("small@16", [])
    service.upload("d/studio")
    assert service.asked() == [asked]


def test_another_bundle_comes_into_force_at_the_size_that_the_catalogue_has() -> None:
    service = Growing()
    service.upload_all("a/studio", "b/studio", "c/studio")
    (asked,) = service.asked()
    service.promote(small("other"), "p2")
    assert service.version() == "other@4"
    service.answer(asked)
    service.promote(small(), "p3")
    assert service.version() == "small@4"
    service.restart()
    service.promote(small("vast", measured_at=64), "p4")
    assert service.version() == "vast"
    service.promote(small("vast", measured_at=64), "p5")
    assert service.letters() == []


def test_a_former_bundle_may_come_back_and_the_size_is_not_forgotten() -> None:
    service = Growing()
    service.upload_all("a/studio", "b/studio", "c/studio")
    service.answer(service.asked()[0])
    service.promote(Bundle.shipped()["2026.11.8"], "p2")
    service.upload_all("d/studio", "e/studio", "f/studio")
    assert service.version() == "2026.11.8"
    service.promote(small(), "p3")
    assert service.version() == "small@4"
    assert [each.version for each in service.asked()] == ["4", "8"]


def test_a_catalogue_that_shrinks_keeps_its_size() -> None:
    service = Growing()
    service.upload_all("a/studio", "b/studio", "c/studio")
    service.answer(service.asked()[0])
    service.command("merge", service.home("a"), service.home("b"))
    assert service.stage.catalogue.entity_count == 2
    service.upload("d/studio")
    assert (service.version(), len(service.asked())) == ("small@4", 1)


@pytest.mark.parametrize("said", ["", "many", "-4", "0", "4.5", "٤", "1" * 40])
def test_a_size_that_is_no_number_of_entities_is_refused(said: str) -> None:
    service = Growing()
    service.answer(replace_version(growth(4), said))
    (letter,) = service.letters()
    assert (letter.code, service.version()) == ("promotion_refused", "small")
    assert "number of entities" in letter.reason


def replace_version(asked: Promotion, version: str) -> Promotion:
    return Promotion(promotion_id="odd", subject=asked.subject, version=version)


def test_a_bundle_that_names_a_size_is_refused() -> None:
    service = Growing()
    service.tell(PROMOTIONS, promotion(sized(small(), 64), "p2"))
    (letter,) = service.letters()
    assert "as it was made" in letter.reason


@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_the_log_decided_again_in_other_batches_asks_for_the_same(size: int) -> None:
    service = Growing()
    service.upload_all("a/studio", "b/studio", "c/studio")
    service.answer(service.asked()[0])
    service.upload_all("d/studio", "e/studio", "f/studio", "a/studio")
    replayed = Operated()
    log = service.log[INPUT]
    for at in range(0, len(log), size):
        replayed.settle(log[at : at + size])
    asked = [each for each in replayed.records(PROMOTIONS) if isinstance(each, Promotion)]
    assert asked == service.asked()
    for topic in SAID:
        if topic != PROMOTIONS:
            assert replayed.records(topic) == service.records(topic), topic


def test_a_decision_is_found_its_bundle_by_the_version_that_it_names() -> None:
    made = {"small": small(), "2026.11.8": Bundle.shipped()["2026.11.8"]}
    assert with_version(made, "small") == small()
    assert with_version(made, "small@64") == sized(small(), 64)
    for version in ("other", "other@64", "small@", "small@2", "small@many", "small@064", "2026.11.8@64"):
        assert with_version(made, version) is None, version
