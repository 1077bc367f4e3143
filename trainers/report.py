"""Makes one HTML page of a run, finished or still going on.

python -m trainers.report --workdir=runs/digits

The page needs no other file and no network: curves, samples and completions as they
improved, likelihoods beside the baselines and the paper's, the config and what the run
ran on. What the run does not hold yet is said on the page.
"""

import pathlib

from absl import flags

from keras_pixelcnn import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("workdir", None, "Folder of the run.")
    define.string(
        "output", None, "The page's file. Default: report.html in the workdir."
    )
    define.required(["workdir"])


def main(flag_values: flags.FlagValues) -> None:
    """Writes the page, and says where it is."""
    from trainers.report_page.page import write_page

    workdir = pathlib.Path(flag_values.workdir)
    output = pathlib.Path(flag_values.output or workdir / "report.html")
    write_page(workdir, output)
    print(f"The run's page is {output} ({output.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    programs.run(main, define_flags)
