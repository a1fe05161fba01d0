"""The TLS that a target's `[tls]` table asks for."""

from __future__ import annotations

import ssl
from pathlib import Path

from simulator.errors import Finding, TargetError
from simulator.target.profile import Target


def tls_context(target: Target) -> ssl.SSLContext:
    """The context that a target's `[tls]` table asks for: verifying unless it says otherwise.

    Raises:
        TargetError: a certificate file cannot be used.
    """
    tls = target.tls
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if tls.client_cert:
            context.load_cert_chain(tls.client_cert, tls.client_key or None)
    except (OSError, ssl.SSLError) as error:
        raise TargetError(f"target {target.name}: its [tls] files cannot be used: {error}") from error
    return context


def tls_findings(target: Target, *, where: str) -> list[Finding]:
    """What is wrong with the files of a target's `[tls]` table. They need not be there before a run is made.

    Args:
        target: with paths that can be opened from here.
        where: the target file's name, for the findings.
    """
    tls = target.tls
    named = {"ca_file": tls.ca_file, "client_cert": tls.client_cert, "client_key": tls.client_key}
    found = [
        Finding(f"{where}: tls.{key}", f"there is no file {path}")
        for key, path in named.items()
        if path and not Path(path).is_file()
    ]
    if tls.client_key and not tls.client_cert:
        found.append(Finding(f"{where}: tls.client_key", "a key is of no use without client_cert"))
    if not found:
        try:
            tls_context(target)
        except TargetError as error:
            found.append(Finding(f"{where}: tls", str(error)))
    return found
