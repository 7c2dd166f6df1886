"""How the comparison of a sweep comes to its numbers, in words."""

from ...core.i18n import N_, _, count, number
from ...studies.sweeps import BASE, PAIRS, WITHIN, Sweep
from .. import crossfit, looks
from . import contrasts
from .scores import FEWEST_SEEDS, Basis

_OVERVIEW = N_(
    "The configurations, ordered by their mean accuracy on the validation images: mean and standard"
    " deviation over the seeds, in percent, and the 95 % confidence interval of the mean. The"
    " accuracy of each run is cross-fitted: half of the images choose the epoch, the other half are"
    " counted in it, and the other way round."
)
_OVERVIEW_OF_BEST_EPOCHS = N_(
    "The configurations, ordered by their mean validation accuracy at the best epoch: mean and"
    " standard deviation over the seeds, in percent. The images that were counted also chose the"
    " epoch, so these accuracies tend to be too high."
)
_CROSSFITTED = N_(
    "The accuracy of a run is that on the validation images, cross-fitted over the choice of the"
    " epoch [@stone1974]: half of the images choose it as the training does, the other half are"
    " counted in it, and the other way round, over {repeated} random halves. So a longer run has"
    " no advantage from its larger number of epochs, of which the luckiest is chosen."
)
_COMPARED = {
    BASE: N_("Each configuration is compared with the base."),
    PAIRS: N_("Each configuration is compared with each other one."),
    WITHIN: N_("Each configuration is compared with each other one that has the same {setting}."),
}
_INTERACTIONS = N_(
    "Whether the choice depends on {setting} is the question of the interaction: the difference of"
    " two such differences, which is judged like any other one."
)
_SEEDS_AND_IMAGES = N_(
    "All runs were evaluated on the same images, and both the seeds and the images are samples:"
    " another seed or other images would give another difference. The analysis is that of"
    " multi-reader multi-case studies [@obuchowski1995], with the seeds as readers and the images"
    " as cases. The interval and $p$ take the spread over seeds as that of a $t$ variable and the"
    " share of the images as that of a normal one (Behrens and Fisher [@fisher1935]). $p$ is"
    " adjusted by Holm's method [@holm1979] for all comparisons. With three or more seeds, a"
    " difference between two experiments counts as supported if the adjusted $p$ is below 0.05 and"
    " the 95 % interval excludes zero. All runs share one set of training images. With another"
    " one, which `split_seed` draws, the differences may be others."
)
_IMAGES = N_(
    "Each configuration was trained once, so the networks are compared, and not the experiments:"
    " with another seed the order may be different. Networks are compared image by image. The 95 %"
    " interval and $p$ are those of the mean difference over the images, with $p$ adjusted by"
    " Holm's method [@holm1979] for all comparisons. They say how sure it is that the network does"
    " better on images like these. A verdict on experiments takes three seeds."
)
_SPLITS = N_(
    "The comparison is made seed by seed. Each seed drew a split of its own, so the validation"
    " images differ between seeds, and the training images overlap. The interval and $p$ are those"
    " of the corrected resampled $t$ test [@nadeau2003], with $p$ adjusted by Holm's method"
    " [@holm1979] for all comparisons. With three or more seeds, a difference between two"
    " experiments counts as supported if the adjusted $p$ is below 0.05 and the 95 % interval"
    " excludes zero."
)
_FIRST_LOOK = N_(
    "Whoever adds seeds and looks again gives chance another try. Therefore $p$ also allows for"
    " later looks: this first one spends {share} % of the permitted error (error spending"
    " [@lan1983])."
)
_LATER_LOOK = N_(
    "Verdicts on this sweep were given before, with {seeds}. Whoever adds seeds and looks again"
    " gives chance another try. Therefore $p$ allows for all looks: this one, number {number},"
    " spends {share} % of the permitted error (error spending [@lan1983])."
)
_NOTHING = N_(
    "The runs were made by an earlier version of labreport, which kept no record of the single"
    " validation images. Without it no verdict is given: train the runs again."
)
_METHODS = {
    Basis.SEEDS_AND_IMAGES: _SEEDS_AND_IMAGES,
    Basis.IMAGES: _IMAGES,
    Basis.SPLITS: _SPLITS,
    Basis.NOTHING: _NOTHING,
}


def overview(basis: Basis) -> str:
    """The caption of the table of all configurations, to be translated."""
    return _OVERVIEW if _is_crossfitted(basis) else _OVERVIEW_OF_BEST_EPOCHS


def method(sweep: Sweep, basis: Basis) -> str:
    """How differences are judged, in Markdown."""
    judged = _(_METHODS[basis])
    if basis is Basis.NOTHING:
        return judged
    compared = _(_COMPARED[sweep.compare], setting=sweep.within_name)
    if sweep.compare == WITHIN and contrasts.interactions(sweep):
        compared += " " + _(_INTERACTIONS, setting=sweep.within_name)
    paragraphs = [f"{compared} {judged}"]
    if _is_crossfitted(basis):
        paragraphs.insert(0, _(_CROSSFITTED, repeated=2 * crossfit.REPEATED))
    if basis is not Basis.IMAGES and len(sweep.seeds) >= FEWEST_SEEDS:
        paragraphs.append(_looks(sweep))
    return "\n\n".join(paragraphs)


def _looks(sweep: Sweep) -> str:
    """What $p$ allows for because results are looked at more than once."""
    before = sweep.looks[:-1]
    if not before:
        return _(_FIRST_LOOK, share=number(100 * looks.spent(1), 0))
    return _(
        _LATER_LOOK,
        seeds=", ".join(
            count(len(look.seeds), "seed")
            if look.compared == sweep.look.compared
            else _("{seeds} and other comparisons", seeds=count(len(look.seeds), "seed"))
            for look in before
        ),
        number=len(sweep.looks),
        share=number(100 * looks.spent(len(sweep.looks)), 1),
    )


def _is_crossfitted(basis: Basis) -> bool:
    return basis in (Basis.SEEDS_AND_IMAGES, Basis.IMAGES)
