#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs one command in a virtual machine and returns its exit status.

The guest is QEMU in software emulation with an emulated IOMMU, NICs and NVMe SSDs. Its root file system
is the host's, read-only; what it writes to /tmp, /run and the like is gone afterwards.
"""
import argparse
import glob
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import hostclock  # noqa: E402
import kernels  # noqa: E402
import qemus  # noqa: E402

EXIT_TIMEOUT, EXIT_VM, EXIT_SPLAT, EXIT_USAGE = 124, 125, 99, 2
NIC_SLOT, NVME_SLOT = 0x10, 0x18
NIC_MODELS = {
    "virtio": ("virtio-net-pci", "iommu_platform=on,disable-legacy=on"),
    "e1000e": ("e1000e", ""),
    "e1000": ("e1000", ""),
    "igb": ("igb", ""),
    "vmxnet3": ("vmxnet3", ""),
}
SPLAT = re.compile(r"\bBUG[: ]|WARNING:|Oops|KASAN|general protection|possible circular locking|"
                   r"INFO: task .* blocked|soft lockup|Kernel panic|UBSAN|refcount_t:|kmemleak: [0-9]+ new|"
                   r"unable to handle|Call Trace")
DMA_FAULT = re.compile(r"DMAR:.*(fault|DRHD)|AMD-Vi:.*(IO_PAGE_FAULT|Event logged)")
BOOT_ATTEMPTS = 2


class VmError(Exception):
    pass


def ensure_mount_point():
    """The guest mounts its modules there, on the host's read-only root; a container may have no such folder."""
    try:
        os.makedirs("/lib/modules", exist_ok=True)
    except OSError as e:
        raise VmError(f"/lib/modules: {e.strerror}; the guest needs this folder to exist: make it as root") from e


