"""A Qwen3-VL of a million random weights, with a tokenizer, a chat template and processors of its own.

`python tests/vllm/tiny_model.py FOLDER` writes it, in the environment of vLLM. What it says is noise; the server
treats it like a real one: the same architecture, the same video processing, the same prompt layout.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Qwen2TokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
SPECIAL += ["<|image_pad|>", "<|video_pad|>"]
WORDS = ["Yes", "No"]
"""Single tokens, as in the real vocabulary: a judgment is one of them."""
_SENTENCES = [
    "The camera pans left while a person walks along the street.",
    "Describe the motion of the subject, the scene, the camera and the spatial framing in this video.",
    "Does this caption match the video? Please answer Yes or No.",
    "user assistant system seconds 0 1 2 3 4 5 6 7 8 9 . , < > ? !",
]
_TEMPLATE = """\
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content -%}
{%- if part.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>{% elif part.type == 'image' -%}
<|vision_start|><|image_pad|><|vision_end|>{% elif part.type == 'text' %}{{ part.text }}{% endif -%}
{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def tokenizer() -> Qwen2TokenizerFast:
    """Byte-level BPE over a few sentences: any text can be written in it, in about 460 tokens."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained.train_from_iterator(
        _SENTENCES * 4, trainers.BpeTrainer(vocab_size=450, initial_alphabet=alphabet, show_progress=False)
    )
    trained.add_special_tokens(SPECIAL)
    trained.add_tokens(WORDS)
    made = Qwen2TokenizerFast(tokenizer_object=trained, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    made.chat_template = _TEMPLATE
    return made


def model(words: Qwen2TokenizerFast) -> Qwen3VLForConditionalGeneration:
    """Two layers of vision, two of language; the seed is fixed, so that it says the same everywhere."""
    token = words.convert_tokens_to_ids
    text = {
        "vocab_size": len(words),
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "max_position_embeddings": 4096,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 500_000.0,
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        },
        "pad_token_id": token("<|endoftext|>"),
    }
    vision = {
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 2,
        "out_hidden_size": 128,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    }
    torch.manual_seed(7)
    config = Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        eos_token_id=token("<|im_end|>"),
    )
    return Qwen3VLForConditionalGeneration(config)


def write(folder: Path) -> None:
    """The model as a folder of the hub's layout."""
    words = tokenizer()
    size = {"shortest_edge": 32 * 32 * 512, "longest_edge": 32 * 32 * 2048}
    still = Qwen2VLImageProcessor(patch_size=16, temporal_patch_size=2, merge_size=2, size=size)
    moving = Qwen3VLVideoProcessor(size=size, fps=2, min_frames=4, max_frames=16)
    processor = Qwen3VLProcessor(still, words, moving, chat_template=_TEMPLATE)
    made = model(words)
    made.generation_config.eos_token_id = words.convert_tokens_to_ids("<|im_end|>")
    made.save_pretrained(folder)
    processor.save_pretrained(folder)
    print(f"{sum(weight.numel() for weight in made.parameters()):,} parameters, {len(words)} tokens in {folder}")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
