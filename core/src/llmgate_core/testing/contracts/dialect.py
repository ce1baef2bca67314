"""What every dialect must hold to. Subclass it in your tests, give the fixture ``dialect`` and samples of the wire::

class TestMyDialect(DialectContract):
    request_bodies = ({"model": "m", "messages": [...]},)
    response_bodies = ({...},)
    stream_bodies = (b"data: ...",)
    error_bodies = ((429, {"error": {...}}),)

    @pytest.fixture
    def dialect(self) -> Dialect:
        return MyDialect()
"""

from __future__ import annotations

from .answers import AnswerContract
from .any_chat import AnyChatContract
from .losses import LossContract
from .requests import RequestContract
from .streams import StreamContract


class DialectContract(RequestContract, AnswerContract, StreamContract, LossContract, AnyChatContract):
    """All parts. See each for what may be set."""
