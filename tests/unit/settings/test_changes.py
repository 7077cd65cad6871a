from __future__ import annotations

from recollect.settings import NEEDS_RESTART, changes, load_settings, settings_table


def settings(**flags):
    return load_settings(flags, environ={"HOME": "/home/ann"})


def test_names_of_what_changed_by_whether_it_can_be_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = settings(providers={"a": {"base_url": "http://a", "api_key": "k"}, "b": {"base_url": "http://b"}})
    after = settings(
        providers={"a": {"base_url": "http://a", "api_key": "l"}, "c.d": {"base_url": "http://c"}},
        host="0.0.0.0",
        embedder={"kind": "none"},
        recall={"cache_mb": 3, "max_tokens": 5},
        limits={"drain_s": 1, "idle_timeout_s": 2},
    )
    found = changes(before, after)
    assert set(found.postponed) == {"host", "embedder.kind", "recall.cache_mb", "limits.drain_s"}
    assert {"providers.a.api_key", "recall.max_tokens", "limits.idle_timeout_s"} <= set(found.taken)
    assert {'providers."c.d".base_url', "providers.b.base_url"} <= set(found.taken)
    taken = found.settings
    assert (taken.host, taken.embedder, taken.recall.cache_mb) == (before.host, before.embedder, before.recall.cache_mb)
    assert (taken.recall.max_tokens, taken.limits.idle_timeout_s, taken.limits.drain_s) == (5, 2, 30)
    assert taken.providers == after.providers
    assert changes(taken, after).taken == ()


def test_what_needs_a_restart_is_a_setting_or_a_table_of_them():
    names = [row.name for row in settings_table()]
    assert [one for one in NEEDS_RESTART if not any(name == one or name.startswith(f"{one}.") for name in names)] == []
