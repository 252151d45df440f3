"""The caption specification: what a caption says, what annotators are asked, and what follows from it.

The YAML files under `versions/<version>` are its only source. `loading` reads a version and refuses one that
contradicts itself, `models` are its types, `compile` makes from it the questions of a labeling page, the facts of a
draft prompt and the sentences of a caption. `versioning` compares versions and carries answers from one to the next,
`authoring` checks and releases a new one, `handbook` shows it to annotators. Nothing here knows Label Studio's pages
or a model.
"""
