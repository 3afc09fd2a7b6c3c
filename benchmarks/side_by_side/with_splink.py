"""Splink 5 on DuckDB, as its tutorial builds a model.

Comparisons of its library, u by random sampling, m by expectation maximisation over two blockings or from a
column of labels, clusters at a probability of 0.95.
"""

import duckdb
import pandas as pd
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from given import Labels, Row, main
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

DURATION = cl.CustomComparison(
    output_column_name="duration",
    comparison_levels=[
        cll.NullLevel("duration_s"),
        cll.CustomLevel("abs(duration_s_l - duration_s_r) <= 1", label_for_charts="within a second"),
        cll.CustomLevel("abs(duration_s_l - duration_s_r) <= 5", label_for_charts="within five"),
        cll.ElseLevel(),
    ],
)
YEAR = cl.CustomComparison(
    output_column_name="year",
    comparison_levels=[
        cll.NullLevel("year"),
        cll.CustomLevel("year_l = year_r", label_for_charts="equal"),
        cll.CustomLevel("abs(year_l - year_r) <= 1", label_for_charts="next"),
        cll.ElseLevel(),
    ],
)
BLOCKING = [
    block_on("title"),
    block_on("artist", "album"),
    block_on("artist", "track_number"),
    block_on("album", "track_number"),
    block_on("substr(title, 1, 5)", "substr(artist, 1, 3)"),
    block_on("substr(title, 1, 5)", "year"),
    block_on("artist", "round(duration_s / 4)"),
    block_on("album", "round(duration_s / 4)"),
]


def resolve(records: list[Row], labels: Labels) -> dict[str, str]:
    """Cluster the records."""
    table = pd.DataFrame.from_records(records).rename(columns={"id": "unique_id"})
    table["label"] = table["unique_id"].map(dict(labels))
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    # Nullable columns: a missing number is null and not NaN.
    connection.register("given", table.convert_dtypes())
    api = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.NameComparison("title"),
            cl.NameComparison("artist"),
            cl.NameComparison("album"),
            DURATION,
            YEAR,
            cl.ExactMatch("language").configure(term_frequency_adjustments=True),
            cl.ExactMatch("track_number"),
        ],
        blocking_rules_to_generate_predictions=BLOCKING,
        additional_columns_to_retain=["label"],
    )
    linker = Linker(api.register(connection.table("given"), dataset_display_name="records"), settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("title", "artist"), block_on("title", "album"), block_on("artist", "duration_s")],
        recall=0.7,
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7)
    if labels:
        linker.training.estimate_m_from_label_column("label")
    else:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on("title"))
        linker.training.estimate_parameters_using_expectation_maximisation(block_on("artist", "album"))
    predicted = linker.inference.predict(threshold_match_weight=-10)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, 0.95)
    rows = clusters.as_duckdbpyrelation().project("unique_id, cluster_id").fetchall()
    return {str(unique_id): str(cluster_id) for unique_id, cluster_id in rows}


if __name__ == "__main__":
    main(resolve)
