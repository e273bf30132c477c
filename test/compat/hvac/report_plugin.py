"""A pytest plugin that writes each test's outcome as one JSON line to the file $COMPAT_REPORT names."""

import json
import os

_file = None


def pytest_configure(config):
    global _file
    if not hasattr(config, "workerinput"):
        _file = open(os.environ["COMPAT_REPORT"], "w")


def pytest_runtest_logreport(report):
    if _file is None or (report.when != "call" and report.outcome == "passed"):
        return
    detail = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
    line = {"id": report.nodeid, "outcome": report.outcome, "detail": detail}
    _file.write(json.dumps(line) + "\n")
    _file.flush()


def pytest_collectreport(report):
    if _file is not None and report.failed:
        line = {"id": report.nodeid, "outcome": "failed", "detail": str(report.longrepr)}
        _file.write(json.dumps(line) + "\n")
        _file.flush()
