"""What models wrap around a caption is taken off, and what is no caption is refused: a list of each, and clean ones."""

import pytest

from chai_resources.captioners.calls.acceptance import fault, settled
from chai_resources.captioners.calls.unwrapping import unwrapped
from chai_resources.captioners.protocol import Request, Result, TaskName

CAPTION = "A cyclist in a red jacket crosses a wooden bridge. The camera follows her from behind at a walking pace."
PROMPT = (
    "Describe how the camera moves in this video, and nothing else at all.\n\n## Rules\n\n- Be plain.\n\nSay it short."
)


def answered(text: str, task: TaskName = "draft", finish: str = "stop") -> Result:
    return settled(Request("k", "req_1", task, PROMPT, {}), Result("k", "m", "1", text, finish))


WRAPPED = [
    "<think>The user wants one paragraph.\n\nBridge, cyclist.</think>\n\n{}",
    "<think>\n\n</think>\n\n{}",
    "The user asks for a caption, so I look at the frames.\n</think>\n{}",
    "<thinking>a bridge</thinking>{}",
    "<reasoning>a bridge</reasoning>\n{}",
    "[THINK]a bridge[/THINK]{}",
    "◁think▷a bridge◁/think▷{}",
    "<|channel|>analysis<|message|>We need a caption.<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "{}<|im_end|>",
    "{}<|im_end|>\n<|im_start|>user\nNow describe the subject.<|im_end|>\n<|im_start|>assistant\nA woman.",
    "{}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThanks!",
    "{}</s>",
    "{}</s> [INST] And the light? [/INST] It is soft.",
    "{}<end_of_turn>\n<start_of_turn>user\nMore, please.",
    "{}<|endoftext|>Human: what is this?",
    "{}<|end|>",
    "{}<｜end▁of▁sentence｜>",
    "{}<end_of_utterance>",
    "<|im_start|>assistant\n{}<|im_end|>",
    "<start_of_turn>model\n{}<end_of_turn>",
    "<s>{}</s>",
    "<|begin_of_box|>{}<|end_of_box|>",
    "{}\n\nUser: And what about the light?\nAssistant: It is soft.",
    "{}\n\nHuman: thanks\n\nAssistant: You are welcome.",
    "{}\n### Instruction:\nDescribe another video.",
    "Assistant: {}",
    "ASSISTANT: {}",
    "assistant\n\n{}",
    "### Response:\n{}",
    "**Answer:** {}",
    "Certainly! Here is the caption:\n\n{}\n\nLet me know if you need any changes!",
    "Certainly! Here's a concise description of the camera movement in the video:\n\n{}",
    "Sure, here is the corrected caption: {}",
    "Of course! {}",
    "Okay, here is the description based on what is known:\n\n{}",
    "Here is the revised caption:\n{}",
    "Here's the revised version of the caption, with all corrections applied:\n\n{}",
    "Below is the final caption.\n\n{}",
    "Based on the video and the labels, here is the caption:\n\n{}",
    "This is a description of the camera work in the video:\n\n{}",
    "Thank you for the details! Here is the updated paragraph:\n\n{}",
    "{}\n\nLet me know if you would like it shorter.",
    "{} Let me know if you need anything else!",
    "{}\n\nI hope this helps!",
    "{}\n\nFeel free to ask for another version.",
    "{}\n\nWould you like me to describe the light as well?",
    "{}\n\n(Word count: 21)",
    "{}\n\n**Note:** I kept the rest of the caption unchanged.",
    "{}\n\nChanges made:\n- replaced the color\n- removed the opinion",
    "{}\n\n---\n\nThis caption follows all of the rules given above.",
    "```\n{}\n```",
    "```text\n{}\n```",
    "Here is the caption:\n\n```markdown\n{}\n```\n\nLet me know if it fits.",
    "~~~\n{}\n~~~",
    '"{}"',
    "“{}”",
    "'{}'",
    "«{}»",
    "`{}`",
    "Caption: {}",
    "**Caption:** {}",
    "**Caption**: {}",
    "Final Caption: {}",
    "### Caption\n\n{}",
    "## Revised caption\n{}",
    "# Camera movement\n\n{}",
    "**Camera Motion**\n\n{}",
    "**{}**",
    "> {}",
    "- {}",
    "---\n{}\n---",
    "\\boxed{{{}}}",
    "<caption>{}</caption>",
    "<answer>\n{}\n</answer>",
    '{{"caption": "{}"}}',
    '```json\n{{"caption": "{}"}}\n```',
    '{{"description": "{}"}}',
    '["{}"]',
    '[{{"text": "{}"}}]',
    '{{"result": {{"caption": "{}"}}}}',
    '<think>JSON, then.</think>\nSure! Here is the caption:\n```json\n{{"caption": "{}"}}\n```\nLet me know!<|im_end|>',
    "\n\n  {}  \n",
    "\ufeff{}",
]
"""Ways in which models wrap a caption, each of which leaves just the caption."""


