"""The content of generated videos: six themes of eight scenes each."""

from collections.abc import Sequence

import msgspec


class Scene(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One scene: picture, sound other than speech, speech ("" for none), duration.

    `seconds` is optional; either every scene of a video has it or none.
    """

    visual: str
    audio: str = "quiet background noise"
    speech: str = ""
    seconds: float | None = None


LONGEST_SECONDS = 86_400.0
_MOST_SEGMENTS = 20_000


def check_scenes(key: str, scenes: Sequence[Scene], duration: float | None) -> None:
    """Raises ValueError for scenes that do not divide the video. `duration` None is the sum of their seconds."""
    lengths = [scene.seconds for scene in scenes if scene.seconds is not None]
    if not lengths:
        return
    if len(lengths) < len(scenes):
        raise ValueError(f"{key}: give `seconds` for every scene or for none")
    if any(not 0 < length <= LONGEST_SECONDS for length in lengths):
        raise ValueError(f"{key}: `seconds` must be above 0 and at most {LONGEST_SECONDS:g}")
    whole = sum(lengths) if duration is None else duration
    if whole > LONGEST_SECONDS or whole / sum(lengths) * len(lengths) > _MOST_SEGMENTS:
        raise ValueError(f"{key}: a video has at most {LONGEST_SECONDS:g} seconds and {_MOST_SEGMENTS} segments")


class Theme(msgspec.Struct, frozen=True):
    name: str
    scenes: tuple[Scene, ...]


def _theme(name: str, *lines: tuple[str, str, str]) -> Theme:
    return Theme(name, tuple(Scene(visual=visual, audio=audio, speech=speech) for visual, audio, speech in lines))


THEMES = (
    _theme(
        "football",
        ("players celebrate a goal in front of the fans", "roaring stadium", "what a strike, the stadium explodes"),
        ("goalkeeper saves a penalty kick", "gasps and whistles", "he guessed the right corner"),
        ("referee shows a yellow card", "booing from the stands", "a harsh decision by the referee"),
        ("captain lifts the silver trophy", "champions anthem and fireworks", "they have won the championship"),
        ("slow motion replay of a free kick over the wall", "drums beating", ""),
        ("coach shouts instructions at the touchline", "a whistle blows", "press higher and keep the ball"),
        ("fans wave flags and scarves", "singing supporters", ""),
        ("injured player leaves on a stretcher", "polite applause", "we hope that the ankle is not broken"),
    ),
    _theme(
        "kitchen",
        ("chef chops onions on a wooden board", "knife tapping", "slice the onions as thin as paper"),
        ("butter melts in a frying pan", "sizzling fat", "never let the butter turn brown"),
        ("hands knead bread dough", "soft thumping", "work the dough for ten minutes"),
        ("pasta boils in a steel pot", "bubbling water", "salt the water like the sea"),
        ("cake rises in a glowing oven", "ticking timer", ""),
        ("chocolate sauce is poured over strawberries", "spoon scraping a bowl", "a little chili makes it special"),
        ("plates are decorated with herbs", "clinking porcelain", ""),
        ("guests taste the dessert and smile", "cheerful dinner chatter", "delicious, may I have the recipe"),
    ),
    _theme(
        "wildlife",
        ("lioness stalks a zebra through tall grass", "crickets chirping", "she waits until the wind turns"),
        ("elephants drink at a waterhole", "trumpeting and splashing", "the herd has walked three days"),
        ("eagle dives toward a river", "rushing wings", ""),
        ("penguins huddle on antarctic ice", "howling blizzard", "together they survive the polar night"),
        ("whale breaches beside a boat", "crashing waves", "forty tons leave the water"),
        ("monkeys swing between jungle trees", "screeching in the canopy", ""),
        ("turtle buries her eggs on a moonlit beach", "gentle surf", "in sixty days they will hatch"),
        ("wolves run across a frozen lake", "distant howls", ""),
    ),
    _theme(
        "news",
        ("anchor reads headlines in a studio", "news jingle", "good evening, here are the headlines"),
        ("reporter stands in heavy rain", "thunder rumbles", "the river has risen two meters since morning"),
        ("firefighters spray water on a burning warehouse", "sirens wail", "nobody was hurt in the fire"),
        ("minister signs a treaty at a long table", "camera shutters click", "both countries agreed to cut tariffs"),
        ("protesters march with banners downtown", "chanting through megaphones", "they demand higher wages"),
        ("stock prices scroll over a wall of screens", "busy trading floor", "markets closed lower after the report"),
        ("map shows a storm moving north", "soft synthesizer", "expect snow in the mountains tomorrow"),
        ("rocket lifts off from the launch pad", "deafening engines", "liftoff, the satellite is on its way"),
    ),
    _theme(
        "concert",
        ("guitarist plays a solo under blue lights", "electric guitar", ""),
        ("drummer throws sticks into the audience", "drum roll and cymbals", ""),
        ("singer kneels at the edge of the stage", "soulful ballad", "this one is for my mother"),
        ("violin section of an orchestra", "symphonic strings", ""),
        ("pianist bows to a standing ovation", "long applause", "thank you, you are wonderful"),
        ("dancers spin in golden costumes", "fast latin percussion", ""),
        ("sound engineer moves faders at a mixing desk", "bass test tones", "more reverb on the vocals please"),
        ("teenagers take selfies at the entrance", "excited voices", "we queued since six in the morning"),
    ),
    _theme(
        "travel",
        ("train crosses a stone viaduct in the alps", "wheels clatter on rails", "next stop is the highest station"),
        ("market stall full of spices", "merchants haggle", "saffron costs more than silver here"),
        ("hiker reaches a foggy summit", "wind and heavy breathing", "the view was worth every step"),
        ("gondola glides under a bridge", "oar strokes and accordion", ""),
        ("camel caravan crosses desert dunes", "bells jingle", "we sleep under the stars tonight"),
        ("surfers paddle toward a turquoise wave", "seagulls and surf", ""),
        ("lanterns float above a temple", "low gong", "every lantern carries a wish"),
        ("cyclists ride through a vineyard", "chains and laughter", "the old road follows the river"),
    ),
)
