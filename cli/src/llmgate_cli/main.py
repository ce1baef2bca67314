"""Entry point of the `llmgate` command."""


def main() -> None:
    """Run the command line."""
    raise SystemExit("llmgate: the command line is not built yet")
