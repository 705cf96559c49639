"""A terminal with somebody in front of it, as a command is started by hand: what the user typed, its modes and its size
before and after."""
import array
import fcntl
import os
import select
import struct
import subprocess
import termios
import time

TYPED = b"typed-by-the-user\n"


def start(command: list[str], around: dict[str, str], fixture, name: str, run: str) -> tuple[str, int]:
    master, slave = os.openpty()
    other_master, other_slave = os.openpty()
    path = os.ttyname(slave)
    if fixture.open_mode == 0o666:  # else their own modes are what keeps others out
        os.chmod(path, 0o666)
        os.chmod(os.ttyname(other_slave), 0o666)
    try:
        os.write(master, TYPED)
        before = _picture(slave)
        if run == "control":
            around = {**around, "ESCAPE_TTY": path}
        else:
            command = [command[0], "--env", f"ESCAPE_TTY={path}", *command[1:]]

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=around, cwd="/", close_fds=True,
                                   preexec_fn=take_terminal)
        output = b""
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            output += _read(master, 0.01)
        if process.poll() is None:
            process.kill()
            process.wait()
        output += _read(master, 0.01)
        found = _difference(before, _picture(slave))
        left = _take_input(slave)
        if left != TYPED:
            found.append(f"its input: {left!r}")
        if _is_exclusive(slave):
            found.append("it is locked")
        fixture.tty_changes[name] = found
        return output.decode(errors="replace").replace("\r\n", "\n"), process.returncode
    finally:
        for fd in (master, slave, other_master, other_slave):
            os.close(fd)


def _read(fd: int, seconds: float) -> bytes:
    data = b""
    while select.select([fd], [], [], seconds)[0]:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        data += part
    return data


def _picture(slave: int) -> dict:
    size = struct.unpack("4H", fcntl.ioctl(slave, termios.TIOCGWINSZ, b"\0" * 8))
    return {"modes": termios.tcgetattr(slave), "size": size}


def _difference(before: dict, after: dict) -> list[str]:
    return [f"its {name}" for name, was in before.items() if after[name] != was]


def _take_input(slave: int) -> bytes:
    """What is left for the user's own program to read, without the modes in the way."""
    modes = termios.tcgetattr(slave)
    waiting = array.array("i", [0])
    fcntl.ioctl(slave, termios.FIONREAD, waiting)
    modes[3] |= termios.ICANON
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    data = b""
    flags = fcntl.fcntl(slave, fcntl.F_GETFL)
    fcntl.fcntl(slave, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    try:
        while True:
            part = os.read(slave, 4096)
            if not part:
                break
            data += part
    except OSError:
        pass
    # What was typed without a newline waits for one.
    os.set_blocking(slave, False)
    modes[3] &= ~termios.ICANON
    modes[6][termios.VMIN] = 0
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    try:
        data += os.read(slave, 4096)
    except OSError:
        pass
    return data


def _is_exclusive(terminal: int) -> bool:
    """Whether TIOCEXCL keeps everybody else from opening it (TIOCGEXCL, ioctl_tty(2))."""
    return struct.unpack("i", fcntl.ioctl(terminal, 0x80045440, struct.pack("i", 0)))[0] != 0
