"""What the webhooks of all platforms have in common: their JSON read safely, and the changes of their subscriptions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .base import UnreadableWebhook
from .fields import Json

_MAX_NESTING = 32


@dataclass
class SubscriptionPlan:
    """The webhooks to delete, the events for which to create one, and the code of the problem."""

    problem: str = ""
    delete: list[Any] = field(default_factory=list)
    create: list[str] = field(default_factory=list)


def plan_subscriptions(
    present: Sequence[Json],
    url: str,
    events: tuple[str, ...],
    recreate: bool,
    is_paused: Callable[[Json], bool],
) -> SubscriptionPlan:
    """Return the changes after which exactly one active webhook of each event points to `url`.

    A paused one is created again, as no platform says how to resume it. A webhook is foreign when it points to us but
    not to this store: its calls are refused, which pauses it. Webhooks of other apps are left alone.
    """
    plan, our_prefix = SubscriptionPlan(), url.rpartition("/")[0] + "/"
    present = [hook for hook in present if hook.get("id") is not None]
    for hook in present:
        target = str(hook.get("url"))
        if target.startswith(our_prefix) and (target != url or hook.get("event") not in events):
            plan.delete.append(hook["id"])
            plan.problem = plan.problem if target == url else "foreign"
    for event in events:
        same = [hook for hook in present if hook.get("url") == url and hook.get("event") == event]
        active = [hook for hook in same if not is_paused(hook)]
        kept = [] if recreate else active[:1]
        plan.delete += [hook["id"] for hook in same if hook not in kept]
        if not kept:
            plan.create.append(event)
        if len(active) < len(same):
            plan.problem = "paused"
        elif not same:
            plan.problem = plan.problem or "missing"
        elif len(same) > 1:
            plan.problem = plan.problem or "doubled"
    return plan


def read_json_object(body: bytes, root: str) -> Json:
    """Return the object of a webhook's body, without its wrapper. Raises UnreadableWebhook with a short reason."""
    if _nesting_depth(body) > _MAX_NESTING:
        raise UnreadableWebhook("nested-too-deep")
    try:
        content = json.loads(body.decode("utf-8"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise UnreadableWebhook("not-json") from error
    inner = content.get(root, content) if isinstance(content, dict) else None
    if not isinstance(inner, dict):
        raise UnreadableWebhook(f"not-an-{root}" if root == "order" else f"not-a-{root}")
    return inner


def _nesting_depth(body: bytes) -> int:
    """Return how deep brackets nest, without parsing; brackets inside strings only make it stricter."""
    deepest = depth = 0
    for byte in body:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > 4096:
                break
        elif byte in b"]}":
            depth -= 1
    return deepest
