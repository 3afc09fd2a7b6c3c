"""Embed the catalogue again from outside of the stages, while they run."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass

from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.catalogue import Workspace
from streams.edges.committed_log import read_topic
from streams.edges.encoder import BundleEncoder
from streams.edges.kafka_producer import Publisher
from streams.edges.log_reader import LogReader
from streams.edges.sound_comparison import FeatureConfirmer
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import INPUT
from streams.stages.reembed import Reembedded, outdated, reembed, retirements
from streams.wiring.parts import feature_store, media_reader
from streams.wiring.restored import restored_arbiter


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEmbedded:
    """What an embedding of the catalogue came to.

    Attributes
    ----------
    models : mapping of str to str
        in use, by modality
    live, wanted, published : int
        uploads that are live; that lacked vectors of the models in use; whose records were published
    problems : mapping of str to str
        why an upload could not be embedded, by "source/item"
    """

    models: Mapping[str, str]
    live: int
    wanted: int
    published: int
    problems: Mapping[str, str]


def embed_catalogue(
    settings: Settings,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], object] = lambda done, wanted: None,
) -> CatalogueEmbedded:
    """Embed what the models in use have not embedded, and publish the vectors.

    Rows of other models stay. Whatever was embedded already is left alone, so it may be stopped and begun
    again at any time.

    Parameters
    ----------
    settings : Settings
    dry_run : bool
        only count what would be embedded
    progress : callable
        called with how many are done, and of how many

    Raises
    ------
    ConfigError
        the models were not built
    """
    codec, bootstrap, extra = codec_for(settings), bootstrap_of(settings), kafka_extra(settings)
    store = feature_store(settings)
    confirm = FeatureConfirmer(store).confirm
    encoder = BundleEncoder.load(settings.models_dir)
    with LogReader(bootstrap, extra) as reader:
        catalogue = restored_arbiter(settings, reader, confirm).catalogue
    wanted = outdated(Workspace(catalogue), encoder.models)
    problems: dict[str, str] = {}
    published = 0
    if wanted and not dry_run:
        with closing(media_reader(settings)) as media, Publisher(bootstrap, extra) as publisher:
            encode = EncodeProcessor(codec, encoder, media=media, store=store)
            inputs = read_topic(bootstrap, extra, INPUT)
            for each in reembed(wanted, inputs, encode=encode, confirm=confirm, codec=codec):
                if each.record is None:
                    problems[str(each.state.key)] = each.problem
                else:
                    _publish(publisher, each, codec.encode(ENCODED, each.record))
                    published += 1
                progress(published + len(problems), len(wanted))
    return CatalogueEmbedded(
        models=encoder.models,
        live=len(catalogue.live_keys()),
        wanted=len(wanted),
        published=published,
        problems=problems,
    )


def retire_models(settings: Settings, models: Collection[str]) -> int:
    """Take the rows of models out of the index wherever another one stands in; give of how many uploads."""
    codec, bootstrap, extra = codec_for(settings), bootstrap_of(settings), kafka_extra(settings)
    with LogReader(bootstrap, extra) as reader:
        confirm = FeatureConfirmer(feature_store(settings)).confirm
        catalogue = restored_arbiter(settings, reader, confirm).catalogue
    count = 0
    with Publisher(bootstrap, extra) as publisher:
        for each in retirements(Workspace(catalogue), models):
            _publish(publisher, each, codec.encode(ENCODED, each.record))
            count += 1
    return count


def _publish(publisher: Publisher, each: Reembedded, value: bytes) -> None:
    publisher.publish(ENCODED, key=each.state.key.text().encode(errors="replace"), value=value)
