"""The openai.chat dialect and the openai provider type (any compatible server)."""


class OpenAIPlugin:
    """The openai.chat dialect and the openai provider type (any compatible server)."""
