"""Endings that the machine or the image brings about: disk, memory, libraries, processor."""

from __future__ import annotations

from .causes_rule import Rule

_MEMORY = (
    "raise the container's memory limit, or free or add host RAM: the libraries alone take some "
    "4 GiB, and the weights pass through host memory"
)

MACHINE_RULES: tuple[Rule, ...] = (
    Rule(
        "image_platform",
        r"exec format error",
        "the image is built for another kind of processor",
        "use an image for this machine's architecture (uname -m): TGI has them for x86_64",
    ),
    Rule(
        "not_root",
        r"(uid not found: \d+)|(no locator available for file)"
        r"|: exec: (?:line \d+: )?(\S+: Permission denied)",
        "TGI cannot run as the container's user: {0}",
        "run it as root (remove user:)",
    ),
    Rule(
        "image_broken",
        r"text-generation-(?:server|router) not found in PATH"
        r"|error while loading shared libraries: (\S+?):",
        "the image cannot run its server",
        "run it as root (remove user:) and with the image's own entry point",
    ),
    Rule(
        "tmpfs_full",
        r"[Nn]o space left on device.*?'(/(?!data/)[^']+)'",
        "no space left in the container for {0}",
        "enlarge the tmpfs that holds it, or free space under Docker's data root (df -h there)",
    ),
    Rule(
        "disk_full",
        r"[Nn]o space left on device|Errno 28\b|Disk quota exceeded|code: 28\b",
        "no space left on device",
        "free space or enlarge the file system under tgi_data_dir (df -h shows it), then run "
        "again: finished files are kept",
    ),
    Rule(
        "no_locks",
        r"(No locks available|Errno 37\b|fcntl.+Function not implemented)",
        "the file system under tgi_data_dir has no locks: {0}",
        "mount it so that it has them (NFS 4, or rpc.statd for NFS 3), or use a local disk",
    ),
    Rule(
        "not_executable",
        r"(/(?:tmp|root|home|run|usr/src/out)/\S+): failed to map segment",
        "libraries that were built in the container may not run from {0}",
        "mount that place without noexec: a tmpfs needs the option exec",
    ),
    Rule(
        "data_not_writable",
        r"(?:Permission denied|Read-only file system|PermissionError at)[^/]*(/data[^'\s]*)",
        "{0} cannot be written",
        "make tgi_data_dir writable for root, without root squashing if it is a network mount; if "
        "the role made /data read-only, write tgi_read_only_data: never, or put all files there "
        "beforehand, weights as safetensors",
    ),
    Rule(
        "not_writable",
        r"No usable temporary directory found in \['(/tmp)'"
        r"|Read-only file system(?:[^/\w]*'?([\w./-]+))?|Permission denied: '?(/[^'\s]+)",
        "the container cannot write {0}",
        "write tgi_read_only_root: never if the role made it read-only; in a container of your "
        "own mount a tmpfs there, or run it as root",
    ),
    Rule(
        "disk_broken",
        r"(Input/output error|Stale file handle|Transport endpoint is not connected)"
        r"|(Errno 5)\b",
        "the disk under the weights fails: {0}",
        "see dmesg on the host, and check the disk or the network mount under tgi_data_dir",
    ),
    Rule(
        "memory_limit",
        r"(?<!\S)(\S+: failed to map segment from shared object)"
        r"|(?<!\S)(\S+: cannot allocate memory in static TLS block)"
        r"|(std::bad_alloc)|([Cc]annot allocate memory)|(?:^|\s)(MemoryError)\b"
        r"|(DefaultCPUAllocator: (?:can't|not enough memory).*)|(memory allocation of \d+ bytes)"
        r"|(unable to mmap \d+ bytes)",
        "too little memory for TGI's libraries or the weights: {0}",
        _MEMORY,
    ),
    Rule(
        "thread_limit",
        r"(can't start new thread|pthread_create failed.*|Resource temporarily unavailable)",
        "the container may not start more threads: {0}",
        "raise tgi_pids_limit, or the host's limit of processes (ulimit -u)",
    ),
    Rule(
        "file_limit",
        r"(Too many open files)",
        "the limit of open files is too low: {0}",
        "raise nofile among the container's ulimits",
    ),
    Rule(
        "host_memory",
        r"signaled to shutdown with signal 9\b",
        "a process of TGI was killed: the host ran out of memory (signal 9)",
        "free or add host RAM (the weights pass through it), raise the container's memory limit, "
        "or start fewer models at once; dmesg names what was killed",
    ),
    Rule(
        "old_cpu",
        r"signaled to shutdown with signal 4\b|[Ii]llegal instruction",
        "the CPU lacks instructions that TGI needs (signal 4)",
        "use a machine, or a virtual CPU model (host passthrough), with AVX2",
    ),
    Rule(
        "kernels_unbuilt",
        r"(Failed to find C compiler)|(`?ptxas`? failed with error code 127)"
        r"|'(\S+/gcc)', .* returned non-zero exit status",
        "Triton cannot build its kernels in the container: {0}",
        "use TGI's own image, unchanged, and see that the container sees its GPUs (libcuda.so.1 "
        "comes from the host's driver) and may run files from /tmp",
    ),
    Rule(
        "library_missing",
        r"((?!libcuda\.so|libnvidia-)lib[^\s/:]+): cannot open shared object file"
        r"|(undefined symbol: \S+)|(cannot enable executable stack.*)"
        r"|(version `GLIBC\S+' not found)|(Flash Attention(?: V\d)? is not installed)"
        r"|(cannot import name '\w+' from 'text_generation_server\S+)"
        r"|ModuleNotFoundError: (No module named (?!'transformers_modules)\S+)",
        "a library of the image cannot be loaded: {0}",
        "use TGI's own image, unchanged, for this machine's GPU; packages that a model's own code "
        "needs must be added to it",
    ),
)
