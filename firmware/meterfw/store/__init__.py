"""What outlives a power cut: the journal, the event log, the captures, files."""
