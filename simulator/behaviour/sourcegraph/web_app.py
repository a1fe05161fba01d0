"""Reading in the web application: pages, actions on them, jumps from one page to the next."""

from __future__ import annotations

from math import trunc

from simulator.behaviour.sourcegraph.developer import Developer, Process
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


def read_on_web(developer: Developer, habits: ReadingHabits, web: WebSender, ends_ms: int) -> Process:
    """One reading session in the web application.

    Args:
        developer: who.
        habits: what developers do.
        web: the application.
        ends_ms: when the session is over.
    """
    repository = developer.repository()
    title = _FIRST_PAGE.at(developer.random.uniform())
    path = _path(developer, repository, title)
    web.load_page(int(developer.env.now), path, title)
    yield from read_pages(developer, habits, web, repository=repository, ends_ms=ends_ms, stays=1.0)


def read_pages(
    developer: Developer,
    habits: ReadingHabits,
    web: WebSender,
    *,
    repository: Repository,
    ends_ms: int,
    stays: float,
) -> Process:
    """The application from the page just loaded to the closing of its tab, which waits for the last window.

    All of it is told to the application at once, with the times at which it will be: nothing else can come between,
    so the simulated clock stops once for the whole visit.

    Args:
        developer: who.
        habits: what developers do.
        web: the application.
        repository: what is read.
        ends_ms: when to leave at the latest.
        stays: how likely another page follows each.
    """
    env, uniform = developer.env, developer.random.uniform
    began = now = int(env.now)
    while True:
        leaves_ms = min(now + 1 + habits.web_dwell.at(uniform()), ends_ms)
        now = _use_page(developer, habits, web, repository, now_ms=now, leaves_ms=leaves_ms)
        if now >= ends_ms or uniform() >= stays:
            break
        title = _NEXT_PAGE.at(uniform())
        path = _path(developer, repository, title)
        if title == "SearchResults":
            web.action(now, SEARCH_EVENT, f'{{"query":"{path}"}}')
        web.navigate(now, path, title)
    yield env.timeout(max(now, web.leave()) - began)


def _use_page(
    developer: Developer,
    habits: ReadingHabits,
    web: WebSender,
    repository: Repository,
    *,
    now_ms: int,
    leaves_ms: int,
) -> int:
    """Actions on one page. A jump to a definition shows another file soon after the click.

    Returns:
        When the page is left, in milliseconds since the Unix epoch.
    """
    uniform, files = developer.random.uniform, repository.files
    actions = habits.web_actions.at(uniform())
    mean_gap = (leaves_ms - now_ms) / (actions + 1)
    for _ in range(actions):
        at_ms = now_ms + trunc(habits.gap.at(uniform()) * mean_gap / SCALE)
        if at_ms >= leaves_ms:
            break
        action = habits.web_action.at(uniform())
        file = files[trunc(uniform() * len(files))]
        web.action(at_ms, action, file.argument)
        now_ms = at_ms
        if action in _JUMPS:
            now_ms += habits.until_loaded.at(uniform())
            web.navigate(now_ms, file.blob_path, "Blob")
    return max(now_ms, leaves_ms)


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
