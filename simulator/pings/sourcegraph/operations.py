"""The GraphQL operation documents of Sourcegraph's telemetry; `schema.graphql` beside this is what they fit.

A client sends the same text with every request of an operation; only the variables differ. The operation's name
also is the query string of the request, so its case is part of the protocol: the extension writes logEvent, the
web application LogEvents.
"""

from __future__ import annotations

LOG_USER_EVENT = """mutation logUserEvent($event: UserEvent!, $userCookieID: String!) {
    logUserEvent(event: $event, userCookieID: $userCookieID) {
        alwaysNil
    }
}"""

LOG_EVENT = """mutation logEvent(
    $name: String!
    $userCookieID: String!
    $url: String!
    $source: EventSource!
    $argument: String
) {
    logEvent(
        event: $name
        userCookieID: $userCookieID
        url: $url
        source: $source
        argument: $argument
    ) {
        alwaysNil
    }
}"""

#: Since March 2022.
LOG_EVENT_LATER = """mutation logEvent(
    $name: String!
    $userCookieID: String!
    $url: String!
    $source: EventSource!
    $argument: String
    $publicArgument: String
) {
    logEvent(
        event: $name
        userCookieID: $userCookieID
        url: $url
        source: $source
        argument: $argument
        publicArgument: $publicArgument
    ) {
        alwaysNil
    }
}"""

LOG_EVENTS = """mutation LogEvents($events: [Event!]) {
    logEvents(events: $events) {
        alwaysNil
    }
}"""
