"""Section "CFR interaction pings for all the prerelease channels and shield experiment"."""

from __future__ import annotations

from simulator.pings.firefox.activity_stream_router_pings.cfr_metadata import DOCUMENTED_EVENTS
from simulator.pings.text import compact, quoted
from simulator.records import Dialect


def cfr_interaction_prerelease(
    dialect: Dialect, metadata: str, *, event: str, model_version: str = ""
) -> str:
    """Something was done with a recommendation.

    Args:
        dialect: the form to write.
        metadata: from `cfr_metadata_prerelease`.
        event: as for `cfr_interaction_release`.
        model_version: the model of the machine-learning experiment; only its members report it.
    """
    documented = dialect == "documented"
    name = DOCUMENTED_EVENTS.get(event, event) if documented else event
    context = ""
    if model_version:
        # The sample prints the text with spaces inside the braces.
        text = (
            f'{{ "modelVersion": {quoted(model_version)} }}'
            if documented
            else compact({"modelVersion": model_version})
        )
        context = f',"event_context":{quoted(text)}'
    return f'{{{metadata},"event":"{name}"{context}}}'
