"""Reading in the web application: pages, actions on them, jumps from one page to the next."""

from __future__ import annotations

from simulator.behaviour.sourcegraph.developer import SCALE, Developer, Process, ReadingHabits
from simulator.client.sourcegraph_web import NEVER_MS, WebSender
from simulator.distributions import Choice
from simulator.population.code import CodeFile, Repository

_JUMPS = frozenset({"goToDefinition", "goToDefinition.preloaded"})

#: Where people go from a page by themselves. Assumption.
_NEXT_PAGE: Choice[str] = Choice({"Blob": 0.62, "SearchResults": 0.18, "Tree": 0.1, "Repository": 0.1})
#: Where sessions that no link began begin. Assumption.
_FIRST_PAGE: Choice[str] = Choice({"SearchResults": 0.45, "Home": 0.3, "Repository": 0.15, "Blob": 0.1})


def read_on_web(developer: Developer, habits: ReadingHabits, ends_ms: int) -> Process:
    """One reading session in the web application.

    Args:
        developer: who; somebody who uses it.
        habits: what developers do.
        ends_ms: when the session is over.
    """
    repository = developer.repository()
    title = _FIRST_PAGE(developer.random.uniform())
    path = _path(developer, repository, title)
    yield from visit(developer, habits, path, title, repository=repository, ends_ms=ends_ms, stays=1.0)


def visit(
    developer: Developer,
    habits: ReadingHabits,
    path: str,
    title: str,
    *,
    repository: Repository,
    ends_ms: int,
    stays: float,
    link: str = "",
    referrer: str = "",
) -> Process:
    """The application from its loading to the closing of its tab, which waits for the last window.

    Args:
        developer: who; somebody who uses it.
        habits: what developers do.
        path: the first page, from the instance's root.
        title: the first page's title.
        repository: what is read.
        ends_ms: when to leave at the latest.
        stays: how likely another page follows each.
        link: the followed link, with its markers.
        referrer: the address of the page with the link.
    """
    web = developer.web
    if web is None:
        return
    env, uniform = developer.env, developer.random.uniform
    web.load_page(int(env.now), path, title, link=link, referrer=referrer)
    while True:
        leaves_ms = min(int(env.now) + 1 + habits.web_dwell(uniform()), ends_ms)
        yield from _use_page(developer, habits, web, repository, leaves_ms)
        if env.now >= ends_ms or uniform() >= stays:
            break
        title = _NEXT_PAGE(uniform())
        web.navigate(int(env.now), _path(developer, repository, title), title)
    while web.next_ms < NEVER_MS:
        yield from _pass(developer, web, web.next_ms)


def _use_page(
    developer: Developer, habits: ReadingHabits, web: WebSender, repository: Repository, leaves_ms: int
) -> Process:
    """Actions on one page. A jump to a definition shows another file soon after the click."""
    env, uniform = developer.env, developer.random.uniform
    actions = habits.web_actions(uniform())
    mean_gap = (leaves_ms - int(env.now)) / (actions + 1)
    for _ in range(actions):
        at_ms = int(env.now) + int(habits.gap(uniform()) * mean_gap / SCALE)
        if at_ms >= leaves_ms:
            break
        yield from _pass(developer, web, at_ms)
        action = habits.web_action(uniform())
        file = developer.file(repository)
        web.action(int(env.now), action, file.argument)
        if action in _JUMPS:
            yield from _pass(developer, web, int(env.now) + habits.until_loaded(uniform()))
            web.navigate(int(env.now), file.blob_path, "Blob")
    yield from _pass(developer, web, leaves_ms)


def _pass(developer: Developer, web: WebSender, until_ms: int) -> Process:
    """Let time pass, waking the application's sender whenever it has something to do."""
    env = developer.env
    while (due_ms := web.next_ms) <= until_ms:
        yield env.timeout(due_ms - int(env.now))
        web.tick(due_ms)
    if until_ms > env.now:
        yield env.timeout(until_ms - int(env.now))


def _path(developer: Developer, repository: Repository, title: str) -> str:
    """The address of a page of the repository, from the instance's root."""
    if title == "Home":
        return "/search"
    if title == "SearchResults":
        queries = repository.search_queries
        return f"/search?{queries[int(developer.random.uniform() * len(queries))]}"
    file: CodeFile = developer.file(repository)
    if title == "Blob":
        return file.blob_path
    return repository.tree_path if title == "Repository" else file.folder_path
