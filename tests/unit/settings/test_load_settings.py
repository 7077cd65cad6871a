from __future__ import annotations

import os
import sys

import pytest

from recollect.domain.keys import MemoryMode
from recollect.domain.recall import Strategy
from recollect.errors import SettingsError
from recollect.settings import Given, export_for_workers, handed_to_worker, load_settings
from recollect.settings.environment import WORKER_VARIABLE


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(tmp_path, text, name="recollect.toml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def load(flags=None, environ=None, config=None):
    return load_settings(flags, environ={"HOME": "/home/ann", **(environ or {})}, config=config)


def test_everything_has_a_default():
    settings = load()
    assert (settings.host, settings.port, settings.mode) == ("127.0.0.1", 8000, MemoryMode.FULL)
    assert settings.limits.max_body_bytes == 32 * 1024 * 1024
    assert settings.recall.strategy is Strategy.BALANCED


@pytest.mark.parametrize(
    ("platform", "environ", "data", "cache"),
    [
        ("linux", {}, "/home/ann/.local/share/recollect", "/home/ann/.cache/recollect"),
        ("linux", {"XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c"}, "/d/recollect", "/c/recollect"),
        (
            "darwin",
            {},
            "/home/ann/Library/Application Support/recollect",
            "/home/ann/Library/Caches/recollect",
        ),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/recollect/data", "/local/recollect/cache"),
    ],
)
def test_data_is_kept_where_every_command_finds_it(platform, environ, data, cache, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    settings = load(environ=environ)
    assert (settings.data_dir.as_posix(), settings.embedder.cache_dir.as_posix()) == (data, cache)
    assert settings.database_path == settings.data_dir / "recollect.db"


def test_flags_beat_environment_beats_file(tmp_path):
    write(tmp_path, "port = 1\nhost = 'a'\nworkers = 3\n")
    settings = load({"port": 3}, {"RECOLLECT_PORT": "2", "RECOLLECT_HOST": "b"})
    assert (settings.port, settings.host, settings.workers) == (3, "b", 3)


def test_a_flag_that_was_not_given_counts_for_nothing():
    assert load({"port": None, "allow_upstreams": ()}, {"RECOLLECT_PORT": "2"}).port == 2


def test_the_file_is_found_by_flag_then_variable_then_folder(tmp_path):
    write(tmp_path, "port = 1")
    second = write(tmp_path, "port = 2", "second.toml")
    third = write(tmp_path, "port = 3", "third.toml")
    assert load().port == 1
    assert load(environ={"RECOLLECT_CONFIG": str(second)}).port == 2
    assert load(environ={"RECOLLECT_CONFIG": str(second)}, config=third).port == 3


def test_sections_in_every_source(tmp_path):
    write(tmp_path, "[recall]\nmax_tokens = 10\ncache_mb = 20\n[store]\nkind = 'memory'\n")
    settings = load({"recall": {"strategy": "low_latency"}, "store.path": "x.db"}, {"RECOLLECT_RECALL_CACHE_MB": "30"})
    assert (settings.recall.max_tokens, settings.recall.cache_mb) == (10, 30)
    assert settings.recall.strategy is Strategy.LOW_LATENCY
    assert (settings.store.kind, str(settings.store.path)) == ("memory", "x.db")


def test_providers_merge_by_name(tmp_path):
    write(tmp_path, '[providers.openai]\napi_key = "k1"\n[providers.local]\nbase_url = "http://a/v1/"\n')
    settings = load({"providers": ["local=http://b/v1", "other=http://c"]}, {"RECOLLECT_PROVIDERS": "env=http://d"})
    assert {name: one.base_url for name, one in settings.providers.items()} == {
        "openai": None,
        "local": "http://b/v1",
        "other": "http://c",
        "env": "http://d",
    }
    assert settings.providers["openai"].api_key == "k1"


def test_permissions_add_up_and_other_lists_are_replaced(tmp_path):
    write(tmp_path, 'allow_upstreams = ["a"]\n[cors]\norigins = ["https://a"]\n')
    settings = load(
        {"allow_upstreams": ("c",)}, {"RECOLLECT_ALLOW_UPSTREAMS": "b, a", "RECOLLECT_CORS_ORIGINS": "https://b"}
    )
    assert settings.allow_upstreams == ("a", "b", "c")
    assert settings.cors.origins == ("https://b",)


def test_lists_and_tables_in_the_environment_may_be_json():
    settings = load(
        environ={
            "RECOLLECT_ALLOW_HOSTS": '["a.lan", "b.lan"]',
            "RECOLLECT_PROVIDERS": '{"local": {"base_url": "http://a", "needs_key": false}}',
        }
    )
    assert settings.allow_hosts == ("a.lan", "b.lan")
    assert settings.providers["local"].needs_key is False


def test_values_of_the_file_may_refer_to_the_environment(tmp_path):
    write(tmp_path, 'port = "${PORT:-9000}"\n[providers.openai]\napi_key = "${MY_KEY}"\n')
    assert load(environ={"MY_KEY": "k"}).port == 9000
    settings = load(environ={"MY_KEY": "k", "PORT": "7"})
    assert (settings.port, settings.providers["openai"].api_key) == (7, "k")


def test_paths_in_the_file_are_relative_to_it(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    path = write(folder, "data_dir = 'data'\n[embedder]\npath = '/models/m'\n")
    settings = load(config=path)
    assert settings.data_dir == folder / "data"
    assert str(settings.embedder.path) == "/models/m"


def test_secrets_are_not_printed(tmp_path):
    write(tmp_path, '[providers.openai]\napi_key = "sk-secret"\n[embedder]\napi_key = "sk-secret"\n')
    assert "sk-secret" not in repr(load())


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port = 'many'", "line 1: `port` must be a whole number"),
        ("host = 'x'\nport = 70000", "line 2: `port` must be at most 65535"),
        ("port = true", "line 1: `port` must be a number, not true or false"),
        ("[recall]\n\nmax_tokens = -5", "line 3: `recall.max_tokens` must be at least 0"),
        ("recall.max_tokens = -5", "line 1: `recall.max_tokens` must be at least 0"),
        ("[recall]\nstrategy = 'psychic'", "line 2: `recall.strategy` must be one of 'low_latency'"),
        ("mode = 'sometimes'", "line 1: `mode` must be one of 'full'"),
        ("[recal]\nmax_tokens = 5", "line 1: `recal` is not known here"),
        ("[providers.x]\nbase_url = 'ftp://x'", "line 2: `providers.x.base_url` must be a URL that begins with http"),
        ("[providers.x]\nbase_url = 'https://a:b@x'", "must not hold a user name or password"),
        ("allow_upstreams = 'x'", "line 1: `allow_upstreams` must be a list"),
        ("[embedder]\nkind = 'magic'", "line 2: `embedder.kind` must be one of"),
        ("[limits]\nidle_timeout_s = 0", "line 2: `limits.idle_timeout_s` must be greater than 0"),
        ("workers = 0", "line 1: `workers` must be at least 1"),
        ("port = ", "not valid TOML"),
        ("[providers.x]\napi_key = '${MISSING}'", "line 2: `providers.x.api_key` refers to ${MISSING}"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_line(tmp_path, text, expected):
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(config=path)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("flags", "environ", "expected"),
    [
        ({}, {"RECOLLECT_PORT": "x"}, "RECOLLECT_PORT: `port` must be a whole number"),
        ({"port": -1}, {"RECOLLECT_PORT": "1"}, "--port: `port` must be at least 0"),
        ({"providers": ["nonsense"]}, {}, "--provider: `nonsense` is not NAME=BASE_URL"),
        ({"providers": ["a=b"]}, {}, "`providers.a.base_url` must be a URL"),
        ({}, {"RECOLLECT_PROVIDERS": "{"}, "RECOLLECT_PROVIDERS: this is not valid JSON"),
        ({"bogus": 1}, {}, "--bogus: `bogus` is not known here"),
        ({}, {"RECOLLECT_CONFIG": "none.toml"}, "none.toml: there is no such settings file"),
    ],
)
def test_what_is_wrong_elsewhere_is_named_with_its_source(flags, environ, expected):
    with pytest.raises(SettingsError) as caught:
        load(flags, environ)
    assert expected in str(caught.value)


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path):
    path = write(
        tmp_path,
        """port = "many"
recal.max_tokens = 5
recall = { strategy = "psychic", max_tokenz = 1 }
allow_upstreams = ["ok.example", "bad host"]
[providers."my.own"]
needs_key = false
[providers.openai]
api_key = "${MISSING}"
dialects = [
  "chat/completions",
  7,
]
""",
    )
    with pytest.raises(SettingsError) as caught:
        load(config=path, environ={"RECOLLECT_WORKERS": "0"})
    assert [problem.removeprefix(f"{path}, ") for problem in caught.value.problems] == [
        "RECOLLECT_WORKERS: `workers` must be at least 1.",
        "line 1: `port` must be a whole number.",
        "line 2: `recal` is not known here; did you mean `recall`.",
        "line 3: `recall.strategy` must be one of 'low_latency', 'balanced' or 'agentic'.",
        "line 3: `recall.max_tokenz` is not known here; did you mean `recall.max_tokens`.",
        (
            "line 8: `providers.openai.api_key` refers to ${MISSING}, which is not set in the environment. "
            "Set it, or give a default: ${MISSING:-…}."
        ),
        "line 11: `providers.openai.dialects[1]` must be text.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[providers.x]\nneeds_key = true", "line 1: `providers.x` is not in the registry and so needs a `base_url`"),
        ('[providers."a/b"]\nbase_url = "http://x"', 'line 1: `providers."a/b"` cannot be used as a name'),
        ("allow_upstreams = ['bad host']", "line 1: `allow_upstreams` holds `bad host`, which is no host"),
        ("[embedder]\nkind = 'openai'\nbase_url = 'http://x'", "line 1: `embedder.model` is required"),
        ("[extractor]\nmodel = 'nope/x'\n", None),
        (
            "default_provider = 'x'\n[extractor]\nmodel = 'nope/x'\n",
            "line 3: `extractor.model` names the provider `nope`",
        ),
        ("[routes]\n'a.b' = 5\n", 'line 2: `routes."a.b"` must be a model, a list of models, or a table'),
        ("[routes.fast]\nmodels = []\n", "line 2: `routes.fast.models` must be a list of models that is not empty."),
        ("[routes]\na = 'b'\nb = 'a'\n", "line 2: `routes.a` must be free of circles"),
        ("max_tokens = 5", "line 1: `max_tokens` is not known here; did you mean `recall.max_tokens`."),
        ("bogus = 5", "line 1: `bogus` is not known here."),
        ("providers.openai.api_kez = 'x'", "did you mean `providers.openai.api_key`."),
        ("port = 1\n\nport = 2", "line 3: `port` is given twice, first in line 1."),
        ("[a]\n[a]\n", "line 2: `a` is given twice, first in line 1."),
        ("port = 1\nhost =", "line 2: this is not valid TOML"),
        ("port = [", "line 1: this is not valid TOML"),
    ],
)
def test_what_does_not_go_together_or_is_no_toml(tmp_path, text, expected):
    path = write(tmp_path, text)
    if expected is None:
        load(config=path)
        return
    with pytest.raises(SettingsError) as caught:
        load(config=path)
    assert expected in str(caught.value)


