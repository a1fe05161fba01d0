"""Sourcegraph's telemetry, in a tree that reads like the document's contents.

action_telemetry.py                 "Action telemetry": the web application's windows of events
browser_extension_telemetry/        "Browser extension telemetry (not native integration)"
    action_telemetry.py             hover and action ids
    utm_markers.py                  the links that lead into the web application
    error_logging_sentry.py         errors of the extension's own scripts
operations.py, schema.graphql       the GraphQL operations, and the part of the public schema they use
"""
