"""
Pages that explain texts while they are typed; they need the extra `app`.

The rule of this room: what a visitor types is shown as text, and work that nobody waits for
ends.
"""

from pylime.app.page import (
    interactive_text_explanations,
    render_text_explanations,
    text_explanations_output,
)

__all__ = ["interactive_text_explanations", "render_text_explanations", "text_explanations_output"]