@pytest.mark.parametrize("way", WRAPPED)
def test_what_is_only_wrapping_is_taken_off_and_kept_in_the_raw_answer(way: str):
    said = way.format(CAPTION)
    result = answered(said)
    assert (result.text or "").strip() == CAPTION, result.error
    if said.strip() != CAPTION:
        assert result.raw == said
    assert unwrapped(CAPTION) is CAPTION


NO_CAPTION = {
    "I'm sorry, but I can't help with that.": "refused",
    "I’m unable to view videos directly.": "refused",
    "As an AI language model, I do not have eyes.": "refused",
    "Unfortunately, I cannot see the video.": "refused",
    "I don't see any video in your message.": "refused",
    "It seems that no video was provided. Please upload it.": "refused",
    "You haven't attached a video.": "refused",
    "The video could not be loaded.": "refused",
    "My apologies, this is not possible.": "refused",
    "A person walks. However, I cannot determine who it is without more frames.": "refused",
    "Could you please provide the video you want me to describe?": "question",
    "What would you like me to describe?": "question",
    "Is this the right video?": "question",
    "Please share the video so that the caption can be written.": "question",
    "": "empty",
    " \n ": "empty",
    "...": "blank",
    "N/A": "blank",
    "None": "blank",
    "Done.": "blank",
    "[Insert caption here]": "blank",
    "Yes": "blank",
    "**Option 1:** The camera pans left.\n\n**Option 2:** The camera follows the dog.": "options",
    "Caption 1: The camera pans left.\nCaption 2: The camera follows the dog.": "options",
    "Version A: The dog runs.\nVersion B: The dog walks.": "options",
    "The user wants a caption of the camera motion. The labels say that it pans.": "talk",
    "Okay, let me look at the frames first. There is a dog.": "talk",
    "Let me think about what the camera does here.": "talk",
    "We need to write one paragraph about the camera and the dog.": "talk",
    "I will write the caption according to the rules that were given.": "talk",
    "My task is to describe the video in one paragraph.": "talk",
    "The instructions say that the caption has to be one paragraph.": "talk",
    "<think>The user wants a caption of the camera motion, and": "reasoning",
    "<think>The user wants a caption.</think>": "empty",
    "the camera pans left and " * 30: "repeated",
    "pan pan pan pan pan pan pan pan pan pan": "repeated",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "repeated",
    "镜头缓慢向左移动，画面中有一个人。": "language",
    "La cámara se mueve lentamente hacia la izquierda mientras la mujer camina por el puente de madera.": "language",
    "Die Kamera folgt der Frau langsam von hinten, während sie über die hölzerne Brücke fährt.": "language",
    "La caméra suit lentement la femme de derrière pendant qu'elle traverse le pont en bois.": "language",
    "#### $$$ @@ 00 11 22 33 44 ### !!": "garbage",
    "qwe rty uio pas dfg hjk lzx cvb nmq wer tyu iop asd fgh jkl zxc vbn mqw ert yui": "garbage",
    '{"subject": "a dog", "motion": "runs"}': "json",
    '{"findings": []}': "json",
    '{"caption": "A dog runs", "confidence": 0.9}': "json",
    '{"caption": "A dog ru': "json",
    '["A dog runs.", "A cat sleeps."]': "json",
    '{"caption": ""}': "empty",
    PROMPT: "prompt",
    "## Rules\n\n- Be plain. The dog runs over the bridge to the right.": "prompt",
    "Describe how the camera moves in this video, and nothing else at all. It pans to the left.": "prompt",
    "The [insert color] dog runs to the left of the bridge.": "placeholder",
    "A dog runs over {{place}} and stops.": "placeholder",
    "<div>A dog runs over the bridge.</div> It stops.": "markup",
    "The camera <|vision_pad|> pans to the left.": "tokens",
    "A dog\ufffd runs over the bridge.": "broken_text",
    "A dog\x00 runs over the bridge.": "broken_text",
    "A dog \ud83d runs over the bridge.": "broken_text",
    "word " + "x" * 31_000: "too_long",
}
"""Answers that are no caption, each with the code of the rule that says so."""


