"""A large collection in parts, each for one broker: groups of instruments, and single expiries."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.market.collection_plan import SeriesPlan


def divide(
    params: CollectionParams, plans: Sequence[SeriesPlan], *, most: int
) -> list[CollectionParams]:
    """`params` in parts of about `most` requests, those that miss nothing left out.

    One part, `params` itself, where no more is to be asked of one broker. No request would be
    saved by asking for two parts at once: no window belongs to two instruments.
    """
    brokers = {plan.wanted.broker for plan in plans if plan.windows}
    if len(brokers) < 2 and sum(len(plan.windows) for plan in plans) <= most:  # noqa: PLR2004
        return [params]
    named = [plan for plan in plans if plan.windows and plan.wanted.days is None]
    of_chain = [plan for plan in plans if plan.windows and plan.wanted.days is not None]
    return [*_groups(params, named, most), *_expiries(params, of_chain)]


def _groups(
    params: CollectionParams, plans: Sequence[SeriesPlan], most: int
) -> Iterator[CollectionParams]:
    group: list[SeriesPlan] = []
    for plan in plans:
        if group and _requests([*group, plan]) > most:
            yield _group(params, group)
            group = []
        group.append(plan)
    if group:
        yield _group(params, group)


def _group(params: CollectionParams, plans: Sequence[SeriesPlan]) -> CollectionParams:
    names = tuple(str(plan.wanted.instrument.ref) for plan in plans)
    return replace(params, instruments=names, chain=None, planned=_requests(plans))


def _expiries(params: CollectionParams, plans: Sequence[SeriesPlan]) -> Iterator[CollectionParams]:
    """A chain of one expiry for the days that chose it, which chooses the same contracts again."""
    together: dict[tuple[Service, date | None], list[SeriesPlan]] = defaultdict(list)
    for plan in plans:
        together[plan.wanted.broker, plan.wanted.instrument.expiry].append(plan)
    for (broker, expiry), group in together.items():
        days = [day for plan in group for day in plan.wanted.days or ()]
        if params.chain is not None and expiry is not None:
            yield replace(
                params,
                broker=broker,
                instruments=(),
                chain=replace(params.chain, expiries=(expiry,)),
                start=min(days),
                end=max(days),
                planned=_requests(group),
            )


def _requests(plans: Sequence[SeriesPlan]) -> int:
    return sum(len(plan.windows) for plan in plans)
