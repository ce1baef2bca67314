"""What translates from and to the canonical form, in one place: a request that is passed through needs none of it."""

from __future__ import annotations

from .event_reader import ChatEventReader
from .event_writer import ChatEventWriter
from .read_request import read_request
from .read_response import read_response
from .write_request import write_request
from .write_response import wants_functions, write_response


class Translation:
    """The doors to the modules that do the work."""

    event_reader = ChatEventReader
    event_writer = ChatEventWriter
    read_request = staticmethod(read_request)
    read_response = staticmethod(read_response)
    wants_functions = staticmethod(wants_functions)
    write_request = staticmethod(write_request)
    write_response = staticmethod(write_response)
