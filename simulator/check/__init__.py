"""Checking records: the contract of the corpus, and every payload against its schema."""

from simulator.check.corpus import Checked, check_corpus, check_ndjson

__all__ = ["Checked", "check_corpus", "check_ndjson"]
