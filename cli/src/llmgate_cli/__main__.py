"""``python -m llmgate_cli`` is ``llmgate``."""

from .main import main

if __name__ == "__main__":
    main()
