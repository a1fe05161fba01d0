"""Reading on a code host: files, hovers in bursts, jumps, actions, and links into the web application."""

from __future__ import annotations

from simulator.behaviour.sourcegraph.developer import Developer, Process
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
    developer: Developer, habits: ReadingHabits, extension: ExtensionSender, ends_ms: int
) -> Process:
    """One reading session, file after file.

    Args:
        developer: who.
        habits: what developers do.
        extension: watches the pages.
        ends_ms: when the session is over.
    """
    env = developer.env
    repository = developer.repository()
    now = int(env.now)
    while now < ends_ms:
        stretch = developer.files.read(ends_ms - now)
        extension.read_files(now + stretch.from_ms, stretch.moments_ms, stretch.facts)
        yield env.timeout(stretch.lasts_ms)
        now += stretch.lasts_ms
        if stretch.tools:
            yield from _use_tools(
                developer, habits, extension, repository=repository, tools=stretch.tools, ends_ms=ends_ms
            )
            now = int(env.now)


def _use_tools(
    developer: Developer,
    habits: ReadingHabits,
    extension: ExtensionSender,
    *,
    repository: Repository,
    tools: int,
    ends_ms: int,
) -> Process:
    """What is done around a file: palette, toolbar, a link to Sourcegraph, and what breaks meanwhile."""
    env, uniform = developer.env, developer.random.uniform
    file = developer.file(repository)
    for tool, action in ((PALETTE, habits.palette_action), (TOOLBAR, habits.toolbar_action)):
        if tools & tool:
            yield env.timeout(habits.until_click(uniform()))
            extension.action(int(env.now), action(uniform()))
    if tools & ERROR:
        error = SCRIPT_ERRORS[int(uniform() * len(SCRIPT_ERRORS))]
        extension.error(int(env.now), error, page_url=file.host_url)
    if tools & LINK:
        place = habits.link(uniform())
        web = developer.web
        if web is not None and _is_shown(developer, place):
            yield env.timeout(habits.until_loaded(uniform()))
            _follow(developer, extension, web, place, repository=repository, file=file)
            ends_ms = max(ends_ms, int(env.now) + _SHORTEST_DETOUR_MS)
            yield from read_pages(
                developer, habits, web, repository=repository, ends_ms=ends_ms, stays=_STAYS
            )


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
        int(developer.env.now),
        f"{path}?{query}" if query else path,
        title,
        link=extension.link(place, path, query=query),
        referrer="" if place == "omnibox" else file.host_url,
    )
