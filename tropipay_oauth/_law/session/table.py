"""The law of the session: the rows that keep one token alive for many callers, tasks, threads, processes and machines.

What belongs here: the parts that make the whole table. What does not: a row (`callers`, `store`, `replies`, `endings`),
how a state is entered (`moves`), what a loaded record means (`record`), reading bytes (the wire layer).

    Dormant -> Loading -> Claiming -> Exchanging -> Committing -> Live -> Loading ...     the way of a token
    Loading -> Watching -> Loading                                                       another worker renews
    Exchanging -> Settling -> Resting -> Loading                                         it failed: again, later
    Exchanging -> InDoubt, Settling -> NeedsAuthorization                                only the user can help
    Live -> Forgetting -> Erasing -> Revoking -> Dormant                                 the token is given up

Before anything is sent, the store says that nobody else was faster, and is told what will be sent. Whoever asks
meanwhile gets the held token, or waits for the broadcast.
"""

from ..machine import Table
from . import callers, endings, replies, store
from .states import Dormant

SESSION = Table("the session", Dormant, callers.ROWS, store.ROWS, replies.ROWS, endings.ROWS)
