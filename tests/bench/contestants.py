"""Whoever is measured: where it is asked, and which processes are charged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from attrs import frozen

from .upstream import Upstream
from .workloads import Kind, Workload


@frozen
class Scene:
    """Where all of it happens. Cores are None when this machine has only one, or they cannot be chosen."""

    folder: Path
    upstream: Upstream
    gateway_core: int | None
    load_core: int | None


@frozen
class Address:
    """How a contestant is asked for a workload: ``headers`` come on top of the dialect's own."""

    port: int
    model: str
    headers: Mapping[str, str]
    path: str = ""
    """Instead of the dialect's usual path."""

    def path_for(self, workload: Workload) -> str:
        """The path to ask."""
        return self.path or workload.path


class Contestant(Protocol):
    """A gateway that runs. ``most_connections`` spares one that is too slow for the workload's own number."""

    name: str
    version: str
    pid: int
    most_connections: int

    @property
    def start_seconds(self) -> float | None:
        """From exec to listening; None for one that was running already."""

    def address(self, kind: Kind) -> Address | None:
        """Where it is asked so that this face of the upstream answers; None when it cannot be."""

    def stop(self) -> None:
        """End it, if it was started here."""
