"""What only people can answer of a dataset: the keys of `datasheet` in artists.yaml."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question of "Datasheets for Datasets", in our words.

    Attributes:
        section: Where it stands.
        text: The question.
    """

    section: str
    text: str


QUESTIONS: dict[str, Question] = {
    "purpose": Question("Motivation", "For what purpose was the dataset made?"),
    "creators": Question("Motivation", "Who made it, and on whose behalf?"),
    "funding": Question("Motivation", "Who paid for it?"),
    "people": Question(
        "Composition",
        "Are the voices and names in it those of people who could be harmed by it, and how?",
    ),
    "offence": Question("Composition", "Does it hold lyrics or sounds that may offend?"),
    "collectors": Question("Collection", "Who collected it, and how were they paid?"),
    "consent": Question(
        "Collection", "Were the people who made the music told and asked, and what did they say?"
    ),
    "review": Question("Collection", "Was there an ethical or legal review?"),
    "used_for": Question("Uses", "What has it been used for already?"),
    "unsuitable": Question("Uses", "What should it not be used for?"),
    "distribution": Question(
        "Distribution", "Will others be given it: whom, how, when, and under which terms?"
    ),
    "maintainer": Question("Maintenance", "Who maintains it, and how can they be reached?"),
    "updates": Question("Maintenance", "Will it be corrected and extended, and who is told?"),
    "removal": Question("Maintenance", "How can the holder of a right have a work removed?"),
}
