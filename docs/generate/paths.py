"""The paths that the standard set serves, out of the registered dialects and endpoints."""

from __future__ import annotations

from .installed import gateway
from .markdown import table


def table_of_paths() -> str:
    """One row a path."""
    registry = gateway().registry
    rows = [
        (f"`{route.method} {route.path}`", f"`{dialect.prefix}{route.path}`", f"`{dialect.name}`", route.operation)
        for dialect in registry.dialects.values()
        for route in dialect.routes
    ]
    rows += [(f"`{method} {path}`", "", "", "endpoint of a plugin") for method, path in registry.endpoints]
    return table(("path", "also at", "dialect", "operation"), rows)
