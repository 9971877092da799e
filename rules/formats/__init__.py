"""Text in and out: JSON, YAML, times, durations, language tags, phrases. Knows no rule."""
