"""Builds the documentation site, in which every warning is an error.

python -m docs.build                 # runs the pages' code too: some minutes of CPU
python -m docs.build --no-run-code   # only what the pages say

The pages then lie in site/: open site/index.html. A link that leads nowhere is such a
warning, too: see "validation" in mkdocs.yml.
"""

import argparse
import os
import pathlib
import subprocess
import sys

from docs.run_page import ROOT


def main() -> None:
    """Builds the site; ends with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--no-run-code",
        action="store_true",
        help="leave out running the code of the pages",
    )
    parser.add_argument(
        "--site", type=pathlib.Path, default=ROOT / "site", help="where it is written"
    )
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    built = subprocess.run(
        [*command, "--site-dir", str(arguments.site.resolve())],
        cwd=ROOT,
        env={**os.environ, "DOCS_RUN_CODE": str(not arguments.no_run_code).lower()},
    )
    if built.returncode:
        sys.exit("The site was not built; what is wrong stands above.")
    print(f"The site is in {arguments.site}.")


if __name__ == "__main__":
    main()
