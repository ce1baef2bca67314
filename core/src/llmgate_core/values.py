"""``@frozen`` for values that are made by the dozen for one request: a type checker holds them frozen, the interpreter does not.

attrs' own ``frozen`` sets each field with ``object.__setattr__``, a tenth of a microsecond apiece. This is the idiom that attrs'
manual gives where that is too much ("How does it work?", on immutability). ``attrs.evolve`` and cattrs take them as ever.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attrs import frozen as frozen  # noqa: PLC0414  # given on, under this name
else:
    from attrs import define

    frozen = partial(define, unsafe_hash=True)
