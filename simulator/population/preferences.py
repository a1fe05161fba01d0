"""The new tab's preferences as the bits of `user_prefs` (TelemetryFeed's USER_PREFS_ENCODING)."""

from __future__ import annotations

from typing import Final

SEARCH: Final = 1
TOP_SITES: Final = 2
TOP_STORIES: Final = 4
HIGHLIGHTS: Final = 8
SNIPPETS: Final = 16
SPONSORED_STORIES: Final = 32
CFR_ADDONS: Final = 64
CFR_FEATURES: Final = 128
SPONSORED_TOP_SITES: Final = 256

ALL_ON: Final = 511

#: How likely each preference is switched off when a simulation starts. Assumption: no public figure was found.
OFF_SHARE = {
    SEARCH: 0.02,
    TOP_SITES: 0.04,
    TOP_STORIES: 0.10,
    HIGHLIGHTS: 0.15,
    SNIPPETS: 0.08,
    SPONSORED_STORIES: 0.08,
    CFR_ADDONS: 0.04,
    CFR_FEATURES: 0.04,
    SPONSORED_TOP_SITES: 0.08,
}

#: What PREF_CHANGED calls each preference that it tells of (inferred from the preferences' names).
SOURCE_OF_BIT: Final = {
    TOP_SITES: "TOP_SITES",
    SPONSORED_TOP_SITES: "SPONSORED_TOP_SITES",
    TOP_STORIES: "TOP_STORIES",
    SPONSORED_STORIES: "POCKET_SPOCS",
    HIGHLIGHTS: "HIGHLIGHTS",
    SNIPPETS: "SNIPPETS",
}
