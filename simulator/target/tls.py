"""The TLS that a target's `[tls]` table asks for."""

from __future__ import annotations

import ssl

from simulator.errors import TargetError
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
