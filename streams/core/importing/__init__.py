"""From what others keep (dirty tables, trade messages) to uploads: pure functions, no files."""
