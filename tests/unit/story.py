"""A catalogue with a past: uploads, revisions, withdrawals, verdicts and commands, one after the other."""

from collections.abc import Iterator
from dataclasses import replace

from streams.core.records import (
    EncodedUpload,
    EntityState,
    Kind,
    Operation,
    Origin,
    RelationState,
    ReviewRequested,
    UploadState,
    Verdict,
)
from streams.ports import Produced
from streams.stages.find import VERDICTS
from tests.unit.test_commands_and_promotions import Operated, key
from tests.unit.test_find_and_arbitrate import upload

ITEMS = "abcdef"


class Story(Operated):
    """Find and the arbiter in memory, told what happens by item."""

    def __init__(self) -> None:
        super().__init__()
        self.verdicts = 0

    def say(
        self,
        item: str,
        title: str,
        *,
        revision: int = 1,
        kind: Kind = Kind.recording,
        offset: int | None = None,
    ) -> list[Produced]:
        """Upload an item; with an offset, the very record that lies there."""
        made = upload(item, title, self._next(offset))
        record = replace(made.record, kind=kind) if made.record is not None else None
        return self.take(
            replace(made, revision=revision, digest=f"{title}{revision}", kind=kind, record=record)
        )

    def say_at(self, item: str, title: str, *, revision: int = 1, kind: Kind = Kind.recording) -> str:
        """Upload an item and give the entity that it is in then."""
        self.say(item, title, revision=revision, kind=kind)
        return self.home(item)

    def withdraw(self, item: str, revision: int | None = None) -> list[Produced]:
        return self.take(
            EncodedUpload(
                origin=Origin(topic="catalog.upload.v1", partition=0, offset=self._next(None)),
                source="s",
                item_id=item,
                revision=revision,
                operation=Operation.withdraw,
                digest="",
                received_ms=0,
            )
        )

    def judge(self, left: str, right: str, judgement: str, name: str = "") -> list[Produced]:
        self.verdicts += 1
        return self.tell(
            VERDICTS,
            Verdict(
                verdict_id=name or f"v{self.verdicts}",
                left_source="s",
                left_item_id=left,
                right_source="s",
                right_item_id=right,
                judgement=judgement,
            ),
        )

    def take(self, encoded: EncodedUpload) -> list[Produced]:
        return self.settle(self.look_up([encoded]))

    def state(self, item: str) -> UploadState | None:
        return self.stage.catalogue.upload(key(item))

    def homes(self) -> dict[str, str | None]:
        found = {item: self.state(item) for item in ITEMS}
        return {item: state.entity_id for item, state in found.items() if state is not None and state.live}

    def groups(self) -> set[frozenset[str]]:
        """Give the partition of the live uploads."""
        homes = self.homes()
        return {frozenset(i for i in homes if homes[i] == home) for home in homes.values()}

    def entities(self) -> dict[str, EntityState]:
        return {state.entity_id: state for state in self._states("entity.state.v1")}

    def relations(self) -> list[RelationState]:
        latest: dict[str, RelationState] = {}
        for each in self.records("relation.state.v1"):
            if isinstance(each, RelationState):
                latest[each.relation_id] = each
        return [each for each in latest.values() if each.status == "asserted"]

    def resolved(self, name: str) -> EntityState:
        """Follow an id's redirects."""
        entities = self.entities()
        for _ in entities:
            entity = entities[name]
            if entity.redirect_to is None:
                return entity
            name = entity.redirect_to
        raise AssertionError(f"redirects of {name} lead round in a circle")

    def asked(self) -> list[frozenset[str]]:
        """Give the pairs that people were asked about, in order."""
        requests = [each for each in self.records("review.requested.v1") if isinstance(each, ReviewRequested)]
        return [frozenset((each.left_item_id, each.right_item_id)) for each in requests]

    def lacking(self) -> Iterator[str]:
        """Say what does not hold that always must."""
        entities, homes = self.entities(), self.homes()
        for item, home in homes.items():
            entity = entities[home or ""]
            state = self.state(item)
            if entity.status != "live" or key(item) not in entity.members:
                yield f"{item} is not a member of its live entity"
            if state is not None and entity.kind != state.kind.value:
                yield f"{item} is a {state.kind} in a {entity.kind}"
        members = [member for each in entities.values() if each.kind != "work" for member in each.members]
        if sorted(members) != sorted(key(item) for item in homes):
            yield "not every live upload is a member exactly once"
        for entity in entities.values():
            if entity.redirect_to is not None and entities[entity.redirect_to].kind != entity.kind:
                yield f"{entity.kind} {entity.entity_id} is redirected to another kind"
            if entity.status != "live" and entity.members:
                yield f"{entity.entity_id} is {entity.status} and has members"
            self.resolved(entity.entity_id)
            if entity.kind == "work":
                wrong = [each for each in entity.members if entities[each].work_id != entity.entity_id]
            else:
                works = [entities[entity.work_id or ""]] if entity.status == "live" else []
                wrong = [each.entity_id for each in works if entity.entity_id not in each.members]
            if wrong:
                yield f"{entity.kind} {entity.entity_id} and {wrong} do not name each other"
        for relation in self.relations():
            for name, item in ((relation.from_entity, relation.left), (relation.to_entity, relation.right)):
                upload_state = self.stage.catalogue.upload(item)
                if upload_state is None or self.resolved(name).entity_id != upload_state.entity_id:
                    yield f"{relation.relation} of {item} names an entity that it is not in"
        yield from (str(each) for each in self.subscriber_lacks())

    def _next(self, offset: int | None) -> int:
        self.offset += 1
        return self.offset if offset is None else offset
