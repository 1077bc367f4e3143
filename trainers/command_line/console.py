"""The console command: keras-pixelcnn PROGRAM --flag=value ..., as python -m does."""

import ast
import difflib
import importlib.util
import pathlib
import pkgutil
import runpy
import sys

import savedmodels
import trainers
from savedmodels import quiet_start


def programs() -> dict[str, str]:
    """Returns the modules of all programs by the words that start them."""
    found = {
        module.name: f"trainers.{module.name}"
        for module in pkgutil.iter_modules(trainers.__path__)
        if not module.ispkg
    }
    for module in ("export", "client", "server"):
        found[module] = f"{savedmodels.__name__}.{module}"
    return dict(sorted(found.items()))


def main() -> None:
    """Runs the program that the first word names; without one, lists them."""
    known, words = programs(), sys.argv[1:]
    name = words[0].replace("-", "_") if words else "--help"
    if name in known:
        sys.argv = [f"keras-pixelcnn {name}", *words[1:]]
        quiet_start.load_tensorflow()
        try:
            runpy.run_module(known[name], run_name="__main__", alter_sys=True)
        except ModuleNotFoundError as error:
            from keras_pixelcnn.programs import missing_extra

            sys.exit(f"error: {missing_extra(error) or error}")
        return
    if name in ("__help", "_h", "--help", "help"):
        print(
            "keras-pixelcnn PROGRAM --flag=value ...; PROGRAM --help tells its flags\n"
        )
        width = max(map(len, known))
        for word, module in known.items():
            print(f"  {word:{width}}  {_first_line(module)}")
        return
    near = difflib.get_close_matches(name, known, n=1)
    sys.exit(
        f"error: The first word must name a program: {', '.join(known)}. "
        f"Received: {words[0]}" + (f". Was {near[0]} meant?" if near else "")
    )


def _first_line(module: str) -> str:
    """Reads what a program's module says of itself, without importing it."""
    path = pathlib.Path(importlib.util.find_spec(module).origin)
    if path.name == "__init__.py":
        path = path.with_name("__main__.py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return (docstring or "").splitlines()[0]


if __name__ == "__main__":
    main()
