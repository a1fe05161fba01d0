"""The clients: what each product's telemetry code does with the facts that behaviour tells it.

A sender decides which ping is due, with which identity, and has a builder make it. It never decides what people do.
"""