def test_keys_may_be_kept_in_files_of_their_own(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "openai").write_text("sk-from-a-file\n")
    write(tmp_path, 'providers.openai.api_key = "${file:secrets/openai}"\nhost = "$${HOME}"\n')
    settings = load()
    assert settings.providers["openai"].api_key == "sk-from-a-file"
    assert settings.host == "${HOME}"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("${file:none}", "`host` refers to the file"),
        ("${MY-KEY}", "`host` holds `${MY-KEY}`, which is no reference"),
        ("${MY", "`host` holds `${MY`, which is no reference"),
    ],
)
def test_a_reference_that_leads_nowhere(tmp_path, reference, expected):
    path = write(tmp_path, f'port = 1\nhost = "{reference}"\n')
    with pytest.raises(SettingsError) as caught:
        load(config=path)
    assert str(caught.value).startswith(f"{path}, line 2: {expected}")


def test_the_same_file_in_yaml(tmp_path):
    path = write(
        tmp_path,
        "port: ${PORT:-5}\nmode: off\nrecall:\n  max_tokens: 7\nproviders:\n  x: {base_url: http://x}\n",
        "recollect.yaml",
    )
    for settings in (load(), load(config=path)):
        assert (settings.port, settings.mode, settings.recall.max_tokens) == (5, MemoryMode.OFF, 7)
        assert settings.providers["x"].base_url == "http://x"
    path.write_text("")
    assert load().port == 8000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port: 5\nrecall:\n  max_tokens: -7\n", "line 3: `recall.max_tokens` must be at least 0"),
        ("providers:\n  openai:\n    dialects:\n    - a\n    - 5\n", "line 5: `providers.openai.dialects[1]`"),
        ("port: 1\nhost: x\nport: 2\n", "line 3: `port` is given twice"),
        ("port: [", "line 1, column 8: this is not valid YAML"),
        ("port: 1\n\thost: x\n", "line 2, column 1: this is not valid YAML"),
        ("- port", "must be a table of settings"),
        ("allow_hosts: &a [*a]", "line 1: this value contains itself"),
        ("host: !!python/object:os.system x", "line 1, column 7: this is not valid YAML"),
    ],
)
def test_what_is_wrong_in_yaml_is_named_with_its_line(tmp_path, text, expected):
    path = write(tmp_path, text, "wrong.yaml")
    with pytest.raises(SettingsError) as caught:
        load(config=path)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_two_settings_files_in_one_folder_are_one_too_many(tmp_path):
    write(tmp_path, "port = 1")
    write(tmp_path, "port: 2", "recollect.yml")
    with pytest.raises(SettingsError, match=r"recollect\.toml and recollect\.yml here"):
        load()


