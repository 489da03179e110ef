"""Reading definitions: from YAML nodes to frozen values, with every fault at its place."""
