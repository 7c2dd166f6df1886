"""What the outputs of a network with several are for, and how each did."""

from ...core.i18n import _, count, number
from ...runs.results import Result
from .. import statistics

__all__ = ["outputs"]


def outputs(result: Result, names: tuple[str, ...]) -> str:
    """A section on the outputs: what they are for, how the loss is made of them, and how their
    accuracies on the evaluated images differ. names: first the output that counts.
    """
    sentences = [
        _(
            "The network has {outputs}, and all are trained on the same labels. Its loss is the sum"
            " of their losses, each with weight 1, and of any penalty on weights.",
            outputs=count(len(names), "output"),
        ),
        _(
            "The predictions in this report are those of {output}. An output that branches off"
            " half-way is meant to help the gradient reach the first layers. In GoogLeNet as its"
            " authors trained it, the losses of such auxiliary outputs had weight 0.3"
            " [@szegedy2015].",
            output=names[0],
        ),
        _("[Figure](#outputs-2) shows accuracy and loss of each output by epoch.")
        if result.metrics.outputs
        else _("[Figure](#outputs-2) shows the loss of each output by epoch."),
        _measured(result, names),
    ]
    heading = _("The outputs of the network")
    return f"### {heading}\n\n{' '.join(sentences)}"


def _measured(result: Result, names: tuple[str, ...]) -> str:
    """What the accuracies on the evaluated images allow to say, in sentences."""
    measured, images = result.metrics.outputs, len(result.labels)
    first = names[0]
    if not measured:
        return _(
            "This run was made by an earlier version of labreport, which measured the loss of each"
            " output, and the accuracy of {output} only.",
            output=first,
        )
    if result.evaluated == "validation":
        return _(
            "[Table](#outputs-3) shows both for the {images} that were used to select the epoch, so"
            " the accuracies tend to be optimistic. Neither they nor their differences have an"
            " interval.",
            images=count(images, "validation image"),
        )
    sentences = [_("[Table](#outputs-3) shows both for the test images.")]
    for name in names[1:]:
        one, main = measured[name]["accuracy"], measured[first]["accuracy"]
        low, high = statistics.paired_difference(
            one, main, measured[name]["joint_accuracy"], images
        )
        sentences.append(
            _(
                "On the same {images}, the accuracy of {output} minus that of {first} is"
                " {difference} percentage points (95 % confidence interval {low} to {high})"
                " [@newcombe1998paired].",
                images=count(images, "test image"),
                output=name,
                first=first,
                difference=number(100 * (one - main), 1, signed=True),
                low=number(100 * low, 1, signed=True),
                high=number(100 * high, 1, signed=True),
            )
        )
    sentences.append(
        _(
            "Each interval holds by itself, and for this trained network: another seed gives"
            " another one."
        )
    )
    return " ".join(sentences)
