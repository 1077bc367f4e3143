"""Tests of the deployment files: they are well-formed, and fit to each other."""

import http.server
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

FOLDER = pathlib.Path(__file__).parents[3] / "savedmodels" / "deployment"

# github.com/tensorflow/serving, tensorflow_serving/model_servers/main.cc
SERVER_FLAGS = frozenset(
    "port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms "
    "rest_api_enable_cors_support enable_batching "
    "allow_version_labels_for_unavailable_models batching_parameters_file "
    "enable_per_model_batching_parameters model_config_file "
    "model_config_file_poll_wait_seconds model_name model_base_path num_load_threads "
    "num_unload_threads max_num_load_retries load_retry_interval_micros "
    "file_system_poll_wait_seconds flush_filesystem_caches "
    "tensorflow_session_parallelism tensorflow_session_config_file "
    "tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism "
    "use_alts_credentials ssl_config_file platform_config_file "
    "per_process_gpu_memory_fraction saved_model_tags grpc_channel_arguments "
    "grpc_max_threads enable_model_warmup num_request_iterations_for_warmup version "
    "monitoring_config_file remove_unused_fields_from_bundle_metagraph "
    "enable_signature_method_name_check enable_profiler "
    "thread_pool_factory_config_file".split()
)


def _documents(name):
    """A YAML file's documents, with the defaults of its variables."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    assert "$" not in text
    return list(yaml.safe_load_all(text))


def _compose(name="docker-compose.yml"):
    (document,) = _documents(name)
    assert list(document["services"]) == ["serving"]
    return document["services"]["serving"]


def _kubernetes():
    return {item["kind"]: item for item in _documents("kubernetes.yaml")}


def _pod():
    return _kubernetes()["Deployment"]["spec"]["template"]


def _container():
    (container,) = _pod()["spec"]["containers"]
    return container


def _server_flags(arguments):
    """Values by name; each argument is `--name=value`, each name comes once."""
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    assert [f"--{name}={value}" for name, value in flags.items()] == arguments
    return flags


def _flags():
    return _server_flags(_container()["args"])


def _model():
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((FOLDER / "models.config").read_text(encoding="utf-8"), config)
    (model,) = config.model_config_list.config
    return model


def _metrics_path():
    text = (FOLDER / "monitoring.config").read_text(encoding="utf-8")
    form = r'prometheus_config {\s+enable: true\s+path: "(\S+)"\s+}\s+'
    return re.fullmatch(form, text)[1]


# The config files.


def test_both_labels_name_versions_that_are_loaded():
    model = _model()
    assert model.model_platform == "tensorflow"
    loaded = set(model.model_version_policy.specific.versions)
    assert set(model.version_labels) == {"stable", "canary"}
    assert set(model.version_labels.values()) <= loaded


def test_the_config_files_are_those_that_the_flags_name():
    names = {
        pathlib.PurePosixPath(value)
        for name, value in _flags().items()
        if name.endswith("_file")
    }
    assert {path.parent.as_posix() for path in names} == {"/config"}
    files = {path.name for path in names}
    assert files == {path.name for path in FOLDER.glob("*.config")}
    (kustomization,) = _documents("kustomization.yaml")
    (config_map,) = kustomization["configMapGenerator"]
    assert set(config_map["files"]) == files
    assert config_map["name"] == _volumes()["config"]["configMap"]["name"]
    # Else each edit of models.config would start new pods.
    assert kustomization["generatorOptions"]["disableNameSuffixHash"] is True
    assert kustomization["resources"] == ["kubernetes.yaml"]


def test_threads_are_as_many_as_processors():
    flags, batching = _flags(), (FOLDER / "batching.config").read_text()
    threads = {
        flags["tensorflow_intra_op_parallelism"],
        flags["tensorflow_inter_op_parallelism"],
        re.search(r"num_batch_threads { value: (\d+) }", batching)[1],
        _container()["resources"]["limits"]["cpu"],
        _compose()["deploy"]["resources"]["limits"]["cpus"],
    }
    assert len(threads) == 1


def test_prometheus_is_told_the_right_path():
    annotations = _pod()["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] == _metrics_path()
    assert annotations["prometheus.io/port"] == _flags()["rest_api_port"]


# What Docker Compose and Kubernetes share.


def test_all_images_are_of_one_exact_version():
    (publisher,) = _documents("publisher.yaml")
    images = [
        _compose()["image"],
        _container()["image"],
        publisher["spec"]["containers"][0]["image"],
    ]
    assert re.fullmatch(r"tensorflow/serving:\d+\.\d+\.\d+", images[0])
    assert len(set(images)) == 1
    assert _compose("docker-compose.gpu.yml")["image"] == f"{images[0]}-gpu"


def test_the_flags_exist_and_are_the_same_in_compose_and_kubernetes():
    assert _compose()["command"] == _container()["args"]
    assert set(_flags()) <= SERVER_FLAGS
    assert _compose()["entrypoint"] == _container()["command"]
    assert _container()["command"] == ["tensorflow_model_server"]


def test_models_and_config_are_mounted_where_the_server_looks_and_read_only():
    compose = {volume["target"]: volume for volume in _compose()["volumes"]}
    assert all(volume["read_only"] for volume in compose.values())
    assert (FOLDER / compose["/config"]["source"]).samefile(FOLDER)
    served = (FOLDER / compose["/models"]["source"]).resolve()
    assert served == FOLDER.parents[1] / "served"
    pods = {mount["mountPath"]: mount for mount in _container()["volumeMounts"]}
    assert set(pods) == {*compose, "/tmp"}
    for path in compose:
        assert pods[path]["readOnly"] is True
        assert "subPath" not in pods[path]  # such a mount never changes
    assert pathlib.PurePosixPath(_model().base_path) == pathlib.PurePosixPath(
        "/models", _model().name
    )


def test_ports():
    ports = {_flags()["port"], _flags()["rest_api_port"]}
    assert ports == {"8500", "8501"}
    published = [port.split(":") for port in _compose()["ports"]]
    assert {address for address, _, _ in published} == {"127.0.0.1"}
    assert {outside for _, outside, _ in published} == ports
    assert {inside for _, _, inside in published} == ports
    named = {port["name"]: port["containerPort"] for port in _container()["ports"]}
    assert named == {
        "grpc": int(_flags()["port"]),
        "http": int(_flags()["rest_api_port"]),
    }
    service = _kubernetes()["Service"]["spec"]["ports"]
    assert {port["targetPort"]: port["port"] for port in service} == named
    assert all(port["name"] == port["targetPort"] for port in service)


def test_nothing_runs_as_root_or_gains_rights():
    compose = _compose()
    assert compose["user"] == "65534:65534"
    assert compose["read_only"] is True
    assert compose["cap_drop"] == ["ALL"]
    assert compose["security_opt"] == ["no-new-privileges:true"]
    (publisher,) = _documents("publisher.yaml")
    for pod in (_pod()["spec"], publisher["spec"]):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        rights = pod["containers"][0]["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}


def test_memory_and_processors_are_limited():
    assert set(_compose()["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    resources = _container()["resources"]
    assert set(resources["limits"]) == {"cpu", "memory"}
    assert resources["requests"] == resources["limits"]


# Health.


class _Status(http.server.BaseHTTPRequestHandler):
    """Answers as TF Serving does, with the state that the server's `state` says."""

    def do_GET(self):
        known = self.path == f"/v1/models/{_model().name}"
        body = f'{{"model_version_status": [{{"state": "{self.server.state}"}}]}}'
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(body.encode() if known else b"{}")

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("state", "is_healthy"), [("AVAILABLE", True), ("LOADING", False), (None, False)]
)
def test_the_health_check_of_compose(state, is_healthy):
    """The command itself, against a server in the states there are; None is no one."""
    program, *arguments = _compose()["healthcheck"]["test"][1:]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not on the PATH.")
    with http.server.HTTPServer(("127.0.0.1", 0), _Status) as server:
        server.state = state
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        if state:
            thread.start()
        else:
            server.server_close()
        port = f"/dev/tcp/127.0.0.1/{server.server_port}"
        command = [text.replace("/dev/tcp/127.0.0.1/8501", port) for text in arguments]
        assert command != arguments
        result = subprocess.run(
            [program, *command], capture_output=True, timeout=30, check=False
        )
        if state:
            server.shutdown()
            thread.join()
    assert (result.returncode == 0) is is_healthy


