"""The outage drill: steady load, an endpoint made to fail, recovery, and the fate of every ping afterwards."""

from simulator.drill.policies import POLICIES
from simulator.drill.result import DrillResult, drill_text
from simulator.drill.run import DrillPlan, check_plan, run_drill

__all__ = ["POLICIES", "DrillPlan", "DrillResult", "check_plan", "drill_text", "run_drill"]
