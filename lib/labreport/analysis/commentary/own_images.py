"""What a report says of images that are not the data set's, but a person's own."""

from ...core.i18n import _, count, percent, whole

__all__ = ["own_images", "what_a_probability_is"]

MOST_NAMED = 10  # files that could not be read


def own_images(predictions) -> str:
    """A section: what was classified, what its probabilities mean, and what could not be read.
    predictions: as `prediction.of` gives them.
    """
    images, shown = len(predictions.names), len(predictions.seen)
    sentences = []
    if images:
        sentences = [
            _(
                "The trained network classified {images} from outside the data set. Each was"
                " resized to {side} x {side} pixels, like the images of the data set.",
                images=count(images, "image"),
                side=predictions.side,
            ),
            *what_a_probability_is(predictions),
        ]
    if shown < images:
        sentences.append(_("Only the first {shown} are shown.", shown=whole(shown)))
    problems = [*predictions.failures, *predictions.remarks]
    heading = _("Images from outside the data set")
    text = f"### {heading}\n\n{' '.join(sentences)}"
    if not problems:
        return text
    # A name may hold what is markup elsewhere.
    lines = [f"\n- `{name.replace('`', chr(39))}`: {reason}" for name, reason in problems]
    if len(lines) > MOST_NAMED:
        more = _("and {number} more", number=len(lines) - MOST_NAMED)
        lines = [*lines[:MOST_NAMED], f"\n- {more}"]
    return f"{text}\n\n{_('Not read:')}\n{''.join(lines)}"


def what_a_probability_is(predictions) -> list[str]:
    """How far the answers can be trusted, in sentences. predictions: as for `own_images`."""
    metrics = predictions.metrics
    sentences = [
        _(
            "A probability is what the network computes, not a certainty: it always chooses one of"
            " its {classes} classes, even if the image shows something else.",
            classes=len(predictions.class_names),
        )
    ]
    if metrics.data == "sample":
        sentences.append(
            _(
                "This network was trained on images that the program draws, so its answers about"
                " photographs mean nothing."
            )
        )
    else:
        words = {"accuracy": percent(metrics.evaluated_accuracy)}
        sentences.append(
            _("Of the test images of its data set it classified {accuracy} correctly.", **words)
            if metrics.evaluated_split == "test"
            else _(
                "Of the validation images of its data set it classified {accuracy} correctly.",
                **words,
            )
        )
    return sentences
