"""Tests of what the environment says of connections."""

import base64
import ssl

import pytest

from savedmodels.client import Client
from savedmodels.client.http_connections import Connections, urllib3

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize("scheme", ["http://", ""])
@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_requests_go_through_the_proxy(rest, environment, variable, scheme):
    environment(variable, scheme + rest.address.removeprefix("http://"))
    with Client("http://a.invalid:8501", "digits") as client:
        assert client.sample(seed=[5], label=1).shape == (1, 2, 1, 1)
    root = "http://a.invalid:8501/v1/models/digits"
    assert rest.paths == [f"{root}/metadata", f"{root}:predict"]


@pytest.mark.parametrize(
    "direct", ["127.0.0.1", "a.example, 127.0.0.1", "127.0.0.0/8", "*"]
)
def test_hosts_without_a_proxy(rest, environment, direct):
    environment("http_proxy", "http://a.invalid:1")
    environment("no_proxy", direct)
    with Client(rest.address, "digits") as client:
        client.status()
    assert rest.paths == ["/v1/models/digits"]


@pytest.mark.parametrize("direct", ["10.0.0.0/8", "a.example", "27.0.0.1"])
def test_other_hosts_have_a_proxy(rest, environment, direct):
    environment("http_proxy", rest.address)
    environment("no_proxy", direct)
    with Client("http://127.0.0.1:1", "digits") as client:
        client.status()
    assert rest.paths == ["http://127.0.0.1:1/v1/models/digits"]


def test_a_proxy_of_another_kind_is_told(environment):
    environment("https_proxy", "ftp://a.invalid:1")
    with pytest.raises(ValueError, match=r"must be http://host:port or .* Received"):
        Client("https://a.invalid")


def test_the_address_may_hold_a_name_and_password(rest):
    address = rest.address.replace("//", "//me:a%2Fb@")
    noted = []

    def reply(handler):
        noted.append((handler.headers["Authorization"], handler.headers["Host"]))
        handler.reply(200, {"outputs": [[[[1]], [[2]]]]})

    with Client(address, "digits") as client:
        client.status()
        rest.script = [reply]
        client.sample(seed=[1], label=1)
    words = base64.b64encode(b"me:a/b").decode()
    assert noted == [(f"Basic {words}", rest.address.removeprefix("http://"))]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment(environment, monkeypatch, tmp_path, variable):
    made = []

    def note(**options):
        made.append(options)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr(ssl, "create_default_context", note)
    environment(variable, str(tmp_path))
    Connections("https://a.invalid")
    environment(variable, str(tmp_path / "file"))
    Connections("https://a.invalid")
    assert made == [{"capath": str(tmp_path)}, {"cafile": str(tmp_path / "file")}]


def test_certificates_that_are_missing_are_told(environment, tmp_path):
    environment("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    Connections("http://a.invalid")
    with pytest.raises(ValueError, match=r"REQUESTS_CA_BUNDLE must name .* Received"):
        Connections("https://a.invalid")


def test_servers_must_speak_tls(rest):
    """Before anything of a request is sent."""
    connections = Connections(rest.address.replace("http", "https"))
    with pytest.raises(urllib3.exceptions.SSLError):
        connections.send("GET", f"{connections.root}/", None, 5)
    assert not rest.paths
