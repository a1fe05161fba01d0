"""Who is simulated: profiles as functions of (scenario, seed, client number), and what their new tabs show."""

from simulator.population.page import Layout, PageContent, Slate, Story, Tile
from simulator.population.profile import Profile, build_id, cohort_profiles, next_version

__all__ = [
    "Layout",
    "PageContent",
    "Profile",
    "Slate",
    "Story",
    "Tile",
    "build_id",
    "cohort_profiles",
    "next_version",
]