def parse_args(argv):
    p = argparse.ArgumentParser(
        prog="./run vm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="./run vm [options] -- COMMAND [ARG...]",
        epilog="""exit status:
  the command's own; 124 when the time limit was reached; 125 when the machine died or did not boot;
  99 when the guest's kernel complained (BUG, WARNING, ...) though the command succeeded.

NIC i is at 00:%x.0 + i with MAC 52:54:00:00:00:0i, NVMe SSD i at 00:%x.0 + i; the command finds the
addresses in $PLX_NIC0, $PLX_NIC1, ... and $PLX_NVME0, ... Device ids for the monitor are nic0 and nvme0.
tests/vm/guest/monitor gives commands to QEMU's monitor from inside.

example:
  ./run vm --nic e1000e,hub=1 --nic virtio,hub=1 --nvme 1G --hugepages 256 -- lspci -nn""" % (NIC_SLOT, NVME_SLOT))
    p.add_argument("--modules", choices=("none", "stock", "pollux"), default="stock",
                   help="VFIO modules to load at start: Debian's, ours (from kernel/), or none (default: %(default)s)")
    p.add_argument("--modules-dir", metavar="DIR", help="where ours are, if not in build/kernel/RELEASE")
    p.add_argument("--kernel", default="cloud", metavar="KERNEL",
                   help="cloud, full (Debian's 6.12 kernels), debug, iommufd (built by ./run debug-kernel), or a kernel "
                        "folder (default: %(default)s)")
    p.add_argument("--qemu", default="qemu-system-x86_64", metavar="PROGRAM",
                   help="the QEMU to use: a program, or `backports`: Debian's newer one (>= 8), fetched when not there")
    p.add_argument("--iommu", choices=("intel", "amd", "virtio", "none"), default="intel")
    p.add_argument("--aw-bits", choices=("39", "48"), default="39", help="address width of the Intel IOMMU")
    p.add_argument("--caching-mode", action="store_true", help="Intel IOMMU: each map needs a flush")
    p.add_argument("--nic", action="append", default=[], metavar="MODEL[,hub=N|,tap=N][,KEY=VALUE...]",
                   help="add a NIC: %s; NICs on one hub hear each other; rootport=1 puts it behind a root port; "
                        "tap=N[,queues=M]: a tap on bridge N, with offloads and queues, instead of a hub (root only)"
                   % ", ".join(NIC_MODELS))
    p.add_argument("--nvme", action="append", default=[], metavar="SIZE[,KEY=VALUE...]",
                   help="add an NVMe SSD of SIZE (64M, 1G) on a temporary file, or `null` (reads zeroes, fast), "
                        "or `none` (namespaces come by --qemu-arg); bad=N: so many sectors have errors")
    p.add_argument("--cpus", type=int, default=2)
    p.add_argument("--memory", type=int, default=1536, metavar="MIB", help="(default: %(default)s)")
    p.add_argument("--numa", type=int, default=1, metavar="NODES", help="NUMA nodes to share memory and CPUs among")
    p.add_argument("--hugepages", action="append", default=[], metavar="N[:2M|1G]",
                   help="reserve hugepages at boot; more than once for several sizes")
    p.add_argument("--icount", action="store_true", help="count instructions: 1 ns of the guest's clock = 1 instruction")
    p.add_argument("--qemu-arg", action="append", default=[], metavar="ARG", help="passed to QEMU (split as a shell does)")
    p.add_argument("--append", action="append", default=[], metavar="ARG", help="added to the kernel's command line")
    p.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="set in the command's environment")
    p.add_argument("--share", metavar="DIR", help="a folder of the host that the guest may write to, at the same path")
    p.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="(default: %(default)s)")
    p.add_argument("--allow-splat", action="store_true", help="complaints of the guest's kernel are no failure")
    p.add_argument("--keep-log", metavar="FILE", help="copy the guest's kernel log to FILE")
    p.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND [ARG...]")
    args = p.parse_args(argv)
    if args.command[:1] == ["--"]:
        args.command = args.command[1:]
    if not args.command:
        p.error("no COMMAND; put it behind --")
    if args.share and not os.path.isdir(args.share):
        p.error(f"--share {args.share}: no such folder")
    if len(args.nic) > 8 or len(args.nvme) > 4:
        p.error("at most 8 NICs and 4 NVMe SSDs")
    for nic in args.nic:
        if nic.split(",")[0] not in NIC_MODELS:
            p.error(f"--nic {nic}: the model is one of {', '.join(NIC_MODELS)}")
    if args.icount:
        args.cpus = 1
    return args


def split_options(text):
    """'a,b=1,c=2' -> ('a', {'b': '1', 'c': '2'})"""
    head, *rest = text.split(",")
    return head, dict(item.partition("=")[::2] for item in rest)


