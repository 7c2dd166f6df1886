"""What everything stands on: files, paths, signals, logs, languages."""
