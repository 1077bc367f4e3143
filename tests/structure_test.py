"""The shape of the package: what imports what, and how long a module may be."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
LIBRARY = ROOT / "keras_pixelcnn"
PROGRAMS = [ROOT / "trainers", ROOT / "savedmodels", ROOT / "benchmarks"]

# Each room may import those before it, and none after it.
ROOMS = [
    {
        "argument_checks",
        "dequantised_gaussian",
        "files",
        "graph_checks",
        "image_checks",
        "interpolation",
        "lossless_files",
        "metrics",
        "pixel_values",
        "schedules",
    },
    {"layers", "baselines", "image_grid", "datasets"},
    {"likelihoods"},
    {"samplers"},
    {"distributions", "codecs"},
    {"export"},
    {"models"},
    {"callbacks", "pretrained", "receptive_field"},
    {"training"},
]
LEVELS = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def modules(*folders):
    paths = [path for folder in folders for path in folder.rglob("*.py")]
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def imported(path):
    """All modules that a file imports, anywhere in it, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name):
    parts = name.split(".")
    return parts[1] if parts[0] == "keras_pixelcnn" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules(LIBRARY))
def test_lower_rooms_never_import_higher_ones(path):
    relative = path.relative_to(LIBRARY)
    if relative.parts == ("__init__.py",):
        return
    own = relative.parts[0].removesuffix(".py")
    assert own in LEVELS, f"{own} has no place in ROOMS"
    for name in imported(path):
        other = room(name)
        if other in LEVELS and other != own:
            assert LEVELS[other] < LEVELS[own] or (LEVELS[other] == LEVELS[own] == 0), (
                f"{relative} imports {name}"
            )


@pytest.mark.parametrize("path", modules(LIBRARY))
def test_the_library_imports_no_program(path):
    for name in imported(path):
        assert name.split(".")[0] not in {"trainers", "savedmodels", "benchmarks"}


def test_no_cycles_between_modules():
    """Counting only what is imported when a module is loaded."""
    edges = {}
    for path in LIBRARY.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        edges[name] = set()
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and room(node.module or ""):
                names = {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
                edges[name] |= {n for n in names if n != name}
    for start in edges:
        reached, stack = set(), list(edges[start])
        while stack:
            current = stack.pop()
            if current in edges and current not in reached:
                reached.add(current)
                stack.extend(edges[current])
        assert start not in reached


@pytest.mark.parametrize("path", modules(LIBRARY, *PROGRAMS))
def test_modules_are_short_and_raise_errors(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 400
    statements = [type(node) for node in ast.walk(ast.parse(source))]
    assert ast.Assert not in statements, "raise ValueError and its kin"


def test_importing_the_package_loads_nothing_that_only_some_need():
    heavy = [
        "tensorflow_datasets",
        "tensorflow_probability",
        "tf_keras",
        "tensorboard",
        "matplotlib",
        "PIL",
        "sklearn",
        "scipy",
        "ml_collections",
        "constriction",
        "keras_pixelcnn.codecs",
        "keras_pixelcnn.datasets",
        "keras_pixelcnn.export",
        "keras_pixelcnn.training",
    ]
    program = f"""
import sys
import keras, tensorflow  # whatever these load by themselves is not ours
before = set(sys.modules)
import keras_pixelcnn
found = set(sys.modules) - before
print([name for name in {heavy} if name in found])
"""
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_public_names_are_there():
    import keras_pixelcnn

    for name in keras_pixelcnn.__all__:
        assert getattr(keras_pixelcnn, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        keras_pixelcnn.nothing  # noqa: B018