def test_flags_of_the_command_line_are_named_as_they_are_typed():
    with pytest.raises(SettingsError) as caught:
        load({"data_dir": 5, "allow_upstreams": ["a b"], "log_level": "loud"})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["--data", "--log-level"]
    with pytest.raises(SettingsError, match="--allow-upstream: `allow_upstreams` holds `a b`"):
        load({"allow_upstreams": ["a b"]})
    with pytest.raises(SettingsError, match="config: `prot` is not known here; did you mean `port`"):
        load_settings({"prot": 1}, environ={}, given_in="config")


def test_server_processes_get_what_their_parent_was_told(tmp_path, monkeypatch):
    monkeypatch.setenv(WORKER_VARIABLE, "")
    flags = {"port": 5, "providers": ["a=http://x"], "limits": {"drain_s": 1.5}, "data_dir": tmp_path}
    given = Given(flags, write(tmp_path, "workers = 2\n", "mine.toml"))
    export_for_workers(given.load(), given)
    handed = handed_to_worker()
    assert handed.settings == given.load()
    assert handed.given.load() == handed.settings
    (tmp_path / "mine.toml").write_text("workers = 3\nport = 1\n")
    assert (handed.given.load().workers, handed.given.load().port) == (3, 5)
    export_for_workers(handed.settings)
    assert handed_to_worker().given is None
    monkeypatch.delenv(WORKER_VARIABLE)
    assert WORKER_VARIABLE not in os.environ
