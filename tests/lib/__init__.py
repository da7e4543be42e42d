"""What the tests drive Corella with: processes, their homes, and a real Thunderbird."""
