"""What the tests of adding add: a data set of discs and squares, a model, a report format, a
scheduler.
"""

SHAPES = '''"""Discs and squares, drawn by the program; there are no real ones."""

from pathlib import Path

import numpy as np

from .dataset import Dataset, Split
from .splitting import hold_out, refuse_too_few, shortened

CLASS_NAMES = ["disc", "square"]
PER_CLASS, SEED = 60, 0


def shapes(
    data: str,
    folder: Path,
    seed: int,
    max_images: int | None,
    *,
    image_size: int,
    validation_fraction: float,
) -> Dataset:
    """Two classes, a training and a validation split."""
    if data != "sample":
        raise FileNotFoundError("shapes are only drawn: --data sample")
    notes: list[str] = []
    [pool] = shortened([_drawn(image_size)], max_images, seed, notes)
    train, validation = hold_out(pool, validation_fraction, seed, "validation_fraction")
    refuse_too_few({"train": train, "validation": validation}, max_images)
    return Dataset("shapes", True, train, validation, None, CLASS_NAMES, notes)


def shape(
    *, image_size: int, validation_fraction: float
) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes, known without the data."""
    return (image_size, image_size, 3), len(CLASS_NAMES)


def _drawn(side: int) -> Split:
    rng, labels = np.random.default_rng(SEED), np.arange(2 * PER_CLASS, dtype=np.int32) % 2
    images = rng.integers(0, 60, (len(labels), side, side, 3)).astype(np.uint8)
    rows, columns = np.mgrid[:side, :side]
    for image, label in zip(images, labels):
        y, x = rng.uniform(0.4, 0.6, 2) * side
        distance = np.hypot(rows - y, columns - x) if label == 0 else np.maximum(
            abs(rows - y), abs(columns - x)
        )
        image[distance < side / 4] += 180
    return Split(images, labels, [f"sample-{index:04d}" for index in range(len(labels))])
'''
SHAPES_ROW = '"shapes": DatasetSpec(load=shapes.shapes, shape=shapes.shape, sample_images=120),'

TINY = '''

def tiny(image_shape, num_classes, *, filters: int) -> keras.Model:
    """One convolution."""
    inputs = keras.Input(image_shape)
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(filters, 3, strides=4, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))
'''
TINY_ROW = '"flowers_tiny": flowers.tiny,'
TINY_SETTINGS = "model: flowers_tiny\nmodel_args:\n  filters: 4\n"

MARKDOWN = '''"""A report as Markdown: its prose, and what its code printed."""

import re

from .blocks import Document, Heading, Prose, Text


def markdown_text(document: Document) -> bytes:
    """The text of a document."""
    parts = [f"# {document.title}"]
    for block in document.blocks:
        if isinstance(block, Heading):
            parts.append(f"## {block.text}")
        elif isinstance(block, Prose):
            parts.append(re.sub(r"<[^>]+>", "", block.html).strip())
        elif isinstance(block, Text):
            parts.append(f"    {block.text}")
    return "\\n\\n".join([*parts, ""]).encode()
'''
MARKDOWN_LOADER = """def _markdown(document: Document) -> bytes:
    from .markdown import markdown_text

    return markdown_text(document)


"""

SERIAL = '''"""The runs of a sweep in processes of their own, one after the other."""

import os

from ..core import paths
from . import tasks
from .base import Executor
from .plan import Step
from .tasks import Task


class Serial(Executor):
    """This machine, one run at a time."""

    def execute(self, steps: list[Step]) -> list[Task]:
        """The first step first."""
        with tasks.queued(self.subject, steps) as queued:
            for task in queued:
                if task.step.to_do:
                    task.begin()
                    tasks.head(task.log, task.step.experiment.run_name, self.options.greeting)
                    process = tasks.start(
                        tasks.PIPELINE,
                        tasks.command(task.step.experiment),
                        task.log,
                        paths.root(),
                        dict(os.environ),
                    )
                    task.ended(process.wait(), 0, False)
        return queued
'''
SERIAL_LOADER = """def _serial() -> type[Executor]:
    from .serial import Serial

    return Serial


"""
SERIAL_ROW = """\
    "serial": ExecutorSpec(
        _serial,
        "one after the other",
        options={"--greeting": {"metavar": "TEXT", "help": "what each log begins with"}},
    ),
"""


def add_data_set(copy):
    """Add the data set, its notebook, and an experiment on it, `shapes_small`."""
    copy.append("lib/labreport/datasets/shapes.py", SHAPES)
    registry = "lib/labreport/datasets/__init__.py"
    copy.copy_lines(
        registry, registry, {"import cats_dogs, cifar10": "import shapes, cats_dogs, cifar10"}
    )
    copy.add_row(registry, "DATASETS", SHAPES_ROW)
    copy.copy_lines(
        "notebooks/flowers.ipynb", "notebooks/shapes.ipynb", {"flowers_tuned_gap": "shapes_small"}
    )
    copy.copy_lines(
        "params/flowers_tuned_gap.yaml",
        "params/shapes_small.yaml",
        {
            "notebook: flowers": "notebook: shapes",
            "dataset: flowers": "dataset: shapes",
            "image_size: 150": "image_size: 32",
            "  on_unreadable: stop\n": "",
            "epochs: 150": "epochs: 2",
        },
    )


def add_model(copy):
    """Add the model, and an experiment with it on the added data set, `shapes_tiny`."""
    copy.append("lib/labreport/models/flowers.py", TINY)
    copy.add_row("lib/labreport/models/__init__.py", "MODELS", TINY_ROW)
    text = (copy.folder / "params/shapes_small.yaml").read_text()
    settings = text[text.index("model: flowers_stacked\n") : text.index("loss: ")]
    copy.copy_lines(
        "params/shapes_small.yaml",
        "params/shapes_tiny.yaml",
        {settings: TINY_SETTINGS, "158309": "122"},
    )


def add_scheduler(copy):
    """Add the scheduler, `serial`, with an option of its own."""
    copy.append("lib/labreport/executors/serial.py", SERIAL)
    registry = "lib/labreport/executors/__init__.py"
    copy.insert(registry, SERIAL_LOADER, before="EXECUTORS = {")
    copy.insert(registry, SERIAL_ROW, before='    "slurm": ExecutorSpec(')


def add_format(copy):
    """Add the format, Markdown."""
    registry = "lib/labreport/reporting/formats.py"
    copy.append("lib/labreport/reporting/markdown.py", MARKDOWN)
    copy.insert(registry, MARKDOWN_LOADER, before="FORMATS = {")
    row = '    "md": Format("Markdown", "report.md", _markdown),\n'
    end = '    "pdf": Format("PDF", "report.pdf", _pdf),'
    copy.copy_lines(registry, registry, {end: f"{end}\n{row}"})
