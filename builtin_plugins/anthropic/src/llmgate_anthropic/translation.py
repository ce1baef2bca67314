"""What translates from and to the canonical form, in one place: a request that is passed through needs none of it."""

from __future__ import annotations

from llmgate_core.wirevalues import WireRequest

from .event_reader import MessagesReader
from .event_writer import MessagesWriter
from .read_request import read_request
from .read_response import read_response
from .write_request import Memo, write_request
from .write_response import write_model, write_models, write_response


class Translation:
    """The doors to the modules that do the work."""

    event_reader = MessagesReader
    event_writer = MessagesWriter
    read_request = staticmethod(read_request)
    read_response = staticmethod(read_response)
    write_model = staticmethod(write_model)
    write_models = staticmethod(write_models)
    write_request = staticmethod(write_request)
    write_response = staticmethod(write_response)

    @staticmethod
    def memo(wire: WireRequest) -> Memo:
        """A forwarded request has none: nothing in it was renamed."""
        return wire.memo if isinstance(wire.memo, Memo) else Memo.plain()
