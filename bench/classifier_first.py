"""What an installation's own labels bring before any training, from the first one on.

A house has a model, mail that is labelled, and mail that comes afterwards. What is labelled counts
as it does in force (`inbox/flow/learning/models.py`): a little step each, and remembered mail by
mail. Every gain is paired with the same model on the same mail without own labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import mean, stdev

import numpy as np
import numpy.typing as npt

from bench.classifier_accuracy import read
from bench.classifier_cost import TRAINING
from classifiers import artifact
from classifiers.dataset import Example
from classifiers.evaluate import Evaluation, evaluate
from classifiers.fit import fit
from classifiers.grouping import assign_folds, group_examples
from classifiers.memory import remembering
from classifiers.model import Model
from classifiers.nearest import NearestIndex, Past
from classifiers.online import corrected_by
from classifiers.shipped import SHIPPED_OPTIONS, read_shipped

PER_LABEL = (1, 5, 10, 20, 50)
TEAMS = ("compliance", "implementation", "success", "support")
JUDGED = 400
"""Later mails at most by which a house is judged."""
MORE = 2
LIKE_A_LABELLED_ONE = 0.5
"""Cosine of known words from which a later mail counts as one of a kind that was labelled."""
_QUICK = replace(SHIPPED_OPTIONS, costs=(0.3,))
_Mail = list[Example]


@dataclass(frozen=True, slots=True)
class House:
    """One installation."""

    model: Model
    earlier: _Mail
    later: _Mail

    def short(self, seed: int = 0) -> House:
        """Judged by at most `JUDGED` mails."""
        return replace(self, later=_some(self.later, JUDGED, seed))


def _some(mails: Sequence[Example], count: int, seed: int) -> _Mail:
    order = np.random.default_rng(seed).permutation(len(mails)).tolist()
    return [mails[at] for at in order[:count]]


@lru_cache
def _own() -> tuple[Example, ...]:
    return tuple(read_shipped(TRAINING))


@lru_cache
def _without(industries: frozenset[str]) -> Model:
    return fit([one for one in _own() if one.industry not in industries], _QUICK)


def _offices(split: Callable[[_Mail, int], npt.NDArray[np.int64]]) -> Iterator[House]:
    """Three industries are shipped, two are the house's own mail, half of it comes later."""
    names = sorted({one.industry for one in _own()})
    for seed, name in enumerate(names):
        mine = frozenset({name, names[(seed + 1) % len(names)]})
        own = [one for one in _own() if one.industry in mine]
        half = split(own, seed)
        parts = [[own[at] for at in np.flatnonzero(half == side).tolist()] for side in (0, 1)]
        yield House(_without(mine), *parts)


def strangers() -> Iterator[House]:
    """Like the shipped mail; no company and no kind of mail comes again."""
    yield from _offices(
        lambda own, seed: assign_folds(group_examples(own), [e.label for e in own], 2, seed=seed)
    )


def customers() -> Iterator[House]:
    """Like the shipped mail; companies write again."""
    yield from _offices(
        lambda own, seed: np.random.default_rng(seed).permutation(len(own)).astype(np.int64) % 2
    )


BANK = {
    "support": """
        card_not_working declined_card_payment declined_cash_withdrawal declined_transfer
        failed_transfer pending_card_payment pending_cash_withdrawal pending_top_up pending_transfer
        balance_not_updated_after_bank_transfer balance_not_updated_after_cheque_or_cash_deposit
        top_up_failed top_up_reverted reverted_card_payment? contactless_not_working
        virtual_card_not_working card_swallowed passcode_forgotten pin_blocked
        transfer_not_received_by_recipient Refund_not_showing_up wrong_amount_of_cash_received
        wrong_exchange_rate_for_cash_withdrawal card_payment_wrong_exchange_rate
        transaction_charged_twice cash_withdrawal_not_recognised card_payment_not_recognised
        direct_debit_payment_not_recognised lost_or_stolen_card lost_or_stolen_phone
        compromised_card extra_charge_on_statement""",
    "compliance": """
        age_limit verify_my_identity unable_to_verify_identity why_verify_identity
        verify_source_of_funds verify_top_up country_support beneficiary_not_allowed
        edit_personal_details""",
    "implementation": """
        activate_my_card card_linking card_arrival card_delivery_estimate order_physical_card
        get_physical_card get_disposable_virtual_card getting_spare_card getting_virtual_card
        apple_pay_or_google_pay automatic_top_up topping_up_by_card transfer_into_account
        receiving_money top_up_by_cash_or_cheque change_pin transfer_timing""",
    "success": """
        atm_support card_about_to_expire card_acceptance card_payment_fee_charged
        cash_withdrawal_charge disposable_card_limits exchange_charge exchange_rate exchange_via_app
        fiat_currency_support request_refund supported_cards_and_currencies terminate_account
        top_up_by_bank_transfer_charge top_up_by_card_charge top_up_limits transfer_fee_charged
        visa_or_mastercard cancel_transfer""",
}
"""Which team's work each intent of banking77 is, by what its name says."""
QUEUES = {
    "support": "hardware access storage",
    "implementation": "administrative_rights internal_project",
    "compliance": "purchase",
    "success": "hr_support",
}
"""The same for the queues of it_tickets8; "miscellaneous" has no team."""


