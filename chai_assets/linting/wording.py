"""Words that no caption wants, whatever its aspect: guesses, moods, the writer, and talk about the video.

Each pattern is kept to wordings that are wrong nearly always; a rare miss costs less than a hint that cries wolf.
"Throughout the video" and "as the video progresses" tell when, and are left alone; "the video shows" says nothing.
Text is made ready by `phrase_patterns.normalize` first.
"""

import re

from chai_assets.linting.wording_index import beginnings

# Words that make a video the thing filmed, not the one described.
_THING = r"(?!\ (?:games?|calls?|cameras?|screens?|monitors?|walls?|conferences?|feeds?|players?|cassettes?|chats?)\b)"
_LOOK = r"(?:entire|whole|first|second|(?:slow|fast|stop)[\ -]motion|time[\ -]?lapse|short|brief)"

_WORDING = {
    "hedge": r"""
        seems?(?:\ to)? | seeming(?:ly)? | appears?\ to(?:\ be|\ have)? | appearing\ to(?:\ be|\ have)?
        | possibly | perhaps | maybe | probably | presumably | supposedly | apparently
        | (?:most\ |very\ )?likely(?!\w)(?=\ (?!to\b)) | likely\ to\ be
        | (?:might|may|could)\ (?:have\ )?(?:be|been|have) | as\ (?:if|though)
        | suggest(?:s|ing)(?:\ that|\ it|\ an?|\ the)?
        """,
    "subjective": r"""
        (?:creat|giv|convey|evok|add|lend|enhanc|produc|establish|provid)(?:e|es|ing|s)?\ (?:\w+\ ){0,3}?
            (?:sense|feeling|feel|mood|atmosphere|impression|vibe|touch|drama|aura|air)(?:\ of)?
        | (?:mood|vibe|atmosphere)\b(?!\ (?:of\ the\ planet|layers?)) | sense\ of\ \w+
        | beautiful(?:ly)? | stunning(?:ly)? | breathtaking | gorgeous | majestic(?:ally)? | picturesque | serene(?:ly)?
        | tranquil | eerie | mesmeri[sz]ing | captivating | immersive | enchanting | awe-inspiring | spectacular
        | cinematic(?:ally)?(?:\ (?:feel|look|quality|effect|style))? | dramatic(?:\ (?:effect|feel))?
        | dynamic(?:\ and\ \w+)?\ (?:feel|energy|effect|atmosphere|visual\ effect|quality|experience)
        | (?:visually\ )?(?:appealing|pleasing)
        | (?:visually\ )?striking(?!\ (?:the|an?|his|her|its|their|each|one|him|it|them|with|at|against)\b)
        | (?:full\ of|(?:filled|brimming|charged|heavy)\ with|steeped\ in|oozing|exud(?:es|ing))\ (?:\w+\ )?(?:tension
            |drama|emotions?|energy|suspense|mystery|menace|nostalgia|melancholy|excitement|charm|joy|calm|intensity
            |foreboding|romance|wonder|life|passion|dread|serenity)
        | atmospheric(?!\ (?:pressure|gas|gases|haze|conditions|layers?)\b) | (?:un)?forgettable | awe | haunting(?:ly)?
        | mysterious(?:ly)? | ominous(?:ly)? | suspenseful | nostalgic | dreamy | dreamlike | magical(?:ly)?
        | ethereal(?:ly)? | whimsical(?:ly)? | charming | lovely | melancholic | poignant | hypnotic | thrilling
        | exhilarating | epic | moody | evocative | soothing | uplifting | heartwarming | magnificent
        | wonderful(?:ly)? | amazing(?:ly)?
        | evok(?:e|es|ing) | emphasi[sz](?:e|es|ing)
        """,
    "meta": rf"""
        (?<!of\ )(?<!during\ )(?<!throughout\ )(?:the|this)
            \ (?:{_LOOK}\ |[\w']+-[\w-]+\ ){{0,2}}
            (?:video(?:\ clip)?|footage|film\ clip)(?!'s|\ (?:progresses|goes\ on)\b){_THING}
        | (?:the|this)\ clip(?=\ (?:shows?|begins?|starts?|ends?|features?|is|opens?|depicts?|captures?|plays?)\b)
        | in\ (?:the|this)\ clip
        | (?:the|this)\ (?:caption|description) | frame[\ -]by[\ -]frame
        """,
    "first_person": r"""
        we(?:'re|'ve|'ll)? | our(?!\w) | ours | ourselves | us | i(?:'m|'d|'ve)
        | i\ (?:see|can|could|think|believe|guess|notice|feel|am|was|have|would|assume)
        """,
}
_PLAIN = {kind: re.sub(r"(?<!\\)\s+", "", pattern).replace(r"\ ", " ") for kind, pattern in _WORDING.items()}
WORDING = re.compile(
    rf"(?<![\w'-])(?={beginnings(_PLAIN.values())})"
    rf"(?:{'|'.join(f'(?P<{kind}>{pattern})' for kind, pattern in _PLAIN.items())})(?![\w-])"
)
"""Finds the words of a caption that are at fault in themselves; the group that matched is the kind."""

ADVICE = {
    "hedge": "is a guess: say outright what can be seen, or leave it out.",
    "subjective": "is an impression: say what can be seen instead.",
    "meta": "speaks of the recording: describe what it shows.",
    "first_person": "puts the writer into the caption: describe what can be seen.",
}
