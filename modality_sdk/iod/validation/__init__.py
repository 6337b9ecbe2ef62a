"""Whether an object is what the standard demands, with nothing taken on trust."""
