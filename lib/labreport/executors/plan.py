"""What a sweep has to do: which runs there are, which are finished, what the others will take in
time, memory and disk.
"""

import contextlib
import shutil
from dataclasses import dataclass, replace

from ..config.experiments import Experiment
from ..core import files, paths
from ..core.i18n import count, duration
from ..runs import provenance, records, state
from ..studies.study import run_of
from ..studies.sweeps import Sweep
from . import forkserver, model_sizes

MIB, GIB = 2**20, 2**30
# Memory of a run, its pipeline and its kernel together, as SLURM counts it. Measured with
# tests/bench/memory.py; docs/sweeps.md has the figures.
PROCESSES_BYTES = 1000 * MIB  # everything imported, with TensorFlow's own threads and buffers
PIPELINE_BYTES = 160 * MIB  # of these the pipeline's
SHARED_BYTES = 680 * MIB  # of these, what a run shares with the process that it is forked from
# The model's, two of most optimizers, gradients, the best epoch's; and four more for a moment,
# where they are changed, taken and saved.
WEIGHT_COPIES = 9
PASS_COPIES = 3  # of a network's largest output, where images only pass through it
READ_COPIES = 3  # of images that are read into memory: as they are read, joined and turned around
MEASURED_SPARE = 1.1  # on what an earlier run of the same kind took: two runs are not quite alike
# Beside the training: the other cells, and, where runs are not forked, importing everything.
# Measured on two cores, two runs at once.
FORKED_SECONDS, STARTING_SECONDS = 6, 20
REPORT_BYTES = 5e6  # of a run folder but for its weights
COPIES = 4  # of the weights in a checkpoint: the model's, two of most optimizers, the best epoch's
MANY = 50  # runs, after which a person is asked
# Settings that say how much memory a run takes.
OF_MEMORY = (
    "model",
    "model_args",
    "dataset",
    "dataset_args",
    "data",
    "max_images",
    "batch_size",
    "optimizer",
    "augmentation",
)


@dataclass(frozen=True)
class Step:
    """One run of a sweep. action: done, go on or train. why: reasons, in words. seconds: None where
    no earlier run tells.
    """

    experiment: Experiment
    label: str
    seed: int
    action: str
    why: str
    epochs_done: int = 0
    seconds: float | None = None
    memory: float = PROCESSES_BYTES
    disk: float = 0.0

    @property
    def to_do(self) -> bool:
        return self.action != "done"


def steps(sweep: Sweep) -> list[Step]:
    """All runs of a sweep with what there is of each, without their data: of a finished run it is
    taken that its data is as it was.
    """
    labels = {
        experiment.run_name: configuration.label
        for configuration in sweep.configurations
        for experiment in configuration.experiments
    }
    return [step(experiment, labels[experiment.run_name]) for experiment in sweep.experiments]


def step(experiment: Experiment, label: str = "") -> Step:
    """One run with what there is of it, without its data."""
    run, now = run_of(experiment), state.read(experiment.folder)
    if run.metrics and not run.outdated:
        return Step(experiment, label, experiment.seed, "done", f"finished {run.metrics.finished}")
    if now.epochs:
        return Step(
            experiment,
            label,
            experiment.seed,
            "go on",
            f"stopped after {count(now.epochs, 'epoch')}",
            now.epochs,
        )
    why = (
        f"failed: {now.why}"
        if now.name == "failed"
        else "; ".join(run.outdated) or "it has not been trained"
    )
    return Step(experiment, label, experiment.seed, "train", why)


def timed(steps: list[Step], forked: bool | None = None) -> list[Step]:
    """The same with the time that each run takes, by the pace of earlier ones.

    Args:
        forked: whether the runs are forks of a process that has imported everything; None: as a
            sweep on this machine does it.
    """
    if not any(step.to_do for step in steps):
        return steps
    earlier, forked = _earlier_runs(), _forked(steps, forked)
    return [_timed(step, earlier, forked) if step.to_do else step for step in steps]


