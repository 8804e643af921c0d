"""Transcripts: a run of a machine recorded, without its secrets, so that it can be replayed byte for byte.

recorder = Recorder(session)
step = recorder.handle(fact)                    # instead of session.handle(fact)
text = recorder.transcript().to_json()
Transcript.from_json(text).check()
"""

from ._observation.transcript import Recorder as Recorder
from ._observation.transcript import Transcript as Transcript

__all__ = ["Recorder", "Transcript"]
