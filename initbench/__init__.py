"""initbench: settle, with evidence, which weight initialization a network should start from."""
