"""The client of AI Platform. Needs nothing but Python 3.11.

>>> client = aiplatform.Client("http://127.0.0.1:8080", token)
>>> for job in client.list_jobs("vision"):
...     print(job.name, job.status)
"""

from . import types
from .client import Client, Event
from .errors import ApiError, TransferError

__version__ = "2.0.0"
__all__ = ["ApiError", "Client", "Event", "TransferError", "types"]
