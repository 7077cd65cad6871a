"""The background workers: each drains its part of the durable job queue."""

from recollect.worker.extraction import ExtractionSettings, ExtractionWorker
from recollect.worker.indexing import Worker, WorkerSettings

__all__ = ["ExtractionSettings", "ExtractionWorker", "Worker", "WorkerSettings"]
