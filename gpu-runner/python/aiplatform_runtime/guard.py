"""The last program before job code: gives up what job code must not have, and becomes it.

    python3 -I -S guard.py [--close] [--ports 8080,5432] -- program arguments...

When the machine runs out of memory, the kernel ends job code first. With --close there are no objects of System V, which outlive their
processes and which no limit sees, nor what container engines keep from programs too: keys, io_uring, performance counters. With --ports
no process from here on can take these TCP ports, so that none can pose as a server that is just starting again; needs Linux 6.7 (Landlock)
and --close, for other protocols lead around it. Only the standard library; exit code 126 when something cannot be done.
"""
import os
import struct
import sys

_FAILED = 126
_OOM_SCORE = 1000

# Numbers of system calls: those of Landlock are the same on both machines.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_BIND_TCP, _NET_PORT = 1, 2
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _SECCOMP_FILTER = 38, 22, 2
_ENOSYS, _EPROTONOSUPPORT, _EAFNOSUPPORT = 38, 93, 97
_AF_INET, _AF_INET6, _AF_VSOCK, _AF_SMC = 2, 10, 40, 43
_SCTP, _MPTCP = 132, 262

# The audit name of the machine; socket(2); shmget, semget, msgget, add_key, request_key, keyctl, userfaultfd, bpf, perf_event_open,
# kexec_load, and io_uring.
_MACHINES = {
    "x86_64": (0xC000003E, 41, (29, 64, 68, 248, 249, 250, 323, 321, 298, 246, 425, 426, 427)),
    "aarch64": (0xC00000B7, 198, (194, 190, 186, 217, 218, 219, 282, 280, 241, 104, 425, 426, 427)),
}


def _filter(machine):
    """A BPF program over struct seccomp_data: number, architecture, instruction pointer, six arguments of eight bytes."""
    architecture, socket, closed = _MACHINES[machine]
    code = []

    def load(offset):
        code.append((0x20, 0, 0, offset))

    def unless(test, value, skip):
        code.append((test, 0, skip, value))

    def answer(error):
        code.append((0x06, 0, 0, 0x00050000 | error))

    equal, at_least = 0x15, 0x35
    load(4)
    code.append((equal, 1, 0, architecture))
    answer(_ENOSYS)
    load(0)
    unless(at_least, 0x40000000, 1)  # The numbers of the x32 interface.
    answer(_ENOSYS)
    for number in closed:
        unless(equal, number, 1)
        answer(_ENOSYS)
    unless(equal, socket, 10)
    load(16)
    for family in (_AF_VSOCK, _AF_SMC):
        unless(equal, family, 1)
        answer(_EAFNOSUPPORT)
    load(32)
    for protocol in (_SCTP, _MPTCP):  # Landlock knows TCP alone.
        unless(equal, protocol, 1)
        answer(_EPROTONOSUPPORT)
    code.append((0x06, 0, 0, 0x7FFF0000))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _libc():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return ctypes, libc


def _check(ctypes, result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), "{}: {}".format(what, os.strerror(ctypes.get_errno())))
    return result


def _keep(ports):
    ctypes, libc = _libc()
    attributes = ctypes.create_string_buffer(struct.pack("<QQ", 0, _BIND_TCP), 16)
    ruleset = _check(ctypes, libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(16), 0), "landlock")
    rule = ctypes.create_string_buffer(struct.pack("<QQ", _BIND_TCP, 0), 16)
    port = ctypes.c_uint64.from_buffer(rule, 8)
    number, handle, kind, none = (ctypes.c_long(value) for value in (_LANDLOCK_ADD, ruleset, _NET_PORT, 0))
    pointer, add = ctypes.c_void_p(ctypes.addressof(rule)), libc.syscall
    for value in range(0x10000):  # What is not allowed is forbidden.
        if value not in ports:
            port.value = value
            if add(number, handle, kind, pointer, none) != 0:
                _check(ctypes, -1, "landlock rule")
    _check(ctypes, libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock restriction")
    os.close(ruleset)


def _close():
    ctypes, libc = _libc()
    program = _filter(os.uname().machine)
    held = ctypes.create_string_buffer(program, len(program))
    description = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(held)), 16)
    _check(ctypes, libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, description, 0, 0), "seccomp")


def main(arguments):
    end = arguments.index("--")
    options, program = arguments[:end], arguments[end + 1:]
    ports = {int(text) for text in options[options.index("--ports") + 1].split(",")} if "--ports" in options else set()
    os.environ.pop("LC_ALL", None)  # Only the programs before this one had to speak English.
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write(str(_OOM_SCORE))
    except OSError:
        pass  # A machine without /proc.
    try:
        if ports or "--close" in options:
            ctypes, libc = _libc()
            _check(ctypes, libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        if ports:
            _keep(ports)
        if "--close" in options:
            _close()
        os.execv(program[0], program)
    except (OSError, ImportError, KeyError) as error:
        sys.stderr.write("guard: {}\n".format(error))
        sys.stderr.flush()
        os._exit(_FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
