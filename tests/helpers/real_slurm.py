"""A real SLURM of four virtual nodes on this machine, for the tests of a session.

Debian has it in the packages slurm-wlm and munge. A guard ends its daemons and whatever their jobs
have left running as soon as the process that started it is gone: a test run that is killed leaves
nothing behind. `real_slurm.py guard FOLDER` is that guard.
"""

import contextlib
import os
import platform
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel")
# where Debian puts the daemons
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
PATIENCE = 600  # seconds after which a test gives up; no measure of speed
# cred_expire: a job that is queued again waits for so long, and a second. KillWait: between TERM
# and KILL; SlurmdTimeout: until a node that does not answer is lost. Jobs of `low` give way to
# those of `urgent`; GraceTime: until a job without steps gets the TERM.
NODES = ("n1", "n2", "n3", "n4")
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
JobRequeue=1
MpiDefault=none
MailProg=/bin/true
KillWait={patience}
SlurmctldTimeout=10
SlurmdTimeout={patience}
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=8000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=8000
NodeName=n3 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[3]} CPUs=8 RealMemory=8000
NodeName=n4 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[4]} CPUs=1 RealMemory=8000
PartitionName=main Nodes=n1,n2 Default=YES DefaultTime=01:00:00 State=UP
PartitionName=side Nodes=n3 DefaultTime=01:00:00 State=UP
PartitionName=low Nodes=n4 DefaultTime=01:00:00 PriorityTier=1 PreemptMode=CANCEL GraceTime=5
PartitionName=urgent Nodes=n4 DefaultTime=01:00:00 PriorityTier=2 PreemptMode=OFF State=UP
"""


class Slurm:
    """Its daemons. folder: of its configuration, keys, logs and pid files."""

    def __init__(self):
        # a short name: a socket's path has 107 characters at most
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SLURM", "SBATCH", "SQUEUE", "SCANCEL"))
        }
        self.environment |= {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": SEARCHED}
        self.guard = subprocess.Popen(
            [sys.executable, __file__, "guard", str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._configure()
        self._call(
            "munged",
            "--force",
            *(
                f"--{name}={self.folder / file}"
                for name, file in (
                    ("key-file", "munge.key"),
                    ("socket", "munge.socket"),
                    ("pid-file", "munged.pid"),
                    ("log-file", "log/munged.log"),
                    ("seed-file", "munge.seed"),
                )
            ),
        )
        self.start("slurmctld")
        for node in NODES:
            self.start("slurmd", "-N", node)
        self.until(
            lambda: self.ask("sinfo", "-h", "-t", "idle", "-o", "%D") == str(len(NODES)),
            "all nodes are idle",
        )

    def _configure(self) -> None:
        for name in ("state", "spool", "log"):
            (self.folder / name).mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        with contextlib.ExitStack() as held:  # together, so that no port is drawn twice
            ports = [
                held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
                for _ in range(1 + len(NODES))
            ]
        host, user = platform.node().split(".")[0], pwd.getpwuid(os.getuid()).pw_name
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                folder=self.folder, host=host, user=user, ports=ports, patience=PATIENCE
            )
        )
        # else slurmd looks for systemd; nothing of it is used
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")

    def start(self, daemon: str, *arguments: str) -> None:
        """Start slurmctld, or slurmd with `-N NODE`."""
        self._call(daemon, *arguments)

    def saved(self) -> float:
        """When the controller last wrote what it knows of jobs, in seconds since 1970."""
        return (self.folder / "state/job_state").stat().st_mtime

    def kill(self, daemon: str) -> None:
        """Kill slurmctld or slurmd-NODE with SIGKILL."""
        os.kill(int((self.folder / f"{daemon}.pid").read_text()), signal.SIGKILL)

    def kill_job(self, number: str) -> None:
        """Kill the processes of a job's step with SIGKILL; slurmstepd lives and says so."""
        _kill(_with(f"SLURM_JOB_ID={number}"))

    def lose(self, node: str) -> None:
        """Kill a node: slurmd, the slurmstepd of each of its steps, and their processes. The
        controller is told, and need not find out.
        """
        self.kill(f"slurmd-{node}")
        found = _with(f"SLURMD_NODENAME={node}")
        parents = [
            int((Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[1])
            for process in found
        ]
        _kill(one for one in parents if Path(f"/proc/{one}/comm").read_text() == "slurmstepd\n")
        _kill(found)
        self._call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def ask(self, *command: str) -> str:
        """What one of SLURM's commands prints; nothing where it fails, as with no controller."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True
        ).stdout.strip()

    def until(self, condition, what: str):
        """What the condition comes to, once it is true."""
        give_up = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > give_up:
                logs = "".join(
                    f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}"
                    for log in sorted((self.folder / "log").glob("*.log"))
                )
                raise AssertionError(
                    f"not within {PATIENCE} s: {what}\n"
                    f"{self.ask('squeue', '--array', '--states=all')}\n{logs}"
                )
            time.sleep(0.2)  # each question is a process
        return found

    def end(self) -> None:
        """End all of it; the guard does so, and goes."""
        self.guard.stdin.close()
        assert self.guard.wait(60) == 0 and not self.folder.exists()

    def _call(self, *command: str) -> None:
        done = subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def lacking() -> list[str]:
    """Programs of a SLURM that are not installed here."""
    return [program for program in PROGRAMS if shutil.which(program, path=SEARCHED) is None]


def _kill(processes) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _with(setting: str) -> list[int]:
    """Processes with this in their environment, as NAME=VALUE."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is another user's
            found += [int(process.name)] * (
                setting.encode() in (process / "environ").read_bytes().split(b"\0")
            )
    return found


def guard(folder: Path) -> None:
    """Wait until the other end of standard input is closed, then end all and delete the folder.

    That is the daemons, and what has their configuration in its environment.
    """
    sys.stdin.read()
    for _ in range(100):
        found = [
            int(file.read_text()) for file in folder.glob("*.pid") if file.read_text().strip()
        ] + _with(f"SLURM_CONF={folder}/slurm.conf")
        living = [process for process in found if os.path.exists(f"/proc/{process}")]
        if not living:
            break
        _kill(living)
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    guard(Path(sys.argv[2]))
