"""Tests that an author inherits: subclass, give one fixture (and samples of the wire), and run pytest."""

from __future__ import annotations

from .dialect import DialectContract
from .provider import LocalProviderContract, ProviderContract
from .start import StartContract

__all__ = ("DialectContract", "LocalProviderContract", "ProviderContract", "StartContract")
