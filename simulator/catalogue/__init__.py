"""What a ping is, as data: the table of ping types, their JSON Schemas in both dialects, and examples.

    table.toml                  one row a ping type
    schemas/<dialect>/...       <namespace>/<doctype>/<doctype>.<version>.schema.json
    examples/<dialect>/...      <ping>.json, hand-written, valid

The loader reads any other directory in that layout too, so somebody else's published schemas can be used in
place of ours. The `documented` dialect is what the specification documents print, to the letter; `wire` is what
real clients send and the published pipeline schemas accept.
"""

from simulator.catalogue.ping_type import DOCUMENTS, PingType, example, ping_types
from simulator.catalogue.schemas import CODES, OK, Problem, Schemas, UnknownRoute, load_schemas

__all__ = [
    "CODES",
    "DOCUMENTS",
    "OK",
    "PingType",
    "Problem",
    "Schemas",
    "UnknownRoute",
    "example",
    "load_schemas",
    "ping_types",
]
