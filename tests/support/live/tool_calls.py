"""A request for a streamed tool call, and what the counting engine answers it."""

from __future__ import annotations

from typing import Any

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL = {"id": "0", "type": "function", "function": {"name": "weather", "arguments": {"city": "é"}}}
#: A streamed call, and what TGI answers when it is asked for it whole
CALLED = {"message": {"role": "assistant", "tool_calls": [CALL]}, "finish_reason": "stop"}
TOOLS: dict[str, Any] = {"model": "solo", "stream": True, "tools": [TOOL], "x_choice": CALLED}