@dataclass(frozen=True, slots=True)
class World:
    """A public set as mail to teams: `shipped` of its mails are what a model comes with."""

    name: str
    teams: dict[str, str]
    shipped: int
    moved: int
    """Kinds of mail that a house with borders of its own gives to another team."""

    def part(self, name: str, teams: dict[str, str] | None = None) -> _Mail:
        """The train or test part, in an order of its own, with teams as labels."""
        given = self.teams if teams is None else teams
        found = [
            replace(one, label=given[kind])
            for one in read(f"{self.name}/{name}.jsonl")
            if (kind := _kind(one.label)) in given
        ]
        return _some(found, len(found), 1)

    def house(self, model: Model, teams: dict[str, str] | None = None) -> House:
        """Its mail after the shipped part, judged by the test part."""
        earlier = self.part("train", teams)[self.shipped :][:2500]
        return House(model, earlier, self.part("test", teams))

    def borders(self, seed: int) -> dict[str, str]:
        """Some kinds of mail dealt out to another team."""
        rng = np.random.default_rng(10 + seed)
        found = dict(self.teams)
        for kind in rng.choice(sorted(found), self.moved, replace=False).tolist():
            others = sorted({*self.teams.values()} - {found[kind]})
            found[kind] = others[int(rng.integers(len(others)))]
        return found


def _kind(label: str) -> str:
    return label.casefold().replace(" ", "_")


def _dealt(teams: dict[str, str]) -> dict[str, str]:
    return {_kind(kind): team for team, kinds in teams.items() for kind in kinds.split()}


@lru_cache
def worlds() -> tuple[World, ...]:
    """banking77, it_tickets8, and clinc150, whose intents are dealt out to the teams at random.

    Settings were chosen on houses of the first two; clinc150 was not looked at before.
    """
    intents = sorted({_kind(one.label) for one in read("clinc150/train.jsonl")})
    chosen = np.random.default_rng(0).integers(len(TEAMS), size=len(intents)).tolist()
    dealt = {kind: TEAMS[at] for kind, at in zip(intents, chosen, strict=True)}
    return (
        World("banking77", _dealt(BANK), 1435, 8),
        World("it_tickets8", _dealt(QUEUES), 1200, 1),
        World("clinc150", dealt, 1435, 15),
    )


@lru_cache
def _shipped_with(world: int) -> Model:
    chosen = worlds()[world]
    return fit(chosen.part("train")[: chosen.shipped], _QUICK)


def like(world: int) -> Iterator[House]:
    """A model of the same set, with the same borders."""
    yield worlds()[world].house(_shipped_with(world))


def borders(world: int) -> Iterator[House]:
    """A model of the same set, but some kinds of mail go to another team here."""
    for seed in range(3):
        chosen = worlds()[world]
        yield chosen.house(_shipped_with(world), chosen.borders(seed))


def unlike(world: int) -> Iterator[House]:
    """The model that comes with Aboard, in a house unlike it in words and in borders."""
    model = artifact.load(TRAINING.parent / "models" / f"shipped{artifact.SUFFIX}")
    yield worlds()[world].house(model)


HOUSES: dict[str, Callable[[], Iterator[House]]] = {
    "own industries, like, nothing comes again": strangers,
    "own industries, like, companies write again": customers,
    "banking77, like": lambda: like(0),
    "it_tickets8, like": lambda: like(1),
    "clinc150, like": lambda: like(2),
    "banking77, own borders": lambda: borders(0),
    "it_tickets8, own borders": lambda: borders(1),
    "clinc150, own borders": lambda: borders(2),
    "banking77, unlike": lambda: unlike(0),
    "it_tickets8, unlike": lambda: unlike(1),
}


def in_force(model: Model, labelled: Sequence[Example]) -> Model:
    """The model with own labels on top, as it answers in an installation before it is trained."""
    said = [(one.mail, one.label) for one in labelled]
    return remembering(corrected_by(model, said), said)