class Machine:
    """One guest: its temporary folder, its QEMU, its helpers. Everything is gone after close()."""

    def __init__(self, args):
        self.args = args
        self.dir = tempfile.mkdtemp(prefix="pollux-vm.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.log = self.dir + "/console.log"
        self.children = []
        self.env = {}
        self.kernel = kernels.find(args.kernel)
        self.program = qemus.find(args.qemu)

    def path(self, name):
        return os.path.join(self.dir, name)

    # --- QEMU's command line ---------------------------------------------------------------------

    def bad_sectors(self, index, size, count):
        """A configuration of QEMU's blkdebug: reads and writes of so many sectors of 512 bytes fail."""
        sectors = int(size.rstrip("MG")) << {"M": 11, "G": 21}[size[-1]]
        path = self.path(f"nvme{index}.bad")
        with open(path, "w") as f:
            for sector in random.Random(count).sample(range(sectors), count):
                for event in "read_aio", "write_aio":
                    f.write(f'[inject-error]\nevent = "{event}"\nsector = "{sector}"\nonce = "off"\n')
        return path

    def disk(self, index, size, bad=0):
        if size == "null":
            return ["-drive", f"id=disk{index},if=none,file.driver=null-co,file.size=16G,format=raw"]
        if not re.fullmatch(r"\d+[MG]?", size):
            raise VmError(f"--nvme {size}: a size such as 64M or 1G, `null`, or `none`")
        image = self.path(f"nvme{index}.img")
        subprocess.run(["truncate", "-s", size, image], check=True)
        if bad:
            image = f"blkdebug:{self.bad_sectors(index, size, bad)}:{image}"
        return ["-drive", f"id=disk{index},if=none,file={image},format=raw,cache=unsafe,discard=unmap"]

    def nvme(self, index, text):
        size, options = split_options(text)
        slot = NVME_SLOT + index
        bad = int(options.pop("bad", 0))
        self.env[f"PLX_NVME{index}"] = f"0000:00:{slot:02x}.0"
        device = f"nvme,id=nvme{index},serial=plx{index},addr={slot:x}"
        extra = "".join(f",{k}={v}" for k, v in options.items())
        if size == "none":
            return ["-device", device + extra]
        return self.disk(index, size, bad) + ["-device", device + f",drive=disk{index}" + extra]

    def netdev(self, index, options):
        """What is at the other end of a NIC: a hub of QEMU's, or a tap of a bridge (see taps())."""
        hub, bridge, queues = options.pop("hub", None), options.pop("tap", None), options.pop("queues", "1")
        if bridge is None:
            return f"hubport,hubid={hub or 100 + index}"
        self.taps.append((f"tap{index}", f"bridge{bridge}", int(queues)))
        return f"tap,ifname=tap{index},script=no,downscript=no,queues={queues}"

    def tap_setup(self):
        """A shell script that makes the taps and their bridges, in a network namespace of its own, and becomes QEMU."""
        lines = ["set -e"]
        for name, bridge, queues in self.taps:
            lines += [f"ip link show {bridge} >/dev/null 2>&1 || ip link add {bridge} type bridge mcast_snooping 0",
                      f"ip tuntap add {name} mode tap vnet_hdr {'multi_queue' if queues > 1 else ''}",
                      f"ip link set {name} mtu 9000 master {bridge}"]
            lines += [f"ip link set {dev} addrgenmode none up" for dev in (name, bridge)]
        return "\n".join(lines + ['exec "$@"'])

    def nic(self, index, text):
        model, options = split_options(text)
        device, fixed = NIC_MODELS[model]
        slot = NIC_SLOT + index
        behind_port = options.pop("rootport", "1" if model == "igb" else "0") != "0"
        netdev = self.netdev(index, options)
        where, argv = f"addr={slot:x}", []
        self.env[f"PLX_NIC{index}"] = f"0000:00:{slot:02x}.0"
        if behind_port:
            argv = ["-device", f"pcie-root-port,id=port{index},addr={slot:x},chassis={index + 1},slot={index + 1}"]
            where = f"bus=port{index}"
            self.env[f"PLX_NIC{index}"] = f"behind:0000:00:{slot:02x}.0"
        if "mac" not in options:
            options["mac"] = f"52:54:00:00:00:{index:02x}"
        parts = [device, f"id=nic{index}", f"netdev=net{index}", where, "romfile="]
        defaults = dict(item.split("=") for item in fixed.split(",") if item)
        defaults.update(options)
        parts += [f"{k}={v}" for k, v in defaults.items()]
        return argv + ["-netdev", f"{netdev},id=net{index}", "-device", ",".join(parts)]

    def iommu(self):
        if self.args.iommu == "intel":
            caching = "on" if self.args.caching_mode else "off"
            return ["-device", f"intel-iommu,intremap=on,caching-mode={caching},aw-bits={self.args.aw_bits}"]
        if self.args.iommu == "amd":
            return ["-device", "amd-iommu,intremap=on"]
        if self.args.iommu == "virtio":
            return ["-device", "virtio-iommu-pci,addr=4"]
        return []

    def cmdline(self):
        words = ["rootfstype=virtiofs", "root=rootfs", "ro", f"init={HERE}/guest/init", f"plx_job={self.dir}",
                 "console=ttyS0", "loglevel=5", "mitigations=off", "panic=-1", "oops=panic", "nokaslr",
                 "random.trust_cpu=on", "cryptomgr.notests", "no_timer_check", "tsc=reliable", "rcupdate.rcu_expedited=1"]
        # With icount the counter advances by one an instruction, at 1 GHz.
        khz = 1000000 if self.args.icount else hostclock.tsc_khz()
        words += [f"tsc_early_khz={khz}"] if khz else []
        if self.args.iommu in ("intel", "amd"):
            words.append(f"{self.args.iommu}_iommu=on")
        for pages in self.args.hugepages:
            count, _, size = pages.partition(":")
            if not count.isdigit() or size not in ("", "2M", "1G"):
                raise VmError(f"--hugepages {pages}: a number, or NUMBER:2M, or NUMBER:1G")
            words += [f"hugepagesz={size or '2M'}", f"hugepages={count}"]
        return " ".join(words + self.args.append)

    def memory(self):
        """Files, because virtiofsd shares it; NUMA nodes share memory and CPUs evenly."""
        nodes = self.args.numa
        backend = "memory-backend-memfd,id=mem%d,share=on,size=" + f"{self.args.memory // nodes}M"
        if nodes == 1:
            return ["-object", backend % 0, "-machine", "memory-backend=mem0"]
        argv = []
        for n in range(nodes):
            cpus = "".join(f",cpus={c}" for c in range(n, self.args.cpus, nodes))
            argv += ["-object", backend % n, "-numa", f"node,nodeid={n},memdev=mem{n}{cpus}"]
        return argv

    def qemu(self, pipes):
        a = self.args
        accel = "tcg,thread=single" if a.icount else "tcg,thread=multi"
        boot = self.kernel + "/vmlinux"
        if not os.path.exists(boot):
            boot = self.kernel + "/vmlinuz"
        argv = [*self.program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-machine", "q35,kernel-irqchip=split", "-accel", accel, "-cpu", "max,la57=off",
                "-smp", f"{a.cpus},sockets={a.numa}", "-m", f"{a.memory}M",
                "-kernel", boot, "-append", self.cmdline(), "-serial", f"file:{self.log}"]
        if a.icount:
            argv += ["-icount", "shift=0,sleep=off"]
        argv += self.memory()
        argv += self.iommu()
        argv += ["-chardev", f"socket,id=vfs,path={self.path('root.sock')}",
                 "-device", "vhost-user-fs-pci,chardev=vfs,tag=rootfs,queue-size=1024,addr=5"]
        if a.share:
            argv += ["-chardev", f"socket,id=vshare,path={self.path('share.sock')}",
                     "-device", "vhost-user-fs-pci,chardev=vshare,tag=share,queue-size=1024,addr=2"]
        argv += ["-device", "virtio-serial-pci,addr=3,max_ports=8"]
        for nr, (name, fd) in enumerate(pipes, start=1):
            argv += ["-add-fd", f"fd={fd},set={nr}", "-chardev", f"file,id={name},path=/dev/fdset/{nr},append=on",
                     "-device", f"virtserialport,nr={nr},chardev={name},name=plx.{name}"]
        argv += ["-chardev", f"socket,id=qmp,path={self.path('qmp.sock')},server=on,wait=off",
                 "-mon", "chardev=qmp,mode=control",
                 "-chardev", f"socket,id=gmon,path={self.path('qmp.sock')}",
                 "-device", "virtserialport,nr=4,chardev=gmon,name=plx.monitor"]
        self.taps = []
        for index, text in enumerate(a.nic):
            argv += self.nic(index, text)
        for index, text in enumerate(a.nvme):
            argv += self.nvme(index, text)
        for text in a.qemu_arg:
            argv += shlex.split(text)
        return ["unshare", "-n", "sh", "-c", self.tap_setup(), "sh", *argv] if self.taps else argv

    # --- What the guest finds ----------------------------------------------------------------------

    def modules_folder(self):
        return os.path.abspath(self.args.modules_dir or f"{TOP}/build/kernel/{kernels.release(self.kernel)}")

    def modules_setup(self):
        if self.args.modules == "none":
            return ""
        if self.args.modules == "stock":
            return "modprobe vfio-pci || exit 1\n"
        folder = self.modules_folder()
        if not os.path.exists(folder + "/vfio.ko"):
            raise VmError(f"{folder}/vfio.ko is not there: build it with tests/vm/build-modules")
        lines = ["modprobe -q irqbypass"]
        lines += [f"insmod {folder}/{m}.ko || exit 1" for m in
                  ("vfio", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci")]
        return "\n".join(lines) + "\n"

    def write_job(self):
        quote = shlex.quote
        keep = [TOP, kernels.CACHE, os.getcwd()] + ([os.path.abspath(self.args.share)] if self.args.share else [])
        with open(self.path("env"), "w") as f:
            f.write(f"PLX_KEEP=({' '.join(quote(k) for k in keep)})\n")
            f.write(f"export PLX_KERNEL={quote(self.kernel)}\nPLX_CWD={quote(os.getcwd())}\n")
            f.write(f"export PLX_MODULES_DIR={quote(self.modules_folder())}\n")
            for key, value in self.env.items():
                f.write(f"export {key}={quote(value)}\n")
            f.write(f"export PLX_TOP={quote(TOP)} PLX_MODULES={self.args.modules}\n")
            for item in self.args.env:
                key, _, value = item.partition("=")
                f.write(f"export {key}={quote(value)}\n")
            f.write(f"export PATH={quote(HERE + '/guest')}:$PATH\n")
        with open(self.path("setup"), "w") as f:
            # A device behind a root port gets its bus number from the firmware: look it up.
            f.write("for v in ${!PLX_NIC*}; do case ${!v} in behind:*)\n"
                    "  for d in /sys/bus/pci/devices/${!v#behind:}/0000:*:00.0; do export $v=${d##*/}; done ;; esac\n"
                    "done\n")
            if self.args.share:
                f.write(f"mount -t virtiofs share {quote(os.path.abspath(self.args.share))} || exit 1\n")
            f.write(f"({self.modules_setup()})\n" if self.args.modules != "none" else "true\n")
        with open(self.path("command"), "w") as f:
            f.write("exec " + " ".join(quote(c) for c in self.args.command) + "\n")

    # --- Life ----------------------------------------------------------------------------------------

    def virtiofsd(self, name, source):
        sock = self.path(name + ".sock")
        self.spawn([shutil.which("virtiofsd") or "/usr/lib/qemu/virtiofsd", f"--socket-path={sock}",
                    "-o", f"source={source}", "-o", "cache=always" if name == "root" else "cache=auto",
                    "-o", "sandbox=chroot"], stdout=subprocess.DEVNULL, stderr=open(self.path(name + ".vfs"), "w"))
        deadline = time.monotonic() + 10
        while not os.path.exists(sock):
            if time.monotonic() > deadline or self.children[-1].poll() is not None:
                raise VmError("virtiofsd did not start: " + open(self.path(name + ".vfs")).read().strip())
            time.sleep(0.01)

    def spawn(self, argv, **kwargs):
        # A process group of its own: Ctrl-C in the terminal reaches us, and we end them in order.
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True, **kwargs)
        self.children.append(child)
        return child

    def boot(self, deadline):
        """Run once. Returns the command's exit status, or None if the guest never came up."""
        self.children.clear()
        ends = {name: os.pipe() for name in ("out", "err", "ctl")}
        argv = self.qemu([(name, ends[name][1]) for name in ends])
        self.write_job()
        self.virtiofsd("root", "/")
        if self.args.share:
            self.virtiofsd("share", os.path.abspath(self.args.share))
        errors = open(self.path("qemu.err"), "w")
        qemu = self.spawn(argv, pass_fds=[w for _, w in ends.values()], stdout=errors, stderr=errors)
        for _, w in ends.values():
            os.close(w)
        pumps = [threading.Thread(target=pump, args=(ends[n][0], fd), daemon=True)
                 for n, fd in (("out", 1), ("err", 2))]
        for t in pumps:
            t.start()
        status, up = self.follow(ends["ctl"][0], qemu, deadline)
        self.stop()
        for t in pumps:
            t.join(10)
        return status if status is not None else (EXIT_VM if up else None)

    def follow(self, ctl, qemu, deadline):
        """Wait for the guest's messages: ("exit status or None", "did it come up")."""
        up, text = False, b""
        timer = threading.Timer(max(deadline - time.monotonic(), 0), qemu.kill)
        timer.daemon = True
        timer.start()
        while True:
            chunk = os.read(ctl, 256)
            if not chunk:
                break
            text += chunk
            up = up or b"up" in text
            done = re.search(rb"exit (\d+)\n", text)
            if done:
                timer.cancel()
                os.close(ctl)
                return int(done.group(1)), True
        timer.cancel()
        os.close(ctl)
        if time.monotonic() >= deadline:
            print(f"vm: the time limit of {self.args.timeout:g} s is reached; ended", file=sys.stderr)
            return EXIT_TIMEOUT, True
        return None, up

    def stop(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def run(self):
        deadline = time.monotonic() + self.args.timeout
        status = None
        for _ in range(BOOT_ATTEMPTS):
            status = self.boot(deadline)
            if status is not None:
                break
        return self.judge(status)

    def judge(self, status):
        console = open(self.log, errors="replace").read() if os.path.exists(self.log) else ""
        splats = [line for line in console.splitlines() if SPLAT.search(line)]
        faults = [line for line in console.splitlines() if DMA_FAULT.search(line)]
        if faults:
            print(f"vm: warning: the IOMMU blocked a DMA: {faults[0].strip()}"
                  + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""), file=sys.stderr)
        if status in (None, EXIT_VM):
            print("vm: the machine %s; the end of its log:" % ("died" if status else "did not boot"), file=sys.stderr)
            print(open(self.path("qemu.err")).read()[-2000:] + tail(console), file=sys.stderr)
            status = EXIT_VM
        elif status == EXIT_TIMEOUT:
            print(tail(console), file=sys.stderr)
        elif splats and not self.args.allow_splat:
            print("vm: the guest's kernel complained:\n" + console_from(console, splats[0]), file=sys.stderr)
            status = status or EXIT_SPLAT
        if self.args.keep_log:
            shutil.copy(self.log, self.args.keep_log)
        return status

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def console_from(console, line, lines=60):
    """The first complaint, and what led to it: those after it are often its children."""
    all_lines = console.splitlines()
    at = all_lines.index(line)
    return "\n".join(all_lines[max(at - 5, 0):at + lines])


def tail(text, lines=60):
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def pump(source, sink):
    while True:
        data = os.read(source, 65536)
        if not data:
            os.close(source)
            return
        while data:
            try:
                data = data[os.write(sink, data):]
            except BrokenPipeError:
                data = b""  # the reader has gone; go on, so that the guest does not block


def ended(signum, frame):
    raise SystemExit(128 + signum)


def main(argv):
    args = parse_args(argv)
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, ended)
    machine = None
    try:
        ensure_mount_point()
        machine = Machine(args)
        return machine.run()
    except (VmError, kernels.KernelError, qemus.QemuError, OSError) as e:
        print(f"vm: {e}", file=sys.stderr)
        return EXIT_USAGE if isinstance(e, VmError) else EXIT_VM
    finally:
        if machine:
            machine.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
