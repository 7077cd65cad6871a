"""The background workers: each drains its part of the durable job queue, or writes what need not be waited for."""

from recollect.worker.extraction import ExtractionSettings, ExtractionWorker
from recollect.worker.indexing import Worker, WorkerSettings
from recollect.worker.request_log import RequestLog
from recollect.worker.warming import Warming

__all__ = ["ExtractionSettings", "ExtractionWorker", "RequestLog", "Warming", "Worker", "WorkerSettings"]
