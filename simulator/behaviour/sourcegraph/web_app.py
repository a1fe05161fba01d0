"""Reading in the web application: pages, actions on them, jumps from one page to the next."""

from __future__ import annotations

from math import trunc

from simulator.behaviour.sourcegraph.developer import Developer
from simulator.behaviour.sourcegraph.reading_habits import SCALE, ReadingHabits
from simulator.client.sourcegraph_web import WebSender
from simulator.distributions import Choice
from simulator.population.code import CodeFile, Repository

#: The document speaks of "a page view or search" and names neither; this is what the application calls a search.
SEARCH_EVENT = "SearchSubmitted"
_JUMPS = frozenset({"goToDefinition", "goToDefinition.preloaded"})

#: Where people go from a page by themselves. Assumption.
_NEXT_PAGE: Choice[str] = Choice({"Blob": 0.62, "SearchResults": 0.18, "Tree": 0.1, "Repository": 0.1})
#: Where sessions that no link began begin. Assumption.
_FIRST_PAGE: Choice[str] = Choice({"SearchResults": 0.45, "Home": 0.3, "Repository": 0.15, "Blob": 0.1})


def read_on_web(
    developer: Developer, habits: ReadingHabits, web: WebSender, *, now_ms: int, ends_ms: int
) -> int:
    """One reading session in the web application.

    Args:
        developer: who.
        habits: what developers do.
        web: the application.
        now_ms: when the session begins, in milliseconds since the Unix epoch.
        ends_ms: when it is over.

    Returns:
        When the tab is closed, in milliseconds since the Unix epoch.
    """
    repository = developer.repository()
    title = _FIRST_PAGE.at(developer.random.uniform())
    path = _path(developer, repository, title)
    web.load_page(now_ms, path, title)
    return read_pages(
        developer, habits, web, repository=repository, now_ms=now_ms, ends_ms=ends_ms, stays=1.0
    )


def read_pages(
    developer: Developer,
    habits: ReadingHabits,
    web: WebSender,
    *,
    repository: Repository,
    now_ms: int,
    ends_ms: int,
    stays: float,
) -> int:
    """The application from the page just loaded to the closing of its tab, which waits for the last window.

    All of it is told to the application at once, with the times at which it will be: nothing else can come between.

    Args:
        developer: who.
        habits: what developers do.
        web: the application.
        repository: what is read.
        now_ms: when the page was loaded, in milliseconds since the Unix epoch.
        ends_ms: when to leave at the latest.
        stays: how likely another page follows each.

    Returns:
        When the tab is closed, in milliseconds since the Unix epoch.
    """
    left_ms = _use_pages(
        developer, habits, web, repository=repository, now_ms=now_ms, ends_ms=ends_ms, stays=stays
    )
    return max(left_ms, web.leave())


def _use_pages(
    developer: Developer,
    habits: ReadingHabits,
    web: WebSender,
    *,
    repository: Repository,
    now_ms: int,
    ends_ms: int,
    stays: float,
) -> int:
    """Page after page, with actions on each. A jump to a definition shows another file soon after the click.

    Returns:
        When the last page is left, in milliseconds since the Unix epoch.
    """
    uniform = developer.random.uniform
    dwell, actions_on_page, gap = habits.web_dwell.at, habits.web_actions.at, habits.gap.at
    choose, until_loaded = habits.web_action.at, habits.until_loaded.at
    act, navigate, files, file_count = web.action, web.navigate, repository.files, len(repository.files)
    while True:
        leaves_ms = min(now_ms + 1 + dwell(uniform()), ends_ms)
        actions = actions_on_page(uniform())
        mean_gap = (leaves_ms - now_ms) / (actions + 1)
        for _ in range(actions):
            at_ms = now_ms + trunc(gap(uniform()) * mean_gap / SCALE)
            if at_ms >= leaves_ms:
                break
            action = choose(uniform())
            file = files[trunc(uniform() * file_count)]
            act(at_ms, action, file.argument)
            now_ms = at_ms
            if action in _JUMPS:
                now_ms += until_loaded(uniform())
                navigate(now_ms, file.blob_path, "Blob")
        now_ms = max(now_ms, leaves_ms)
        if now_ms >= ends_ms or uniform() >= stays:
            return now_ms
        title = _NEXT_PAGE.at(uniform())
        path = _path(developer, repository, title)
        if title == "SearchResults":
            act(now_ms, SEARCH_EVENT, f'{{"query":"{path}"}}')
        navigate(now_ms, path, title)


def _path(developer: Developer, repository: Repository, title: str) -> str:
    """The address of a page of the repository, from the instance's root."""
    if title == "Home":
        return "/search"
    if title == "SearchResults":
        queries = repository.search_queries
        return f"/search?{queries[trunc(developer.random.uniform() * len(queries))]}"
    file: CodeFile = developer.file(repository)
    if title == "Blob":
        return file.blob_path
    return repository.tree_path if title == "Repository" else file.folder_path
