"""Create the virtual environment: `make venv` runs this with whatever Python it finds.

Imports only the standard library. Every failure ends with one sentence and status 1, never with a traceback.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".ok"
LOCKS = ("requirements-dev.lock", "uv.pin")
NO_PIP = (
    "This Python ({}) has neither pip nor ensurepip, so nothing can be installed with it: "
    "on Debian and Ubuntu install the package python3-venv (as root: apt-get install python3-venv), "
    "then try again."
)
NO_VENV = (
    "This Python ({}) cannot make virtual environments: on Debian and Ubuntu install the package "
    "python3-venv (as root: apt-get install python3-venv), then try again."
)
# The Python that creates the environment, even when the environment's own Python runs this file.
OUTER: str = getattr(sys, "_base_executable", sys.executable)


class Stop(Exception):
    """Raised with one sentence that says why the environment can't be created."""


def main() -> int:
    """Create the environment and return the exit status: 0 when `.venv` holds exactly what the locks name."""
    if is_fresh():
        return 0
    try:
        build()
    except Stop as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"The environment could not be made in {VENV}: {problem}", file=sys.stderr)
        return 1
    return 0


def is_fresh() -> bool:
    """Return whether the environment was created from the present locks."""
    return interpreter().exists() and STAMP.exists() and STAMP.read_bytes() == wanted()


def wanted() -> bytes:
    """Return what the stamp must hold: the text of the locks, and the folder (scripts contain its path)."""
    return os.fsencode(VENV) + b"".join((ROOT / name).read_bytes() for name in LOCKS)


def interpreter() -> Path:
    return VENV / "bin" / "python"


def build() -> None:
    """Create the environment with the locked packages. Raises Stop with the sentence to show."""
    STAMP.unlink(missing_ok=True)
    if not runs([str(interpreter()), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]):
        shutil.rmtree(VENV, ignore_errors=True)
        made = quiet([OUTER, "-m", "venv", "--without-pip", str(VENV)])
        if made.returncode:
            raise Stop(NO_VENV.format(OUTER))
    if not runs([str(VENV / "bin" / "uv"), "--version"]):
        install("uv.pin")
    uv = [str(VENV / "bin" / "uv"), "pip", "sync", "-q", "--python", str(interpreter()), "--require-hashes"]
    synced = quiet([*uv, *LOCKS])
    if synced.returncode:
        # uv does not read pip's settings (a mirror, a certificate), so pip may reach a registry that uv could
        # not.
        for name in LOCKS:
            install(name, synced.stderr)
    STAMP.write_bytes(wanted())


def a_pip() -> list[str]:
    """Return the command line of a pip that installs into the environment."""
    if runs([OUTER, "-m", "pip", "--version"]):
        return [OUTER, "-m", "pip", "--python", str(interpreter())]
    if runs([str(interpreter()), "-m", "pip", "--version"]):
        return [str(interpreter()), "-m", "pip"]
    if runs([str(interpreter()), "-m", "ensurepip", "--default-pip"]):
        return [str(interpreter()), "-m", "pip"]
    raise Stop(NO_PIP.format(OUTER))


def install(name: str, before: str = "") -> None:
    """Install what a lock names. Raises Stop with the last line of pip's output."""
    options = ["-q", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    done = quiet([*a_pip(), "install", *options, "-r", str(ROOT / name)])
    if done.returncode:
        said = (done.stderr or done.stdout or before).strip().splitlines() or ["no reason given"]
        raise Stop(
            f"The packages of {name} could not be installed (is the network there?): {said[-1].strip()}"
        )


def runs(command: list[str]) -> bool:
    """Return whether the command can be run and succeeds."""
    try:
        return quiet(command).returncode == 0
    except OSError:
        return False


def quiet(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command with its output captured."""
    env = dict(os.environ)
    trusted = env.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
    if Path(trusted).is_file():
        # uv has its own certificates and ignores those that the machine trusts.
        env.setdefault("SSL_CERT_FILE", trusted)
    if "PIP_INDEX_URL" in env:
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
