"""A real Glean client, in a process of its own: `python glean_client.py SERVER_URL DATA_DIR`.

Glean is a singleton that cannot be started twice, so it is a client to compare with and nothing else. It stays
until its standard input is closed, so that whoever started it decides when everything has arrived.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

EVENTS_BEFORE_CAPACITY = 501


def provide_pkg_resources() -> None:
    """glean-sdk 52 asks setuptools' pkg_resources for its own version; newer setuptools have none."""
    try:
        import pkg_resources  # noqa: F401
    except ModuleNotFoundError:
        sys.modules["pkg_resources"] = SimpleNamespace(
            get_distribution=lambda name: SimpleNamespace(version=metadata.version(name)),
            DistributionNotFound=metadata.PackageNotFoundError,
        )


def main() -> None:
    server, data_dir = sys.argv[1:]
    provide_pkg_resources()
    from glean import Configuration, Glean, load_metrics

    nimbus_events = load_metrics(Path(__file__).with_name("glean_metrics.yaml")).nimbus_events
    # With the default, uploading happens in yet another process, which a short script does not outlive.
    configuration = Configuration(server_endpoint=server, channel="release", allow_multiprocessing=False)
    Glean.initialize(
        application_id="firefox-desktop",
        application_version="95.0",
        application_build_id="20211129150630",
        upload_enabled=True,
        data_dir=Path(data_dir),
        configuration=configuration,
    )
    Glean.handle_client_active()
    annotation = {"type": "nimbus-nimbus", "enrollmentId": "f1c1b4f0-7d0e-4c8e-9a49-0d0e7d5f7a11"}
    Glean.set_experiment_active("exp-a", "control", annotation)
    nimbus_events.enrollment.record(
        nimbus_events.EnrollmentExtra(
            experiment="exp-a", branch="control", enrollment_id="id", experiment_type="nimbus"
        )
    )
    exposure = nimbus_events.ExposureExtra(experiment="exp-a", branch="control", feature_id="cfr")
    nimbus_events.exposure.record(exposure)
    Glean.handle_client_inactive()
    Glean.handle_client_active()
    for _ in range(EVENTS_BEFORE_CAPACITY):
        nimbus_events.exposure.record(exposure)
    Glean.set_experiment_inactive("exp-a")
    Glean.handle_client_inactive()
    sys.stdin.read()


if __name__ == "__main__":
    main()
