"""Section "UTM markers": the addresses of the extension's links into the web application.

They are no pings: following one loads a page of the instance, and the page view that the web application then
logs has the marker in its `url` and source fields (facts, OTHERS A10).
"""

from __future__ import annotations

from simulator.scenario.sourcegraph import UtmPlace

#: Beside `utm_source`, in September 2022.
_LATER_CAMPAIGNS: dict[UtmPlace, str] = {
    "global_search": "global-search",
    "omnibox": "omnibox",
    "sign_in": "sign-in-button",
    "view_file": "view-on-sourcegraph",
    "view_diff": "open-diff-on-sourcegraph",
    "view_repo": "view-on-sourcegraph",
}


def markers(place: UtmPlace, platform: str, *, later: bool = False) -> str:
    """The marker parameters of a link.

    Args:
        place: where the extension shows the link.
        platform: what the extension calls itself.
        later: whether it is a client of September 2022.
    """
    if later:
        return f"utm_source={platform}&utm_campaign={_LATER_CAMPAIGNS[place]}"
    if place == "omnibox":
        return "utm_source=omnibox"
    campaign = "&utm_campaign=global-search" if place == "global_search" else ""
    return f"utm_source={platform}{campaign}"


def marked_link(place: UtmPlace, path: str, marker: str, *, query: str = "") -> str:
    """A link's path with its marker, parameters in the order in which the extension puts them.

    Args:
        place: where the extension shows the link.
        path: of the page, from the instance's root.
        marker: from `markers`.
        query: the page's own parameters.
    """
    if place in {"omnibox", "sign_in"}:
        return f"{path}?{query}&{marker}"
    return f"{path}?{marker}&{query}" if query else f"{path}?{marker}"