def _drawn(mails: Sequence[Example], count: int, seed: int) -> _Mail:
    """The first `count` of each label, in an order of its own."""
    taken: dict[str, int] = {}
    found = []
    for one in _some(mails, len(mails), seed):
        if taken.get(one.label, 0) < count:
            taken[one.label] = taken.get(one.label, 0) + 1
            found.append(one)
    return found


def _covered(found: Evaluation, least: float = 0.95) -> float:
    """The largest share of the mail, surest first, of which at least `least` is right."""
    ranked = sorted(found.outcomes, key=lambda outcome: -outcome.strength)
    right = np.cumsum([outcome.right for outcome in ranked])
    kept = np.flatnonzero(right >= least * np.arange(1, len(ranked) + 1))
    return float(kept[-1] + 1) / len(ranked) if len(kept) else 0.0


def _repeated(house: House, labelled: Sequence[Example]) -> list[int]:
    past = [Past(str(at), one.mail, one.label) for at, one in enumerate(labelled)]
    index = NearestIndex(house.model, past)
    nearest = [index.nearest(one.mail, count=1) for one in house.later]
    return [
        at for at, found in enumerate(nearest) if found and found[0].likeness >= LIKE_A_LABELLED_ONE
    ]


@dataclass(frozen=True, slots=True)
class _Gain:
    accuracy: float
    routed: float
    right_before: float
    right: float
    covered: float
    kind_before: int
    kind_right: int
    kind: int


def _gain(house: House, cold: Evaluation, labelled: Sequence[Example]) -> _Gain:
    found = evaluate(in_force(house.model, labelled), house.later)
    again = _repeated(house, labelled)
    return _Gain(
        accuracy=100 * (found.accuracy - cold.accuracy),
        routed=100 * (found.routed - cold.routed),
        right_before=100 * (cold.accuracy_when_routed or 0.0),
        right=100 * (found.accuracy_when_routed or 0.0),
        covered=100 * (_covered(found) - _covered(cold)),
        kind_before=sum(cold.outcomes[at].right for at in again),
        kind_right=sum(found.outcomes[at].right for at in again),
        kind=len(again),
    )


HEAD = (
    "| house | labels of | per team | accuracy | answerable at 95 % | routed | right of routed "
    "| of a labelled kind |\n|" + "---|" * 8
)


def first(draws: int = 5) -> str:
    """Every house with labels of any mail, and with labels of what its model got wrong.

    `draws` of own labels from each; a kind of house that there are several of shares them out. In a
    house like the shipped mail gains are small, so there it is `MORE` times as many.
    """
    return "\n".join([HEAD, *(line for name in HOUSES for line in rows(name, draws))])


def rows(name: str, draws: int) -> Iterator[str]:
    """The rows of one kind of house."""
    houses = [house.short() for house in HOUSES[name]()]
    cold = [evaluate(house.model, house.later) for house in houses]
    often = draws * (MORE if "like" in name.split(", ") else 1)
    for what in ("any mail", "mistakes"):
        pools = [_pool(house, what) for house in houses]
        yield f"| {name} | {what} | 0 | {_cold(cold)} | |"
        for count in PER_LABEL:
            gains = [
                _gain(house, before, _drawn(pool, count, seed))
                for house, before, pool in zip(houses, cold, pools, strict=True)
                for seed in range(max(1, often // len(houses)))
            ]
            yield f"| | | {count} | {_line(gains)} |"


def _cold(cold: Sequence[Evaluation]) -> str:
    shares = (
        [one.accuracy for one in cold],
        [_covered(one) for one in cold],
        [one.routed for one in cold],
        [one.accuracy_when_routed or 0.0 for one in cold],
    )
    return " | ".join(f"{100 * mean(share):.1f}" for share in shares)


def _pool(house: House, what: str) -> _Mail:
    if what == "any mail":
        return house.earlier
    found = house.earlier[:1000]
    said = evaluate(house.model, found).outcomes
    return [one for one, outcome in zip(found, said, strict=True) if not outcome.right]


def _line(gains: Sequence[_Gain]) -> str:
    kind = sum(one.kind for one in gains)
    again = "-"
    if kind:
        before, now = (sum(getattr(g, n) for g in gains) for n in ("kind_before", "kind_right"))
        again = (
            f"{100 * before / kind:.0f} → {100 * now / kind:.0f} ({kind / len(gains):.0f} mails)"
        )
    right = f"{mean(g.right for g in gains) - mean(g.right_before for g in gains):+.1f}"
    shown = [_spread([getattr(g, name) for g in gains]) for name in ("accuracy", "covered")]
    return " | ".join([*shown, f"{mean(g.routed for g in gains):+.1f}", right, again])


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):+.2f} ± {stdev(values) / len(values) ** 0.5:.2f}"
