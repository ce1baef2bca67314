"""Which errors may pass by themselves. Judged by status and class, never by an error's text."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from llmgate_core.errors import GatewayError
from llmgate_core.upstream_errors import (
    NoKeyAvailable,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamRedirect,
    UpstreamRejected,
    UpstreamTlsError,
)

from .config import RetryConfig

# A bad certificate or a redirect stays what it is; a full pool has made the request wait already.
_STAY: Final = (UpstreamTlsError, UpstreamRedirect, UpstreamOverloaded)


@frozen
class Rules:
    """The statuses that may pass; the rest is the same for everyone."""

    statuses: frozenset[int]

    @classmethod
    def of(cls, config: RetryConfig) -> Rules:
        """From the config."""
        return cls(config.written_out())

    def may_pass(self, error: Exception, *, others: bool) -> bool:
        """Whether the same target might answer next time. ``others``: targets are left to go on to instead."""
        if not isinstance(error, GatewayError) or error.should_retry is False:
            return False
        if isinstance(error, UpstreamRejected):
            # money that ran out comes as a 429 as well, and does not come back in seconds
            return error.upstream_status in self.statuses and error.kind != "quota"
        if isinstance(error, NoKeyAvailable):
            return error.retry_after is not None
        if not isinstance(error, UpstreamError) or isinstance(error, _STAY):
            return False
        # What has timed out once has cost its whole time: with others left, they are asked.
        return not (others and error.kind == "timeout")
