"""The words of the golden set. What is seen, heard and said has no word in common, nor with the generated videos.

A word that is in a group of synonyms can be asked for in other words.
"""

import re

Words = tuple[str, ...]


def _words(text: str) -> Words:
    return tuple(re.findall(r"\w+", text))


SEEN: tuple[Words, ...] = (
    _words(
        """acrobat horse robot wizard priest beggar infant pirate juggler welder ballerina astronaut plumber cowboy
        goat flamingo hedgehog octopus peacock squirrel"""
    ),
    _words("jump sneeze tiptoe somersault stumble cartwheel crawl yawn nod shiver swim hover"),
    _words(
        "forest garden prison swamp elevator rooftop quarry igloo museum sauna casino orchard lighthouse barn crypt"
    ),
)
"""Who, does what, where."""
HEARD: tuple[Words, ...] = (
    _words(
        """cowbell shriek whisper trombone chainsaw typewriter foghorn rooster banjo gavel printer zipper harpsichord
        tractor mosquito cannon geyser vacuum"""
    ),
    _words("muffled distorted rhythmic fading sudden echoing hollow metallic shrill squeaky syncopated faint"),
    _words("attic corridor tunnel cathedral gymnasium hangar submarine stairwell canyon laundry greenhouse vault"),
)
"""Source, manner, room."""
CLAIMED: tuple[Words, ...] = (
    _words(
        """lawyer pilot farmer nurse sailor thief king author soldier scientist tailor janitor detective clerk
        hermit spy"""
    ),
    _words("repair hide discover smash inspect steal polish haul praise construct forget borrow envy delay"),
    _words(
        """ship dwelling bicycle clock sofa carpet gift medicine path barrel jewel ladder wallet jacket basement
        kettle"""
    ),
)
"""Who, does what, with what. Each word has a synonym."""
FAMILIES = _words(
    """invoice contract warrant passport permit lease verdict subsidy audit voucher patent mortgage dividend tender
    receipt summons affidavit franchise royalty escrow levy pension bond grant deed quota tariff premium"""
)
"""What a name and a number belong to."""
ABSENT = _words(
    """periscope glacier saxophone chess beekeeper tornado parachute pottery fencing microscope avalanche calligraphy
    windmill trampoline hieroglyph stalactite kayak bonsai origami marionette lasso abacus samurai catapult gramophone
    didgeridoo skateboard telescope walrus bagpipe"""
)
"""Words of queries that nothing fits."""
