"""Connections over HTTP that are kept, by way of what the environment names."""

import ipaddress
import os
import ssl
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit

from savedmodels.client.transport import missing_library

try:
    import urllib3
except ModuleNotFoundError as missing:
    raise missing_library(missing) from missing

_CONNECTIONS = 64
"""So many are kept; more may be open at once."""

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Environment variables that name certificates, beside those that OpenSSL knows."""


class Connections:
    """Connections to one server, which threads share.

    Proxies are those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, certificates
    those of REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE, or the system's.

    Args:
        address: "http://host:port" or "https://host:port"; it may hold a user's name
            and password.

    Attributes:
        root: the address without these two.

    Raises:
        ValueError: when what the environment names cannot be used.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.root = parts._replace(netloc=_host_and_port(address)).geturl()
        self._headers = {
            **urllib3.make_headers(accept_encoding="gzip,deflate"),
            **_credentials(address, "basic_auth"),
        }
        options: dict[str, Any] = {"maxsize": _CONNECTIONS, "retries": False}
        if parts.scheme == "https":
            options["ssl_context"] = _certificates()
        self._manager = _manager(_proxy_of(address), options)
        self._manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def send(
        self, method: str, url: str, body: bytes | None, seconds: float
    ) -> urllib3.BaseHTTPResponse:
        """Sends a request; the answer's content is still to be read.

        Args:
            method: of HTTP.
            url: of the server.
            body: JSON, or None.
            seconds: how long connecting may take, and each piece of the answer.

        Raises:
            urllib3.exceptions.HTTPError: when there is no answer.
        """
        headers = self._headers
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        return self._manager.urlopen(
            method,
            url,
            body=body,
            headers=headers,
            timeout=seconds,
            redirect=False,  # which would turn a POST into a GET
            preload_content=False,
        )

    def close(self) -> None:
        """Closes those that are idle."""
        self._manager.clear()


class _WholeRequests:
    """Sends the head and the body of a request together.

    In two pieces they would wake the server twice.
    """

    _held: bytearray | None = None

    def request(self, *arguments: Any, **options: Any) -> None:
        self._held = bytearray()
        try:
            super().request(*arguments, **options)
            whole = self._held
        finally:
            self._held = None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held += data


class _HttpConnection(_WholeRequests, urllib3.connection.HTTPConnection):
    pass


class _HttpsConnection(_WholeRequests, urllib3.connection.HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def _manager(proxy: str | None, options: dict[str, Any]) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(**options)
    if proxy.startswith("https:"):
        options = {**options, "proxy_ssl_context": _certificates()}
    try:
        return urllib3.ProxyManager(
            proxy, proxy_headers=_credentials(proxy, "proxy_basic_auth"), **options
        )
    except urllib3.exceptions.HTTPError as error:
        raise ValueError(
            "The proxy that the environment names must be http://host:port or "
            f"https://host:port. Received: {proxy!r}"
        ) from error


def _proxy_of(address: str) -> str | None:
    parts, proxies = urlsplit(address), urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_direct(parts.hostname, _host_and_port(address)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _host_and_port(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2]


def _is_direct(host: str, host_and_port: str) -> bool:
    """Whether the environment says that no proxy leads to a host."""
    if urllib.request.proxy_bypass(host_and_port):
        return True
    networks = urllib.request.getproxies().get("no", "").split(",")
    return any(_is_within(host, network.strip()) for network in networks)


def _is_within(host: str, network: str) -> bool:
    """Whether an address is of a network such as "10.0.0.0/8"."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _credentials(address: str, kind: str) -> dict[str, str]:
    """The header for the name and password in an address, if it has them."""
    parts = urlsplit(address)
    if parts.username is None:
        return {}
    words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return urllib3.make_headers(**{kind: words})


def _certificates() -> ssl.SSLContext:
    for variable in _BUNDLES:
        path = os.environ.get(variable)
        if not path:
            continue
        kind = "capath" if os.path.isdir(path) else "cafile"
        try:
            return ssl.create_default_context(**{kind: path})
        except OSError as error:
            raise ValueError(
                f"{variable} must name a file or a folder of certificates. "
                f"Received: {path!r}: {error}"
            ) from error
    return ssl.create_default_context()
