"""Tests of the deployment files' README: what it names is there, and its commands go.

No server runs: a `curl` of the tests' own keeps what the commands would send.
"""

import importlib
import json
import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest
from absl import flags

from keras_pixelcnn import GatedPixelCNN
from keras_pixelcnn.export.signatures import signatures
from tests.savedmodels.deployment.deployment_test import FOLDER, SERVER_FLAGS

ROOT = FOLDER.parents[1]
README = (FOLDER / "README.md").read_text(encoding="utf-8")

CURL = """#!/bin/bash
# Keeps each body in a file of its own, and answers with two images, or with strings.
while [ $# -gt 0 ]; do
  case "$1" in
    --data) body="$2"; shift ;;
    http:*) url="$1" ;;
  esac
  shift
done
[ "$body" = @- ] && body="$(cat)"
printf '%s' "$body" > "$BODIES/$(printf '%03d' "$(ls "$BODIES" | wc -l)")"
printf '%s\\n' "$url" >> "$BODIES.urls"
case "$body" in
  *metadata*) echo '{"predictions": ["{}"]}' ;;
  *_png*) echo '{"predictions": [{"b64": "AAAA"}]}' ;;
  *) cat "$ANSWER" ;;
esac
"""


def _blocks():
    """The commands of each block, which may be indented."""
    found = re.findall(r"^( *)```bash\n(.*?)^ *```$", README, re.DOTALL | re.MULTILINE)
    blocks = [re.sub(f"^{indent}", "", text, flags=re.M) for indent, text in found]
    assert len(blocks) == README.count("```bash")
    return blocks


def _programs():
    """Module and arguments of each call of a program of this project."""
    calls = [
        shlex.split(line)
        for block in _blocks()
        for line in block.splitlines()
        if " -m savedmodels" in line
    ]
    return [
        (call[call.index("-m") + 1], call[call.index("-m") + 2 :]) for call in calls
    ]


def _flags_of(name):
    """The flags of a program, which may be a module or a package."""
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{name}.__main__")
    values = flags.FlagValues()
    module.define_flags(values)
    return values


@pytest.mark.parametrize(("module", "arguments"), _programs())
def test_the_projects_programs_take_their_flags(module, arguments):
    rest = _flags_of(module)(["program", *arguments])
    assert rest == ["program"]


def test_flags_that_the_text_names_exist():
    text = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    named = set(re.findall(r"`--(\w+)[^`]*`", text))
    assert named
    assert named <= SERVER_FLAGS


def test_links_and_files_exist():
    links = set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
    assert links <= {path.name for path in FOLDER.iterdir()}
    there = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert links == there - {"README.md"}  # the table names each
    paths = set(re.findall(r"(?:savedmodels|trainers)/[\w./-]*[\w-]", README))
    for path in paths:
        assert (ROOT / path).exists(), path


def test_the_variables_of_the_compose_file():
    compose = (FOLDER / "docker-compose.yml").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", compose))
    assert dict(re.findall(r"^\| `(SERV\w+)` \| `(.*?)` \|", README, re.M)) == defaults


# The requests.


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """What the block of requests sends: addresses and bodies."""
    for program in ("bash", "jq", "base64"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on the PATH.")
    folder = tmp_path_factory.mktemp("requests")
    curl = folder / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text(CURL, encoding="utf-8")
    curl.chmod(0o755)
    (folder / "bodies").mkdir()
    image = np.zeros([2, 8, 8, 1], int).tolist()
    (folder / "answer").write_text(json.dumps({"predictions": image}))
    (folder / "mask.png").write_bytes(b"\x89PNG")
    (block,) = [block for block in _blocks() if block.startswith("MODEL=")]
    script = f'PATH="$PWD/bin:$PATH"\nset -o errexit -o pipefail\n{block}'
    subprocess.run(
        ["bash", "-c", f"export BODIES=bodies ANSWER=answer\n{script}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    bodies = [path.read_text() for path in sorted((folder / "bodies").iterdir())]
    return (folder / "bodies.urls").read_text().splitlines(), bodies


def _as_columns(body):
    if "inputs" in body:
        return body["inputs"]
    first, *others = body["instances"]
    assert all(row.keys() == first.keys() for row in others)
    return {name: [row[name] for row in body["instances"]] for name in first}


def _fits(values, spec):
    if spec.dtype.name == "string":
        return all(set(value) == {"b64"} for value in values)
    values = np.array(values)
    kinds = {"int32": "i", "int64": "i", "float32": "if", "bool": "b"}
    return values.dtype.kind in kinds[
        spec.dtype.name
    ] and spec.shape.is_compatible_with(values.shape)


def test_the_requests_are_what_the_signatures_take(sent):
    labels = GatedPixelCNN((8, 8, 1), 17, filters=2, num_blocks=1, num_classes=10)
    embeddings = GatedPixelCNN((8, 8, 1), 17, filters=2, num_blocks=1, embedding_dim=2)
    taken = {
        **signatures(labels),
        "interpolate": signatures(embeddings)["interpolate"],
    }
    urls, texts = sent
    (url,) = set(urls)
    assert url.endswith("/v1/models/pixelcnn/labels/stable:predict")
    bodies = [json.loads(text) for text in texts]
    shown = {body["signature_name"] for body in bodies}
    assert shown == {*taken, "metadata"}
    for body in bodies:
        columns = _as_columns(body)
        if body["signature_name"] == "metadata":
            assert columns == {"row": [0]}
            continue
        specs = {spec.name: spec for spec in taken[body["signature_name"]].inputs}
        assert columns.keys() == specs.keys()
        for name, values in columns.items():
            assert _fits(values, specs[name]), (body["signature_name"], name)
