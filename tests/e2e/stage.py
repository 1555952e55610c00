"""A board as it looks on a working day: cards in every column, Claude Code at work on some.

The model plays by the card's title, so that descriptions stay what a person would write.
"""

from __future__ import annotations

from typing import Any, Final

from acceptance.house import House
from fakes.model_scenarios import SCENARIOS, by_round
from fakes.model_turns import Seen, Turn, bash, call, text

REPO: Final = "storefront"
GATE: Final = "still thinking"
REVIEWED: Final = "Merge the guest cart on sign-in"

CART: Final = '''"""The shopping cart."""

from dataclasses import dataclass, field


@dataclass
class Cart:
    """What somebody is about to buy: amounts by article."""

    owner: str | None = None
    items: dict[str, int] = field(default_factory=dict)

    def add(self, article: str, amount: int = 1) -> None:
        self.items[article] = self.items.get(article, 0) + amount


def sign_in(cart: Cart, owner: str) -> Cart:
    cart.items.clear()
    return Cart(owner)
'''
TEST: Final = """import unittest

from storefront.cart import Cart


class CartTest(unittest.TestCase):
    def test_adding_twice_adds_up(self) -> None:
        cart = Cart()
        cart.add("tea")
        cart.add("tea", 2)
        self.assertEqual(cart.items, {"tea": 3})
"""
FILES: Final = {
    ".gitignore": "__pycache__/\n",
    "README.md": "# Storefront\n\nA small shop.\n",
    "storefront/__init__.py": "",
    "storefront/cart.py": CART,
    "storefront/search.py": "def search(words: str) -> list[str]:\n    return []\n",
    "tests/test_cart.py": TEST,
}
MERGED: Final = '''def sign_in(cart: Cart, owner: str, saved: Cart | None = None) -> Cart:
    """The owner's cart with what was in the guest's; amounts of the same article add up."""
    mine = Cart(owner, dict(saved.items) if saved else {})
    for article, amount in cart.items.items():
        mine.add(article, amount)
    cart.items.clear()
    return mine
'''
NEW_TEST: Final = """
    def test_signing_in_keeps_the_guests_cart(self) -> None:
        guest = Cart(items={"tea": 1, "cup": 2})
        mine = sign_in(guest, "ada", saved=Cart("ada", {"tea": 3}))
        self.assertEqual(mine.items, {"tea": 4, "cup": 2})
        self.assertEqual(guest.items, {})
"""


def merge_cart(seen: Seen) -> list[Turn]:
    """Reads, edits twice, runs the tests, commits."""
    cart, test = f"{seen.directory}/storefront/cart.py", f"{seen.directory}/tests/test_cart.py"
    return [
        Turn([text("I'll see how carts and signing in work today."), bash("ls storefront tests")]),
        Turn([call("Read", file_path=cart), call("Read", file_path=test)]),
        Turn(
            [
                text(
                    "`sign_in` empties the guest's cart, so whatever a guest has put into it is "
                    "lost. I'll add the guest's amounts to the owner's saved cart instead."
                ),
                call(
                    "Edit",
                    file_path=cart,
                    old_string="def sign_in" + CART.split("def sign_in")[1],
                    new_string=MERGED,
                ),
            ]
        ),
        Turn(
            [
                call(
                    "Write",
                    file_path=test,
                    content=TEST.replace("import Cart", "import Cart, sign_in") + NEW_TEST,
                )
            ]
        ),
        Turn([bash("python3 -m unittest tests.test_cart")]),
        Turn([bash("git add -A && git commit -qm 'Merge the guest cart on sign-in'")]),
        Turn(
            [
                text(
                    "Signing in now keeps what a guest has chosen:\n\n"
                    "- amounts of the same article add up,\n"
                    "- the guest's cart is empty afterwards,\n"
                    "- a test covers both."
                )
            ]
        ),
    ]


def think_long(seen: Seen) -> list[Turn]:
    """Is still at it when the picture is taken."""
    path = f"{seen.directory}/storefront/search.py"
    return [
        Turn([call("Read", file_path=path)]),
        Turn([text("Now the index."), bash("grep -rn 'def search' storefront")]),
        Turn([text("I compare trigrams, which forgives one typo."), bash("true")], gate=GATE),
        Turn([text("That is all.")]),
    ]


def play(seen: Seen) -> list[Turn]:
    """What the card's title asks for."""
    return merge_cart(seen) if seen.card[1] == REVIEWED else think_long(seen)


def set_stage(house: House) -> dict[str, str]:
    """Fill the board and wait until every card is where it belongs; card ids by title."""
    SCENARIOS["stage"] = by_round(play)
    house.repository(REPO, commits=240, files=FILES)
    board, cards = house.board, dict[str, str]()

    def script(title: str, command: str, **fields: Any) -> None:
        cards[title] = house.script(REPO, title, command, **fields)
        board.command(cards[title], "start")

    def claude(title: str, what: str, **fields: Any) -> None:
        cards[title] = board.add(REPO, title, agent="claude", description=what, **fields)
        board.command(cards[title], "start")

    for title, file in (
        ("Remove the unused session store", "sessions.txt"),
        ("Upgrade to Vite 8", "vite.txt"),
        ("Retry payment webhooks with backoff", "backoff.txt"),
    ):
        script(title, f"seq 3 > {file}")
        board.wait_for(cards[title], "in_review")
        board.approve(cards[title])
    failing = "Generate the OpenAPI client"
    script(failing, "echo 'npm ci: the lock file is out of date' >&2; exit 1", labels=["api"])
    board.wait_for(cards[failing], "failed")
    script("Dark mode for the account pages", "seq 120 > dark.css", labels=["ui"])
    claude(
        REVIEWED,
        "A guest who signs in loses the cart.\n\nKeep it: amounts of the same article add up.",
        labels=["cart"],
        priority=3,
    )
    for title in ("Dark mode for the account pages", REVIEWED):
        board.wait_for(cards[title], "in_review")
    for title, label in (
        ("Typo-tolerant product search", "search"),
        ("Index orders by customer and date", "api"),
        ("Rate-limit the login endpoint", "security"),
    ):
        claude(title, "Please.", labels=[label])
    house.model.wait_for(lambda: house.model.waiting_at(GATE) == 2)
    for title, label in (
        ("Document the webhook retry policy", "docs"),
        ("Replace moment with Temporal in the invoice module", "cleanup"),
        ("Paginate GET /orders by cursor, keep the old parameters for one release", "api"),
        ("Show the shipping estimate before sign-in", "checkout"),
    ):
        cards[title] = board.add(REPO, title, labels=[label])
    return cards
