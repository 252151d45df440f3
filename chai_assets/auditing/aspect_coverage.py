"""Which aspects a whole caption mentions: by the terms of the lexicon, or by everyday words.

A specification has terms for few of the people, places and actions that captions speak of, so each aspect has a list
of everyday words as well. It is meant to miss no mention (measured on real captions in tests/corpus), and therefore
also counts mentions in passing.
"""

import re

from chai_assets.linting.caption_lint import primitives_named_in
from chai_assets.linting.lexicon import Lexicon
from chai_assets.linting.phrase_patterns import normalize

_EVERYDAY_WORDS = {
    "subject": r"""
        (?:wo)?m[ae]n | people | persons? | bab(?:y|ies) | child(?:ren)? | kids? | boys? | girls? | figures?
        | crowds? | lad(?:y|ies) | adults? | pedestrians? | players? | dancers? | characters? | individuals?
        | couples? | hands? | faces? | hair(?:ed)? | beards? | arms? | heads? | animals? | dogs? | cats?
        | birds? | horses? | fish(?:es)? | cars? | vehicles? | trucks? | buses | boats? | ships? | trains?
        | planes? | bikes? | bicycles? | motorcycles? | objects? | subjects? | wears? | wearing | dressed
        | clothe[ds] | clothing | shirts? | jackets? | dress(?:es)? | flowers? | trees? | plants?
        | buildings? | machines? | robots? | text | logos? | titles?
        """,
    "scene": r"""
        background | backdrop | setting | scenes? | scenery | sky | clouds? | sea | ocean | water | rivers?
        | lakes? | beach(?:es)? | mountains? | hills? | forests? | woods | trees? | grass(?:y)? | fields?
        | gardens? | parks? | streets? | roads? | city | town | village | urban | rural | buildings?
        | houses? | rooms? | kitchens? | offices? | walls? | floors? | ceilings? | windows? | doors?
        | tables? | stage | indoors? | outdoors? | interior | exterior | environment | landscapes? | ground
        | snow(?:y)? | rain(?:y)? | sunny | sun(?:light|lit|set|rise)? | night(?:time)? | day(?:time|light)?
        | light(?:s|ing|ed)? | lit | dark | overlays? | overlaid | watermarks? | weather | space
        """,
    "motion": r"""
        walk(?:s|ed|ing)? | r[ua]n(?:s|ning)? | mov(?:es?|ed|ing) | movements? | motions? | motionless
        | turn(?:s|ed|ing)? | jump(?:s|ed|ing)? | danc(?:es?|ed|ing) | rid(?:es?|ing) | driv(?:es?|ing)
        | fl(?:y|ies|ying|ows?|owing) | f[ae]ll(?:s|ing)? | ris(?:es?|ing) | lift(?:s|ed|ing)?
        | rais(?:es?|ed|ing) | lower(?:s|ed|ing) | reach(?:es|ed|ing)? | hold(?:s|ing)? | throw(?:s|ing)?
        | catch(?:es|ing)? | pull(?:s|ed|ing)? | push(?:es|ed|ing)? | open(?:s|ed|ing) | clos(?:es|ed|ing)
        | sits? | sitting | stand(?:s|ing)? | stood | lean(?:s|ed|ing)? | look(?:s|ed|ing)? | nod(?:s|ding)?
        | smil(?:es?|ing) | talk(?:s|ing)? | speak(?:s|ing)? | gestur(?:es?|ing) | wav(?:es|ed|ing)
        | shak(?:es?|ing) | sway(?:s|ing)? | rotat(?:es?|ing) | spin(?:s|ning)? | swim(?:s|ming)?
        | drift(?:s|ing)? | approach(?:es|ing)? | enters? | entering | exits? | exiting | pass(?:es|ing)
        | follow(?:s|ed|ing)? | continu(?:es|ed|ing) | begin(?:s|ning)? | starts? | then | remains?
        | stationary | still | static | performs? | performing | appears? | disappears?
        | travel(?:s|ing|ling)?
        """,
    "spatial": r"""
        left | right | cent(?:er|re)(?:ed|d)? | middle | foreground | midground | background | behind
        | in\ front | beside | next\ to | above | below | beneath | between | near(?:by)? | distance
        | distant | far | close(?:r|-up)? | top | bottom | upper | lower | corners? | edges? | sides?
        | frame[ds]? | framing | wide | medium | full\ shot | depth | across | toward[s]? | away\ from
        | off-screen | on-screen
        """,
    "camera": r"""
        camera(?:'s)? | shots? | angle[sd]? | lens | focus(?:ed|es)? | zoom(?:s|ed|ing)?
        | pan(?:s|ned|ning)? | tilt(?:s|ed|ing)? | doll(?:y|ies|ying) | handheld | drone | footage
        | time[ -]?lapse | slow[ -]motion | depth\ of\ field | bokeh | point\ of\ view | pov | perspective
        | viewpoint | aerial | close-up | eye[ -]level
        """,
}
_WORDS_OF = {
    aspect: re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.VERBOSE) for aspect, words in _EVERYDAY_WORDS.items()
}


def mentions_aspect(text: str, lexicon: Lexicon) -> bool:
    """Whether the caption says anything of the lexicon's aspect."""
    words = _WORDS_OF.get(lexicon.aspect)
    return bool(words and words.search(normalize(text))) or bool(primitives_named_in(text, lexicon))
