"""What the command line does and shows; its parser is `curate.cli`."""
