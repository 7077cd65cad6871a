"""The conformance suite of a store: what every implementation must do.

Derive a class from :class:`StoreSuite` in a test module, and give it two pytest fixtures: ``clock``, a
:class:`ManualClock`, and ``store``, an empty store that dates by it and is closed afterwards::

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def clock(self) -> ManualClock:
            return ManualClock()

        @pytest.fixture
        async def store(self, clock: ManualClock) -> AsyncIterator[Store]:
            store = my_store(clock=clock)
            yield store
            await store.control.close()

The test methods are coroutines (pytest-asyncio in auto mode, or any runner that awaits them).
"""

from recollect.testing.store_suite.branches import BranchTests
from recollect.testing.store_suite.captures import CaptureTests
from recollect.testing.store_suite.credentials import CredentialTests
from recollect.testing.store_suite.derived import DerivedTests
from recollect.testing.store_suite.erasure import ErasureTests
from recollect.testing.store_suite.knowledge import KnowledgeTests
from recollect.testing.store_suite.owners import OwnerTests
from recollect.testing.store_suite.queue import QueueTests
from recollect.testing.store_suite.records import RecordTests
from recollect.testing.store_suite.requests import RequestTests
from recollect.testing.store_suite.samples import ManualClock, Writer, passage, said
from recollect.testing.store_suite.usage import UsageTests

__all__ = ["ManualClock", "StoreSuite", "Writer", "passage", "said"]


class StoreSuite(
    OwnerTests,
    CredentialTests,
    CaptureTests,
    BranchTests,
    DerivedTests,
    KnowledgeTests,
    QueueTests,
    RecordTests,
    RequestTests,
    UsageTests,
    ErasureTests,
):
    """Every promise of :mod:`recollect.stores.base`, as tests."""
