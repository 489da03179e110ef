"""Where things lie: folders that travel with the program, the home of an installation, files that people name."""

import stat
from pathlib import Path

from platformdirs import user_data_path

from qaflow.errors import ConfigError, Forbidden, Invalid, Missing, Unavailable

PACKAGE = Path(__file__).resolve().parent
DATA_FOLDERS = ("migrations", "templates", "workflows")
PRIVATE_FOLDER = 0o700
MAX_INPUT = 64 * 1024 * 1024
# On these SQLite's locks do not hold, so that two writers can spoil the file (sqlite.org, "how to corrupt").
NETWORK_FILESYSTEMS = frozenset(
    {"9p2000.L", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "ncpfs", "nfs", "nfs3", "nfs4", "smb3", "smbfs"}
)


def data_dir(name: str) -> Path:
    """Return the folder migrations, templates or workflows: in the wheel in the package, in a checkout beside it."""
    if name not in DATA_FOLDERS:
        raise ValueError(f"no data folder is called {name!r}; there are {', '.join(DATA_FOLDERS)}")
    for parent in (PACKAGE, PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise ConfigError("config.installation", f"the folder {name} is missing beside {PACKAGE}; install qaflow again")


def default_home() -> Path:
    """Return the folder that an installation owns unless QAFLOW_HOME says otherwise."""
    return user_data_path("qaflow", appauthor=False)


def make_private(folder: Path) -> Path:
    """Make the folder, for its owner alone; one that exists stays as it is."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable("config.home", f"cannot make the folder {folder}: {error.strerror}") from error
    return folder


def filesystem(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the type of file system that `path` lies (or would lie) on, "" where the machine does not tell."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    target = path.resolve()
    found = [(Path(_unescape(fields[1])), fields[2]) for fields in map(str.split, lines) if len(fields) > 2]
    # Later lines lie on top of earlier ones, hence the position as the second key.
    holding = [(len(at.parts), i, kind) for i, (at, kind) in enumerate(found) if target.is_relative_to(at)]
    return max(holding, default=(0, 0, ""))[2]


def _unescape(field: str) -> str:
    return field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")


def read_input(path: str | Path, limit: int = MAX_INPUT) -> bytes:
    """Read a file that somebody named: regular, readable, at most `limit` bytes; the error says what it is not."""
    path = Path(path)
    try:
        mode = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(mode.st_mode):
        # Checked before opening: to open a FIFO without a writer would wait for ever.
        raise Invalid("file.not_regular", f"{path} is not a file; name a file", path=str(path))
    if mode.st_size > limit:
        raise Invalid("file.too_large", f"{path} has {mode.st_size} bytes; at most {limit} are read", path=str(path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> Forbidden | Missing | Invalid:
    if isinstance(error, PermissionError):
        return Forbidden("file.not_readable", f"{path} may not be read by this user", path=str(path))
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Missing("file.not_found", f"there is no file {path}", path=str(path))
    return Invalid("file.not_readable", f"{path} cannot be read: {error.strerror}", path=str(path))
