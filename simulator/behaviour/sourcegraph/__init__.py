"""Reading code with Sourcegraph, as SimPy processes: working days, code hosts, the web application."""
