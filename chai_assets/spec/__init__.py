"""The caption specification: what a caption says, what annotators are asked, and what follows from it.

The YAML files under `versions/<version>` are its only source. `releases` knows which of them are released,
`load` reads one and refuses it when it contradicts itself, `models` are its types, `compile` makes from it the
labeling page's rows, the draft prompt's facts and the sentences of a caption. Nothing here knows Label Studio or
a model.
"""
