"""The shipped order of plugins: the one place that knows it. A config's ``[gateway] plugins`` replaces it."""

from __future__ import annotations

from typing import Final

DEFAULT_ORDER: Final = (
    # Outermost first. On the way back the order is reversed: what stands first sees everything, and ends last.
    "request_id",  # everything after it, the refusals of the others too, can name the request
    "access_log",  # writes its line last, when all others are done, and for refused requests as well
    "metrics",  # counts what the access log tells, refused requests too
    "auth",  # before anything that spends money, fills a cache or tells a model's name
    "router",  # seeds the plan of targets; it has no hook before that, so its place says nothing about limits or caches
    # Everybody else's. Inside auth: limits, caches and guardrails (pre_request) know the caller and see no stranger. After the
    # router and before fallback: a balancer or a breaker (select_provider) finds a plan to order and prune, and what
    # it prunes fallback can make up for. Outside retry and key_rotation: on an error those two have tried first.
    "*",
    "fallback",  # appends to the plan; on an error it speaks after retry: the next target when no try is left
    "retry",  # on an error it speaks after key_rotation: waits and tries the same target again
    "key_rotation",  # innermost: picks the key of each attempt, and on an error is the first to try another one
)
