"""Prometheus metrics at /metrics."""


class MetricsPlugin:
    """Prometheus metrics at /metrics."""
