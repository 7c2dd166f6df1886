"""The command that runs something again and compares: verify."""

import argparse
import sys
from pathlib import Path

from ..config import experiments
from ..core.i18n import listed
from ..runs import manifest
from ..studies import assignments, sweeps
from . import options as opt
from .output import print
from .reports import bring_up_to_date

PDF = ".pdf"


def add_to(commands: opt.Commands) -> None:
    """Add the command of this module."""
    parser = commands.add("verify", verify)
    parser.add_argument(
        "experiment",
        metavar="EXPERIMENT|REPORT.PDF",
        help=(
            "an experiment with a finished run, or a report.pdf (it contains all that its"
            " experiment needs)"
        ),
    )
    parser.add_argument(
        "--stamp", action="store_true", help="write the verdict on an experiment into its report"
    )
    parser.add_argument(
        "--tolerance",
        type=opt.share,
        metavar="T",
        help="largest difference that counts as the same on another device (default 0.001)",
    )
    opt.add_settings(parser)
    opt.add_language(parser)


def verify(options: argparse.Namespace) -> int:
    """Run an experiment again in a temporary folder, and compare the outcome with its finished run;
    or run the experiment in a report.pdf again, and compare the outcome with the PDF.
    """
    return _verify_pdf(options) if _names_pdf(options.experiment) else _verify_run(options)


def _names_pdf(name: str) -> bool:
    """Whether a PDF is meant: experiments have no dot in their names, but files may have none."""
    if name in experiments.names() or name in sweeps.names() or assignments.compared(name):
        return False
    return name.lower().endswith(PDF) or Path(name).is_file()


def _verify_run(options: argparse.Namespace) -> int:
    from ..execution import verification

    experiment = opt.one_experiment(options)
    edited = manifest.changed(experiment.folder)
    if edited:
        print(
            f"{experiment.run_name}: {listed(edited)} changed after the notebook was executed, so"
            " the changed files are compared",
            flush=True,
        )
    verdict = verification.verify(experiment, _tolerance(options), sys.stdout)
    code = _print_verdict(verdict, experiment.run_name, "the finished run", "the finished run")
    if options.stamp:
        verification.stamp(experiment, verdict)
        bring_up_to_date(experiment, options.language, with_reports=True)
    return code


def _verify_pdf(options: argparse.Namespace) -> int:
    from ..execution import verification

    if options.set or options.data == "sample":
        raise ValueError(
            f"{options.experiment} contains its own settings; leave out --set and --data sample"
        )
    if options.stamp:
        raise ValueError(
            "--stamp writes the verdict into the report of a run folder; name the experiment"
            " instead of a PDF"
        )
    verdict = verification.reproduce(
        Path(options.experiment),
        _tolerance(options),
        sys.stdout,
        lambda line: print(line, flush=True),
    )
    return _print_verdict(verdict, options.experiment, "the PDF", "the run in the PDF")


def _tolerance(options: argparse.Namespace) -> float:
    from ..execution import differences

    return differences.TOLERANCE if options.tolerance is None else options.tolerance


def _print_verdict(verdict, name: str, made: str, ran: str) -> int:
    """Print a verdict; returns the exit code.

    Args:
        name: of what was run again.
        made: what it was made from other things than, in words.
        ran: what it ran on other things than, in words.
    """
    if verdict.reasons:
        print(f"its inputs differ from those of {made}: {'; '.join(verdict.reasons)}")
    print(f"{name}: {verdict}")
    if verdict.machine:
        print(
            f"its machine or versions differ from those of {ran}, which can change the last bits:"
            f" {'; '.join(verdict.machine)}"
        )
    return 1 if verdict.verdict == "different" else 0
