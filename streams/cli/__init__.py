"""The `samesong` command."""

from __future__ import annotations

import sys
import traceback

from streams.cli.app import app

__all__ = ["app", "main"]

CRASHED = REFUSED = 1
USAGE = 2


def main() -> None:
    """Run the command; what Samesong raises on purpose becomes a sentence and an exit status."""
    from encoders.errors import EncoderError
    from streams.core.visible import visible_layout
    from streams.errors import RecordError, ResolverError
    from streams.telemetry import mask_secrets

    try:
        app()
    except (ResolverError, EncoderError) as exc:
        # In chunks of plain text: a terminal's width must not break a path that is to be copied.
        sys.stderr.write(f"samesong: {visible_layout(mask_secrets(str(exc)))} [{exc.code}]\n")
        sys.exit(REFUSED if isinstance(exc, RecordError) else USAGE)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except Exception:
        # Nobody foresaw it: the whole trace, but for secrets and what would steer the terminal.
        sys.stderr.write(visible_layout(mask_secrets(traceback.format_exc())))
        sys.exit(CRASHED)
