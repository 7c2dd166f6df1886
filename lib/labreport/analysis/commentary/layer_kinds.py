"""What a network is made of, and what its training minimises: only what this network has.

rows: as `models.graph` makes them.
"""

from ...core.i18n import _, count, plain
from . import literature

__all__ = ["made_of", "objective"]

_MAPS = 3  # sides of maps: height, width, channels


def objective(experiment, rows: list[dict]) -> str:
    """How outputs become probabilities, and the loss that training minimises, in Markdown."""
    last = {row["settings"].get("activation") for row in rows}
    penalty = r" + \Omega(w)" if any(row["settings"].get("penalties") for row in rows) else ""
    sentences, formulas = [], []
    if "softmax" in last:
        sentences.append(
            _(
                "The softmax function turns the scores {z} of the last layer into probabilities.",
                z="$z$",
            )
        )
        formulas.append(r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}")
    elif "sigmoid" in last:
        sentences.append(
            _(
                "The sigmoid function turns the only output {z} into the probability {p} of the"
                " second class.",
                z="$z$",
                p="$p$",
            )
        )
        formulas.append(r"p = \frac{1}{1 + e^{-z}}")
    known = {
        "categorical_crossentropy": (
            _("the cross-entropy of the true class {y}", y="$y$"),
            r"-\frac{1}{N} \sum_{i=1}^{N} \log p_{i, y_i}",
        ),
        "binary_crossentropy": (
            _("the binary cross-entropy of the true class {y}, 0 or 1,", y="$y$"),
            r"-\frac{1}{N} \sum_{i=1}^{N} \bigl(y_i \log p_i + (1 - y_i) \log (1 - p_i)\bigr)",
        ),
        "mean_squared_error": (
            _("the squared error between {p} and the one-hot vector {t} of the true class"
              " [@brier1950]",
              p="$p$", t="$t$"),
            r"\frac{1}{N K} \sum_{i=1}^{N} \sum_{k=1}^{K} (p_{i,k} - t_{i,k})^2",
        ),
    }  # fmt: skip
    loss = experiment.loss.replace("sparse_", "")
    if loss in known:
        words, formula = known[loss]
        sentences.append(
            _(
                "Training minimises {loss} over the {images} images of a batch, plus penalties"
                " {penalties} on weights.",
                loss=words,
                images="$N$",
                penalties=r"$\Omega(w)$",
            )
            if penalty
            else _(
                "Training minimises {loss} over the {images} images of a batch.",
                loss=words,
                images="$N$",
            )
        )
        formulas.append(f"L = {formula}{penalty}")
    text = " ".join(sentences)
    if formulas:
        text += "\n\n$$" + r", \qquad ".join(formulas) + ".$$"
    return "\n\n".join(filter(None, [text, literature.optimizer(experiment), _outputs(rows)]))


def _outputs(rows: list[dict]) -> str:
    outputs = [row for row in rows if row["output"]]
    if not outputs:
        return ""
    return _(
        "The network has {outputs} and is trained on the sum of their losses, which the tables and"
        " curves show. Its accuracy is that of the output {name}, whose predictions are evaluated.",
        outputs=count(len(outputs), "output"),
        name=next((row["output"] for row in outputs if row["evaluated"]), outputs[0]["output"]),
    )


def made_of(rows: list[dict]) -> str:
    """A sentence or formula for each kind of layer that the network has, as a list in Markdown."""
    kinds = {row["kind"] for row in rows}
    found = [
        *_scaling(rows),
        *_backbone(rows),
        *_windows(rows),
        *[words for kind, words in _sentences().items() if kind in kinds],
        *_penalties(rows),
    ]
    if not found:
        return ""
    return "\n".join([_("What this network is made of:"), "", *(f"- {item}" for item in found)])


def _sentences() -> dict[str, str]:
    """Kind of layer -> what it does, in the language that is spoken."""
    return {
        "MaxPooling2D": _(
            "**Max pooling** keeps the greatest value of each window, in each map by itself."
        ),
        "AveragePooling2D": _(
            "**Average pooling** keeps the mean of each window, in each map by itself."
        ),
        "GlobalAveragePooling2D": _(
            "**Global average pooling** [@lin2014] replaces each map by its mean: one number a map."
        ),
        "GlobalMaxPooling2D": _(
            "**Global max pooling** replaces each map by its greatest value: one number a map."
        ),
        "BatchNormalization": _(
            "**Batch normalisation** [@ioffe2015] shifts and scales each map or unit: {formula}."
            " In training, {mean} and {variance} are mean and variance of the batch; in"
            " evaluation, running averages of them. {learned} are learned.",
            formula=r"$\gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$",
            mean=r"$\mu$",
            variance=r"$\sigma^2$",
            learned=r"$\gamma, \beta$",
        ),
        "Dropout": _(
            "**Dropout** [@srivastava2014] with rate {rate} sets each value to 0 with that"
            " probability in training, and divides the others by {rest}. In evaluation it does"
            " nothing.",
            rate="$r$",
            rest="$1 - r$",
        ),
        "Add": _(
            "**Add** [@he2016] sums its inputs value by value: a branch learns what to add to"
            " another."
        ),
        "Concatenate": _("**Concatenate** puts the maps of its inputs one behind the other."),
        "Flatten": _("**Flatten** writes all maps as one vector."),
        "Dense": _(
            "**A dense layer** connects all inputs {x} with all units: {formula}.",
            x="$x$",
            formula="$z = W x + b$",
        ),
    }


