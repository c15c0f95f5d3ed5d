"""Generation, guarded: photos from nothing, photos from maps, and the tokenizer's reconstruction."""
