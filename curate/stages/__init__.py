"""The steps of a build, one module each; `curate.pipeline` has them in order."""
