"""The anthropic.messages dialect and the anthropic provider type."""


class AnthropicPlugin:
    """The anthropic.messages dialect and the anthropic provider type."""
