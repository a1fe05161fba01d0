"""What several tests of the endpoint need: ids, a route with a small schema, the ledger over HTTP."""

import json
from pathlib import Path

import httpx

ROUTE = "shop/click/1"
GOOD = {"who": "a", "clicks": 3}


def uid(number: int) -> str:
    """A UUID that says which one it is."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def click(number: int) -> str:
    """The path of a ping with its own id."""
    return f"/submit/{ROUTE}/{uid(number)}"


def ledger(client: httpx.Client) -> dict:
    return client.get("/ledger").raise_for_status().json()


def entries(client: httpx.Client) -> list[dict]:
    """The whole ledger, page by page."""
    found: list[dict] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = client.get("/ledger/entries", params={"after": after, "limit": 1000}).raise_for_status()
        lines = page.text.splitlines()
        if not lines:
            return found
        found += [json.loads(line) for line in lines]


def damage(store: Path) -> bytes:
    """Overwrite the second page of a store; returns what the file then holds."""
    content = bytearray(store.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    content[page : 2 * page] = b"\xa5" * page
    store.write_bytes(content)
    return bytes(content)
