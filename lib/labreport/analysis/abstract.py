"""The abstract of a report, which its first page shows."""

from dataclasses import dataclass

from ..core.i18n import _

__all__ = ["Abstract"]


@dataclass(frozen=True)
class Abstract:
    """What a report says in short, in Markdown.

    A notebook shows it where it is made, when the numbers are known; a report on its first page.
    """

    text: str

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {
            "application/vnd.labreport.report+json": {"abstract": self.text},
            "text/markdown": f"**{_('Abstract')}.** {self.text}",
            "text/plain": f"{_('Abstract')}: {self.text}",
        }
