"""What metrics need of clips, made once and kept: sounds, embeddings, labels; and the models."""
