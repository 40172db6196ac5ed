"""Temporary folders of what is fetched."""

from __future__ import annotations

import stat

from teadata.objects.temporary import temporary_folder


class Owner:
    """What a folder is for."""


def test_nobody_else_may_look_into_it_and_it_goes_with_its_owner():
    owner = Owner()
    folder = temporary_folder(owner)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "secret").write_text("1")
    del owner
    assert not folder.exists()