@pytest.mark.parametrize(("said", "code"), NO_CAPTION.items(), ids=lambda said: ascii(said)[:40])
def test_what_is_no_caption_is_refused_with_a_reason_and_what_to_do(said: str, code: str):
    result = answered(said)
    assert result.error is not None
    assert (result.text, result.error.code) == (None, code)
    assert ": " in result.error.message, "the remedy"
    assert len(result.error.message) < 400
    assert (result.raw is None) == (said == ""), "what was paid is kept"
    f"{result}".encode()


def test_a_caption_may_keep_what_its_prompt_ends_with():
    last = "The camera pans slowly to the left along the fence and then stops beside the old gate."
    prompt = f"Merge the captions of one video below into a single caption of at most 300 words.\n\n## camera\n\n{last}"
    assert fault(f"A dog runs. {last}", "stop", prompt=prompt) is None


CLEAN = [
    CAPTION,
    'A sign says "Sorry, I can\'t help you" above the door. The camera is static.',
    '"STOP" is written on the sign, and beside it "GO".',
    "The man says, “Let me know if you need help.” He leaves to the left.",
    "The shot is static: a dog sleeps. Here is no other animal.",
    "Static shot.",
    "A 3D-rendered robot (version 2) walks; its eyes glow.\nThen it stops.",
    "Snow falls at 10:30 in the morning. ",
    "El Camino Real is written on the sign of the bus.",
    "A café's façade with the letters “Žižkov” stands on the left.",
    "A person types on a keyboard; the screen shows code of which no more can be read.",
    "The user interface of a game is shown: a health bar, a map and two buttons.",
    "The camera tilts up\u2028and then pans left.",
    "A woman asks a question and walks on.",
    "Text on the screen reads: Option 1. The player chooses it.",
]


@pytest.mark.parametrize("caption", CLEAN)
def test_a_caption_keeps_every_byte(caption: str):
    result = answered(caption)
    assert (result.text, result.error, result.raw) == (caption, None, None)


def test_a_critique_may_ask_list_and_speak_of_captions():
    for said in (
        '1. Write "pans left" instead.\n2. Remove the last sentence.',
        "Is the dog brown? The caption says black.",
        "The user cannot know from the caption which of the dogs is meant: say it. I cannot see the second one.",
    ):
        assert answered(said, "polish").text == said
    assert answered(f"Here is the polished critique:\n\n{CAPTION}", "polish").text == CAPTION


@pytest.mark.parametrize(
    ("finish", "kind", "code"),
    [
        ("length", "permanent", "truncated"),
        ("max_tokens", "permanent", "truncated"),
        ("content_filter", "blocked", "refused"),
        ("recitation", "blocked", "refused"),
        ("spii", "blocked", "refused"),
        ("language", "permanent", "language"),
        ("malformed_function_call", "retryable", "tool"),
        ("tool_calls", "retryable", "tool"),
        ("abort", "retryable", "interrupted"),
        ("other", "retryable", "unfinished"),
        ("a new reason", "retryable", "unfinished"),
    ],
)
def test_how_an_answer_ended_decides_before_what_it_says(finish: str, kind: str, code: str):
    error = answered(CAPTION, finish=finish).error
    assert error is not None
    assert (error.kind, error.code) == (kind, code)
