"""JUnit XML of a run: one test case for each rule of the accounting and for each objective."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from simulator.reconcile.summary import Summary, broken
from simulator.report.wording import headline
from simulator.rundir import RunMeta
from simulator.thresholds import ThresholdResult

_NOT_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))


def junit_xml(summary: Summary, meta: RunMeta) -> bytes:
    """The report that CI systems read: red exactly where the run is not fine.

    Source: the JUnit format as Jenkins and GitLab document it.
    """
    suite = Element("testsuite", name="telsim", time=f"{summary.window_s:.3f}")
    for result in summary.thresholds:
        _add_objective(suite, result)
    _add(
        suite, "run", "ended by itself", "the run was interrupted" if summary.verdict == "interrupted" else ""
    )
    answered = summary.accepted + summary.rejected
    _add(suite, "accounting", "pings were answered", "" if answered else "no ping was accepted or rejected")
    _add(
        suite,
        "run",
        "the target was measured, not the generator",
        "; ".join(summary.reasons) if summary.verdict == "generator-bound" else "",
    )
    cases = suite.findall("testcase")
    told = {failure.get("message") for case in cases for failure in case.findall("failure")}
    if summary.verdict == "fail" and not told:
        _add(suite, "run", "verdict", headline(summary))
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    suite.set("errors", "0")
    SubElement(suite, "system-out").text = _clean(
        f"{headline(summary)}\n{meta.target.name} {meta.target.host}"
    )
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _add_objective(suite: Element, result: ThresholdResult) -> None:
    kind = "accounting" if result.default else "objective"
    case = _add(suite, kind, result.text, broken(result) if result.ok is False else "")
    if result.ok is None:
        SubElement(case, "skipped", message="not measured: there was no ledger")


def _add(suite: Element, kind: str, name: str, failure: str) -> Element:
    case = SubElement(suite, "testcase", classname=f"telsim.{kind}", name=_clean(name))
    if failure:
        SubElement(case, "failure", message=_clean(failure))
    return case


def _clean(text: str) -> str:
    """Text without the characters that XML cannot carry."""
    return text.translate(_NOT_XML)
