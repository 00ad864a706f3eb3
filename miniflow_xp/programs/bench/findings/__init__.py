"""What a run says: its series and comparisons, the verdicts on them in sentences, and how far to trust them."""
