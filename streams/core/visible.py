"""Text of strangers made safe to show: what would steer a terminal, or hide, is written out as an escape.

A title may hold an escape sequence that clears the screen, sets the window's name or makes the terminal type;
a line feed that fakes a second line of output; a mark that turns the reading direction, so that a name reads
as another.
"""

import re

# C0 and C1 controls with DEL, line and paragraph separator, marks that turn direction, lone surrogates.
_STEERING = "\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_ANY = re.compile(f"[{_STEERING}]")
_BUT_LAYOUT = re.compile(f"(?![\n\t])[{_STEERING}]")


def visible(text: str) -> str:
    """Write every steering character as a hexadecimal escape; the rest stays, in any script."""
    return _ANY.sub(_escape, text)


def visible_layout(text: str) -> str:
    """Do the same, but leave line feeds and tabs: for text whose layout is our own."""
    return _BUT_LAYOUT.sub(_escape, text)


def visible_json(text: str) -> str:
    """Do the same in a JSON document: such characters stand in its strings alone, and mean the same there."""
    return _BUT_LAYOUT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
