"""Sound from texts: `generating` fills folders of clips, `sampling` draws codes, `decoding` reads
them step by step, `prompts` are what is asked for."""
