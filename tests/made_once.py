"""What several test files look at, made once however many workers run them.

A session's fixture is made once a worker of pytest-xdist; a folder made here is found
by the others.
"""

import shutil

import filelock


def made_once(tmp_path_factory, name, make):
    """A folder that the first worker to ask for it fills; none may change it.

    Args:
        tmp_path_factory: of pytest.
        name: of the folder, the same in all workers.
        make: is given the folder, which is not there yet.
    """
    root = tmp_path_factory.getbasetemp()
    if root.name.startswith("popen-gw"):
        root = root.parent  # which all workers have
    folder, complete = root / name, root / f"{name}.complete"
    with filelock.FileLock(root / f"{name}.lock"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            complete.touch()
    return folder
