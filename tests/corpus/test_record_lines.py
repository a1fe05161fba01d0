"""Record lines and index are computed apart from each other; they must tell the same."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.corpus import Kind, Kinds
from simulator.corpus.lines import IndexBeginnings, complete_index, record_lines, rest_of_line
from simulator.randomness import uuid_text
from simulator.records import EXPECTATIONS
from simulator.wire import graphql, structured

KINDS = [
    Kind("a", "firefox", "x/a/1", structured("x/a/1")),
    Kind("b", "sourcegraph", "x/b/1", graphql("logEvent"), headers={"Accept": "*/*"}),
    Kind("a", "firefox", "x/a/1", structured("x/a/1"), label="broken", expect="reject", base64=True),
]
BODIES = ["{}", '{"a":"\\u00e9"}', '"AAEC"']

#: Moments of any number of digits, and blocks of moments that all have the 13 digits of our time.
moments = st.one_of(
    st.lists(st.integers(0, 10**15), min_size=1, max_size=40),
    st.lists(st.integers(10**12, 10**13 - 1), min_size=1, max_size=600),
)


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(0, 10**6), st.integers(1, 200), st.integers(0, 2**32))
def test_lines_parse_and_the_index_points_into_them(
    due_ms: list[int], first_client: int, clients: int, key: int
) -> None:
    kinds = Kinds(["a", "b"], ["valid", "broken"])
    codes = [kinds.code(kind) for kind in KINDS]
    count = len(due_ms)
    due = np.array(due_ms, dtype=np.int64)
    client = first_client + np.arange(count) % clients
    code = np.array(codes, dtype=np.int64)[np.arange(count) % len(codes)]
    bodies = [BODIES[i % len(codes)] for i in range(count)]
    ids = uuid_text(np.uint64(key), np.arange(count, dtype=np.uint64))
    rests = [
        rest_of_line(number, kinds.texts[kind], body, document_id.tobytes().decode())
        for number, kind, body, document_id in zip(client.tolist(), code.tolist(), bodies, ids, strict=True)
    ]
    text = b"".join(record_lines(ids, due, rests)).decode("ascii")
    index = IndexBeginnings(kinds.texts).of(client, code, np.array([len(b) for b in bodies]))
    complete_index(index, ids, due)
    assert int(index["length"].sum()) == len(text)
    for i, row in enumerate(index):
        line = text[int(row["offset"]) : int(row["offset"]) + int(row["length"])]
        assert line.endswith("}\n")
        record, kind = json.loads(line), KINDS[i % len(codes)]
        document_id = ids[i].tobytes().decode()
        path = kind.address.path(document_id)
        assert (record["id"], record["due_ms"], record["client"]) == (document_id, due_ms[i], client[i])
        assert (record["ping"], record["label"], record["expect"]) == (kind.ping, kind.label, kind.expect)
        assert record["path"] == path == span(line, row, "path")
        assert (
            json.loads(span(line, row, "headers") or "{}") == dict(kind.headers) == record.get("headers", {})
        )
        assert span(line, row, "body") == (record["body_b64"] if kind.base64 else bodies[i])
        assert (row["id"].decode(), int(row["due_ms"]), int(row["client"])) == (
            document_id,
            due_ms[i],
            client[i],
        )
        assert (kinds.ping_names[row["ping"]], EXPECTATIONS[row["expect"]]) == (kind.ping, kind.expect)


def span(line: str, row: np.void, name: str) -> str:
    start = int(row[f"{name}_offset"])
    return line[start : start + int(row[f"{name}_length"])]
