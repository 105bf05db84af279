"""``initbench schema``: what an editor needs to complete and check a config."""

from __future__ import annotations

import json

from initbench.cli import console


def schema() -> None:
    """Print the JSON Schema of a config, for editors.

    Example: initbench schema > initbench.schema.json

    The config's first line then tells the editor:
    # yaml-language-server: $schema=initbench.schema.json
    """
    from initbench.config import json_schema

    console.say(json.dumps(json_schema(), indent=1, ensure_ascii=False))
