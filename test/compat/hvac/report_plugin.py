"""A pytest plugin that writes each test's outcome as one JSON line to the file $COMPAT_REPORT names.

It also has tests run that hvac keeps for Vault Enterprise, of what is served here.
"""

import json
import os

import pytest

_file = None
_ENTERPRISE = {"test_namespace.py"}


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


def pytest_collectstart(collector):
    if not isinstance(collector, pytest.Module):
        return
    from tests import utils

    # Asked while the module is loaded, which happens next.
    is_ours = collector.path.name in _ENTERPRISE
    utils.is_enterprise = lambda: is_ours
