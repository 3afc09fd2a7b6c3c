"""The audit stage: every hop is checked again and again."""

import logging
import os
from collections import Counter

from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.edges.committed_log import CommittedLog
from streams.errors import TransientError
from streams.stages.audit import Audit
from streams.steps import Step
from streams.wiring.stage_process import StageProcess

AUDIT_NICENESS = 19
AUDIT_EVERY_S = 60.0

log = logging.getLogger(__name__)


def auditor(settings: Settings) -> Audit:
    """Give what checks every hop, from look to look at what is new."""
    return Audit(CommittedLog(bootstrap_of(settings), kafka_extra(settings)), codec_for(settings))


def run_audit(process: StageProcess) -> None:
    """Check every hop again and again."""
    # No upload waits for it: what the others need of the processor they get first.
    os.nice(AUDIT_NICENESS)
    intake, auditing = process.intake("audit"), auditor(process.settings)
    while process.await_open(intake):
        try:
            with process.guard(Step.look):
                report = auditing.look()
        except TransientError as exc:
            log.warning("no look this time: %s", exc)
            process.metrics.add("samesong.errors", code=exc.code)
            process.stop.wait(AUDIT_EVERY_S)
            continue
        found = Counter(mismatch.hop for mismatch in report.mismatches)
        for hop in report.checked:
            process.metrics.set("samesong.audit.mismatches", found[hop], check=hop)
        for mismatch in report.mismatches:
            log.error("audit: %s", mismatch)
        process.stop.wait(AUDIT_EVERY_S)