def test_the_probes_of_kubernetes_ask_for_the_model():
    container = _container()
    for name in ("startupProbe", "readinessProbe"):
        probe = container[name]["httpGet"]
        assert probe == {"path": f"/v1/models/{_model().name}", "port": "http"}
    assert container["livenessProbe"]["tcpSocket"] == {"port": "grpc"}


def test_a_rollout_ends_no_request_and_never_has_fewer_pods():
    seconds = int(_flags()["rest_api_timeout_in_ms"]) / 1000
    program, wait = _container()["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert seconds < int(wait) < _pod()["spec"]["terminationGracePeriodSeconds"]
    strategy = _kubernetes()["Deployment"]["spec"]["strategy"]
    assert strategy["type"] == "RollingUpdate"
    assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


# The objects of Kubernetes name each other.


def _volumes():
    return {volume["name"]: volume for volume in _pod()["spec"]["volumes"]}


def test_the_objects_of_kubernetes_find_each_other():
    objects = _kubernetes()
    labels = _pod()["metadata"]["labels"]
    deployment = objects["Deployment"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    disruption = objects["PodDisruptionBudget"]["spec"]
    assert disruption["selector"]["matchLabels"] == labels
    scaler = objects["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]  # they are the autoscaler's
    assert scaler["minReplicas"] > disruption["minAvailable"]
    mounted = {mount["name"] for mount in _container()["volumeMounts"]}
    assert mounted == set(_volumes())
    claim = objects["PersistentVolumeClaim"]["metadata"]["name"]
    assert _volumes()["models"]["persistentVolumeClaim"]["claimName"] == claim
    (publisher,) = _documents("publisher.yaml")
    assert publisher["metadata"]["labels"] != labels  # else it would get requests
    (volume,) = publisher["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim
    (mount,) = publisher["spec"]["containers"][0]["volumeMounts"]
    assert mount == {"name": volume["name"], "mountPath": "/models"}
