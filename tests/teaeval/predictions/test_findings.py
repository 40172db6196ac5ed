"""Findings as rows and as JSON."""

from __future__ import annotations

import dataclasses
import json

from teaeval import check
from teaeval.predictions import findings


def test_findings_as_rows_and_as_json(noisy, mini_i):
    order = [1, 0, *range(2, 42)]
    found = check(dataclasses.replace(noisy, forces=noisy.forces[:, order]), mini_i)[1]
    assert findings.rows(found)[0][:2] == ("error", "permuted-atoms")
    assert len(findings.rows(found)[0]) == len(findings.COLUMNS)
    (document,) = json.loads(json.dumps(findings.as_json(found)))
    assert document["code"] == "permuted-atoms"
    assert document["evidence"]["belongs"][:3] == [1, 0, 2]
    assert found[0] == dataclasses.replace(found[0])
    assert len({found[0], dataclasses.replace(found[0])}) == 1
