"""A program that uses the real Glean SDK for a moment: `python real_glean_client.py URL DIRECTORY`."""

import importlib.metadata
import sys
import types
from pathlib import Path

METRICS = """
$schema: moz://mozilla.org/schemas/glean/metrics/2-0-0
shop:
  click:
    type: event
    description: Somebody clicked.
    bugs: [https://example.org/bug]
    data_reviews: [https://example.org/review]
    notification_emails: [nobody@example.org]
    expires: never
    send_in_pings: [events]
    extra_keys:
      what:
        description: What was clicked.
        type: string
"""


def main(url: str, directory: Path) -> None:
    # The SDK of that time asks setuptools for its version; setuptools has stopped answering.
    asked = types.ModuleType("pkg_resources")
    asked.get_distribution = importlib.metadata.distribution
    asked.DistributionNotFound = importlib.metadata.PackageNotFoundError
    sys.modules["pkg_resources"] = asked
    from glean import Configuration, Glean, load_metrics

    (directory / "metrics.yaml").write_text(METRICS)
    metrics = load_metrics(directory / "metrics.yaml")
    Glean.initialize(
        "Telsim.Check_app",
        "1.0",
        upload_enabled=True,
        data_dir=directory / "data",
        application_build_id="20211129150630",
        configuration=Configuration(server_endpoint=url, channel="nightly", allow_multiprocessing=False),
    )
    Glean.handle_client_active()
    for number in range(5):
        metrics.shop.click.record(metrics.shop.ClickExtra(what=f"thing {number}"))
    Glean.handle_client_inactive()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
