"""TropiPay in a box: authorization server and resource server as a pure machine, for tests and for trying things out.

    sandbox = Sandbox(entropy=Entropy(os.urandom(32)), behaviour=Behaviour(expires_in="lifetime", lifetime=60))
    response = sandbox.handle(request, now)          # in process, no port
    callback = sandbox.approve(url, now)             # plays the browser and its user
    sandbox.set_behaviour(fault="drop_after", fault_at="refresh_token", fault_count=1)

`Behaviour.describe()` lists every choice and every fault. It reads requests by itself, with no code of the engine's
wire layer, so that one misreading cannot hide behind the other.
"""

from ._answer import Answer as Answer
from ._answer import DropPoint as DropPoint
from ._answer import LogEntry as LogEntry
from ._behaviour import Behaviour as Behaviour
from ._clients import RegisteredClient as RegisteredClient
from ._options import Option as Option
from ._server import Sandbox as Sandbox

__all__ = ["Answer", "Behaviour", "DropPoint", "LogEntry", "Option", "RegisteredClient", "Sandbox"]