def _scaling(rows: list[dict]) -> list[str]:
    return [
        _(
            "**Rescaling** maps pixel values from 0 to 255 to values from {low} to {high}.",
            low=plain(round(offset, 6)),
            high=plain(round(255 * row["settings"].get("scale", 1.0) + offset, 6)),
        )
        for row in rows
        if row["kind"] == "Rescaling" and isinstance(row["settings"].get("scale", 1.0), float)
        for offset in [row["settings"].get("offset", 0.0)]
    ]


def _backbone(rows: list[dict]) -> list[str]:
    found = []
    for row in rows:
        if row["kind"] != "Model":
            continue
        name = f"**{row['name']}**"
        if row["settings"].get("trained"):
            found.append(
                _(
                    "{name} is the backbone, a network of its own. Some of its layers are"
                    " fine-tuned, so the pixels pass through the whole network in every epoch.",
                    name=name,
                )
            )
        else:
            found.append(
                _(
                    "{name} is the backbone, a network of its own. It is frozen, so its features of"
                    " an image are the same in every epoch. The layers after it, the head, are"
                    " trained on them.",
                    name=name,
                )
            )
    return found


def _windows(rows: list[dict]) -> list[str]:
    """Convolutions with their stride and padding, and the receptive field."""
    convolutions = [row["settings"] for row in rows if row["kind"] == "Conv2D"]
    moved = [row["settings"] for row in rows if row["settings"].get("window")]
    found = []
    if convolutions:
        found.append(
            _(
                "**A convolution** makes a map for each filter {f}: {formula}, where {star} moves a"
                " window of weights over map {c} and sums the weighted values in it.",
                f="$f$",
                # short, as no browser breaks a formula in a line
                formula=r"$z_f = b_f + \sum_c w_{f,c} * x_c$",
                star="$*$",
                c="$c$",
            )
        )
    if any(settings.get("activation") == "relu" for settings in (row["settings"] for row in rows)):
        found.append(
            _("**ReLU**, where the table says `relu`: {formula}.", formula=r"$\max(0, z)$")
        )
    if any(max(settings.get("strides", (1,))) > 1 for settings in moved):
        found.append(
            _("**Stride** {s}: a window moves by {s} values at a time, here by up to {most}.",
              s="$s$", most=max(max(settings.get("strides", (1,))) for settings in moved))
        )  # fmt: skip
    paddings = {settings.get("padding") for settings in moved}
    for padding, words in _paddings().items():
        if padding in paddings:
            found.append(words)
    return [*found, *_receptive_field(rows)]


def _paddings() -> dict[str, str]:
    return {
        "same": _(
            "**Padding `same`** adds values at the borders, so that a side of {n} becomes"
            " {formula}.",
            n="$n$",
            formula=r"$\lceil n / s \rceil$",
        ),
        "valid": _(
            "**Padding `valid`** adds nothing: a window of side {k} makes {formula} of a side of"
            " {n}.",
            k="$k$",
            n="$n$",
            formula=r"$\lfloor (n - k) / s \rfloor + 1$",
        ),
    }


def _receptive_field(rows: list[dict]) -> list[str]:
    """Side of what a value in the last maps depends on; nothing where it cannot be counted."""
    side: dict[str, int] = {}
    step: dict[str, int] = {}
    deepest = 1
    by_name = {row["name"]: row for row in rows}
    waiting = list(by_name)
    counted = {"InputLayer", "Conv2D", "MaxPooling2D", "AveragePooling2D"} | {
        *("BatchNormalization", "Dropout", "Activation", "ReLU", "Add", "Concatenate", "Rescaling")
    }
    while waiting:
        name = next((each for each in waiting if side.keys() >= set(by_name[each]["inputs"])), "")
        if not name:
            return []
        waiting.remove(name)
        row, settings = by_name[name], by_name[name]["settings"]
        maps = row["shape"].count(" x ") == _MAPS - 1
        window, strides = settings.get("window", (1, 1)), settings.get("strides", (1, 1))
        dilated = max(_both(settings.get("dilation_rate", 1))) > 1
        square = len(set(window)) == len(set(strides)) == 1
        if maps and (row["kind"] not in counted or dilated or not square):
            return []
        before = max((step[each] for each in row["inputs"]), default=1)
        side[name] = max((side[each] for each in row["inputs"]), default=1)
        step[name] = before
        if maps:
            side[name] += (window[0] - 1) * before
            step[name] *= strides[0]
            deepest = max(deepest, side[name])
    image = next((row["shape"] for row in rows if row["kind"] == "InputLayer"), "")
    if deepest < 2 or image.count(" x ") != _MAPS - 1:
        return []
    larger = deepest > int(image.split(" x ")[0])
    sentence = (
        _(
            "**Receptive field**: a value of the last maps can depend on {side} x {side} pixels,"
            " more than the image has. A window of side {k} adds {formula} pixels to a side.",
            side=deepest,
            k="$k_l$",
            formula=r"$(k_l - 1)\, s_1 \cdots s_{l-1}$",
        )
        if larger
        else _(
            "**Receptive field**: a value of the last maps depends on {side} x {side} pixels of the"
            " image. A window of side {k} adds {formula} pixels to a side.",
            side=deepest,
            k="$k_l$",
            formula=r"$(k_l - 1)\, s_1 \cdots s_{l-1}$",
        )
    )
    return [sentence]


def _both(value) -> tuple:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _penalties(rows: list[dict]) -> list[str]:
    kinds = {kind for row in rows for kind in row["settings"].get("penalties", [])}
    formulas = {
        "L1": r"$\lambda_1 \sum |w|$",
        "L2": r"$\lambda_2 \sum w^2$",
    }
    return [
        _(
            "**The {kind} penalty** adds {formula} to the loss; the table has {factor} of each"
            " layer.",
            kind=kind,
            formula=formula,
            factor=rf"$\lambda_{kind[1]}$",
        )
        for kind, formula in formulas.items()
        if kind in kinds
    ]
