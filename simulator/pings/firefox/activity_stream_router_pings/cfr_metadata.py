"""What the four CFR pings have in common: impressions and interactions, for release and for all other channels.

A doorhanger may be triggered by a visit to a site, so a release client outside experiments is not named: its
pings carry the impression id and the message's bucket. Everybody else's carry the client id and the message's own
id. Documented has the placeholder `n/a` for the id that is left out and puts the bucket into `message_id`; on the
wire the other key is absent and the bucket has its own (conflicts C6, C7).
"""

from __future__ import annotations

from simulator.pings.firefox.basic_metadata import Application, annotation, release_fields
from simulator.pings.text import quoted
from simulator.records import Dialect

#: The documents know no ENABLE and no CLICK_BUTTON (conflict C37): there, both are a CLICK.
DOCUMENTED_EVENTS = {"ENABLE": "CLICK", "CLICK_BUTTON": "CLICK"}


def cfr_metadata_prerelease(
    dialect: Dialect,
    app: Application,
    *,
    client_id: str,
    message_id: str,
    bucket_id: str,
    experiments: str | None,
) -> str:
    """Everything but the event, for prerelease channels and clients in an experiment on CFR.

    Args:
        dialect: the form to write.
        app: the sending application.
        client_id: without braces.
        message_id: the message's own id.
        bucket_id: the message's bucket.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    if dialect == "documented":
        return (
            f'"client_id":"{client_id}","action":"cfr_user_event","impression_id":"n/a",'
            f'"addon_version":"{app.addon_version}","locale":"{app.locale}",{annotation(experiments)}'
            f'"source":"CFR","message_id":{quoted(message_id)}'
        )
    return (
        f'"client_id":"{client_id}","addon_version":"{app.addon_version}",{release_fields(app, experiments)},'
        f'"source":"CFR","message_id":{quoted(message_id)},"bucket_id":{quoted(bucket_id)}'
    )


def cfr_metadata_release(
    dialect: Dialect, app: Application, *, impression_id: str, bucket_id: str, experiments: str | None
) -> str:
    """Everything but the event, for the release channel outside experiments on CFR.

    Args:
        dialect: the form to write.
        app: the sending application.
        impression_id: without braces; printed with braces.
        bucket_id: the message's bucket.
        experiments: the annotation as JSON text, None while not enrolled anywhere.
    """
    if dialect == "documented":
        return (
            f'"client_id":"n/a","action":"cfr_user_event","impression_id":"{{{impression_id}}}",'
            f'"addon_version":"{app.addon_version}","locale":"{app.locale}",{annotation(experiments)}'
            f'"source":"CFR","message_id":{quoted(bucket_id)}'
        )
    return (
        f'"impression_id":"{{{impression_id}}}","addon_version":"{app.addon_version}",'
        f'{release_fields(app, experiments)},"source":"CFR","message_id":"n/a","bucket_id":{quoted(bucket_id)}'
    )
