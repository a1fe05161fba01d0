"""Section "Moments page pings". The same policy as for recommendations: a release client is not named.

Documented prints the seed's `source`; on the wire these have a document type of their own and no source (C19).
"""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, annotation, release_fields
from simulator.pings.text import quoted
from simulator.records import Dialect


def moments_page_set_release(
    dialect: Dialect, app: Application, *, impression_id: str, bucket_id: str, experiments: str | None
) -> str:
    """A page will open at the next start; release channel, outside experiments on recommendations.

    Args:
        dialect: the form to write.
        app: the sending application.
        impression_id: without braces; printed with braces.
        bucket_id: the message's bucket.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    common = f'"impression_id":"{{{impression_id}}}","message_id":"n/a","bucket_id":{quoted(bucket_id)}'
    if dialect == "documented":
        return (
            f'{{{common},"action":"cfr_user_event","source":"CFR","event":"MOMENTS_PAGE_SET",'
            f'"addon_version":"{app.addon_version}",{annotation(experiments)}"locale":"{app.locale}"}}'
        )
    return _wire(app, common, experiments)


def moments_page_set_prerelease(
    dialect: Dialect,
    app: Application,
    *,
    client_id: str,
    message_id: str,
    bucket_id: str,
    experiments: str | None,
) -> str:
    """A page will open at the next start; all other channels, and clients in an experiment.

    Args:
        dialect: the form to write.
        app: the sending application.
        client_id: without braces.
        message_id: the message's own id.
        bucket_id: the message's bucket.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    common = f'"client_id":"{client_id}","message_id":{quoted(message_id)},"bucket_id":{quoted(bucket_id)}'
    if dialect == "documented":
        return (
            f'{{{common},"source":"CFR","event":"MOMENTS_PAGE_SET","addon_version":"{app.addon_version}",'
            f'{annotation(experiments)}"locale":"{app.locale}"}}'
        )
    return _wire(app, common, experiments)


def _wire(app: Application, common: str, experiments: str | None) -> str:
    return (
        f'{{{common},"event":"MOMENTS_PAGE_SET","addon_version":"{app.addon_version}",'
        f"{release_fields(app, experiments)}}}"
    )
