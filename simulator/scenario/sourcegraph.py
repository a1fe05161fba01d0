"""Developers who read code with Sourcegraph: how often, with which clients, what they do."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from simulator.scenario.fields import DurationMs, Probability, Rate, Section, Share

#: What the browser extension and the native integrations call themselves (facts, OTHERS A4).
Platform = Literal[
    "chrome-extension",
    "firefox-extension",
    "safari-extension",
    "phabricator-integration",
    "bitbucket-integration",
    "gitlab-integration",
]
#: Where the extension puts a link to Sourcegraph, in the order of the document's "UTM markers".
UtmPlace = Literal["global_search", "omnibox", "sign_in", "view_file", "view_diff", "view_repo"]

Name = TypeVar("Name", bound=str)
Weight = Annotated[float, Field(ge=0)]


def _positive_total(weights: dict[Name, float]) -> dict[Name, float]:
    if sum(weights.values()) <= 0:
        raise ValueError("at least one weight must be above 0")
    return weights


ActionId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_./-]{0,99}$")]
ActionWeights = Annotated[dict[ActionId, Weight], AfterValidator(_positive_total)]
PlatformWeights = Annotated[dict[Platform, Weight], AfterValidator(_positive_total)]
PlaceWeights = Annotated[dict[UtmPlace, Weight], AfterValidator(_positive_total)]


class Sourcegraph(Section):
    """Rates and shares of code reading. Assumptions, all of them: no public figure was found.

    `instance_url` is the self-hosted instance; `dotcom` is the share of extension users who are connected to
    sourcegraph.com instead. `later_clients` makes the wire dialect that of September 2022: every action id
    passes the extension's logger, `logUserEvent` is gone, links carry a campaign, errors travel as envelopes.
    `*_actions` are weights by action id; a web action's arguments are logged only where
    `arguments_opted_in` names it.
    """

    instance_url: Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?$")] = (
        "https://sourcegraph.example.com"
    )
    dotcom: Share = 0.25
    later_clients: bool = False
    platforms: PlatformWeights = {
        "chrome-extension": 0.62,
        "firefox-extension": 0.16,
        "safari-extension": 0.06,
        "gitlab-integration": 0.07,
        "bitbucket-integration": 0.06,
        "phabricator-integration": 0.03,
    }
    send_telemetry: Share = 0.3
    allow_error_reporting: Share = 0.3

    works_on_weekday: Probability = 0.88
    works_on_weekend_day: Probability = 0.06
    sessions_a_day: Annotated[float, Field(gt=0, le=200)] = 5.0
    session_median: DurationMs = 12 * 60_000
    session_sigma: Annotated[float, Field(ge=0, le=4)] = 0.8
    web_sessions: Share = 0.35

    file_dwell_median: DurationMs = 60_000
    hovers_a_file: Annotated[float, Field(ge=0, le=1_000)] = 9.0
    hovers_a_burst: Annotated[float, Field(ge=1, le=100)] = 4.0
    hover_is_empty: Probability = 0.25
    go_to_definition: Probability = 0.12
    preloaded: Probability = 0.7
    find_references: Probability = 0.04
    palette_action: Probability = 0.05
    palette_actions: ActionWeights = {
        "git.blame.toggle": 0.6,
        "linecounter.displayLineCountAction": 0.25,
        "codecov.decorations.toggle": 0.15,
    }
    toolbar_action: Probability = 0.06
    toolbar_actions: ActionWeights = {"vscode.open.file": 0.7, "git.blame.toggle": 0.3}
    follow_link: Probability = 0.05
    links: PlaceWeights = {
        "view_file": 0.4,
        "global_search": 0.2,
        "view_repo": 0.15,
        "omnibox": 0.1,
        "view_diff": 0.1,
        "sign_in": 0.05,
    }
    errors_a_file: Probability = 0.004

    web_page_dwell_median: DurationMs = 25_000
    web_actions_a_page: Rate = 2.5
    web_actions: ActionWeights = {
        "goToDefinition.preloaded": 0.3,
        "goToDefinition": 0.15,
        "findReferences": 0.15,
        "git.blame.toggle": 0.12,
        "goToPermalink": 0.1,
        "toggleLineWrap": 0.08,
        "linecounter.displayLineCountAction": 0.06,
        "toggleColorTheme": 0.04,
    }
    arguments_opted_in: list[ActionId] = ["goToPermalink", "toggleLineWrap"]
    web_answers_after: DurationMs = 120
