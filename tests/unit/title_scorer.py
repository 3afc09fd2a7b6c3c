"""A scorer whose answer can be read off two titles, and rules around it."""

from streams.core.records import HeadScore, LevelScores, LinkageRecord, PairScore, SoundEvidence, SoundFacts
from streams.core.rules import Rules, Thresholds


class TitleScorer:
    """Titles are ``work/recording``: equal recordings score 6, a doubtful one (with ``?``) scores 1."""

    def score(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        a, b = left.readings[0].base, right.readings[0].base
        same_work = a.split("/")[0] == b.split("/")[0]
        same = a == b
        doubtful = same_work and not same and a.rstrip("?") == b.rstrip("?")
        relation = "live_version_of" if a.endswith("live") else "has_live_version"
        return PairScore(
            recording=head(6.0 if same else 1.0 if doubtful else -6.0),
            work=head(6.0 if same_work else -6.0),
            cannot_link="version:live|studio" if same_work and not same and not doubtful else None,
            relation=relation if same_work and not same and not doubtful else None,
        )

    explain = score

    def levels(
        self,
        left: LinkageRecord,
        right: LinkageRecord,
        sound: SoundEvidence | None,
        *,
        explained: bool = False,
    ) -> LevelScores:
        """Nothing is said of masters: every upload stands alone."""
        return LevelScores(master=head(-4.0), audio=head(-4.0))


def head(log_odds: float) -> HeadScore:
    return HeadScore(prior=log_odds, lines=(), log_odds=log_odds, probability=0.5)


def no_sound(left: SoundFacts, right: SoundFacts) -> SoundEvidence:
    raise AssertionError("nothing here has sound")


RULES = Rules(
    scorer=TitleScorer(),
    thresholds=Thresholds(
        recording_match=3.0, recording_review=0.0, work_match=3.0, work_review=0.0, guard=4.0
    ),
    confirm=no_sound,
    bundle_version="test",
)