def estimated(steps: list[Step], context=None, forked: bool | None = None) -> list[Step]:
    """The same with time, memory and disk; a model whose size is not known is built, so that one
    that cannot be built ends here (ValueError).

    Args:
        context: of multiprocessing, how the process is started that builds models.
        forked: as in `timed`.
    """
    sizes = model_sizes.of([step.experiment for step in steps if step.to_do], context)
    if not sizes:
        return steps
    earlier, forked = _earlier_runs(), _forked(steps, forked)
    return [
        _sized(_timed(step, earlier, forked), earlier, sizes[step.experiment.run_name], forked)
        if step.to_do
        else step
        for step in steps
    ]


def _forked(steps: list[Step], forked: bool | None) -> bool:
    return (
        sum(step.to_do for step in steps) > 1 and forkserver.possible()
        if forked is None
        else forked
    )


def _alike(experiment: Experiment, earlier: list[dict]) -> list[dict]:
    """The earlier runs of the same model on the same data set."""
    keys = ("model", "model_args", "dataset", "dataset_args")
    return [run for run in earlier if all(run[key] == getattr(experiment, key) for key in keys)]


def _timed(step: Step, earlier: list[dict], forked: bool) -> Step:
    experiment = step.experiment
    images = [
        run["images"]
        for run in earlier
        if (run["dataset"], run["data"], run["max_images"])
        == (experiment.dataset, experiment.data, experiment.max_images)
    ]
    pace = [run["seconds_per_image"] for run in _alike(experiment, earlier)]
    if not pace or not images:
        return step
    training = sorted(pace)[len(pace) // 2] * images[0] * (experiment.epochs - step.epochs_done)
    return replace(step, seconds=training + (FORKED_SECONDS if forked else STARTING_SECONDS))


def _sized(step: Step, earlier: list[dict], size: model_sizes.Size, forked: bool) -> Step:
    experiment = step.experiment
    measured = [
        run["memory"]
        for run in _alike(experiment, earlier)
        if run["memory"] and all(run[key] == getattr(experiment, key) for key in OF_MEMORY)
    ]
    if measured:
        memory = MEASURED_SPARE * max(measured) + PIPELINE_BYTES
    else:
        memory = _memory(experiment, size)
    memory -= SHARED_BYTES if forked else 0
    disk = size.weights + REPORT_BYTES + 3 * COPIES * size.weights
    return replace(step, memory=memory, disk=disk)


def _memory(experiment: Experiment, size: model_sizes.Size) -> float:
    """Bytes that a run's processes will have at most, together.

    Pages of a mapped file count too: SLURM takes them for a process's memory. Where the file is
    made they are all touched.
    """
    from .. import datasets

    images, mapped = _images(experiment)
    height, width, channels = datasets.shape(experiment)[0]
    data = images * (height * width * channels * (1 if mapped else READ_COPIES) + size.features)
    passing = max(size.passing, experiment.batch_size)
    activations = max(
        experiment.batch_size * size.activations, passing * PASS_COPIES * size.largest
    )
    weights = WEIGHT_COPIES * size.trained + (size.weights - size.trained)
    return PROCESSES_BYTES + data + weights + activations


def _images(experiment: Experiment) -> tuple[int, bool]:
    """How many images lie behind an experiment's data, and whether they are mapped from a file
    instead of read into memory.

    All labelled ones are read or decoded, whatever max_images says. Real ones: as many as data.lock
    says, else as the usual download has.
    """
    from .. import datasets

    name, whole = experiment.dataset, experiment.max_images is None
    spec = datasets.DATASETS[name]
    if experiment.data == "sample":
        return spec.sample_images, False
    usual = spec.images + (spec.unlabelled if whole else 0)
    if not spec.mapped:
        return usual, False
    known = files.read_json(paths.data_lock())
    if not isinstance(known, dict):
        # none yet, or a damaged one, which loading the data will refuse
        return usual, True
    parts = [
        part for key, part in known.items() if key == name or whole and key.startswith(f"{name}-")
    ]
    counts = [len(part["files"]) for part in parts if isinstance(part, dict) and "files" in part]
    return sum(counts) or usual, True


def _earlier_runs() -> list[dict]:
    runs = []
    for file in sorted(paths.reports().glob("*/metrics.json")):
        metrics, origin = records.metrics(file.parent), records.provenance(file.parent)
        if not metrics or not origin or not metrics.seconds_per_epoch:
            continue
        with contextlib.suppress(KeyError, TypeError, AttributeError, ZeroDivisionError):
            # a damaged file says nothing of others
            settings, paces = metrics.identity["settings"], sorted(metrics.seconds_per_epoch)
            images = metrics.dataset.images["train"]
            runs.append(
                {key: settings.get(key) for key in OF_MEMORY}
                | {
                    "images": images,
                    "seconds_per_image": paces[len(paces) // 2] / images,
                    "memory": max(session.peak_memory_bytes for session in origin.sessions),
                }
            )
    return runs


@dataclass(frozen=True)
class Resources:
    """What this machine has: processors, GPUs by their numbers, bytes of free memory and disk."""

    processors: int
    gpus: list[str]
    memory: float
    disk: float


def resources() -> Resources:
    """Of this machine, as far as this process may use it."""
    paths.reports().mkdir(parents=True, exist_ok=True)
    return Resources(
        provenance.processors(),
        provenance.gpus(),
        free_memory(),
        shutil.disk_usage(paths.reports()).free,
    )


def free_memory() -> float:
    """Bytes that processes may still take: the machine's, or what the container's limit leaves."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        with (
            open("/sys/fs/cgroup/memory.max") as limit,
            open("/sys/fs/cgroup/memory.current") as used,
        ):
            return min(free, float(limit.read()) - float(used.read()))
    except (OSError, ValueError):  # no container, or one without a limit
        return free


def jobs(steps: list[Step], machine: Resources, asked: int | None = None) -> int:
    """How many runs at once: one a GPU; without GPUs one a processor, as far as memory goes for the
    largest runs side by side.
    """
    to_do = sorted((step.memory for step in steps if step.to_do), reverse=True)
    if asked or not to_do:
        return min(asked or 1, max(1, len(to_do)))
    fit = next(
        (number for number in range(len(to_do), 0, -1) if sum(to_do[:number]) <= machine.memory), 1
    )
    return max(1, min(len(machine.gpus) or machine.processors, len(to_do), fit))


def summary(
    steps: list[Step], machine: Resources | None, at_once: int, threads_each: int
) -> list[str]:
    """The plan's sum in sentences.

    Args:
        machine: what is free on this machine. None where that says nothing: the runs are on other
            machines, or have taken theirs already.
    """
    to_do = [step for step in steps if step.to_do]
    lines = [
        f"{count(len(steps), 'run')}: {len(steps) - len(to_do)} done,"
        f" {sum(step.action == 'go on' for step in to_do)} to resume,"
        f" {sum(step.action == 'train' for step in to_do)} to train"
    ]
    if not to_do:
        return lines
    known = [step.seconds for step in to_do if step.seconds is not None]
    unknown = len(to_do) - len(known)
    time = (
        f"time: at most {duration(max(max(known), sum(known) / at_once))} for"
        f" {count(len(known), 'run')}, estimated from earlier runs"
        if known
        else "time: unknown"
    )
    lines.append(
        time
        + (f"; no estimate for {count(unknown, 'other' if known else 'run')}" if unknown else "")
    )
    most = sorted((step.memory for step in to_do), reverse=True)[:at_once]
    disk = sum(sorted((step.disk for step in to_do), reverse=True)[:at_once]) + sum(
        step.disk / (3 * COPIES + 1) for step in to_do
    )
    lines.append(
        f"at once: {count(at_once, 'run')}, {count(threads_each, 'thread')} each"
        + (f", on {count(len(machine.gpus), 'GPU')}" if machine and machine.gpus else "")
    )
    if machine is None:
        return [
            *lines,
            (
                f"memory: about {most[0] / GIB:.1f} GiB for the largest run; disk: about"
                f" {_size(disk)}"
            ),
        ]
    lines.append(
        f"memory: about {sum(most) / GIB:.1f} GiB of {machine.memory / GIB:.1f} GiB free"
        + ("; too little, so the system may kill a run" if sum(most) > machine.memory else "")
    )
    lines.append(
        f"disk: about {_size(disk)} of {machine.disk / GIB:.1f} GiB free"
        + ("; too little: free some, or run fewer" if disk > machine.disk else "")
    )
    return lines


def threads(machine: Resources, at_once: int) -> int:
    """Threads of each run: the processors are divided."""
    return max(1, machine.processors // at_once)


def _size(size: float) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB / 10 else f"{size / 2**20:.0f} MiB"
