"""dedupe 3, as its documentation trains on a labelled table; it cannot learn without labels."""

import io
import random

import dedupe
from dedupe import variables
from dedupe.serializer import write_training
from given import Labels, Row, main

# Of each kind. Its documentation has people label some dozens; with 5,000 the learner was at work for ten
# minutes on two cores and not through.
TRAINING_PAIRS = 500


def _plain(row: Row) -> dict[str, object]:
    """Give strings, and None where nothing is known, as dedupe asks for."""
    numbers = ("year", "track_number")
    return {
        **{name: row[name] or None for name in ("title", "artist", "album", "language")},
        **{name: None if row[name] is None else str(row[name]) for name in numbers},
        "duration_s": row["duration_s"] or None,
    }


def resolve(records: list[Row], labels: Labels) -> dict[str, str]:
    """Cluster the records."""
    random.seed(0)
    data = {row["id"]: _plain(row) for row in records}
    fields = [
        variables.String("title", has_missing=True),
        variables.String("artist", has_missing=True),
        variables.String("album", has_missing=True),
        variables.Exact("year", has_missing=True),
        variables.Exact("language", has_missing=True),
        variables.Exact("track_number", has_missing=True),
        variables.Price("duration_s", has_missing=True),
    ]
    deduper = dedupe.Dedupe(fields, num_cores=0)
    known = {name: {**row, "label": labels[name]} for name, row in data.items() if name in labels}
    pairs = dedupe.training_data_dedupe(known, "label", training_size=TRAINING_PAIRS)
    # Examples come in with the data, as its documentation would have it; the label is nothing to compare.
    examples = {
        kind: [
            tuple({name: value for name, value in row.items() if name != "label"} for row in pair)
            for pair in random.sample(sorted(pairs[kind], key=str), min(TRAINING_PAIRS, len(pairs[kind])))
        ]
        for kind in ("match", "distinct")
    }
    training = io.StringIO()
    write_training(examples, training)
    training.seek(0)
    deduper.prepare_training({name: data[name] for name in known}, training_file=training)
    deduper.train()
    clusters = deduper.partition(data, threshold=0.5)
    return {name: str(number) for number, (members, _) in enumerate(clusters) for name in members}


if __name__ == "__main__":
    main(resolve)
