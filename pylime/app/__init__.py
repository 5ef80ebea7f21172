"""
Pages that explain texts while you type; they need the extra `app`.

The rule of this room: a page shows everything that a visitor types as text, never as HTML,
and stops work that nobody waits for.
"""

from pylime.app.page import (
    interactive_text_explanations,
    render_text_explanations,
    text_explanations_output,
)

__all__ = ["interactive_text_explanations", "render_text_explanations", "text_explanations_output"]
