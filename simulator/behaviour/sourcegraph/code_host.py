"""Reading on a code host: files, hovers in bursts, jumps, actions, and links into the web application."""

from __future__ import annotations

from simulator.behaviour.sourcegraph.developer import Developer
from simulator.behaviour.sourcegraph.reading_habits import ERROR, LINK, PALETTE, TOOLBAR, ReadingHabits
from simulator.behaviour.sourcegraph.web_app import read_pages
from simulator.client.sourcegraph_extension import ExtensionSender
from simulator.client.sourcegraph_web import WebSender
from simulator.population.code import CodeFile, Repository
from simulator.population.script_errors import SCRIPT_ERRORS
from simulator.scenario.sourcegraph import UtmPlace

#: Where the omnibox keyword exists.
_OMNIBOX_PLATFORMS = frozenset({"chrome-extension", "firefox-extension"})
#: How likely somebody stays in the web application after each page that a link led to. Assumption.
_STAYS = 0.5
#: Who follows a link looks at its page for a while, even at the end of a session.
_SHORTEST_DETOUR_MS = 30_000


def read_on_code_host(
    developer: Developer, habits: ReadingHabits, extension: ExtensionSender, *, now_ms: int, ends_ms: int
) -> int:
    """One reading session, file after file.

    All of it is told at once, with the times at which it will be: nothing else can come between, so the simulated
    clock stops once for the whole session.

    Args:
        developer: who.
        habits: what developers do.
        extension: watches the pages.
        now_ms: when the session begins, in milliseconds since the Unix epoch.
        ends_ms: when it is over.

    Returns:
        When the developer is free again, in milliseconds since the Unix epoch.
    """
    repository = developer.repository()
    while now_ms < ends_ms:
        stretch = developer.files.read(ends_ms - now_ms)
        extension.read_files(now_ms + stretch.from_ms, stretch.moments_ms, stretch.facts)
        now_ms += stretch.lasts_ms
        if stretch.tools:
            now_ms = _use_tools(
                developer,
                habits,
                extension,
                repository=repository,
                tools=stretch.tools,
                now_ms=now_ms,
                ends_ms=ends_ms,
            )
    return now_ms


def _use_tools(
    developer: Developer,
    habits: ReadingHabits,
    extension: ExtensionSender,
    *,
    repository: Repository,
    tools: int,
    now_ms: int,
    ends_ms: int,
) -> int:
    """What is done around a file: palette, toolbar, a link to Sourcegraph, and what breaks meanwhile.

    Returns:
        When it is done, in milliseconds since the Unix epoch.
    """
    uniform = developer.random.uniform
    file = developer.file(repository)
    for tool, action in ((PALETTE, habits.palette_action), (TOOLBAR, habits.toolbar_action)):
        if tools & tool:
            now_ms += habits.until_click(uniform())
            extension.action(now_ms, action(uniform()))
    if tools & ERROR:
        error = SCRIPT_ERRORS[int(uniform() * len(SCRIPT_ERRORS))]
        extension.error(now_ms, error, page_url=file.host_url)
    if tools & LINK:
        place = habits.link(uniform())
        web = developer.web
        if web is not None and _is_shown(developer, place):
            now_ms += habits.until_loaded(uniform())
            _follow(developer, extension, web, place, repository=repository, file=file, now_ms=now_ms)
            ends_ms = max(ends_ms, now_ms + _SHORTEST_DETOUR_MS)
            now_ms = read_pages(
                developer, habits, web, repository=repository, now_ms=now_ms, ends_ms=ends_ms, stays=_STAYS
            )
    return now_ms


def _is_shown(developer: Developer, place: UtmPlace) -> bool:
    """Whether the extension has a link at a place, for this platform, code host and instance."""
    profile = developer.profile
    if place == "omnibox":
        return profile.platform in _OMNIBOX_PLATFORMS
    if place == "global_search":
        return profile.code_host == "github"
    return place != "sign_in" or not profile.using_dot_com


def _follow(
    developer: Developer,
    extension: ExtensionSender,
    web: WebSender,
    place: UtmPlace,
    *,
    repository: Repository,
    file: CodeFile,
    now_ms: int,
) -> None:
    """Follow a link into the web application: the page it leads to is loaded."""
    uniform = developer.random.uniform
    query = ""
    if place in {"global_search", "omnibox"}:
        path, title = "/search", "SearchResults"
        query = repository.search_queries[int(uniform() * len(repository.search_queries))]
    elif place == "sign_in":
        path, title, query = "/sign-in", "SignIn", "close=true"
    elif place == "view_diff":
        path, title, query = repository.compare_path, "RepositoryCompare", repository.compare_query
    elif place == "view_repo":
        path, title = repository.tree_path, "Repository"
    else:
        path, title = file.blob_path, "Blob"
    web.load_page(
        now_ms,
        f"{path}?{query}" if query else path,
        title,
        link=extension.link(place, path, query=query),
        referrer="" if place == "omnibox" else file.host_url,
    )
