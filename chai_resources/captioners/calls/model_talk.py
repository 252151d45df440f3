"""Words in which a model speaks to its user instead of writing what it was asked for. Patterns only.

They are few, leave alone what a caption may say, and are bounded, so that no answer can make a search long.
"""

import re

_NOT = r"(?:did\ not|didn['’]t|have\ not|haven['’]t)"
_CANNOT = r"(?:cannot|can['’]t|am\ unable\ to|['’]m\ unable\ to|am\ not\ able\ to)"
_SEEMS = r"(?:it\ (?:seems|appears|looks\ like)\ (?:that\ )?)?"
_CAPTION = r"(?:caption|description|question)"

REFUSAL = re.compile(
    rf"""(?ix) \W{{0,20}} (?:
    i(?:['’]?m|\ am)\ (?:very\ sorry|so\ sorry|sorry|not\ able|unable|afraid)\b | sorry,|sorry\ i\b
    | i\ (?:can(?:no|['’])t|won['’]t|could\ ?n[o'’]t|do(?:\ not|n['’]t)\ (?:see|have))\b
    | as\ an?\ (?:\w+\ )?(?:ai|language)\b | unfortunately,?\ (?:i|there|the\ video|no)\b
    | i\ do\ not\ have\ the\ ability\b | (?:my\ )?apolog(?:ies|i[sz]e)\b | i\ apologi[sz]e\b
    | i\ must\ (?:decline|refuse)\b
    | {_SEEMS}(?:no|there(?:['’]s|\ is)\ no|you\ {_NOT})\ [\w\ ]{{0,24}}
      \b(?:video|clip|image|attachment|caption)s?\b [\w\ ]{{0,12}}
      \b(?:provided|attached|uploaded|included|supplied|available|shared|found)
    | {_SEEMS}you\ (?:{_NOT}|forgot\ to)\ (?:provide|attach|upload|include|share)
    | the\ (?:video|clip|image)(?:\ file)?\ (?:is\ not|isn['’]t|was\ not|wasn['’]t|cannot\ be|could\ not\ be|can['’]t
      \ be|failed\ to)
      \ (?:available|provided|attached|accessible|loaded|load|played|viewed|opened|included|accessed)
    | (?:unable|not\ able)\ to\ (?:view|access|process|watch|analy[sz]e|describe|generate|provide)\b
    | (?:this|your)\ (?:request|content|prompt)\ (?:violates|was\ flagged|cannot\ be)\b )"""
)
"""How a refusal begins. Only at the start: a caption may well quote a sign that says sorry."""

TALK_OF_A_MODEL = re.compile(
    rf"""(?ix) \b(?: as\ an?\ (?:ai|(?:large\ |multimodal\ |vision\ )?language\ model)\b
    | i\ ?{_CANNOT}\ (?:see|view|watch|access|provide|describe|determine|help|assist|comply|process|analy[sz]e|generate
      |create|fulfil+)\b
    | i\ (?:do\ not|don['’]t)\ have\ (?:access|the\ ability|enough\ (?:information|context))
    | (?:violates?|against)\ (?:our|the|my)\ (?:content|usage|safety)\ (?:polic|guideline) )"""
)
"""What only a model says of itself, wherever it stands outside quotation marks."""

PLANNING = re.compile(
    rf"""(?ix) \W{{0,20}}
    (?:(?:okay|ok|alright|all\ right|hmm|right|well|so|now|first(?:ly)?|wait|sure|let['’]s\ see)[,.!]?\s{{1,4}}){{0,4}}
    (?: let\ me\b | let['’]s\ (?:think|analy[sz]e|break|see|look|start|write|craft|go)\b
    | i(?:['’]ll|\ will|\ need\ to|\ have\ to|\ should|\ must|\ want\ to|['’]m\ going\ to|\ am\ going\ to|\ am\ asked
      |\ was\ asked|['’]d\ be\ happy|\ would\ be\ happy|\ can\ help|\ can\ certainly|\ understand)\b
    | we\ (?:need|have|are\ asked|must|should)\ to\b | we(?:['’]re|\ are)\ (?:asked|given|told)\b | my\ task\b
    | the\ (?:user|prompt|instructions?|task|question|request)s?\ (?:is|are|was|wants?|asks?|asked|says?|said|requires?
      |gives?|provided|given|needs?|mentions?)\b
    | the\ provided\ (?:labels|facts|information|instructions|text|prompt|critique|feedback)\b
    | to\ (?:write|create|craft|generate|revise|correct|answer)\ (?:this|the|a)\ {_CAPTION}\b
    | step\ 1\b | thought\ process\b | thinking\ process\b
    | (?:here(?:['’]s|\ is)\ )?my\ (?:thought|thinking|analysis|reasoning)\b )"""
)
"""How a model begins that tells of its task instead of doing it."""

ASKS = re.compile(
    r"""(?ix) \b(?:could|can|would|will)\ you\ (?:please\ |kindly\ )?(?:provide|share|upload|clarify|specify|tell|send
      |describe|give|confirm|attach|let|like|want)\b
    | \bplease\ (?:provide|share|upload|attach|supply|clarify|send|specify|confirm)\b
    | \bdo\ you\ (?:want|need|prefer|mean)\b | \bwhat\ would\ you\ like\b | \bhow\ (?:can|may)\ i\ (?:help|assist)\b
    | \bwhich\ (?:one|aspect|version|video)\ (?:would|do|should)\b"""
)

OPTION = re.compile(
    r"""(?imx) ^[ \t\#>*_-]{0,12} (?:option|version|alternative|variant|candidate|choice|caption|description|draft)
    \s{0,2}\#?\s{0,2}(?:\d|[a-e]\b|one|two|three)[^\n]{0,40}?(?:[:.)–—-]|\*\*|$)"""
)
"""The head of one of several proposals."""

BLANK = re.compile(
    r"""(?ix) \W{0,20}(?:n/?a|none|null|nil|nan|undefined|todo|tbd|error|unknown|string|yes|no|ok|okay|done
    |sure|certainly|true|false|understood|(?:no\ )?(?:caption|description|answer|text|response|output|change[sd]?)
    (?:\ here|\ needed)?
    |no\ changes\ (?:are\ )?needed|(?:insert|your|the)\ (?:caption|description|text)(?:\ here)?)?\W{0,20}"""
)
"""A text that says nothing."""

PLACEHOLDER = re.compile(
    r"""(?ix) \blorem\ ipsum\b | \[(?:insert|your|add|describe|subject|object|person|colou?r|action|name|placeholder)\b
    [^\]\n]{0,60}\] | \{\{?\w{1,40}\}?\} | \$\{?[a-z]{1,40}\}"""
)

TOKENS = re.compile(
    r"<[|｜][^<>|｜\s]{1,40}[|｜]>|\[/?INST\]|</?s>|<</?SYS>>|<unk>|<0x[0-9A-F]{2}>|<(?:image|video|pad|mask)>"
)
"""Control tokens that should have been none of the text."""

MARKUP = re.compile(
    r"""(?ix) </?(?:div|span|p|br|html|body|think|answer|caption|response|output|tool_call|function|script|table
    |li|ul|xml)\b[^<>]{0,200}> | ``` | \\boxed\{"""
)
