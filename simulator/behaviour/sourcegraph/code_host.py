"""Reading on a code host: files, hovers in bursts, jumps, actions, and links into the web application."""

from __future__ import annotations

from collections.abc import Callable

from simulator.behaviour.sourcegraph.developer import SCALE, Developer, Process, ReadingHabits
from simulator.behaviour.sourcegraph.web_app import visit
from simulator.client.sourcegraph_extension import ExtensionSender
from simulator.population.code import CodeFile, Repository
from simulator.population.script_errors import SCRIPT_ERRORS
from simulator.scenario.sourcegraph import UtmPlace

#: Where the omnibox keyword exists.
_OMNIBOX_PLATFORMS = frozenset({"chrome-extension", "firefox-extension"})
#: How likely somebody stays in the web application after each page that a link led to. Assumption.
_STAYS = 0.5
#: How long somebody who followed a link may stay.
_LONGEST_DETOUR_MS = 5 * 60_000


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
    while env.now < ends_ms:
        file = developer.file(repository)
        extension.view(int(env.now), "File")
        yield from _read_file(developer, habits, extension, ends_ms)
        if env.now < ends_ms:
            yield from _use_tools(developer, habits, extension, repository, file)


def _read_file(
    developer: Developer, habits: ReadingHabits, extension: ExtensionSender, ends_ms: int
) -> Process:
    """The pointer on one file's code: bursts of hovers, with clicks in the overlay now and then."""
    env, uniform = developer.env, developer.random.uniform
    timeout, hover_gap = env.timeout, habits.hover_gap
    empty, definition, references = habits.empty_below, habits.definition_below, habits.references_below
    now = int(env.now)
    leaves_ms = min(now + habits.file_dwell(uniform()), ends_ms)
    bursts = habits.bursts(uniform())
    mean_gap = (leaves_ms - now) / (bursts + 1)
    for _ in range(bursts):
        wait = int(habits.gap(uniform()) * mean_gap / SCALE)
        opened = True
        for _ in range(1 + habits.more_hovers(uniform())):
            now += wait
            if now >= leaves_ms:
                break
            yield timeout(wait)
            outcome = uniform()
            extension.hover(now, opened=opened, shown=outcome >= empty)
            opened = False
            wait = hover_gap(uniform())
            if empty <= outcome < references:
                click = habits.until_click(uniform())
                yield timeout(click)
                now += click
                extension.action(
                    now, _definition(habits, uniform) if outcome < definition else "findReferences"
                )
        else:
            continue
        break
    yield timeout(max(0, leaves_ms - int(env.now)))


def _definition(habits: ReadingHabits, uniform: Callable[[], float]) -> str:
    return "goToDefinition.preloaded" if uniform() < habits.settings.preloaded else "goToDefinition"


def _use_tools(
    developer: Developer,
    habits: ReadingHabits,
    extension: ExtensionSender,
    repository: Repository,
    file: CodeFile,
) -> Process:
    """What is done around a file: palette, toolbar, a link to Sourcegraph, and what breaks meanwhile."""
    env, uniform, settings = developer.env, developer.random.uniform, habits.settings
    for probability, action in (
        (settings.palette_action, habits.palette_action),
        (settings.toolbar_action, habits.toolbar_action),
    ):
        if uniform() < probability:
            yield env.timeout(habits.until_click(uniform()))
            extension.action(int(env.now), action(uniform()))
    if uniform() < settings.errors_a_file:
        error = SCRIPT_ERRORS[int(uniform() * len(SCRIPT_ERRORS))]
        extension.error(int(env.now), error, page_url=file.host_url)
    if uniform() < settings.follow_link:
        place = habits.link(uniform())
        if developer.web is not None and _is_shown(developer, place):
            yield env.timeout(habits.until_loaded(uniform()))
            yield from _follow(developer, habits, extension, place, repository=repository, file=file)


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
    habits: ReadingHabits,
    extension: ExtensionSender,
    place: UtmPlace,
    *,
    repository: Repository,
    file: CodeFile,
) -> Process:
    """Follow a link into the web application, read on there for a while, come back."""
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
    yield from visit(
        developer,
        habits,
        f"{path}?{query}" if query else path,
        title,
        repository=repository,
        link=extension.link(place, path, query=query),
        referrer="" if place == "omnibox" else file.host_url,
        ends_ms=int(developer.env.now) + _LONGEST_DETOUR_MS,
        stays=_STAYS,
    )
