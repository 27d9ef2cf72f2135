"""A process that forks: what was under way stays with the parent, and the child goes on."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from auth_service.verifier import TokenVerifier
from tests.verifier.loopback_issuer import KEY, LoopbackIssuer
from tests.verifier.token_maker import NOW

FORKED = """
import os, sys, threading, time
from auth_service.verifier import TokenVerifier
url, token, now = sys.argv[1:]
verifier = TokenVerifier(
    issuer="https://auth.example.com", audience="https://api.example.com",
    jwks_url=url, clock=lambda: float(now), timeout=20,
)
threading.Thread(target=verifier.verify_sync, args=(token,), daemon=True).start()
while verifier._keys._under_way is None:
    time.sleep(0.01)
print("asked", flush=True)
sys.stdin.readline()
child = os.fork()
if child == 0:
    os._exit(0 if verifier.verify_sync(token).subject == "somebody" else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""


def test_a_fetch_of_another_process_is_not_waited_for(
    verifier: TokenVerifier, issuer: LoopbackIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        parent = pool.submit(verifier.verify_sync, KEY.token())
        issuer.until_asked()
        monkeypatch.setattr(os, "getpid", lambda: -1)
        child = pool.submit(verifier.verify_sync, KEY.token())
        issuer.until_asked(2)
        issuer.gate.set()
        assert parent.result() == child.result()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_fork_in_the_middle_of_a_fetch_leaves_the_child_able_to_fetch(
    issuer: LoopbackIssuer,
) -> None:
    issuer.gate.clear()
    arguments = [issuer.url, KEY.token(), str(NOW)]
    with subprocess.Popen(
        [sys.executable, "-c", FORKED, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        assert parent.stdout.readline() == "asked\n"
        issuer.until_asked()
        parent.stdin.write("fork\n")
        parent.stdin.flush()
        issuer.until_asked(2)
        issuer.gate.set()
        assert parent.stdout.readline() == "0\n"
