"""A notebook for Kaggle: what it holds, what it needs of the service, and how it is pushed.

The service takes one file and no parameters.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ... import datasets
from ...config.experiments import Experiment, base
from ...core import redaction
from ...core.i18n import duration
from ...platforms import kaggle_client
from .. import tasks
from . import package, worker

TITLE = 50  # characters that the service takes
HOURS, MOST_HOURS = 11.5, 12  # of a notebook
GPU_AT_ONCE, CPU_AT_ONCE = 2, 5  # notebooks that it runs at once for one person
NOTHING_TO_ATTACH = "the notebook to continue from was deleted"


@dataclass(frozen=True)
class Terms:
    """On which terms runs are done there. gpu: whether with one; accelerator: which, None for the
    service's choice. at_once: notebooks. seconds: of each.
    """

    gpu: bool
    accelerator: str | None
    at_once: int
    seconds: int
    language: str

    def __str__(self) -> str:
        return f"{'with' if self.gpu else 'without'} a GPU, at most {duration(self.seconds)}"


def gpu_time_left(api) -> str:
    """How much GPU time is left this week, in words; ValueError where there is none: a notebook
    would wait for it in silence.
    """
    quota = kaggle_client.asked(
        api, api.quota_view, what="the remaining GPU time", page=kaggle_client.SETTINGS
    )
    if quota.gpu_quota is None:
        return "GPU time left on Kaggle this week: unknown"
    left = (quota.gpu_quota.total_time_allowed - quota.gpu_quota.time_used).total_seconds()
    anew = (
        f"; renewed on {quota.quota_refresh_time:%A, %-d %B, %H:%M} UTC"
        if quota.quota_refresh_time
        else ""
    )
    if left <= 0:
        raise ValueError(
            f"your weekly GPU time on Kaggle is used up{anew}. Wait, or run without a GPU: --cpu"
        )
    return f"GPU time left on Kaggle this week: {duration(left)}{anew}"


def page(kernel: str) -> str:
    """Where a person looks at a notebook."""
    return f"{kaggle_client.SITE}/code/{kernel}"


def slug(name: str, key: str, letter: str, part: int) -> str:
    """Name and title of a notebook on Kaggle: at most 50 characters that the service leaves as they
    are. key: so that two chains never share it.
    """
    words = re.sub(r"[^a-z0-9]+", "-", f"labreport-{name}".lower()).strip("-")
    end = "".join(f"-{word}" for word in (key, letter, str(part)) if word)
    return words[: TITLE - len(end)].rstrip("-") + end


def notebook(name: str, experiments: list[Experiment], key: str, terms: Terms) -> dict:
    """The notebook that executes experiments, as JSON. key: that its record repeats."""
    runs = {
        experiment.run_name: {
            "arguments": tasks.command(experiment),
            "base": start.run_name if (start := base(experiment)) else None,
        }
        for experiment in experiments
    }
    introduction = [
        f"# labreport: {name}",
        (
            f"Sent by `pipeline.py kaggle`; it trains {', '.join(f'`{run}`' for run in runs)} with"
            " the program packed in this notebook, and shows the results."
        ),
    ]
    execute = (
        "from labreport.executors.kaggle import worker\n\n"
        f"{package.assigned(runs=runs, language=terms.language)}\n"
        f"worker.do({key!r}, runs, language,"
        f" seconds={terms.seconds - worker.reserve(terms.seconds):.0f})"
    )
    show = "for run in runs:\n    worker.show(run, language)"
    return package.whole(
        [
            package.prose("title", "\n\n".join(introduction)),
            package.package(),
            package.bootstrap(),
            package.code("errand", execute),
            package.code("show", show),
        ]
    )


def needs(experiments: list[Experiment]) -> dict:
    """What of Kaggle's the experiments use, in the words of its metadata: data sets, competitions,
    internet.
    """
    sources = [
        datasets.DATASETS[experiment.dataset].source
        for experiment in experiments
        if experiment.data == "real"
    ]
    pages = {source.page.removeprefix(f"{kaggle_client.SITE}/") for source in sources if source}
    kinds = {
        kind: sorted(page.partition("/")[2] for page in pages if page.startswith(f"{kind}/"))
        for kind in ("datasets", "competitions")
    }
    downloads = any("://" in page for page in pages) or any(
        experiment.model_args.get("weights") == "imagenet" for experiment in experiments
    )
    return {
        "dataset_sources": kinds["datasets"],
        "competition_sources": kinds["competitions"],
        "enable_internet": downloads,
    }


def push(
    api, part: dict, attached: str | None, experiments: list[Experiment], name: str, terms: Terms
) -> str:
    """Push a part of a chain, once; returns why it was not taken though it may be later, else
    nothing. attached: the notebook whose output it needs.

    ValueError where a person has to do something: the client reports a success all the same.
    ConnectionError where it is not known whether it arrived.
    """
    wanted, title = needs(experiments), part["kernel"].partition("/")[2]
    metadata = {
        "id": part["kernel"],
        "title": title,
        "code_file": "notebook.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": terms.gpu,
        "kernel_sources": [attached] if attached else [],
        **wanted,
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernel-metadata.json").write_text(json.dumps(metadata), "utf-8")
        Path(folder, "notebook.ipynb").write_text(
            json.dumps(notebook(name, experiments, part["errand"], terms)), "utf-8"
        )
        # a second try could be a second notebook
        answer = kaggle_client.asked(
            api,
            api.kernels_push,
            folder,
            timeout=str(terms.seconds),
            acc=terms.accelerator if terms.gpu else None,
            what=f"the notebook {title}",
            page=kaggle_client.SETTINGS,
            attempts=1,
        )
    for source in answer.invalid_competition_sources or []:
        raise ValueError(
            f"Kaggle cannot attach the competition {source} to {title}: accept its rules at"
            f" {kaggle_client.SITE}/competitions/{source}/rules and run the same command again"
        )
    for source in answer.invalid_dataset_sources or []:
        raise ValueError(
            f"Kaggle cannot attach {source} to {title}; check whether you can open"
            f" {kaggle_client.SITE}/datasets/{source}"
        )
    if answer.invalid_kernel_sources:
        return NOTHING_TO_ATTACH
    if answer.error and "session count" not in answer.error:
        raise ValueError(f"Kaggle rejected the notebook {title}: {redaction.cleaned(answer.error)}")
    return redaction.cleaned(answer.error or "").rstrip(".")
