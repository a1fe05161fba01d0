"""The report in a real browser: nothing sticks out sideways, and it is light or dark as the reader likes it."""

import shutil
import subprocess

import numpy as np
import pytest

from simulator.report.run_page import run_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def screenshot(page, directory, *, width, scheme):
    from matplotlib.image import imread  # not above: processes that leave this test out need no Matplotlib

    picture = directory / f"{width}-{scheme}.png"
    words = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        f"--user-data-dir={directory / f'profile-{width}-{scheme}'}",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
        f"--window-size={width},2400",
        f"--screenshot={picture}",
        page.as_uri(),
    ]
    subprocess.run(words, capture_output=True, timeout=120, check=True)
    return (imread(picture)[:, :, :3] * 255).round().astype(int)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("scheme", "background"), [("light", (246, 247, 249)), ("dark", (17, 21, 27))])
def test_the_report_fits_the_screen(make_run, tmp_path, width, scheme, background):
    _, summary, meta = make_run("run", failed=5, thresholds=["p99<1ms"])
    page = tmp_path / "report.html"
    page.write_text(run_page(summary, meta))
    pixels = screenshot(page, tmp_path, width=width, scheme=scheme)
    assert pixels.shape[1] == width
    # The margins left and right of the cards show nothing but the page's background.
    for margin in (pixels[:, :6], pixels[:, -6:]):
        assert (margin == background).all()
    shown = np.any(pixels != background, axis=2)
    assert shown.mean() > 0.5
