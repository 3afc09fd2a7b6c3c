"""Run benchmarks by name, or all of them: ``python -m benchmarks [name...]``."""

import argparse
import importlib

from streams.threads import one_thread

NAMES = (
    "pipeline",
    "catalogue_size",
    "audio_encoding",
    "profiles",
    "index_search",
    "restart",
    "promise_cost",
    "recovery",
    "blocking",
    "resolve_musicbrainz",
    "title_parsing",
)
# Too long to be one of all.
BY_NAME = (
    "growth",
    "ablation",
    "alignment",
    "constellations",
    "video",
    "side_by_side",
    "staged_scoring",
    "identity_encoders",
    "version_encoders",
    "version_serving",
    "believed_lines",
    "interpolations",
    "interpolations_by_maps",
    "interpolations_by_both",
    "soak",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"of {', '.join((*NAMES, *BY_NAME))}; default: all but {', '.join(BY_NAME)}",
    )
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - {*NAMES, *BY_NAME}):
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    one_thread()  # as in a stage
    for name in options.names or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
