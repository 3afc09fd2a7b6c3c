"""What becomes of misspelt uploads beside their own recording as the catalogue grows: a pair is scored alone.

Each invented recording of a label is told once more as people do: a letter lost, and a length that is up to
two seconds off. Who else would be compared plays no part, so `growth` cannot match more of them.

    python -m benchmarks.misspelt_pairs [--bundle FILE]
"""

import argparse
import random
from collections import Counter
from pathlib import Path

from benchmarks.growth import as_fuzzy
from benchmarks.invented_uploads import invented_recordings
from streams.core.bundle import Bundle, sized
from streams.core.features import featurize
from streams.core.scoring import Scorer

PAIRS, SEED = 1_500, 99
SIZES = (1_079, 4_000, 16_000, 64_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, help="another bundle than the packaged one")
    options = parser.parse_args()
    made = Bundle.from_json(options.bundle.read_bytes()) if options.bundle else Bundle.packaged()
    rng = random.Random(SEED)  # noqa: S311 - figures must repeat
    pairs = [
        (featurize(upload), featurize(as_fuzzy(upload, number, rng)))
        for number, upload in invented_recordings(PAIRS, seed=SEED, copies=0.0)
    ]
    for size in SIZES:
        bundle = sized(made, size)
        scorer = Scorer(bundle)
        told: Counter[str] = Counter()
        for left, right in pairs:
            score = scorer.score(left, right).recording.log_odds
            match, review = score >= bundle.recording_match, score >= bundle.recording_review
            told["match" if match else "review" if review else "new"] += 1
        print(f"{size:6} entities: match {told['match']}, review {told['review']}, new {told['new']}")


if __name__ == "__main__":
    main()
