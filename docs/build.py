"""Builds the documentation site, in which every warning is an error.

python -m docs.build                 # runs the pages' code too: some minutes of CPU
python -m docs.build --no-run-code   # only what the pages say

The pages then lie in site/: open site/index.html.
"""

import argparse
import os
import pathlib
import subprocess
import sys

from docs.check_links import broken_links
from docs.run_page import ROOT


def main() -> None:
    """Builds the site and checks its links; ends with 1 where something is wrong."""
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
    try:
        build(arguments.site, run_code=not arguments.no_run_code)
    except subprocess.CalledProcessError:
        sys.exit("The site was not built; what is wrong stands above.")
    broken = broken_links(arguments.site)
    for line in broken:
        print(line, file=sys.stderr)
    if broken:
        sys.exit(f"{len(broken)} links lead nowhere.")
    print(f"The site is in {arguments.site}.")


def build(site: pathlib.Path, run_code: bool) -> None:
    """Builds the site into a folder.

    Args:
        site: the folder, which is emptied first.
        run_code: whether the code of the pages is run.

    Raises:
        subprocess.CalledProcessError: when a page's code fails, or on any warning.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    subprocess.run(
        [*command, "--site-dir", str(site.resolve())],
        cwd=ROOT,
        env={**os.environ, "DOCS_RUN_CODE": str(run_code).lower()},
        check=True,
    )


if __name__ == "__main__":
    main()
