"""A real Slurm on this one machine: four virtual nodes with two fake GPUs each, started and stopped exactly.

    python tests/slurm/cluster.py up [FOLDER]      then sbatch, squeue, `snakemake --profile slurm`
    python tests/slurm/cluster.py down [FOLDER]

It needs root and the Debian packages munge, slurmctld, slurmd and slurm-client, but no systemd. Slurm looks for its
configuration in one place only, so a machine has room for one such cluster; another's is never touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NODES, CPUS, MEMORY_MB, GPUS = 4, 8, 16_000, 2
PORT = 16_817
CONFIGURATION = Path("/etc/slurm")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo", "srun")
DEFAULT_FOLDER = Path("/tmp/ptp-slurm")

# Short waits: what takes minutes on a cluster (a lost node, a requeue) takes seconds here.
SLURM_CONF = """\
ClusterName=ptp
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/log/slurmctld.log
StateSaveLocation={folder}/state
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/log/slurmd.%n.log
SlurmdSpoolDir={folder}/spool/%n
SlurmdParameters=config_overrides
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
AccountingStorageType=accounting_storage/none
KillWait=5
MinJobAge=3600
SlurmctldTimeout=30
SlurmdTimeout=10
MessageTimeout=10
JobRequeue=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
NodeName=n[1-{nodes}] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs={cpus} Boards=1 \
SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10
"""


class Unavailable(Exception):  # noqa: N818 (a state, not an error)
    """Why no cluster can be started here."""


@dataclass(frozen=True)
class Cluster:
    """The daemons whose process ids lie in ``folder``."""

    folder: Path

    def up(self) -> None:
        """Start all daemons and wait until every node is idle. Raises Unavailable."""
        self._refuse()
        self._prepare()
        self._munged()
        self.start_controller()
        for name in self.nodes:
            self.start_node(name)
        self.wait_for_idle()

    def down(self) -> None:
        """Cancel all jobs and stop exactly the daemons that were started, then free the place of the configuration."""
        if self._is_ours():
            self._cancel_all()
        for name in [*(f"slurmd.{node}.pid" for node in self.nodes), "slurmctld.pid", "munge/munged.pid"]:
            self._stop(self.folder / name)
        self._kill_what_is_left()
        for link in self._links():
            if self._points_here(link):
                link.unlink()

    @property
    def nodes(self) -> list[str]:
        return [f"n{i}" for i in range(1, NODES + 1)]

    def start_controller(self) -> None:
        """Start slurmctld; what it knew before is in its folder."""
        self._run("slurmctld")

    def start_node(self, name: str) -> None:
        """Start the slurmd of one node."""
        (self.folder / "spool" / name).mkdir(parents=True, exist_ok=True)
        self._run("slurmd", "-N", name)

    def wait_for_idle(self, seconds: float = 60) -> None:
        """Wait until the controller answers and all nodes are idle. Raises Unavailable."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            said = subprocess.run(
                ["sinfo", "-h", "-p", "main", "-t", "idle", "-o", "%D"], capture_output=True, text=True, check=False
            )
            if said.stdout.strip() == str(NODES):
                return
            time.sleep(0.1)
        log = (self.folder / "log" / "slurmctld.log").read_text()[-2000:]
        raise Unavailable(f"the nodes did not come up in {seconds:g} s:\n{log}")

    def _refuse(self) -> None:
        missing = [name for name in PROGRAMS if not shutil.which(name)]
        if missing:
            raise Unavailable(f"not installed: {', '.join(missing)} (Debian: munge slurmctld slurmd slurm-client)")
        if os.getuid():
            raise Unavailable("a cluster on one machine needs root")
        for link in self._links():
            # A link to a cluster that was never stopped is stale; a file, or a living cluster, is somebody else's.
            controller = link.resolve().parent / "slurmctld.pid"
            if link.exists() and (not link.is_symlink() or _alive(controller)):
                raise Unavailable(f"{link} belongs to another cluster")

    def _prepare(self) -> None:
        for name in ("munge", "state", "spool", "log", "gpu"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path in (self.folder, self.folder / "munge"):
            path.chmod(0o755)
        for i in range(GPUS):
            device = self.folder / "gpu" / f"gpu{i}"
            if not device.exists():
                # The numbers of /dev/null: Slurm wants a device file for what it counts.
                os.mknod(device, 0o20666, os.makedev(1, 3))
        (self.folder / "slurm.conf").write_text(
            SLURM_CONF.format(
                folder=self.folder, port=PORT, nodes=NODES, first=PORT + 1, last=PORT + NODES,
                cpus=CPUS, memory=MEMORY_MB, gpus=GPUS,
            )
        )  # fmt: skip
        (self.folder / "gres.conf").write_text(
            f"AutoDetect=off\nNodeName=n[1-{NODES}] Name=gpu File={self.folder}/gpu/gpu[0-{GPUS - 1}]\n"
        )
        CONFIGURATION.mkdir(exist_ok=True)
        for link in self._links():
            link.unlink(missing_ok=True)
            link.symlink_to(self.folder / link.name)

    def _munged(self) -> None:
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        folder = self.folder / "munge"
        self._run(
            "munged", f"--key-file={key}", f"--socket={folder}/munge.sock", f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log", f"--seed-file={folder}/seed", "--num-threads=2", "--force",
        )  # fmt: skip

    def _run(self, *command: str) -> None:
        # Its configuration is found in its default place: steps of jobs lose SLURM_CONF.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
        subprocess.run(
            command, env=environment, check=True, timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def _cancel_all(self) -> None:
        """Cancel all jobs, and wait a while for the last of their processes."""
        subprocess.run(["scancel", "--quiet", "--user", str(os.getuid())], timeout=30, check=False)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            said = subprocess.run(["squeue", "-h"], capture_output=True, text=True, timeout=30, check=False)
            if not said.stdout.strip():
                return
            time.sleep(0.2)

    def _stop(self, pid_file: Path) -> None:
        if not _alive(pid_file):
            return
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        # The file goes at once, the daemon when it has done what it still has to do.
        for _ in range(50):
            if not Path(f"/proc/{pid}/exe").exists():
                return
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)

    def _kill_what_is_left(self) -> None:
        """What still writes into this cluster's logs: a daemon without its file, steps that seek the controller."""
        logs = str(self.folder.resolve() / "log")
        for process in Path("/proc").glob("[0-9]*"):
            try:
                files = [str(file.readlink()) for file in (process / "fd").iterdir()]
                if any(file.startswith(logs) for file in files):
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue

    def _links(self) -> list[Path]:
        return [CONFIGURATION / name for name in ("slurm.conf", "gres.conf")]

    def _points_here(self, link: Path) -> bool:
        return link.is_symlink() and link.resolve().parent == self.folder.resolve()

    def _is_ours(self) -> bool:
        return all(map(self._points_here, self._links())) and _alive(self.folder / "slurmctld.pid")


def _alive(pid_file: Path) -> bool:
    """Whether the daemon that wrote this file lives; a process that has its number since is another."""
    try:
        pid = int(pid_file.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return False
    return pid_file.name.startswith(name)


def main(action: str, folder: str = str(DEFAULT_FOLDER)) -> None:
    cluster = Cluster(Path(folder))
    if action == "up":
        cluster.up()
        subprocess.run(["sinfo"], check=True)
    elif action == "down":
        cluster.down()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:3])
