"""Who is simulated: profiles as functions of (scenario, seed, client number), and what their new tabs show."""

from simulator.population.builds import Builds, next_version
from simulator.population.page import Layout, PageContent, Slate, Story, Tile
from simulator.population.profile import Profile, cohort_profiles

__all__ = [
    "Builds",
    "Layout",
    "PageContent",
    "Profile",
    "Slate",
    "Story",
    "Tile",
    "cohort_profiles",
    "next_version",
]
