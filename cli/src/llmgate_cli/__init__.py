"""The llmgate command."""
