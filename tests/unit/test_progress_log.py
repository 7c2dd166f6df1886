"""Lines of progress: where they are printed, and what of them."""

import logging
import os

import pytest

from labreport.core.progress_log import log


def test_progress_is_printed_and_a_warning_goes_to_standard_error_without_control_characters(
    capsys,
):
    log.info("run \x1b[2Jone: 50 %")
    log.warning("stopping")
    assert capsys.readouterr() == ("run \\x1b[2Jone: 50 %\n", "stopping\n")


def test_a_line_is_printed_once_though_a_library_has_configured_logging(capsys):
    root = logging.getLogger()
    handlers = root.handlers[:]
    logging.basicConfig(force=True, level=logging.INFO)
    try:
        log.info("once")
        assert capsys.readouterr() == ("once\n", "")
    finally:
        root.handlers[:] = handlers


def test_a_terminal_that_is_gone_is_an_error(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        with pytest.raises(BrokenPipeError):
            log.info("is anybody there?")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left goes nowhere
