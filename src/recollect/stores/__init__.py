"""Where things live: one promise (:mod:`recollect.stores.base`), one package per database."""
