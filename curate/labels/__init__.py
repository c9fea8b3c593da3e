"""What can be said of audio: by the file's tags, by signal analysis, later by models and people.

Every statement is a `Label` with its source and score; `fields.choose` decides late which of them
the dataset asserts.
"""
