"""Names of those who perform: the form in which they are compared, and what two of them are to each other."""

from streams.core.names.comparing import SAME, compare_names
from streams.core.names.forms import NameForm, name_form

__all__ = ["SAME", "NameForm", "compare_names", "name_form"]
