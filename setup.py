"""Installs the library, its training programs and its export programs."""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$',
    (ROOT / "keras_pixelcnn" / "__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)

HOME: str | None = None
"""Address of the repository's files, which links of the README then begin with."""


def readme() -> str:
    """Returns the README as it can be shown elsewhere.

    Links and pictures that lead to other files of the repository get its address, and
    while it has none, links keep their words alone and pictures are left out.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    inside = r"\((?!https?://|#)([^)]+)\)"
    if HOME is None:
        text = re.sub(rf"!\[[^]]*\]{inside}\n*", "", text)
        return re.sub(rf"\[([^]]*)\]{inside}", r"\1", text)
    return re.sub(rf"\]{inside}", rf"]({HOME}/\1)", text)


# .ci/versions installs either end of these ranges and tries it. Upper bounds stand
# where the next version that may break things is known by its number: TensorFlow
# Probability follows one release of TensorFlow, and the others promise to break nothing
# within a major one.

CODECS = ["constriction>=0.4,<1"]

REPORT = ["jinja2>=3.1", "matplotlib>=3.8"]

SERVING = [
    "aiohttp>=3.14,<4",  # whose keep-alive time-out also holds for unfinished heads
    "grpcio>=1.71,<2",
    "orjson>=3.10,<4",
    "protobuf>=6.31.1,<8",
    "requests>=2.32,<3",
    "tenacity>=9",
    "tensorflow-serving-api>=2.21,<3",
    "urllib3>=2.2,<3",
]

setuptools.setup(
    name="keras-pixelcnn",
    version=VERSION,
    description="Exact-likelihood image models in Keras: Gated PixelCNN and its kin",
    long_description=readme(),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    author="The keras_pixelcnn authors",
    project_urls={
        "Paper": "https://arxiv.org/abs/1606.05328",
        "PixelCNN and PixelRNN": "https://arxiv.org/abs/1601.06759",
        "PixelCNN++": "https://arxiv.org/abs/1701.05517",
    },
    keywords=[
        "autoregressive models",
        "density estimation",
        "generative models",
        "keras",
        "lossless compression",
        "pixelcnn",
        "tensorflow",
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    packages=setuptools.find_packages(
        include=["keras_pixelcnn*", "trainers*", "savedmodels*"]
    ),
    entry_points={
        "console_scripts": ["keras-pixelcnn = trainers.command_line.console:main"]
    },
    package_data={
        "keras_pixelcnn": ["pretrained/*/*", "py.typed"],
        "savedmodels": [
            "deployment/*",
            "loader/*.c",
            "server/page/*",
        ],
        "trainers": ["report_page/templates/*.html"],
    },
    install_requires=[
        "absl-py>=2.1",
        "filelock>=3.12",
        "h5py>=3.11",
        "importlib_resources>=6",  # tensorflow-datasets imports it, undeclared
        "keras>=3.14,<4",  # 3.13 unpacks files without bound, 3.12 loads no presets
        "ml_collections>=1.0",
        "ml_dtypes>=0.5.1",
        "numpy>=1.26,<3",
        "pillow>=10.1",  # sizes of fonts that are no integers
        "safetensors>=0.4.5,<1",  # earlier ones damage files that hold no arrays
        "scikit-learn>=1.5",
        "scipy>=1.13",
        "tensorboard>=2.20,<3",
        "tensorflow>=2.21,<3",
        "tensorflow-datasets>=4.9.7",
        "tensorflow-probability[tf]>=0.25,<0.26",
        "tqdm>=4.66",
    ],
    extras_require={
        "codecs": [*CODECS, "pillow-jxl-plugin"],
        "report": REPORT,
        "docs": [
            *CODECS,
            *SERVING,
            "ipython",
            "jupytext",
            "latex2mathml",
            "matplotlib",
            "mkdocs>=1.6",
            "mkdocs-material",
            "mkdocstrings[python]",
            "pillow-jxl-plugin",
            "scipy",
        ],
        "serving": SERVING,
        "test": [
            *CODECS,
            *REPORT,
            *SERVING,
            "hypothesis>=6.100",
            "import-linter>=2.17",
            "mypy",
            "openvino",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "pyyaml>=6",
            "ruff",
            "selenium",
        ],
    },
)
